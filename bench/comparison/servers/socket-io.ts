import { loadPeer } from "./load-peer.ts";

interface Socket {
  join(room: string): void;
  on(event: "join", listener: (room: string, done: () => void) => void): void;
  on(event: "push", listener: (room: string, content: string) => void): void;
}

interface Server {
  readonly engine: {
    on(event: "connection", listener: (raw: { request: unknown }) => void): void;
  };
  on(event: "connection", listener: (socket: Socket) => void): void;
  to(room: string): { emit(event: string, content: string): void };
  adapter(adapter: unknown): void;
  listen(port: number): void;
}

interface RedisClient {
  duplicate(): RedisClient;
  connect(): Promise<unknown>;
}

const { Server: SocketIoServer } = loadPeer<{ Server: new (options: object) => Server }>(
  "socket.io",
);
const io = new SocketIoServer({
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});
const redisUrl = process.env.REDIS_URL;
if (redisUrl !== undefined) {
  const { createClient } = loadPeer<{ createClient: (options: object) => RedisClient }>("redis");
  const { createAdapter } = loadPeer<{
    createAdapter: (publisher: RedisClient, subscriber: RedisClient) => unknown;
  }>("@socket.io/redis-adapter");
  const publisher = createClient({ url: redisUrl });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  io.adapter(createAdapter(publisher, subscriber));
}
io.on("connection", (socket) => {
  socket.on("join", (room, done) => {
    socket.join(room);
    done();
  });
  socket.on("push", (room, content) => io.to(room).emit("message", content));
});
io.listen(Number(process.argv[2]));
// Its documentation's advice on memory.
io.engine.on("connection", (raw) => {
  raw.request = null;
});
