import { WebSocket, WebSocketServer } from "ws";
import { splitPush } from "./split-push.ts";

const rooms = new Map<string, Set<WebSocket>>();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]) });

server.on("connection", (client, request) => {
  const path = request.url ?? "";
  if (path === "/publish") {
    client.on("message", (data: Buffer) => publish(data));
    return;
  }
  const room = path.slice("/room/".length);
  let members = rooms.get(room);
  if (members === undefined) {
    members = new Set();
    rooms.set(room, members);
  }
  members.add(client);
});

function publish(push: Buffer): void {
  const { room, content } = splitPush(push);
  for (const client of rooms.get(room) ?? []) {
    if (client.readyState === WebSocket.OPEN) client.send(content, { binary: false });
  }
}
