import { requireSettings, runProcess, writeReadyLine } from "@pushcast/runtime";
import { createPushManager } from "./push-manager.ts";
import { pushManagerChecks, pushManagerSettings } from "./settings.ts";

runProcess(
  () => createPushManager(requireSettings(pushManagerSettings, process.env, pushManagerChecks)),
  ({ epoch, ports }) => writeReadyLine({ service: "push-manager", epoch, ports }),
);
