/** How `pushcast` ends: sysexits.h where that has a code, so that scripts can tell what to do. */
export const EXIT_CODES = {
  ok: 0,
  failed: 1,
  partial: 2,
  usage: 64,
  data: 65,
  noInput: 66,
  unavailable: 69,
  cannotCreate: 73,
  tryLater: 75,
  noPermission: 77,
  config: 78,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** What each says, as the docs have it. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT_CODES, string>> = {
  ok: "Done. Also where Ctrl-C ended what runs until then, and where nobody reads stdout any more.",
  failed: "Looked at, and not well; a session that was ended; a port that is taken; a fault.",
  partial: "Done, but not everywhere: a node did not acknowledge, or did not answer.",
  usage: "The command line is wrong.",
  data: "What was given cannot be used: a room's name, content that is not its type, a key.",
  noInput: "A file that was named cannot be read.",
  unavailable: "Nobody serves: nobody listens there, TLS does not fit, no node is known.",
  cannotCreate: "A file cannot be written, or is there already.",
  tryLater: "Not now: no answer in time, too much at once. The same may work later.",
  noPermission: "Refused: who calls is not known, or may not do that.",
  config: "Settings in the environment, or certificates, are wrong.",
  interrupted: "Ctrl-C (SIGINT) came before it was done.",
  terminated: "SIGTERM came before it was done.",
};
