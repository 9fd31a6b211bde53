import type { Command, DeleteCommand, StatusCommand } from "./command.ts";
import { deleteSystem } from "./delete-system.ts";
import { ExitCode } from "./deploy-error.ts";
import { KubeApi } from "./kube-api.ts";
import { readKubeconfig } from "./kubeconfig.ts";
import { runApply } from "./run-apply.ts";
import { readStatus } from "./status.ts";
import { describeStatus } from "./status-line.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Does what the arguments ask for.
 * @returns the exit code
 * @throws DeployError
 */
export async function runCommand(command: Command, around: Surroundings): Promise<ExitCode> {
  switch (command.name) {
    case "print":
      around.print(command.text.trimEnd());
      return ExitCode.OK;
    case "apply":
      return runApply(command, around);
    case "status":
      return runStatus(command, around);
    case "delete":
      return runDelete(command, around);
  }
}

async function runStatus(command: StatusCommand, { env, print }: Surroundings): Promise<ExitCode> {
  const { kubeconfig: file, context, namespace } = command;
  const lines = await readStatus(new KubeApi(readKubeconfig({ file, context, env })), namespace);
  for (const line of lines.flatMap(describeStatus)) print(line);
  return lines.every(({ isHealthy }) => isHealthy) ? ExitCode.OK : ExitCode.STALLED;
}

async function runDelete(command: DeleteCommand, around: Surroundings): Promise<ExitCode> {
  const { kubeconfig: file, context, namespace, withData, timeoutMs } = command;
  const { env, clock, print: report } = around;
  const api = new KubeApi(readKubeconfig({ file, context, env }));
  await deleteSystem(api, namespace, { withData, timeoutMs, clock, report });
  return ExitCode.OK;
}
