import { Counter, Gauge, type Registry } from "prom-client";
import type { PushManagerSettings } from "../settings.ts";
import { CONSOLE_REFUSALS, type ConsoleRefusal } from "./gate.ts";

export type ConsoleSettings = Pick<
  PushManagerSettings,
  | "CONSOLE_TOKEN"
  | "CONSOLE_MAX_VIEWERS"
  | "CONSOLE_MAX_TAILS"
  | "CONSOLE_MAX_FAILURES"
  | "CONSOLE_TAIL_PER_SECOND"
  | "CONSOLE_TAIL_CONTENT_BYTES"
>;

/** What the console is asked for; all 0 where there is none. */
export class ConsoleMetrics {
  readonly #pushes: Counter;
  readonly #refusals: Counter<"reason">;
  readonly #tailSkipped: Counter;
  #readViewers = () => 0;
  #readTails = () => 0;

  constructor(registry: Registry, settings: ConsoleSettings) {
    const registers = [registry];
    const gauge = (name: string, help: string, read: () => number): Gauge => {
      const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read()) });
      return made;
    };
    gauge("push_manager_console_viewers", "Open consoles.", () => this.#readViewers());
    gauge(
      "push_manager_max_console_viewers",
      "CONSOLE_MAX_VIEWERS.",
      () => settings.CONSOLE_MAX_VIEWERS,
    );
    gauge("push_manager_console_tails", "Rooms that consoles read along in.", () =>
      this.#readTails(),
    );
    gauge("push_manager_max_console_tails", "CONSOLE_MAX_TAILS.", () => settings.CONSOLE_MAX_TAILS);
    this.#pushes = new Counter({
      name: "push_manager_console_pushes_total",
      help: "Pushes that were asked for by the console, also those that were refused.",
      registers,
    });
    this.#refusals = new Counter({
      name: "push_manager_console_refusals_total",
      help: "Requests to the console that were refused, by the reason.",
      labelNames: ["reason"],
      registers,
    });
    this.#tailSkipped = new Counter({
      name: "push_manager_console_tail_skipped_total",
      help: "Publications of tailed rooms that were left out, by the node or because of CONSOLE_TAIL_PER_SECOND.",
      registers,
    });
    for (const reason of [...CONSOLE_REFUSALS, ...LIMITS]) this.#refusals.inc({ reason }, 0);
  }

  observe(read: { readonly viewers: () => number; readonly tails: () => number }): void {
    this.#readViewers = read.viewers;
    this.#readTails = read.tails;
  }

  pushed(): void {
    this.#pushes.inc();
  }

  refused(reason: ConsoleRefusal | ConsoleLimit): void {
    this.#refusals.inc({ reason });
  }

  skipped(count: number): void {
    this.#tailSkipped.inc(count);
  }
}

const LIMITS = ["TOO_MANY_VIEWERS", "TOO_MANY_TAILS"] as const;
export type ConsoleLimit = (typeof LIMITS)[number];
