import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** Prints `N passed, N failed[, N skipped]` as the last line of the run, and fails a run in which no test ran. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      // A file that does not load, and a suite whose hook fails, have errors but no failed test.
      if (module.errors().length > 0) count.failed += 1;
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) count.failed += 1;
      }
      for (const test of module.children.allTests()) count[test.result().state] += 1;
    }

    const skipped = count.skipped + count.pending;
    if (count.passed + count.failed === 0) process.exitCode = 1;
    // Other reporters and the runner still print after this event.
    process.once("exit", () => {
      const line = `${count.passed} passed, ${count.failed} failed`;
      process.stdout.write(skipped > 0 ? `${line}, ${skipped} skipped\n` : `${line}\n`);
    });
  }
}
