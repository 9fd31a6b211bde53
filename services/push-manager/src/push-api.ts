/** The rpcs that push, as they stand in metrics; also of pushes inside a PushStream. */
export const PUSH_APIS = ["PushToRoom", "PushToUser", "BroadcastMessage"] as const;

export type PushApi = (typeof PUSH_APIS)[number];

/** How many of the latest seqs are remembered: a node's outcome that comes later is not counted. */
const REMEMBERED_SEQS = 2 ** 20;

const NO_API = 0;

/** Which rpc each of the latest seqs came from, in one byte a seq. Commands came from none. */
export class ApiBySeq {
  readonly #apis = new Uint8Array(REMEMBERED_SEQS);
  #headSeq = 0;

  /** Seqs are set one after another. */
  set(seq: number, api: PushApi | undefined): void {
    this.#headSeq = seq;
    this.#apis[seq % REMEMBERED_SEQS] = api === undefined ? NO_API : PUSH_APIS.indexOf(api) + 1;
  }

  get(seq: number): PushApi | undefined {
    if (seq > this.#headSeq || seq <= this.#headSeq - REMEMBERED_SEQS) return undefined;
    const api = this.#apis[seq % REMEMBERED_SEQS] ?? NO_API;
    return api === NO_API ? undefined : PUSH_APIS[api - 1];
  }
}
