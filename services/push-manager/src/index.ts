export { createPushManager, type PushManagerParts, type PushManagerReady } from "./push-manager.ts";
export { type PushManagerSettings, pushManagerChecks, pushManagerSettings } from "./settings.ts";
