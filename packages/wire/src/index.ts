export type {
  ClientFrame,
  JoinFrame,
  LeaveFrame,
  PingFrame,
  ResumeFrame,
  TokenFrame,
} from "./client-frame.ts";
export { type ClientCodec, clientCodec } from "./client-side.ts";
export {
  CLOSE_CODES,
  type CloseName,
  type CloseReason,
  closeReason,
} from "./close-codes.ts";
export {
  type Codec,
  type DecodeResult,
  JSON_SUBPROTOCOL,
  PROTO_SUBPROTOCOL,
  type Subprotocol,
} from "./codec.ts";
export {
  type ContentKind,
  contentKind,
  contentProblem,
  contentTypeProblem,
  DEFAULT_CONTENT_TYPE,
  MAX_CONTENT_TYPE_BYTES,
  mediaType,
} from "./content.ts";
export { ERROR_CODES, type ErrorCode } from "./error-codes.ts";
export { HTTP_ERRORS, type HttpErrorCode, httpErrorBody } from "./http-errors.ts";
export { keyHash } from "./idempotency.ts";
export { idProblem, MAX_ID_BYTES } from "./ids.ts";
export { jsonCodec } from "./json-codec.ts";
export {
  isEpoch,
  POSITION_ENTRIES_FROM_CLIENT,
  POSITION_ENTRIES_FROM_SERVER,
  type Position,
  parsePosition,
  positionToJson,
} from "./position.ts";
export { protoCodec } from "./proto-codec.ts";
export type {
  ErrorFrame,
  GapFrame,
  GapScope,
  JoinedFrame,
  LeftFrame,
  MessageFrame,
  MessageTarget,
  PongFrame,
  PositionFrame,
  ReconnectFrame,
  ReconnectReason,
  ResumedFrame,
  ServerFrame,
  TokenAcceptedFrame,
  WelcomeFrame,
} from "./server-frame.ts";
export type { ServerFrameResult } from "./server-frame-rules.ts";
export { type SelectedSubprotocol, selectSubprotocol, TOKEN_PREFIX } from "./subprotocol.ts";
export { OPCODE, type Opcode, PING_FRAME, websocketFrame } from "./websocket-frame.ts";
