import type { Reporter, SerializedError, TestModule } from "vitest/node";

/**
 * Prints `N passed, N failed` (and `, N skipped` if any) as the last line of a run, and fails a run
 * in which no test ran.
 */
export default class ClosingLine implements Reporter {
  #line = "0 passed, 0 failed";

  onInit(): void {
    // The runner and other reporters still print after the end of the run.
    process.once("exit", () => process.stdout.write(`${this.#line}\n`));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      // A file that does not load and a suite whose hook fails have errors, but no failed test.
      for (const suite of [module, ...module.children.allSuites()]) {
        if (suite.errors().length > 0) count.failed += 1;
      }
      for (const test of module.children.allTests()) count[test.result().state] += 1;
    }

    if (count.passed + count.failed === 0) process.exitCode = 1;
    const skipped = count.skipped + count.pending;
    this.#line = `${count.passed} passed, ${count.failed} failed`;
    if (skipped > 0) this.#line += `, ${skipped} skipped`;
  }
}
