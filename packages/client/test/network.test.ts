import { afterEach, describe, expect, test, vi } from "vitest";
import { connect } from "../src/index.ts";
import { FakeServer } from "../src/testing/index.ts";

afterEach(() => vi.unstubAllGlobals());

/** After how long a client tries again whose connection has dropped, on a device without a network. */
async function retryInMs(url: string | (() => string)): Promise<number> {
  vi.stubGlobal("navigator", { onLine: false });
  const server = new FakeServer();
  const { network: _, ...options } = server.options;
  const client = connect({ ...options, url, userId: "ann", onGap: () => {} });
  await server.settle();
  await server.stop();
  const { state } = client;
  client.close();
  if (state.state !== "closed" || !state.retry) throw new Error(`it is ${state.state}`);
  return state.retryInMs;
}

describe("on a device that says it has no network", () => {
  test.each([
    "ws://localhost:8080/ws",
    "ws://127.0.0.1/ws",
    "ws://[::1]:8080/ws",
    "WS://LOCALHOST",
  ])("a server on the device itself is tried again as ever: %s", async (url) => {
    expect(await retryInMs(url)).toBe(500);
  });

  test.each([
    "wss://push.example.com/ws",
    "ws://localhost.example.com/ws",
    "ws://127.0.0.1.example.com/ws",
    "ws://push.example.com/ws?from=ws://localhost/",
    () => "ws://localhost:8080/ws",
  ])(
    "another server is tried every maxDelayMs, and so is one that a function names: %s",
    async (url) => {
      expect(await retryInMs(url)).toBe(30_000);
    },
  );
});
