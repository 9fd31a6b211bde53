/// <reference lib="dom" />
import type { ManagerMessage, NodeMessage, SampleMessage } from "@pushcast/push-manager/console";
import type { Page } from "playwright-core";

const STARTED_AT_MS = Date.UTC(2026, 2, 1, 12, 0, 0);
const SAMPLES = 240;

const MANAGER: ManagerMessage = {
  epoch: "9f2c4e6a8b0d1357",
  managerId: "push-manager-7d4b9c-x2x8k",
  version: "0.1.0",
  startedAtMs: STARTED_AT_MS,
};

/** A little of everything: a node that drains, and one that lags and does not answer. */
const NODES: readonly NodeMessage[] = [
  node("connect-node-0", "ready", "live", 0, [12_480, 11_902, 834]),
  node("connect-node-1", "ready", "live", 3, [12_511, 11_940, 829]),
  node("connect-node-2", "draining", "live", 0, [4_203, 4_105, 512]),
  node("connect-node-3", "ready", "down", 1_204),
];

const TAILED = [
  `event: node\ndata: ${JSON.stringify({ nodeId: "connect-node-0" })}\n\n`,
  `event: publications\ndata: ${JSON.stringify({
    publications: [
      publication(41, "text", "Doors open at seven.", {}),
      publication(42, "json", '{"talk":"keynote","line":"Good morning"}', {
        contentType: "application/json",
        ephemeral: true,
      }),
      publication(43, "binary", "4f 67 67 53 00 02", {
        contentType: "audio/ogg",
        contentBytes: 18_204,
        cut: true,
        userIds: ["ann", "bob"],
        userCount: 2,
      }),
    ],
    skipped: 12,
  })}\n\n`,
];

export interface Recording {
  /** @default a few */
  readonly nodes?: readonly NodeMessage[];
  /** Nothing is heard of the manager after the last sample. @default false */
  readonly endsSilent?: boolean;
}

/** Lets the page have a recorded manager, whose last sample stays the last. */
export async function playRecording(page: Page, recording: Recording = {}): Promise<void> {
  const { nodes = NODES, endsSilent = false } = recording;
  const samples = [
    `event: manager\ndata: ${JSON.stringify(MANAGER)}\n\n`,
    ...Array.from(
      { length: SAMPLES },
      (_, second) => `event: sample\ndata: ${JSON.stringify(sample(second, nodes))}\n\n`,
    ),
  ];
  await page.addInitScript(
    ({ recorded, aliveMs }: { recorded: Record<string, string[]>; aliveMs: number }) => {
      const real = window.fetch.bind(window);
      const encoder = new TextEncoder();
      window.fetch = (input, init) => {
        const path = String(input).replace(/\?.*/, "");
        const chunks = recorded[path];
        if (chunks === undefined) return real(input, init);
        const body = new ReadableStream({
          start: (stream) => {
            init?.signal?.addEventListener("abort", () => stream.error(init.signal?.reason));
            for (const chunk of chunks) stream.enqueue(encoder.encode(chunk));
            if (aliveMs > 0) {
              const alive = encoder.encode("event: alive\ndata: {}\n\n");
              setInterval(() => stream.enqueue(alive), aliveMs);
            }
          },
        });
        return Promise.resolve(new Response(body));
      };
    },
    {
      // At once, so that they are drawn once.
      recorded: { "/console/samples": [samples.join("")], "/console/tail": TAILED },
      aliveMs: endsSilent ? 0 : 1000,
    },
  );
}

/** Waves, so that every line has a form. */
function sample(second: number, nodes: readonly NodeMessage[]): SampleMessage {
  const wave = (period: number) => 1 + Math.sin((2 * Math.PI * second) / period);
  const pushes = Math.round(200 + 180 * wave(90));
  const nodeSends = 4 * pushes;
  const p50 = 1.2 + 0.4 * wave(40);
  return {
    atMs: STARTED_AT_MS + 3_600_000 + second * 1000,
    seconds: 1,
    pushes,
    refused: second % 60 < 8 ? 40 : 0,
    deliveries: Math.round(pushes * (18 + 6 * wave(120))),
    nodeSends,
    nodeMatches: Math.round(nodeSends * (0.3 + 0.2 * wave(150))),
    latencyMs: { p50, p90: p50 * 2.1, p99: p50 * (3.4 + wave(25)) },
    maxLag: Math.max(0, (second - 120) * 10),
    held: false,
    nodes,
  };
}

export function node(
  nodeId: string,
  state: string,
  link: string,
  lag: number,
  counts?: readonly [sessions: number, users: number, rooms: number],
): NodeMessage {
  const zone = `zone-${"abc"[Number(nodeId.at(-1)) % 3]}`;
  const known = { nodeId, state, zone, version: "0.1.0", link, lag };
  if (counts === undefined) return known;
  const [sessions, users, rooms] = counts;
  return { ...known, counts: { sessions, users, rooms } };
}

function publication(seq: number, kind: string, shown: string, more: object): object {
  return {
    id: `${MANAGER.epoch}-${seq}`,
    atMs: STARTED_AT_MS + 3_600_000 + seq * 1000,
    contentType: "",
    kind,
    shown,
    cut: false,
    contentBytes: shown.length,
    ephemeral: false,
    userIds: [],
    userCount: 0,
    excludedCount: 0,
    ...more,
  };
}
