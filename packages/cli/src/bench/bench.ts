import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type PushClient, PushError, type PushStream } from "@pushcast/api";
import type { ClientEndpoint } from "../client/client-options.ts";
import type { BenchClientInit } from "./bench-client.ts";
import { connectAll } from "./connect-all.ts";
import { NumberedContent } from "./content.ts";
import { type GeneratorLoad, GeneratorWatch } from "./generator-load.ts";
import { atEvenRate } from "./pace.ts";
import { type BenchPlan, pushesOf, WARM_UP_SECONDS } from "./plan.ts";
import { Tally, type TallyResult } from "./tally.ts";

export interface BenchInit extends ClientEndpoint {
  readonly plan: BenchPlan;
  readonly pushClient: PushClient;
  /** One call for each push instead of one PushStream for all. */
  readonly unary: boolean;
  readonly timeoutMs: number;
}

export interface BenchResult extends TallyResult {
  /** Pushes a second that were accepted. */
  readonly reachedRate: number;
  readonly deliveriesPerSecond: number;
  /** Pushes that were refused or not answered, by their gRPC code. */
  readonly failed: ReadonlyMap<string, number>;
  /** Connections that ended during the run. */
  readonly disconnected: number;
  readonly generator: GeneratorLoad;
}

const NAME = "pushcast-bench";
const RUN_BYTES = 6;
/** Pushes that may be unanswered; with more, no further one is sent. */
const MAX_UNANSWERED = 5_000;
/** How long nothing may come before what is missing counts as lost. */
const QUIET_MS = 2_000;
const POLL_MS = 20;

/**
 * Connects the clients, pushes at an even rate, and counts what comes. Each push is timed from its call
 * to its arrival by the one clock of this process.
 * @throws CliError if the clients cannot connect @throws PushError if the first push is refused
 */
export async function bench(
  init: BenchInit,
  onProgress: (text: string) => void,
): Promise<BenchResult> {
  const { plan, pushClient } = init;
  const run = randomBytes(RUN_BYTES).toString("hex");
  const rooms = Array.from({ length: plan.rooms }, (_, index) => `${NAME}-${run}-${index}`);
  const warmUp = plan.rate * WARM_UP_SECONDS;
  const tally = new Tally({
    membersOfRoom: rooms.map((_, index) => membersOf(index, plan)),
    warmUp,
    pushes: warmUp + pushesOf(plan),
  });
  const content = new NumberedContent(run, plan.bytes);
  let disconnected = 0;
  const inits = clientInits({ ...init, run, rooms, tally, content }, () => {
    disconnected += 1;
  });
  const clients = await connectAll(inits, (connected) => {
    onProgress(`${connected} of ${plan.clients} clients are connected`);
  });
  try {
    const publisher = new Publisher({ ...init, rooms, tally, content });
    // Who may not push at all learns it from the first one.
    await pushClient.pushToRoom(rooms[0] ?? "", "before the first push");
    onProgress(`${plan.rate} pushes/s for ${plan.seconds} s`);
    const measured = await publisher.run(warmUp);
    onProgress("waiting for the last deliveries");
    await untilQuiet(tally);
    const { result } = tally;
    const deliveryMs = Math.max(measured.tookMs, tally.lastArrival - measured.begunAtMs);
    return {
      ...result,
      reachedRate: (result.accepted * 1_000) / measured.tookMs,
      deliveriesPerSecond: result.delivered === 0 ? 0 : (result.delivered * 1_000) / deliveryMs,
      failed: publisher.failed,
      disconnected,
      generator: measured.generator,
    };
  } finally {
    for (const client of clients) client.end();
  }
}

interface Run extends BenchInit {
  readonly rooms: readonly string[];
  readonly tally: Tally;
  readonly content: NumberedContent;
}

/** Makes the pushes of one run. */
class Publisher {
  readonly failed = new Map<string, number>();
  readonly #run: Run;
  #unanswered = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  /** Warms up, then measures; resolves when all pushes are answered. */
  async run(
    warmUp: number,
  ): Promise<{ begunAtMs: number; tookMs: number; generator: GeneratorLoad }> {
    const { plan, pushClient, unary } = this.#run;
    const stream = unary ? undefined : pushClient.stream({ maxInFlight: MAX_UNANSWERED });
    const send = (offset: number) => (number: number) =>
      this.#push(offset + number, stream ?? pushClient);
    const perSecond = plan.rate;
    await atEvenRate({ count: warmUp, perSecond }, send(0));
    const watch = new GeneratorWatch();
    const begunAtMs = performance.now();
    const count = pushesOf(plan);
    await atEvenRate({ count, perSecond }, send(warmUp));
    // The last push has its part of the time, too: 10 pushes at 10/s take a second.
    const tookMs = Math.max(performance.now() - begunAtMs + 1_000 / perSecond, 1);
    const generator = watch.stop();
    while (this.#unanswered > 0) await sleep(POLL_MS);
    await stream?.close();
    return { begunAtMs, tookMs, generator };
  }

  /** @returns a promise while no further one may be sent */
  #push(push: number, through: Pick<PushStream, "pushToRoom">): Promise<void> | undefined {
    const { rooms, content, tally } = this.#run;
    this.#unanswered += 1;
    tally.sent(push, performance.now());
    through
      .pushToRoom(rooms[push % rooms.length] ?? "", content.of(push))
      .then(
        () => tally.accepted(push),
        (error) => this.#count(error),
      )
      .finally(() => {
        this.#unanswered -= 1;
      });
    return this.#unanswered < MAX_UNANSWERED ? undefined : this.#untilFewer();
  }

  #count(error: unknown): void {
    const code = error instanceof PushError ? error.reason || error.code : "UNKNOWN";
    this.failed.set(code, (this.failed.get(code) ?? 0) + 1);
  }

  async #untilFewer(): Promise<void> {
    while (this.#unanswered >= MAX_UNANSWERED) await sleep(1);
  }
}

/** As client n is in room n modulo the number of rooms. */
function membersOf(room: number, { clients, rooms }: BenchPlan): number {
  return Math.floor(clients / rooms) + (room < clients % rooms ? 1 : 0);
}

function clientInits(
  { plan, url, ca, tokens, timeoutMs, run, rooms, tally, content }: Run & { readonly run: string },
  onLost: () => void,
): BenchClientInit[] {
  return Array.from({ length: plan.clients }, (_, index): BenchClientInit => {
    const token = tokens[index % tokens.length];
    const target = new URL(url);
    if (token === undefined) target.searchParams.set("user_id", `${NAME}-${run}-${index}`);
    const sequence = tally.newClient();
    return {
      url: target.href,
      room: rooms[index % rooms.length] ?? "",
      timeoutMs,
      ...(token !== undefined && { token }),
      ...(ca && { ca }),
      onFrame: (frame) => {
        const push = content.numberIn(frame);
        if (push !== undefined) tally.arrived(push, sequence, performance.now());
      },
      onLost,
    };
  });
}

/** Until all has come, or nothing comes any more. */
async function untilQuiet(tally: Tally): Promise<void> {
  const begunAtMs = performance.now();
  const quietMs = () => performance.now() - Math.max(begunAtMs, tally.lastArrival || 0);
  while (quietMs() < QUIET_MS && tally.missing > 0) await sleep(POLL_MS);
}
