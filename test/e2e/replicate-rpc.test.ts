import { status } from "@grpc/grpc-js";
import type { ReplicateResponse } from "@pushcast/api";
import { describe, expect } from "vitest";
import { refusal } from "../support/manager-client.ts";
import type { RunningNode } from "../support/processes.ts";
import { it } from "../support/stage.ts";
import { SteadyPushes } from "../support/steady-pushes.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;

function contents(responses: readonly ReplicateResponse[]): string[] {
  return responses.flatMap(({ publications }) =>
    publications.map(({ content }) => Buffer.from(content).toString()),
  );
}

describe("Replicate, called from outside", { timeout: 60_000 }, () => {
  it("answers with the table, the publications that the caller lacks, and an end", async ({
    stage,
  }) => {
    const { nodes, publisher, manager } = await stage.cluster(1);
    const node = nodes[0] as RunningNode;
    const client = stage.nodeClient(node);
    for (const content of ["1", "2", "3"]) await publisher.pushToRoom({ roomId: "r", content });

    const all = await client.replicate();
    expect(contents(all)).toEqual(["1", "2", "3"]);
    expect(all[0]?.epochs).toMatchObject([
      { epoch: manager.epoch, tailSeq: 0n, headSeq: 3n, holes: [], live: true, goneMs: 0n },
    ]);
    expect(all.map(({ done }) => done)).toEqual([false, true]);
    expect(all.at(-1)?.logAgeMs).toBeGreaterThan(0n);

    const after = [{ epoch: manager.epoch, seq: 2n }];
    expect(contents(await client.replicate({ after }))).toEqual(["3"]);
    // A publication of one byte of content has more than half of that.
    const newest = await client.replicate({ maxBytes: 60n });
    expect(contents(newest)).toEqual(["3"]);
    expect(newest[0]?.epochs).toMatchObject([{ tailSeq: 2n, headSeq: 3n }]);
  });

  it("refuses by name what is not allowed", async ({ stage }) => {
    const { nodes } = await stage.cluster(1);
    const client = stage.nodeClient(nodes[0] as RunningNode);
    const epoch = "000000000000000a";
    for (const [after, pushcastCode] of [
      [[{ epoch: "A", seq: 0n }], "EPOCH_INVALID"],
      [[{ epoch, seq: 2n ** 53n }], "SEQ_INVALID"],
      [Array.from({ length: 100_001 }, () => ({ epoch, seq: 0n })), "TOO_MANY_EPOCHS"],
    ] as const) {
      expect(await refusal(client.replicate({ after: [...after] }))).toMatchObject({
        code: status.INVALID_ARGUMENT,
        pushcastCode,
      });
    }
  });

  it("is refused by a node that is not ready", async ({ stage }) => {
    const etcd = await stage.etcd();
    await etcd.stop();
    const node = await stage.node({ REGISTRY: "etcd", ETCD_ENDPOINTS: etcd.endpoint });
    expect(await refusal(stage.nodeClient(node).replicate())).toMatchObject({
      code: status.UNAVAILABLE,
      pushcastCode: "NODE_STARTING",
    });
  });

  it("holds back a reader that stops reading: memory is bounded, and live delivery goes on", async ({
    stage,
  }) => {
    const { nodes, publisher } = await stage.cluster(1);
    const node = nodes[0] as RunningNode;
    const client = await stage.client(node, { userId: "ann" });
    await client.join("live");
    const content = Buffer.alloc(256 * 1024, "x");
    for (let pushed = 0; pushed < 32 * MIB; pushed += content.byteLength) {
      await publisher.pushToRoom({ roomId: "large", content });
    }
    const before = node.process.rssBytes;
    const calls = Array.from({ length: 10 }, () => stage.nodeClient(node).replicateStream());
    for (const call of calls) {
      call.on("error", () => {});
      await new Promise((resolve) => call.once("metadata", resolve));
    }
    const pushes = new SteadyPushes(publisher, "live", 10);
    await client.count(100);
    await pushes.stop();
    expect(pushes.refused).toEqual([]);
    await client.count(pushes.sent);
    // Unread, ten copies would be 320 MiB.
    expect(node.process.rssBytes - before).toBeLessThan(60 * MIB);
    for (const call of calls) call.cancel();
    const contentsOf = await stage.nodeClient(node).replicate();
    expect(contentsOf.at(-1)?.done).toBe(true);
    await until("the node is live", async () => (await fetch(`${node.opsUrl}/livez`)).ok);
  });
});
