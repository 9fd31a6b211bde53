import { loadPeer } from "./load-peer.ts";
import { splitPush } from "./split-push.ts";

interface Socket {
  getUserData(): { readonly room: string };
  subscribe(topic: string): boolean;
}

interface Response {
  upgrade(data: object, key: string, protocol: string, extensions: string, context: unknown): void;
}

interface Request {
  getUrl(): string;
  getHeader(name: string): string;
}

interface App {
  ws(pattern: string, behavior: object): App;
  publish(topic: string, message: string, isBinary: boolean): boolean;
  listen(host: string, port: number, callback: (socket: unknown) => void): App;
}

const { App: createApp, DISABLED } = loadPeer<{ App: () => App; DISABLED: number }>(
  "@trufflesuite/uws-js-unofficial",
);
/** Beyond the default of 64 KiB messages are dropped. */
const MAX_BACKPRESSURE_BYTES = 1024 ** 3;

const app = createApp();
let pushes: ReturnType<typeof splitPush>[] = [];

function collect(push: Buffer): void {
  // Within a handler another socket is corked, and each message would be a send of its own.
  if (pushes.length === 0) setImmediate(publishAll);
  pushes.push(splitPush(push));
}

function publishAll(): void {
  const collected = pushes;
  pushes = [];
  for (const { room, content } of collected) {
    app.publish(room, content.toString("latin1"), false);
  }
}

app
  .ws("/publish", {
    compression: DISABLED,
    // Its memory is only lent.
    message: (_socket: Socket, message: ArrayBuffer) => collect(Buffer.from(message.slice(0))),
  })
  .ws("/room/*", {
    compression: DISABLED,
    maxBackpressure: MAX_BACKPRESSURE_BYTES,
    upgrade: (response: Response, request: Request, context: unknown) => {
      response.upgrade(
        { room: request.getUrl().slice("/room/".length) },
        request.getHeader("sec-websocket-key"),
        request.getHeader("sec-websocket-protocol"),
        request.getHeader("sec-websocket-extensions"),
        context,
      );
    },
    open: (socket: Socket) => socket.subscribe(socket.getUserData().room),
  })
  .listen("127.0.0.1", Number(process.argv[2]), (socket) => {
    if (!socket) throw new Error("uWebSockets.js does not listen");
  });
