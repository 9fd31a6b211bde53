/** What a process says of itself once all its ports listen. */
export type ReadyInfo = {
  service: string;
  /** The real ones, also where 0 was asked for. */
  ports: Readonly<Record<string, number>>;
} & ({ node_id: string } | { epoch: string });

/**
 * Writes the one line on stdout by which tests and scripts know that a process is up, and where.
 * It is not a log line: no LOG_LEVEL silences it.
 */
export function writeReadyLine(
  ready: ReadyInfo,
  stream: { write(line: string): unknown } = process.stdout,
): void {
  const { service, ports, ...identity } = ready;
  stream.write(`${JSON.stringify({ msg: "ready", service, ...identity, ports })}\n`);
}
