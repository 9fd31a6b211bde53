import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readCommandLine } from "../../infra/deploy/src/command-line.ts";
import { ROOT, repositoryFiles } from "../repository/files.ts";
import { blockOf, blocksOf } from "./pages.ts";

/** The lines of a page's blocks of shell. */
function commandsOf(page: string): string[] {
  return blocksOf(page)
    .filter(({ language }) => language === "sh")
    .flatMap(({ code }) => code.replaceAll("\\\n", " ").split("\n"));
}

describe("the commands of infra/cdk8s/README.md and infra/deploy/README.md", () => {
  const commands = ["infra/cdk8s/README.md", "infra/deploy/README.md"].flatMap(commandsOf);

  test("name folders that there are, or that synth writes", () => {
    const named = commands.flatMap((line) => /kubectl apply -f (\S+)/.exec(line)?.[1] ?? []);
    const written = commands.flatMap((line) => /--out (\S+)/.exec(line)?.[1] ?? []);

    expect(named.length).toBeGreaterThan(1);
    expect(
      named.filter((path) => !written.includes(path) && !existsSync(join(ROOT, path))),
    ).toEqual([]);
  });

  test("give npm run deploy arguments that it takes", () => {
    const given = commands.flatMap((line) => /^npm run deploy -- (.+)$/.exec(line)?.[1] ?? []);

    expect(given).not.toEqual([]);
    for (const args of given) expect(() => readCommandLine(args.split(" "))).not.toThrow();
  });
});

test("what infra/deploy/README.md shows as printed are texts of the code", () => {
  const code = repositoryFiles("infra/deploy/src")
    .filter((path) => path.endsWith(".ts"))
    .map((path) => readFileSync(join(ROOT, path), "utf8"))
    .join("\n");
  const printed = ["context kind-pushcast", "nodes: 3 of 3 ready"].flatMap((first) =>
    blockOf("infra/deploy/README.md", first).code.trim().split("\n"),
  );
  const phrases = [
    "context ",
    " is new",
    "storage class ",
    " (the default)",
    " is left out: ",
    "created",
    ", after ",
    "ready, and so registered (the managers' metrics cannot be read: ",
    "no answer",
    "network.metrics may keep the API server out",
    "registered, as every push-manager says",
    " ready",
  ];

  const shown = printed.join("\n");
  expect(phrases.filter((phrase) => !shown.includes(phrase))).toEqual([]);
  expect(phrases.filter((phrase) => !code.includes(phrase))).toEqual([]);
});

test("scripts/build-images.sh takes what docs/operations.md gives it", () => {
  const { code } = blockOf("docs/operations.md", "scripts/build-images.sh");
  const help = execFileSync(join(ROOT, "scripts/build-images.sh"), ["--help"], {
    encoding: "utf8",
  });
  const given = code.match(/(?<=\s)--[a-z]+|(?<=[ /])(push-manager|connect-node|deletion-cost)\b/g);

  expect(given?.length).toBeGreaterThan(4);
  expect((given ?? []).filter((word) => word !== "--help" && !help.includes(word))).toEqual([]);
  expect(help).toContain("scripts/build-images.sh");
});
