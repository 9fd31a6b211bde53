import type { Client, ClientDuplexStream, Metadata, ServiceError } from "@grpc/grpc-js";
import {
  PushManagerServiceService,
  type PushStreamRequest,
  type PushStreamResponse,
  type StreamPush,
  type StreamResult,
} from "../gen/pushcast/v1/push_manager.ts";
import { PushError } from "./push-error.ts";

export interface StreamConnectionInit {
  readonly client: Client;
  readonly metadata: Metadata;
  readonly onResults: (results: readonly StreamResult[]) => void;
  /** It may be written to again. */
  readonly onDrain: () => void;
  /** Called once, also after {@link StreamConnection.end}. */
  readonly onEnd: (error: PushError) => void;
}

/** One PushStream rpc, to one push-manager. */
export class StreamConnection {
  readonly #call: ClientDuplexStream<PushStreamRequest, PushStreamResponse>;
  readonly #onEnd: (error: PushError) => void;
  #isWritable = true;
  #isOver = false;

  constructor({ client, metadata, onResults, onDrain, onEnd }: StreamConnectionInit) {
    const { path, requestSerialize, responseDeserialize } = PushManagerServiceService.pushStream;
    this.#onEnd = onEnd;
    this.#call = client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
    );
    this.#call.on("data", ({ results }: PushStreamResponse) => {
      if (!this.#isOver) onResults(results);
    });
    this.#call.on("drain", () => {
      this.#isWritable = true;
      if (!this.#isOver) onDrain();
    });
    this.#call.on("error", (error: ServiceError) => {
      this.#over(PushError.fromServiceError(error, 0));
    });
    this.#call.on("end", () => {
      this.#over(new PushError("UNAVAILABLE", "", "the push-manager has ended the stream"));
    });
  }

  get isWritable(): boolean {
    return this.#isWritable && !this.#isOver;
  }

  write(pushes: StreamPush[]): void {
    this.#isWritable = this.#call.write({ pushes });
  }

  /** Nothing more is written. */
  end(): void {
    this.#call.end();
  }

  /** Ends it at once. */
  cut(error: PushError): void {
    this.#call.cancel();
    this.#over(error);
  }

  #over(error: PushError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd(error);
  }
}
