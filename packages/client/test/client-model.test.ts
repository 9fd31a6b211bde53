import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { connect } from "../src/index.ts";
import { FakeClock } from "../src/testing/index.ts";
import {
  ManagerModel,
  NodeModel,
  type Publication,
  type Push,
  type Seqs,
  SessionModel,
  type Target,
} from "./cluster-model.ts";
import { A, B } from "./scene.ts";
import { type Frame, ScriptedServer, settle } from "./scripted-server.ts";

const TARGETS: readonly Target[] = ["self", "one", "two"];

type Step =
  | {
      readonly type: "push";
      readonly manager: number;
      readonly target: Target;
      readonly hasKey: boolean;
    }
  | { readonly type: "retry"; readonly manager: number; readonly back: number }
  | {
      readonly type: "link";
      readonly node: number;
      readonly manager: number;
      readonly count: number;
    }
  | {
      readonly type: "lose";
      readonly node: number;
      readonly manager: number;
      readonly count: number;
    }
  | { readonly type: "toClient" | "toServer"; readonly session: number; readonly count: number }
  | { readonly type: "drop" | "reconnect" | "exchange"; readonly session: number }
  | { readonly type: "evict" | "position" | "restart"; readonly node: number }
  | { readonly type: "time"; readonly ms: number };

const which = fc.nat({ max: 1 });
const count = fc.integer({ min: 1, max: 6 });
const step = (withLoss: boolean): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant("push"),
        manager: which,
        target: fc.constantFrom(...TARGETS),
        hasKey: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("retry"),
        manager: which,
        back: fc.nat({ max: 5 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.constant("link"), node: which, manager: which, count }),
    },
    {
      weight: 9,
      arbitrary: fc.record({
        type: fc.constantFrom("toClient", "toServer"),
        session: which,
        count,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constantFrom("drop", "reconnect"), session: which }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.constant("exchange"), session: fc.constant(0) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constantFrom("position", "position", "restart"),
        node: which,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.constant("time"), ms: fc.constantFrom(0, 100, 1_000) }),
    },
    ...(withLoss
      ? [
          {
            weight: 1,
            arbitrary: fc.record({ type: fc.constant("lose"), node: which, manager: which, count }),
          },
          { weight: 1, arbitrary: fc.record({ type: fc.constant("evict"), node: which }) },
        ]
      : []),
  );

/** A client in the model of a cluster, and what it has been told beside what it should have been. */
class Run {
  readonly clock = new FakeClock();
  readonly managers: readonly ManagerModel[] = [new ManagerModel(A), new ManagerModel(B)];
  readonly nodes: readonly NodeModel[] = [new NodeModel(), new NodeModel()];
  readonly server = new ScriptedServer();
  readonly client;
  readonly problems: string[] = [];
  gaps = 0;
  recoveries = 0;
  readonly #pushed: Push[] = [];
  readonly #delivered = new Set<string>();
  readonly #lastSeqs = new Map<string, number>();
  /** What the app was told that it may have missed, or that was before it listened. */
  readonly #excused = new Set<string>();
  #opened = 0;
  #frame: Frame | undefined;

  constructor(firstNode: number) {
    this.#opened = firstNode;
    this.server.onConnection = (connection) => {
      const node = at(this.nodes, this.#opened);
      this.#opened += 1;
      node.sessions.push(new SessionModel(connection, node));
    };
    this.client = connect({
      url: "ws://model/ws",
      WebSocket: this.server.WebSocket,
      clock: this.clock,
      random: () => 0.5,
      maxDelayMs: 1_000,
      onGap: ({ room = "self" }) => this.#gap(room as Target),
    });
    this.#listen("self", this.client.self);
    for (const room of ["one", "two"] as const) this.#listen(room, this.client.room(room));
  }

  get #sessions(): SessionModel[] {
    for (const node of this.nodes) {
      node.sessions = node.sessions.filter(({ connection }) => connection.isOpen);
    }
    const { connections } = this.server;
    const sessions = this.nodes.flatMap(({ sessions }) => sessions);
    return sessions.sort(
      (one, other) => connections.indexOf(other.connection) - connections.indexOf(one.connection),
    );
  }

  async take(step: Step): Promise<void> {
    switch (step.type) {
      case "push":
        this.#push(step);
        break;
      case "retry": {
        const push = this.#pushed.at(-1 - step.back);
        if (push?.key !== undefined) at(this.managers, step.manager).accept(push);
        break;
      }
      case "link":
        this.#sessions;
        at(this.nodes, step.node).receive(at(this.managers, step.manager), step.count);
        break;
      case "lose":
        at(this.nodes, step.node).lose(at(this.managers, step.manager), step.count);
        break;
      case "toClient":
        this.#toClient(this.#sessions[step.session], step.count);
        break;
      case "toServer":
        for (let left = step.count; left > 0; left -= 1) this.#sessions[step.session]?.serveNext();
        break;
      case "exchange":
        this.#exchange(this.#sessions[step.session]);
        break;
      case "drop":
        this.#sessions[step.session]?.connection.drop();
        break;
      case "reconnect":
        this.#sessions[step.session]?.toClient.push({
          type: "reconnect",
          after_ms: 100,
          reason: "drain",
        });
        break;
      case "evict":
        at(this.nodes, step.node).evict();
        break;
      case "position":
        at(this.nodes, step.node).sayPosition();
        break;
      case "restart":
        at(this.nodes, step.node).restartFrom(at(this.nodes, 1 - step.node));
        break;
      case "time":
        this.clock.advance(step.ms);
        await settle();
        break;
    }
  }

  /** Everything that is under way arrives. Then what is missing is lost. */
  async finish(): Promise<void> {
    for (let round = 0; round < 20; round += 1) {
      this.clock.advance(1_000);
      await settle();
      for (const node of this.nodes) {
        for (const manager of this.managers) node.receive(manager, manager.log.length);
      }
      for (const session of this.#sessions) this.#exchange(session);
      const isQuiet = this.#sessions.every(({ connection }) => connection.isOpen);
      if (round > 3 && isQuiet && this.client.state.state === "open") break;
    }
    if (this.client.state.state !== "open") this.problems.push("not open at the end");
    this.client.close();
    for (const { content, target } of this.#pushed) {
      if (!this.#delivered.has(content) && !this.#excused.has(content)) {
        this.problems.push(`${content} to ${target} is lost`);
      }
    }
  }

  #push({ manager, target, hasKey }: Step & { readonly type: "push" }): void {
    const content = `push-${this.#pushed.length}`;
    const push = { target, content, ...(hasKey ? { key: content } : {}) };
    this.#pushed.push(push);
    at(this.managers, manager).accept(push);
  }

  /** Everything that is under way on a connection arrives. */
  #exchange(session: SessionModel | undefined): void {
    while (session?.connection.isOpen && session.toServer.length + session.toClient.length > 0) {
      session.serveNext();
      this.#toClient(session, session.toClient.length);
    }
  }

  #toClient(session: SessionModel | undefined, count: number): void {
    for (const frame of session?.toClient.splice(0, count) ?? []) {
      if (session?.connection.isOpen !== true) return;
      this.#frame = frame;
      if (frame.type === "welcome" && session.live.has("self")) this.#excuse("self", frame);
      if (frame.type === "joined" && !("recovered" in frame)) {
        this.#excuse(frame.room as Target, frame);
      }
      if (frame.recovered === true) this.recoveries += 1;
      session.connection.send(frame);
    }
  }

  #listen(target: Target, feed: Pick<ReturnType<typeof connect>["self"], "on">): void {
    feed.on("message", (message) => {
      const content = String(message.content);
      const push = this.#pushed.find((one) => one.content === content);
      if (push?.target !== target) this.problems.push(`${content} came to ${target}`);
      if (this.#delivered.has(content)) this.problems.push(`${content} is repeated`);
      this.#delivered.add(content);
      const [epoch, seq] = message.id.split("-");
      const from = `${target} ${epoch}`;
      if (Number(seq) <= (this.#lastSeqs.get(from) ?? 0)) {
        this.problems.push(`${message.id} is out of order`);
      }
      this.#lastSeqs.set(from, Number(seq));
    });
  }

  #gap(target: Target): void {
    this.gaps += 1;
    if (this.#frame !== undefined) this.#excuse(target, this.#frame);
  }

  /** All pushes to a target up to the position of this frame; whichever of its retries that names. */
  #excuse(target: Target, { position }: Frame): void {
    const isNamed = ({ epoch, seq }: Publication) => seq <= ((position as Seqs)[epoch] ?? 0);
    for (const { log } of this.managers) {
      for (const publication of log) {
        if (publication.target === target && isNamed(publication)) {
          this.#excused.add(publication.content);
        }
      }
    }
  }
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  if (item === undefined) throw new Error("there are no items");
  return item;
}

async function run(steps: readonly Step[], firstNode: number): Promise<Run> {
  const model = new Run(firstNode);
  await settle();
  for (const step of steps) await model.take(step);
  await model.finish();
  return model;
}

const RUNS = Number(process.env.MODEL_RUNS ?? 300);
const LENGTH = { minLength: 40, maxLength: 250, size: "max" } as const;

describe("the client with nodes that obey the server's part", () => {
  it("loses nothing untold, repeats nothing and keeps the order", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step(true), LENGTH), which, async (steps, firstNode) => {
        expect((await run(steps, firstNode)).problems).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  it("needs no gap where no node has lost anything", { timeout: 60_000 }, async () => {
    let recoveries = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step(false), LENGTH), which, async (steps, firstNode) => {
        const model = await run(steps, firstNode);
        expect({ problems: model.problems, gaps: model.gaps }).toEqual({ problems: [], gaps: 0 });
        recoveries += model.recoveries;
      }),
      { numRuns: RUNS },
    );
    // It went through what it is about.
    expect(recoveries).toBeGreaterThan(5 * RUNS);
  });
});
