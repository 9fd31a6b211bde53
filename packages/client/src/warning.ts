export type WarningCode =
  /** The server sent what is no frame; it was ignored. */
  | "FRAME_MALFORMED"
  /** The server refused a frame that needs no answer. */
  | "FRAME_REFUSED"
  /** The `url` or `token` function failed, or the WebSocket could not be made. */
  | "CONNECT_FAILED"
  /** The `token` function failed as a token was to be renewed. It is called again later. */
  | "TOKEN_FAILED";

/** Something that the developer of an app should know and its user need not. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
  /** What was thrown, if anything was. */
  readonly cause?: unknown;
}
