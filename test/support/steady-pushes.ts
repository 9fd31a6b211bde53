import { setTimeout as sleep } from "node:timers/promises";
import type { CallOptions, ManagerClient, Pushed } from "./manager-client.ts";

/** A push that was answered. */
export interface SteadyPush extends Pushed {
  readonly content: string;
  /** `performance.now()` as it was sent. */
  readonly sentAtMs: number;
  readonly tookMs: number;
}

/** Pushes to one room at a steady pace, whatever becomes of those before. */
export class SteadyPushes {
  /** In the order in which the manager accepted them, once `stop` has resolved. */
  readonly answered: SteadyPush[] = [];
  readonly refused: { readonly content: string; readonly error: Error }[] = [];
  readonly #publisher: ManagerClient;
  readonly #roomId: string;
  readonly #options: CallOptions;
  readonly #calls = new Set<Promise<void>>();
  readonly #ended: Promise<void>;
  #isStopping = false;
  #sent = 0;

  constructor(
    publisher: ManagerClient,
    roomId: string,
    everyMs: number,
    options: CallOptions = {},
  ) {
    this.#publisher = publisher;
    this.#roomId = roomId;
    this.#options = options;
    this.#ended = this.#run(everyMs);
  }

  get sent(): number {
    return this.#sent;
  }

  /** Those that were sent after one time and answered before another, by `performance.now()`. */
  answeredWithin(fromMs: number, toMs: number): SteadyPush[] {
    return this.answered.filter(
      ({ sentAtMs, tookMs }) => sentAtMs > fromMs && sentAtMs + tookMs < toMs,
    );
  }

  /**
   * Pushes no more, and waits for the answers. Gives the contents of what was answered, in the order
   * in which the manager accepted it: calls that are under way at once have no order.
   */
  async stop(): Promise<string[]> {
    this.#isStopping = true;
    await this.#ended;
    await Promise.all(this.#calls);
    const seqOf = ({ messageId }: SteadyPush) => Number(messageId.split("-")[1]);
    this.answered.sort((a, b) => seqOf(a) - seqOf(b));
    return this.answered.map(({ content }) => content);
  }

  async #run(everyMs: number): Promise<void> {
    const startedAtMs = performance.now();
    while (!this.#isStopping) {
      const call = this.#push(String(this.#sent));
      this.#calls.add(call);
      void call.then(() => this.#calls.delete(call));
      this.#sent += 1;
      await sleep(Math.max(0, startedAtMs + this.#sent * everyMs - performance.now()));
    }
  }

  async #push(content: string): Promise<void> {
    const sentAtMs = performance.now();
    try {
      const request = { roomId: this.#roomId, content };
      const { messageId, report } = await this.#publisher.pushToRoom(request, this.#options);
      const tookMs = performance.now() - sentAtMs;
      this.answered.push({ content, messageId, report, sentAtMs, tookMs });
    } catch (error) {
      this.refused.push({ content, error: error as Error });
    }
  }
}
