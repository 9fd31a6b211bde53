import { readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { expect, test } from "vitest";
import { ROOT, repositoryFiles } from "./files.ts";

// A folder directly below the file system's root, such as /app, is also a usual place in images.
const ROOT_IS_TELLING = ROOT.split(sep).length > 2;
const HOME_FOLDER = /(?:\/home|\/Users|[A-Z]:\\Users|\/root)[/\\]\w/;

test("no file names an absolute path of the machine that it was written on", () => {
  const offenders = repositoryFiles().filter((path) => {
    const text = readFileSync(join(ROOT, path), "latin1");
    return HOME_FOLDER.test(text) || (ROOT_IS_TELLING && text.includes(ROOT));
  });

  expect(offenders).toEqual([]);
});
