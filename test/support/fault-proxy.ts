import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** The way that bytes take through the proxy. */
export type Direction = "to-target" | "to-client";

/** A TCP proxy on loopback that makes a network's faults. */
export interface FaultProxy {
  readonly port: number;
  /** How many connections are open. */
  readonly connections: number;
  /** Refuses new connections and destroys the open ones. */
  suspend(): Promise<void>;
  /** Accepts again, on the same port. */
  resume(): Promise<void>;
  /**
   * Holds the bytes of one direction, on open and on new connections. What is held is bounded: the
   * sender gets back-pressure.
   */
  pause(direction: Direction): void;
  /** Lets what was held go on, in both directions. */
  unpause(): void;
  /** How many bytes of paused directions have arrived and are held (not those held by the system). */
  heldBytes(): number;
  /** Destroys the open connections. */
  cut(): void;
  close(): Promise<void>;
}

interface Target {
  readonly host: string;
  /** @default that of the proxy, for a target at another address of this machine */
  readonly port?: number;
}

/** One connection's bytes in one direction. */
interface Flow {
  readonly direction: Direction;
  readonly source: Socket;
}

export async function startFaultProxy(target: Target): Promise<FaultProxy> {
  const flows = new Set<Flow>();
  const sockets = new Set<Socket>();
  const paused = new Set<Direction>();

  const forward = (direction: Direction, source: Socket, sink: Socket) => {
    const flow: Flow = { direction, source };
    flows.add(flow);
    sockets.add(source);
    source.on("data", (chunk) => {
      if (!sink.write(chunk)) source.pause();
    });
    sink.on("drain", () => {
      if (!paused.has(direction)) source.resume();
    });
    source.on("end", () => sink.end());
    // An error is always followed by close, which ends both sides.
    source.on("error", () => {});
    source.on("close", () => {
      flows.delete(flow);
      sockets.delete(source);
      sink.destroy();
    });
    if (paused.has(direction)) source.pause();
  };

  const server = createServer((client) => {
    const upstream = connect(target.port ?? port, target.host);
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    forward("to-target", client, upstream);
    forward("to-client", upstream, client);
  });

  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const suspend = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    cut();
    await closed;
  };

  const port = await listen(0);
  return {
    port,
    get connections() {
      return [...flows].filter(({ direction }) => direction === "to-target").length;
    },
    suspend,
    resume: async () => {
      await listen(port);
    },
    pause: (direction) => {
      paused.add(direction);
      for (const flow of flows) if (flow.direction === direction) flow.source.pause();
    },
    unpause: () => {
      paused.clear();
      for (const { source } of flows) source.resume();
    },
    heldBytes: () => {
      const held = [...flows].filter((flow) => paused.has(flow.direction));
      return held.reduce((sum, flow) => sum + flow.source.readableLength, 0);
    },
    cut,
    close: suspend,
  };
}
