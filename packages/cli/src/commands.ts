import { devCommand } from "./commands/dev.ts";
import type { Command } from "./frame/command.ts";

/** In the order of the help. Their files import little: what a command needs it loads when it runs. */
export const commands: readonly Command[] = [devCommand];
