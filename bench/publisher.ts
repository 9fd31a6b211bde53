import { setTimeout as sleep } from "node:timers/promises";
import { answerParent } from "../test/support/child.ts";
import { ManagerClient } from "../test/support/manager-client.ts";
import { writeContent } from "./content.ts";
import type { PublisherReport, PublisherRequest, Pushing } from "./messages.ts";

let isStopped = false;
let pushing: Promise<PublisherReport> | undefined;

async function publish(request: Pushing): Promise<PublisherReport> {
  const { roomIds, rate, seconds = Number.POSITIVE_INFINITY, contentBytes, isWarmUp } = request;
  const client = new ManagerClient(request.address);
  const accepted = roomIds.map(() => 0);
  const answerMs: number[] = [];
  let refused = 0;

  const push = async (number: number) => {
    const room = number % roomIds.length;
    const n = Math.floor(number / roomIds.length);
    const sentAtMs = performance.now();
    const content = writeContent({ n, sentNs: process.hrtime.bigint() }, isWarmUp, contentBytes);
    try {
      await client.pushToRoom({ roomId: roomIds[room] ?? "", content });
      answerMs.push(performance.now() - sentAtMs);
      accepted[room] = (accepted[room] ?? 0) + 1;
    } catch (error) {
      refused += 1;
      console.error(`push ${number} was refused: ${(error as Error).message}`);
    }
  };

  const startedAtMs = performance.now();
  const pushes: Promise<void>[] = [];
  const total = Math.round(rate * seconds);
  for (let number = 0; number < total && !isStopped; number += 1) {
    const waitMs = startedAtMs + (number / rate) * 1_000 - performance.now();
    if (waitMs >= 1) await sleep(waitMs);
    pushes.push(push(number));
  }
  await Promise.all(pushes);
  const tookSeconds = (performance.now() - startedAtMs) / 1_000;
  client.close();
  return { accepted, refused, tookSeconds, answerMs: Float64Array.from(answerMs) };
}

answerParent<PublisherRequest>(async (request) => {
  isStopped = request.type === "stop";
  if (request.type === "push") pushing = publish(request);
  const isAwaited = request.type === "stop" || request.seconds !== undefined;
  return isAwaited ? await pushing : "started";
});
