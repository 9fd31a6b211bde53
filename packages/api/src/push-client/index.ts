export type * from "./options.ts";
export type { PushContent, Pusher } from "./push.ts";
export { createPushClient, type PushClient } from "./push-client.ts";
export { PushError, type PushErrorCode } from "./push-error.ts";
export type { PushStream, PushStreamOptions } from "./push-stream.ts";
export type * from "./reports.ts";
