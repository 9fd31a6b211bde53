import { runProcess, writeReadyLine } from "@pushcast/runtime/process";

runProcess(async () => {
  // Loading takes most of a start. Signals that come meanwhile are heeded.
  const { createLogger, requireSettings } = await import("@pushcast/runtime");
  const { nodeChecks, nodeSettings } = await import("./settings.ts");
  const settings = requireSettings(nodeSettings, process.env, nodeChecks);
  const logger = createLogger({ service: "connect-node", level: settings.LOG_LEVEL });
  const { createConnectNode } = await import("./connect-node.ts");
  return createConnectNode({ settings, logger });
}, writeReadyLine);
