export type WarningCode =
  /** Messages may be missing and nobody listens for gaps. Said once. */
  | "GAP_UNHEARD"
  /** The server sent what is no frame; it was ignored. */
  | "FRAME_MALFORMED"
  /** The server refused a frame that needs no answer. */
  | "FRAME_REFUSED"
  /** The `url` or `token` function failed, or the WebSocket could not be made. */
  | "CONNECT_FAILED";

/** Something that the developer of an app should know and its user need not. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
  /** What was thrown, if anything was. */
  readonly cause?: unknown;
}
