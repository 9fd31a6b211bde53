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
  listen(port: number): void;
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
