import { expect } from "vitest";
import { it } from "../support/node-stage.ts";

const WANTED = "00000000000000aa";
const UNWANTED = "00000000000000bb";
/** As many as are looked at in several turns of the event loop. */
const MANY = 3_000;

it("a peer hears from a node that takes long over what the peer does not want", async ({
  stage,
}) => {
  // Far longer than the time that passes.
  await stage.start({ LOG_SECONDS: "3600" });
  const wanted = await stage.manager(WANTED);
  const unwanted = await stage.manager(UNWANTED);
  await wanted.push({ roomId: "room", content: "first" });
  await unwanted.push(...Array.from({ length: MANY }, () => ({ roomId: "room", content: "x" })));
  await wanted.push({ roomId: "room", content: "last" });

  let isOver = false;
  /** A second in each turn of the event loop. */
  const letTimePass = () => {
    if (isOver) return;
    stage.clock.advance(1_000);
    setImmediate(letTimePass);
  };
  const call = stage.nodeClient().replicateStream({
    after: [{ epoch: UNWANTED, seq: 2n ** 53n - 1n }],
  });
  const sizes: number[] = [];
  letTimePass();
  call.on("data", ({ publications }) => sizes.push(publications.length));
  await new Promise((resolve, reject) => call.on("end", resolve).on("error", reject));
  isOver = true;

  // Between the first and the last publication.
  expect(sizes.slice(0, 2)).toEqual([0, 1]);
  expect(sizes.slice(2, -1).length).toBeGreaterThan(0);
  expect(sizes.at(-1)).toBe(1);
});
