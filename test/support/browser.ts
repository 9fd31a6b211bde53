import { type Browser, chromium } from "playwright-core";

/** Debian's; `CHROMIUM` names another. */
const EXECUTABLE = "/usr/bin/chromium";

const ARGS = [
  // Containers seldom allow the sandbox's namespaces. These tests open no page but their own.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  // It shall talk to nobody else.
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * A real Chromium, without a window and with a user data folder of its own. `close()` ends all its
 * processes and deletes the folder.
 */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM || EXECUTABLE, args: ARGS });
}
