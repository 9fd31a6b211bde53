/** What a process needs before all else: it is loaded fast, so that signals are heeded early. */
export * from "./process-runner.ts";
export * from "./ready-line.ts";
