export { commands } from "./commands.ts";
export { DEV_PORTS, type DevPorts, FREE_PORTS } from "./dev/ports.ts";
export { createDevSystem, type DevReady, type DevSystemInit } from "./dev/system.ts";
export type { Command } from "./frame/command.ts";
export { EXIT_CODES, EXIT_MEANINGS } from "./frame/exit-codes.ts";
export { usage } from "./frame/help.ts";
export { optionName } from "./frame/option.ts";
