import { benchCommand } from "./commands/bench.ts";
import { devCommand } from "./commands/dev.ts";
import { disconnectCommand } from "./commands/disconnect.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { joinCommand, leaveCommand } from "./commands/membership.ts";
import { nodesCommand } from "./commands/nodes.ts";
import { pushCommand } from "./commands/push.ts";
import { roomCommand } from "./commands/room.ts";
import { tailCommand } from "./commands/tail.ts";
import { tokenCommand } from "./commands/token.ts";
import { userCommand } from "./commands/user.ts";
import type { Command } from "./frame/command.ts";

/** In the order of the help. Their files import little: what a command needs it loads when it runs. */
export const commands: readonly Command[] = [
  devCommand,
  pushCommand,
  tailCommand,
  nodesCommand,
  roomCommand,
  userCommand,
  joinCommand,
  leaveCommand,
  disconnectCommand,
  tokenCommand,
  doctorCommand,
  benchCommand,
];
