// A whole process as the services are: settings, logger, ops server, ready line, stop.
import {
  createLogger,
  createMetrics,
  createOpsServer,
  type ReadyInfo,
  requireSettings,
  runProcess,
  type Service,
  sharedChecks,
  sharedSettings,
  writeReadyLine,
} from "../src/index.ts";

function createPod(env: NodeJS.ProcessEnv): Service<ReadyInfo> {
  const settings = requireSettings(sharedSettings, env, sharedChecks);
  const log = createLogger({ service: "pod", level: settings.LOG_LEVEL });
  const ops = createOpsServer({
    metrics: createMetrics(),
    checks: {},
    onError: (err) => log.error({ err }, "ops request failed"),
  });
  return {
    stopLimitMs: settings.STOP_SECONDS * 1000,
    async start() {
      const port = await ops.listen(settings.OPS_HOST, settings.OPS_PORT);
      log.info({ port }, "started");
      return { service: "pod", node_id: "pod-1", ports: { ops: port } };
    },
    async stop() {
      await ops.close();
      log.info("stopped");
    },
  };
}

runProcess(() => createPod(process.env), writeReadyLine);
