import type { ClientDuplexStream } from "@grpc/grpc-js";
import type {
  PushStreamRequest,
  PushStreamResponse,
  StreamPush,
  StreamResult,
} from "@pushcast/api";
import type { Pushed } from "../support/manager-client.ts";

type Stream = ClientDuplexStream<PushStreamRequest, PushStreamResponse>;
export type OnePush = NonNullable<StreamPush["push"]>;

interface Waiting {
  readonly resolve: (pushed: Pushed) => void;
  readonly reject: (error: Error) => void;
}

/** Pushes to one manager on one PushStream after another: all of a turn of the event loop together. */
export class PushStreams {
  readonly #open: () => Stream;
  #stream: Stream | undefined;
  #waiting = new Map<string, Waiting>();
  #batch: StreamPush[] = [];
  #lastId = 0;

  /** @param open begins a stream, whether or not anybody is there */
  constructor(open: () => Stream) {
    this.#open = open;
  }

  /** Rejects when the push is refused, and when its stream ends without an answer to it. */
  push(push: OnePush): Promise<Pushed> {
    this.#lastId += 1;
    const requestId = String(this.#lastId);
    if (this.#batch.length === 0) setImmediate(() => this.#send());
    this.#batch.push({ requestId, push });
    return new Promise((resolve, reject) => this.#waiting.set(requestId, { resolve, reject }));
  }

  #send(): void {
    const pushes = this.#batch;
    this.#batch = [];
    try {
      this.#stream ??= this.#begin();
      this.#stream.write({ pushes });
    } catch (error) {
      this.#ended(this.#stream, error as Error);
    }
  }

  #begin(): Stream {
    const stream = this.#open();
    stream.on("data", ({ results }) => {
      for (const result of results) this.#answered(result);
    });
    stream.on("error", (error) => this.#ended(stream, error));
    stream.on("end", () => this.#ended(stream, new Error("the manager has ended the stream")));
    return stream;
  }

  #answered({ requestId, messageId, report, code, error }: StreamResult): void {
    const waiting = this.#waiting.get(requestId);
    this.#waiting.delete(requestId);
    if (code === 0 && report !== undefined) waiting?.resolve({ messageId, report });
    else waiting?.reject(new Error(`${code}: ${error}`));
  }

  #ended(stream: Stream | undefined, error: Error): void {
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    const waiting = this.#waiting;
    this.#waiting = new Map();
    for (const { reject } of waiting.values()) reject(error);
  }
}
