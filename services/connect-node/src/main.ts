import { createLogger, requireSettings, runProcess, writeReadyLine } from "@pushcast/runtime";
import { createConnectNode } from "./connect-node.ts";
import { nodeChecks, nodeSettings } from "./settings.ts";

runProcess(() => {
  const settings = requireSettings(nodeSettings, process.env, nodeChecks);
  const logger = createLogger({ service: "connect-node", level: settings.LOG_LEVEL });
  return createConnectNode({ settings, logger });
}, writeReadyLine);
