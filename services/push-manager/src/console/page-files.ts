import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { OpsFile } from "@pushcast/runtime";

const FOLDER = fileURLToPath(new URL("../../page/", import.meta.url));

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The page takes nothing from elsewhere, and is no part of another page. */
const HEADERS = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; "),
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/**
 * Reads the page's files, by the paths under which they are served.
 * @throws Error where the page has not been built
 */
export function readPageFiles(): ReadonlyMap<string, OpsFile> {
  const uplot = dirname(createRequire(import.meta.url).resolve("uplot/package.json"));
  const modules = readdirSync(join(FOLDER, "dist")).filter((name) => name.endsWith(".js"));
  return new Map([
    ["/console", readFile(FOLDER, "index.html")],
    ["/console/style.css", readFile(FOLDER, "style.css")],
    ["/console/icon.svg", readFile(FOLDER, "icon.svg")],
    ["/console/uplot.js", readFile(uplot, "dist/uPlot.esm.js")],
    ["/console/uplot.css", readFile(uplot, "dist/uPlot.min.css")],
    ...modules.map((name) => [`/console/${name}`, readFile(FOLDER, `dist/${name}`)] as const),
  ]);
}

function readFile(folder: string, name: string): OpsFile {
  return {
    content: readFileSync(join(folder, name)),
    contentType: CONTENT_TYPES[extname(name)] ?? "application/octet-stream",
    headers: HEADERS,
  };
}
