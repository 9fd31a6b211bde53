export { type ConnectNodeInit, type ConnectNodeReady, createConnectNode } from "./connect-node.ts";
export { type NodeSettings, nodeChecks, nodeSettings } from "./settings.ts";
