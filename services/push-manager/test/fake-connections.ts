import { DeliverRequest } from "@pushcast/api";
import type { ConnectionListener, ConnectToNode, NodeConnection } from "../src/node-connection.ts";
import type { NodeResponse, Outcome } from "../src/node-response.ts";

/** A connection that keeps what is written, and says what a test lets it say. */
export class FakeConnection implements NodeConnection {
  readonly grpcAddress: string;
  /** Every message written, decoded; the first is the hello. */
  readonly requests: DeliverRequest[] = [];
  /** The same, as bytes. */
  readonly written: Buffer[] = [];
  /** What `write` returns. */
  writable = true;
  isClosed = false;
  hasEndedWriting = false;
  readonly #listener: ConnectionListener;

  constructor(grpcAddress: string, listener: ConnectionListener) {
    this.grpcAddress = grpcAddress;
    this.#listener = listener;
  }

  /** Publications that came, as their seqs. */
  get seqs(): number[] {
    return this.requests.flatMap(({ publications }) => publications.map(({ seq }) => Number(seq)));
  }

  write(message: Buffer): boolean {
    this.written.push(message);
    this.requests.push(DeliverRequest.decode(message));
    return this.writable;
  }

  endWriting(): void {
    this.hasEndedWriting = true;
  }

  close(): void {
    this.isClosed = true;
  }

  inspect(): Promise<never> {
    return Promise.reject(new Error("not inspected in these tests"));
  }

  tail(): never {
    throw new Error("not tailed in these tests");
  }

  hello(nodeId: string, haveSeq?: number): void {
    const hello = {
      nodeId,
      version: "1",
      haveSeq: BigInt(haveSeq ?? 0),
      knowsEpoch: haveSeq !== undefined,
    };
    this.respond({ hello });
  }

  acknowledge(throughSeq: number, outcomes: readonly Outcome[] = []): void {
    this.respond({ throughSeq, outcomes });
  }

  respond(response: Partial<NodeResponse>): void {
    this.#listener.onResponse({
      hello: undefined,
      throughSeq: 0,
      outcomes: [],
      closing: false,
      ...response,
    });
  }

  drain(): void {
    this.writable = true;
    this.#listener.onWritable();
  }

  break(reason = "broken"): void {
    this.#listener.onEnd(reason);
  }
}

/** Hands out connections, and keeps them for the test in the order in which they were asked for. */
export class FakeConnections {
  readonly all: FakeConnection[] = [];

  readonly connect: ConnectToNode = (grpcAddress, listener) => {
    const connection = new FakeConnection(grpcAddress, listener);
    this.all.push(connection);
    return connection;
  };

  /** The latest connection to an address. */
  to(grpcAddress: string): FakeConnection {
    const found = this.all.findLast((connection) => connection.grpcAddress === grpcAddress);
    if (found === undefined) throw new Error(`nobody connected to ${grpcAddress}`);
    return found;
  }
}
