/** What the command ends with. From 64 on they are those of sysexits.h. */
export const ExitCode = {
  OK: 0,
  /** The API server refused something, or an object is not as it must be. */
  REFUSED: 1,
  /** `--diff --exit-code` found changes. */
  DIFFERS: 2,
  /** A rollout stalled or took too long, or the system is not healthy. */
  STALLED: 3,
  USAGE: 64,
  /** The API server cannot be reached. */
  UNREACHABLE: 69,
  /** The API server knows the caller not, or does not allow it. */
  FORBIDDEN: 77,
  /** The kubeconfig or the manifests are missing or broken. */
  CONFIG: 78,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What keeps the command from its end, told to a person: which object, and why. */
export class DeployError extends Error {
  override readonly name = "DeployError";
  readonly exitCode: ExitCode;
  /** Further lines, from the most to the least telling. */
  readonly details: readonly string[];

  constructor(
    exitCode: ExitCode,
    message: string,
    { details = [], cause }: { details?: readonly string[]; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.exitCode = exitCode;
    this.details = details;
  }
}
