import type { IWatchResponse } from "etcd3";
import { type EtcdWatchCall, keysWithPrefix } from "./etcd-client.ts";
import { Signal, toError } from "./retry.ts";

/** A key was put, or deleted (then without a value). */
export interface KeyChange {
  readonly key: string;
  readonly value: string | undefined;
}

export interface WatchStreamOptions {
  readonly prefix: string;
  /** Changes after this revision are told. */
  readonly afterRevision: bigint;
  /** A stream that says nothing for so long, though it is asked, is taken for dead. */
  readonly silenceMs: number;
  /** etcd watches from now on. */
  readonly onCreated: () => void;
  /** The changes of one response, in order. What it throws ends the stream. */
  readonly onChanges: (changes: readonly KeyChange[]) => void;
}

/** How often a silent stream is asked before it is taken for dead. */
const PROBES = 3;

/** A watch on all keys of a prefix, for as long as it can be trusted. */
export class EtcdWatchStream {
  /** Resolves when closed; rejects when the stream broke, was cancelled, or fell silent. */
  readonly ended: Promise<void>;
  readonly #call: EtcdWatchCall;
  readonly #options: WatchStreamOptions;
  readonly #closed = new Signal();
  readonly #probeTimer: NodeJS.Timeout;
  #error: Error | undefined;
  #isOpen = true;
  #isCreated = false;
  #unanswered = 0;

  constructor(call: EtcdWatchCall, options: WatchStreamOptions) {
    this.#call = call;
    this.#options = options;
    this.ended = this.#closed.promise.then(() => {
      if (this.#error !== undefined) throw this.#error;
    });
    this.#probeTimer = setInterval(() => this.#probe(), options.silenceMs / PROBES);
    call.on("data", (response) => this.#receive(response));
    call.on("error", (cause) => {
      this.#end(new Error(`the watch stream broke: ${cause.message}`, { cause }));
    });
    call.on("end", () => this.#end(new Error("etcd ended the watch stream")));
    const { key, range_end } = keysWithPrefix(options.prefix);
    const start_revision = String(options.afterRevision + 1n);
    call.write({ create_request: { key, range_end, start_revision } });
  }

  close(): void {
    this.#end(undefined);
  }

  #receive(response: IWatchResponse): void {
    if (!this.#isOpen) return;
    this.#unanswered = 0;
    try {
      this.#checkHistory(response);
      if (response.created) {
        this.#isCreated = true;
        this.#options.onCreated();
      }
      if (response.events.length > 0) this.#options.onChanges(response.events.map(toChange));
    } catch (thrown) {
      this.#end(toError(thrown));
    }
  }

  #checkHistory(response: IWatchResponse): void {
    if (response.canceled) {
      throw new Error(
        response.compact_revision === "0"
          ? `etcd cancelled the watch: ${response.cancel_reason}`
          : `etcd compacted the watched revision, up to ${response.compact_revision}`,
      );
    }
    // An etcd that lost its data begins again at revision 1. It takes a watch from a later revision
    // without a word, and tells nothing until its own revisions have come that far.
    const { revision } = response.header;
    if (BigInt(revision) < this.#options.afterRevision) {
      throw new Error(`etcd went back to revision ${revision}: it has lost its data`);
    }
  }

  #probe(): void {
    if (this.#unanswered === PROBES) {
      this.#end(new Error(`the watch stream was silent for ${this.#options.silenceMs} ms`));
      return;
    }
    // Counted, not timed: a process that was held up itself finds the answers after the timer.
    this.#unanswered += 1;
    if (this.#isCreated) this.#call.write({ progress_request: {} });
  }

  #end(error: Error | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#error = error;
    clearInterval(this.#probeTimer);
    // etcd3 drops its whole connection when a stream fails that was not ended before.
    this.#call.end();
    this.#call.cancel();
    this.#closed.resolve();
  }
}

function toChange(event: IWatchResponse["events"][number]): KeyChange {
  const key = event.kv.key.toString();
  return { key, value: event.type === "Delete" ? undefined : event.kv.value.toString() };
}
