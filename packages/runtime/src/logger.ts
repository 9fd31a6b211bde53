import { type DestinationStream, destination, type Logger as PinoLogger, pino } from "pino";

/** From the least to the most severe; `silent` writes nothing. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields first, then a constant message: `log.warn({ nodeId, err }, "link down")`. */
export interface Logger
  extends Pick<PinoLogger, "trace" | "debug" | "info" | "warn" | "error" | "fatal"> {
  /** A logger that adds these fields to every line. */
  child(fields: Record<string, unknown>): Logger;
}

export interface CreateLoggerOptions {
  /** Stands in every line. */
  service: string;
  level: LogLevel;
}

const STDERR = 2;

/**
 * A logger of JSON lines on stderr. stdout is left to the ready line, for those who wait for it.
 * Lines are written at once, so that none is lost when the process ends.
 */
export function createLogger(
  { service, level }: CreateLoggerOptions,
  stream: DestinationStream = destination({ fd: STDERR, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
}
