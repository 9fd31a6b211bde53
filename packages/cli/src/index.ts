export { DEV_PORTS, type DevPorts, FREE_PORTS } from "./dev/ports.ts";
export { createDevSystem, type DevReady, type DevSystemInit } from "./dev/system.ts";
