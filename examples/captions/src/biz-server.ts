import { randomUUID } from "node:crypto";
import type { Clock } from "./clock.ts";
import type { ManagerClient, PushResult } from "./manager-client.ts";
import { inTime } from "./pacing.ts";
import { reportInWords } from "./report-words.ts";
import { AttemptsSpentError, withRetries } from "./retry.ts";
import { roomOf, type Talk, type Track } from "./talk.ts";
import type { Cue } from "./webvtt.ts";

/** The content of a push to a talk's room. */
export interface Caption {
  readonly kind: "caption";
  readonly id: string;
  /** Of the talk's time, in seconds. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly lang: string;
}

/** The content of a push to one user. */
export interface Notice {
  readonly kind: "notice";
  readonly text: string;
  readonly lang: string;
}

/** The content of the broadcast that ends a talk. */
export interface Ending {
  readonly kind: "ending";
  /** By language. */
  readonly texts: Readonly<Record<string, string>>;
}

export interface BizServerInit {
  readonly talk: Talk;
  readonly manager: ManagerClient;
  /** 1 is real time. */
  readonly speed: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Progress, a line each. */
  readonly print: (line: string) => void;
}

export interface Summary {
  readonly pushes: number;
  readonly retries: number;
  /** Pushes that were given up. */
  readonly failed: number;
}

/** About 4 s of pauses, beside the calls themselves; a caption that comes later helps nobody. */
const RETRIES = { attempts: 8, firstDelayMs: 100, maxDelayMs: 1_000 };

/** The translation service: it pushes a talk's captions as they are spoken. */
export class BizServer {
  readonly #init: BizServerInit;
  /** Part of each idempotency key, so that the same cue of another run is another push. */
  readonly #runId = randomUUID().slice(0, 8);
  #talksGiven = 0;
  #pushes = 0;
  #retries = 0;
  #failed = 0;

  constructor(init: BizServerInit) {
    this.#init = init;
  }

  get summary(): Summary {
    return { pushes: this.#pushes, retries: this.#retries, failed: this.#failed };
  }

  /** Pushes the talk from its beginning to its end, in all languages at once. */
  async giveTalk(): Promise<void> {
    const { talk, clock } = this.#init;
    this.#talksGiven += 1;
    const startedAtMs = clock.monotonicMs();
    await Promise.all(talk.tracks.map((track) => this.#pushTrack(track, startedAtMs)));
    const content: Ending = {
      kind: "ending",
      texts: Object.fromEntries(talk.tracks.map(({ lang, ending }) => [lang, ending])),
    };
    const key = `${this.#talkKey}:ending`;
    await this.#push("to all: the ending", () => this.#init.manager.broadcast({ content, key }));
  }

  /** Tells a user who has begun to read that language what there is to know; repeats tell nothing. */
  async welcome(userId: string, lang: string): Promise<void> {
    const track = this.#init.talk.tracks.find((each) => each.lang === lang);
    if (track?.notice === undefined) return;
    const content: Notice = { kind: "notice", text: track.notice, lang };
    const key = `${this.#runId}:notice:${lang}:${userId}`;
    await this.#push(`to ${userId}: the notice`, () =>
      this.#init.manager.pushToUser(userId, { content, key }),
    );
  }

  get #talkKey(): string {
    return `${this.#runId}:${this.#init.talk.id}:${this.#talksGiven}`;
  }

  /** One cue after the other, also when one needs retries: a room's captions stay in order. */
  async #pushTrack({ lang, cues }: Track, startedAtMs: number): Promise<void> {
    const { talk, manager } = this.#init;
    const roomId = roomOf(talk.id, lang);
    for await (const cue of inTime(cues, { ...this.#init, startedAtMs })) {
      const push = { content: captionOf(cue, lang), key: `${this.#talkKey}:${lang}:${cue.id}` };
      const what = `${talkTime(cue.startMs)}  ${lang}  ${shortened(cue.text)}`;
      await this.#push(what, () => manager.pushToRoom(roomId, push));
    }
  }

  async #push(what: string, call: () => Promise<PushResult>): Promise<void> {
    const { clock, signal, print } = this.#init;
    this.#pushes += 1;
    try {
      const { report } = await withRetries(call, {
        ...RETRIES,
        clock,
        signal,
        random: Math.random,
        onRetry: ({ attempt, delayMs, problem }) => {
          this.#retries += 1;
          print(`${what}  attempt ${attempt}: ${problem}, again in ${delayMs.toFixed(0)} ms`);
        },
      });
      print(`${what}  ${reportInWords(report)}`);
    } catch (error) {
      // The talk goes on without a caption that could not be pushed in time.
      if (!(error instanceof AttemptsSpentError)) throw error;
      this.#failed += 1;
      print(`${what}  given up: ${error.message}`);
    }
  }
}

function captionOf({ id, startMs, endMs, text }: Cue, lang: string): Caption {
  return { kind: "caption", id, start: startMs / 1000, end: endMs / 1000, text, lang };
}

/** `3:07` */
function talkTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const SHORT_CHARACTERS = 44;

/** On one line, padded to one width. */
function shortened(text: string): string {
  const line = text.replaceAll("\n", " ");
  const short = line.length > SHORT_CHARACTERS ? `${line.slice(0, SHORT_CHARACTERS - 1)}…` : line;
  return short.padEnd(SHORT_CHARACTERS);
}
