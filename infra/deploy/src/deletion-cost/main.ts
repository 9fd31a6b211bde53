import { runProcess, writeReadyLine } from "@pushcast/runtime/process";

runProcess(async () => {
  // Loading takes most of a start. Signals that come meanwhile are heeded.
  const { createLogger, requireSettings } = await import("@pushcast/runtime");
  const { deletionCostSettings } = await import("./settings.ts");
  const settings = requireSettings(deletionCostSettings, process.env);
  const logger = createLogger({ service: "deletion-cost", level: settings.LOG_LEVEL });
  const { KubeApi } = await import("../kube-api.ts");
  const { readKubeconfig } = await import("../kubeconfig.ts");
  const { createDeletionCost } = await import("./service.ts");
  const api = new KubeApi(readKubeconfig({ env: process.env }));
  return createDeletionCost({ settings, api, logger });
}, writeReadyLine);
