export type * from "./options.ts";
export type { PushContent } from "./push.ts";
export { createPushClient, type PushClient } from "./push-client.ts";
export { PushError, type PushErrorCode } from "./push-error.ts";
export type * from "./reports.ts";
