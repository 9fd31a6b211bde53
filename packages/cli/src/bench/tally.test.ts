import { expect, test } from "vitest";
import { NumberedContent } from "./content.ts";
import { Tally } from "./tally.ts";

/** Two rooms with two clients and one; the first two pushes are not measured. */
function tallyOfFour() {
  const tally = new Tally({ membersOfRoom: [2, 1], warmUp: 2, pushes: 6 });
  const [ann, bob, cid] = [tally.newClient(), tally.newClient(), tally.newClient()];
  for (let push = 0; push < 6; push += 1) {
    tally.sent(push, push * 100);
    tally.accepted(push);
  }
  return { tally, ann, bob, cid };
}

test("each push is delivered once to each client of its room, and timed from its call", () => {
  const { tally, ann, bob, cid } = tallyOfFour();
  for (const push of [0, 2, 4]) {
    tally.arrived(push, ann, push * 100 + 10);
    tally.arrived(push, bob, push * 100 + 20);
  }
  for (const push of [1, 3, 5]) tally.arrived(push, cid, push * 100 + 10);

  const { accepted, delivered, lost, repeated, latency } = tally.result;
  expect({ accepted, delivered, lost, repeated }).toEqual({
    accepted: 4,
    delivered: 6,
    lost: 0,
    repeated: 0,
  });
  expect(latency.max).toBe(20_000);
});

test("what does not come is lost, what comes twice is repeated, and neither counts in the warm-up", () => {
  const { tally, ann, bob, cid } = tallyOfFour();
  for (const push of [0, 0, 2, 2]) tally.arrived(push, ann, 1_000);
  tally.arrived(4, bob, 1_000);
  tally.arrived(5, cid, 1_000);

  expect(tally.result).toMatchObject({ delivered: 3, lost: 3, repeated: 1 });
});

test("a push that was refused is not lost", () => {
  const tally = new Tally({ membersOfRoom: [1], warmUp: 0, pushes: 2 });
  tally.sent(0, 0);
  tally.sent(1, 0);
  tally.accepted(1);
  expect(tally.result).toMatchObject({ accepted: 1, delivered: 0, lost: 1 });
});

test("a content has its number in it, and its length", () => {
  const content = new NumberedContent("ab12", 32);
  expect(Buffer.byteLength(content.of(7))).toBe(32);
  const frame = Buffer.from(JSON.stringify({ type: "message", content: content.of(1_234_567) }));
  expect(content.numberIn(frame)).toBe(1_234_567);
  expect(content.numberIn(Buffer.from('{"type":"position"}'))).toBeUndefined();
});
