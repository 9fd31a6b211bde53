import { answerParent } from "../../test/support/child.ts";
import { sum } from "../measure.ts";
import type { ReceiversReply, ReceiversRequest } from "./messages.ts";
import { Receiver } from "./receiver.ts";

const receivers: Receiver[] = [];

answerParent<ReceiversRequest>(async (request): Promise<ReceiversReply> => {
  switch (request.type) {
    case "open":
      receivers.push(...request.nodeIds.map((nodeId) => new Receiver(nodeId)));
      return await Promise.all(receivers.map((receiver) => receiver.listen()));
    case "report":
      return {
        publications: receivers.map(({ publications }) => publications),
        holes: sum(receivers.map(({ holes }) => holes)),
        messages: sum(receivers.map(({ messages }) => messages)),
      };
  }
});
