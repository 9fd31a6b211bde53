/** How `pushcast` ends: sysexits.h where that has a code, so that scripts can tell what to do. */
export const EXIT_CODES = {
  /** Done. */
  ok: 0,
  /** It was done and the answer is no: what `doctor` looked at is not well. Or a fault in the program. */
  failed: 1,
  /** Done, but not everywhere: a node did not acknowledge, or did not answer. */
  partial: 2,
  /** The command line is wrong. */
  usage: 64,
  /** What was given cannot be used: a room's name, content that is not its type, a token's text. */
  data: 65,
  /** A file that was named cannot be read. */
  noInput: 66,
  /** Nobody serves: the address does not answer, TLS does not fit, no node is known. */
  unavailable: 69,
  /** A file cannot be written. */
  cannotCreate: 73,
  /** Not now: too slow, too much. The same may work later. */
  tryLater: 75,
  /** Refused: who one is, or what one may do. */
  noPermission: 77,
  /** Settings in the environment, or files that they name, are wrong. */
  config: 78,
  /** SIGINT came before it was done. */
  interrupted: 130,
  /** SIGTERM came before it was done. */
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];
