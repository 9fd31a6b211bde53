import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../repository/files.ts";
import { blocksOf, PAGES } from "./pages.ts";

test("the TypeScript in the documents compiles", () => {
  // Where packages are found from.
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".tmp/docs-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const blocks = PAGES.flatMap((page) =>
    blocksOf(page)
      .filter(({ language }) => language === "ts" || language === "tsx")
      .map((block) => ({ page, ...block })),
  );
  for (const { page, line, language, code } of blocks) {
    // Each is a module, as its reader's file is.
    const file = `${page.replaceAll(/[/.]/g, "-")}-line-${line}.${language}`;
    writeFileSync(join(folder, file), `${code}\nexport {};\n`);
  }
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(ROOT, "tsconfig.test.json"),
      include: ["*.ts", "*.tsx"],
      exclude: [],
    }),
  );

  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const { stdout, status } = spawnSync(tsc, ["-p", folder], { encoding: "utf8" });

  expect(blocks.length).toBeGreaterThan(5);
  expect(stdout).toBe("");
  expect(status).toBe(0);
});
