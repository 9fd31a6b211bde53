import { once } from "node:events";
import { WebSocket } from "ws";
import type { ServiceProcess } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** The setting of a process that can be looked into: a debugger's port, any free one on loopback. */
export const INSPECTED = { NODE_OPTIONS: "--inspect=127.0.0.1:0" };

/** What a process holds once its garbage is collected. */
export interface Held {
  readonly heapBytes: number;
  /** Outside the heap of JavaScript: buffers, and what is bound to objects. */
  readonly externalBytes: number;
  /** Timers that will still fire, those that keep no process alive among them. */
  readonly timers: number;
}

interface RemoteObject {
  readonly objectId?: string;
  readonly value?: unknown;
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Evaluated {
  readonly result: RemoteObject;
}

const TIMER_PROTOTYPE = `(() => {
  const timer = setTimeout(() => {}, 0);
  clearTimeout(timer);
  return Object.getPrototypeOf(timer);
})()`;
const COUNT_TIMERS = "function () { return this.filter((timer) => !timer._destroyed).length; }";

/** Looks into a process by Node's debugging protocol, without a change of the process's code. */
export class Inspector {
  readonly #ws: WebSocket;
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  /** @param process started with the settings `INSPECTED` */
  static async of(process: ServiceProcess): Promise<Inspector> {
    const url = () => /^Debugger listening on (ws:\S+)$/m.exec(process.stderr)?.[1];
    await until("the debugger listens", () => url() !== undefined);
    const ws = new WebSocket(url() ?? "", { perMessageDeflate: false });
    await once(ws, "open");
    return new Inspector(ws);
  }

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on("message", (data) => this.#received(JSON.parse(String(data))));
    ws.on("close", () => this.#fail(new Error("the debugger's connection ended")));
    ws.on("error", (error) => this.#fail(error));
  }

  /** Collects the garbage first: it stops the process for some dozens of milliseconds. */
  async look(): Promise<Held> {
    await this.#ask("HeapProfiler.collectGarbage", {});
    const memory = await this.#memory();
    return { ...memory, timers: await this.#timers() };
  }

  /** Begins to sample where processor time goes. */
  async startProfile(): Promise<void> {
    await this.#ask("Profiler.enable", {});
    await this.#ask("Profiler.start", {});
  }

  /** A `.cpuprofile`, as JSON, since the start. */
  async stopProfile(): Promise<string> {
    const { profile } = await this.#ask<{ profile: unknown }>("Profiler.stop", {});
    return JSON.stringify(profile);
  }

  close(): void {
    this.#ws.terminate();
  }

  async #memory(): Promise<Omit<Held, "timers">> {
    const expression = "process.memoryUsage()";
    const { result } = await this.#ask<Evaluated>("Runtime.evaluate", {
      expression,
      returnByValue: true,
    });
    const { heapUsed, external } = result.value as NodeJS.MemoryUsage;
    return { heapBytes: heapUsed, externalBytes: external };
  }

  async #timers(): Promise<number> {
    const objectGroup = "timers";
    const { result: prototype } = await this.#ask<Evaluated>("Runtime.evaluate", {
      expression: TIMER_PROTOTYPE,
      objectGroup,
    });
    const { objects } = await this.#ask<{ objects: RemoteObject }>("Runtime.queryObjects", {
      prototypeObjectId: prototype.objectId,
      objectGroup,
    });
    const { result: count } = await this.#ask<Evaluated>("Runtime.callFunctionOn", {
      objectId: objects.objectId,
      functionDeclaration: COUNT_TIMERS,
      returnByValue: true,
    });
    await this.#ask("Runtime.releaseObjectGroup", { objectGroup });
    return Number(count.value);
  }

  async #ask<Result>(method: string, params: object): Promise<Result> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<Answer>((resolve) => this.#asked.set(id, resolve));
    this.#ws.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as Result;
  }

  #received(answer: Answer): void {
    // Without an id it is an event.
    if (answer.id === undefined) return;
    this.#asked.get(answer.id)?.(answer);
    this.#asked.delete(answer.id);
  }

  #fail(error: Error): void {
    for (const resolve of this.#asked.values()) resolve({ error });
    this.#asked.clear();
  }
}
