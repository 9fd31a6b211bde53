export { createPushManager, type PushManagerInit, type PushManagerReady } from "./push-manager.ts";
export { type PushManagerSettings, pushManagerChecks, pushManagerSettings } from "./settings.ts";
