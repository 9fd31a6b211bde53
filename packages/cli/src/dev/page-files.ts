import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

export interface PageFile {
  readonly contentType: string;
  readonly body: Buffer;
}

const FOLDER = new URL("../../page/", import.meta.url);

const CONTENT_TYPES = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
} as const;

/** The client in one file, for what is tried in the console of a browser. */
const CLIENT = "pushcast.min.js";

/**
 * Reads the page's files, by the paths under which they are served.
 * @throws Error where the client has not been built
 */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const client = createRequire(import.meta.url).resolve(`@pushcast/client/${CLIENT}`);
  const file = (name: string, kind: keyof typeof CONTENT_TYPES): PageFile => ({
    contentType: CONTENT_TYPES[kind],
    body: readFileSync(new URL(`${name}.${kind}`, FOLDER)),
  });
  return new Map([
    ["/", file("index", "html")],
    ["/style.css", file("style", "css")],
    ["/icon.svg", file("icon", "svg")],
    ["/main.js", file("main", "js")],
    ["/connection.js", file("connection", "js")],
    ["/node-panel.js", file("node-panel", "js")],
    ["/push-form.js", file("push-form", "js")],
    ["/words.js", file("words", "js")],
    [`/${CLIENT}`, { contentType: CONTENT_TYPES.js, body: readFileSync(client) }],
  ]);
}
