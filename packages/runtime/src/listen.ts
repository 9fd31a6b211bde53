import type { Server } from "node:net";

const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EACCES: "permission denied",
  EADDRNOTAVAIL: "no such address on this machine",
  ENOTFOUND: "host name not found",
};

/** A server cannot listen where a setting told it to. */
export class ListenError extends Error {
  /** The name of the setting that has the port. */
  readonly setting: string;
  readonly port: number;
  readonly problem: string;

  constructor(setting: string, port: number, cause: NodeJS.ErrnoException) {
    const problem = PROBLEMS[cause.code ?? ""] ?? cause.message;
    super(`cannot listen on ${setting}=${port}: ${problem}`, { cause });
    this.name = "ListenError";
    this.setting = setting;
    this.port = port;
    this.problem = problem;
  }
}

export interface ListenAddress {
  host: string;
  /** 0 is any free one. */
  port: number;
  /** The name of the setting that has the port, for the error. */
  setting: string;
  /**
   * Connections that may wait in the kernel to be accepted, which has a bound of its own (on Linux
   * `net.core.somaxconn`). Further ones are tried again after 1, 3, 7 … s. @default 511, Node's
   */
  backlog?: number;
}

/**
 * Starts to listen.
 * @returns the real port
 * @throws ListenError
 */
export function listen(server: Server, address: ListenAddress): Promise<number> {
  const { setting, ...where } = address;
  const { port } = where;
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) => reject(new ListenError(setting, port, cause));
    server.once("error", refuse);
    server.listen(where, () => {
      server.off("error", refuse);
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : port);
    });
  });
}
