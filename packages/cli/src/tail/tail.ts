import {
  type Client,
  type ClientState,
  connect,
  type Gap,
  type Message,
  type Room,
  type Warning,
} from "@pushcast/client";
import type { CliError } from "../frame/cli-error.ts";
import type { Context } from "../frame/command.ts";
import { EXIT_CODES, type ExitCode } from "../frame/exit-codes.ts";
import type { Output } from "../frame/output.ts";
import { gapJson, gapWords, messageJson, messageWords } from "./message-words.ts";
import { closedProblem, roomProblem } from "./problems.ts";
import { stateJson, stateWords } from "./state-words.ts";
import { type ConnectFailure, tellingSocket } from "./telling-socket.ts";

export interface TailOptions {
  readonly url: string;
  readonly userId?: string;
  /** Asked for each connection. */
  readonly token?: () => string;
  readonly ca?: Buffer;
  /** Rooms to join. */
  readonly rooms: readonly string[];
  /** Also what is for the user and for everybody, and for rooms that the biz-server puts the user into. */
  readonly hasSelf: boolean;
  /** Messages after which it ends. @default none */
  readonly count?: number;
}

/**
 * Writes what comes, until it is interrupted.
 * @throws CliError where it cannot connect, may not join, or is told not to come back
 */
export function tail(options: TailOptions, { output, signal }: Context): Promise<ExitCode> {
  return new Promise((resolve, reject) => {
    const running = new Tail(options, output, (result) => {
      if (typeof result === "number") resolve(result);
      else reject(result);
    });
    signal.addEventListener("abort", () => running.end(EXIT_CODES.ok), { once: true });
  });
}

class Tail {
  readonly #output: Output;
  readonly #onEnd: (result: ExitCode | CliError) => void;
  readonly #url: string;
  readonly #client: Client;
  #left: number;
  #hasEnded = false;
  #wasOpen = false;
  /** Of the last attempt to connect. */
  #failure: ConnectFailure | undefined;

  constructor(
    { url, userId, token, ca, rooms, hasSelf, count = Number.POSITIVE_INFINITY }: TailOptions,
    output: Output,
    onEnd: (result: ExitCode | CliError) => void,
  ) {
    this.#output = output;
    this.#onEnd = onEnd;
    this.#url = url;
    this.#left = count;
    const connectOptions = {
      url,
      WebSocket: tellingSocket(ca, (failure) => {
        this.#failure = failure;
      }),
      // Each room, and self where it is shown, says its own.
      onGap: () => {},
      onWarning: ({ message }: Warning) => output.note(message),
      ...(userId === undefined ? {} : { userId }),
      ...(token === undefined ? {} : { token }),
    };
    this.#client = connect(connectOptions);
    this.#client.on("state", (state) => this.#stateChanged(state));
    for (const name of rooms) this.#follow(this.#client.room(name));
    if (!hasSelf) return;
    this.#client.self.on("message", (message) => this.#write(message));
    this.#client.self.on("gap", (gap) => this.#sayGap(gap));
    this.#client.on("room", (room) => this.#follow(room));
  }

  end(result: ExitCode | CliError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#client.close();
    this.#onEnd(result);
  }

  #follow(room: Room): void {
    room.on("message", (message) => this.#write(message));
    room.on("gap", (gap) => this.#sayGap(gap));
    room.on("state", () => this.#roomChanged(room));
    this.#roomChanged(room);
  }

  #write(message: Message): void {
    if (this.#hasEnded) return;
    this.#output.result(messageJson(message), () => [messageWords(message, this.#output)]);
    this.#left -= 1;
    if (this.#left === 0) this.end(EXIT_CODES.ok);
  }

  #sayGap(gap: Gap): void {
    if (this.#hasEnded) return;
    this.#output.result(gapJson(gap), () => [gapWords(gap, this.#output)]);
  }

  #roomChanged({ name, state }: Room): void {
    switch (state.state) {
      case "joining":
        break;
      case "joined":
        this.#sayEvent({ type: "joined", room: name }, `in ${name}`);
        break;
      case "left":
        this.#sayEvent({ type: "left", room: name }, `taken out of ${name}`);
        break;
      case "refused":
        this.end(roomProblem(name, state));
    }
  }

  #stateChanged(state: ClientState): void {
    if (this.#hasEnded) return;
    if (state.state === "open") this.#wasOpen = true;
    const failure = this.#failure;
    this.#failure = undefined;
    const problem =
      state.state === "closed"
        ? closedProblem(state, { failure, wasOpen: this.#wasOpen, url: this.#url })
        : undefined;
    if (problem !== undefined) {
      this.end(problem);
      return;
    }
    const words = stateWords(state, failure);
    if (words !== undefined) this.#sayEvent(stateJson(state), words);
  }

  /** A line with `--json`, a note for a person. */
  #sayEvent(json: object, words: string): void {
    if (this.#hasEnded) return;
    if (this.#output.isJson) this.#output.result(json, () => []);
    else this.#output.note(words);
  }
}
