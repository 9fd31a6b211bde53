/** What the arguments ask for. */
export type Command =
  | { readonly name: "print"; readonly text: string }
  | ApplyCommand
  | StatusCommand
  | DeleteCommand;

/** Which cluster, and as whom. */
export interface AccessOptions {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
}

export interface ApplyCommand extends AccessOptions {
  readonly name: "apply";
  readonly source: ManifestSource;
  /** `dry-run` and `diff` change nothing. */
  readonly mode: "apply" | "dry-run" | "diff";
  /** With `diff`, changes are told by the exit code. */
  readonly exitCode: boolean;
  readonly forceConflicts: boolean;
  readonly timeoutMs: number;
  readonly patienceMs: number;
}

/** Where the manifests come from. */
export type ManifestSource =
  /** Committed, in `charts/`. */
  | { readonly kind: "profile"; readonly profile: string }
  /** Synthesized anew, with a file of the user's own over a profile. */
  | { readonly kind: "config"; readonly file: string; readonly profile: string | undefined }
  | { readonly kind: "folder"; readonly folder: string };

export interface StatusCommand extends AccessOptions {
  readonly name: "status";
  readonly namespace: string;
}

export interface DeleteCommand extends AccessOptions {
  readonly name: "delete";
  readonly namespace: string;
  readonly withData: boolean;
  readonly timeoutMs: number;
}
