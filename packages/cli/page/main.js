import { NodePanel } from "./node-panel.js";
import { PushForm } from "./push-form.js";

const ROOM = "lobby";
const USERS = ["ann", "bob"];

const system = await (await fetch("/system.json")).json();
document.querySelector("#manager-address").textContent =
  `${location.hostname}:${system.manager_grpc_port}`;

new PushForm();
for (const [index, node] of system.nodes.entries()) {
  const panel = new NodePanel({
    nodeId: node.id,
    userId: USERS[index % USERS.length],
    room: ROOM,
    url: new URL(`ws://${location.hostname}:${node.ws_port}/ws`),
  });
  document.querySelector("#nodes").append(panel.element);
  panel.connect();
}
