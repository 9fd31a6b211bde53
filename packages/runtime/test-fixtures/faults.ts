// A process that does one thing wrong, or slowly: the one that its argument names.
import { runProcess, type Service } from "../src/index.ts";

const HOUR_MS = 3_600_000;

const say = (word: string) => process.stdout.write(`${word}\n`);
/** Pending, and keeps the process alive. */
const never = () => new Promise<never>(() => setInterval(() => {}, HOUR_MS));

function service(overrides: Partial<Service<string>>): Service<string> {
  return {
    stopLimitMs: HOUR_MS,
    start: async () => {
      setInterval(() => {}, HOUR_MS);
      return "up";
    },
    stop: async () => {
      say("stop");
    },
    ...overrides,
  };
}

const faults: Record<string, () => Service<string> | Promise<Service<string>>> = {
  none: () => service({}),
  "creates for ever": () => {
    say("creating");
    return never();
  },
  "starts for ever": () =>
    service({
      start: () => {
        say("starting");
        return never();
      },
    }),
  "start fails once stopped": () => {
    let interrupt = () => {};
    return service({
      start: () =>
        new Promise((_, reject) => {
          const pending = setInterval(() => {}, HOUR_MS);
          interrupt = () => {
            clearInterval(pending);
            reject(new Error("interrupted"));
          };
          say("starting");
        }),
      stop: async () => {
        interrupt();
        await new Promise((resolve) => setImmediate(resolve));
        say("stop");
      },
    });
  },
  "cannot be created": () => {
    throw new Error("no luck");
  },
  "cannot start": () =>
    service({
      start: async () => {
        throw new Error("no luck");
      },
    }),
  "stops for ever": () =>
    service({
      stop: () => {
        say("stop");
        return never();
      },
    }),
  "is interrupted twice by one key press": () =>
    service({
      stop: async () => {
        process.kill(process.pid, "SIGINT");
        await new Promise((resolve) => process.once("SIGINT", resolve));
      },
    }),
  "stops for longer than its limit": () => service({ stopLimitMs: 10, stop: never }),
  "cannot stop": () =>
    service({
      stop: async () => {
        throw new Error("no luck");
      },
    }),
  throws: () =>
    service({
      start: async () => {
        setImmediate(() => {
          throw new Error("no luck");
        });
        return never();
      },
    }),
  "rejects unheard": () =>
    service({
      start: async () => {
        void Promise.reject(new Error("no luck"));
        return never();
      },
    }),
};

const create = faults[process.argv[2] ?? ""];
if (create === undefined) throw new Error("no such fault");
runProcess(create, say);
