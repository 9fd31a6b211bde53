import { createLogger, requireSettings, runProcess, writeReadyLine } from "@pushcast/runtime";
import { createPushManager } from "./push-manager.ts";
import { pushManagerChecks, pushManagerSettings } from "./settings.ts";

runProcess(() => {
  const settings = requireSettings(pushManagerSettings, process.env, pushManagerChecks);
  const logger = createLogger({ service: "push-manager", level: settings.LOG_LEVEL });
  return createPushManager({ settings, logger });
}, writeReadyLine);
