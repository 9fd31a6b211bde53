import { runProcess, writeReadyLine } from "@pushcast/runtime/process";

runProcess(async () => {
  // Loading takes most of a start. Signals that come meanwhile are heeded.
  const { createLogger, requireSettings } = await import("@pushcast/runtime");
  const { pushManagerChecks, pushManagerSettings } = await import("./settings.ts");
  const settings = requireSettings(pushManagerSettings, process.env, pushManagerChecks);
  const logger = createLogger({ service: "push-manager", level: settings.LOG_LEVEL });
  const { createPushManager } = await import("./push-manager.ts");
  return createPushManager({ settings, logger });
}, writeReadyLine);
