import type { InspectResponse } from "@pushcast/api";
import type { NodeState } from "@pushcast/registry";
import type { LinkState } from "../src/link.ts";
import type { KnownNode } from "../src/links.ts";
import type { TailListener, TailStream } from "../src/node-connection.ts";

/** A node that is known, and answers what a test lets it answer. */
export interface FakeNode extends KnownNode {
  onTail: (roomId: string, listener: TailListener) => TailStream | undefined;
  onInspect: () => Promise<InspectResponse>;
  become(state: NodeState): void;
}

export function fakeNode(
  nodeId: string,
  { state = "ready", link = "live" }: { state?: NodeState; link?: LinkState } = {},
): FakeNode {
  const record = {
    nodeId,
    grpcAddress: "127.0.0.1:1",
    state,
    zone: "zone-a",
    version: "1.2.3",
    startedAt: "",
  };
  const node: FakeNode = {
    isRegistered: true,
    record,
    link: {
      nodeId,
      nodeVersion: "",
      state: link,
      lag: 0,
      tail: (roomId: string, listener: TailListener) => node.onTail(roomId, listener),
      inspect: () => node.onInspect(),
    } as unknown as KnownNode["link"],
    onTail: () => undefined,
    onInspect: () => Promise.reject(new Error("it does not answer")),
    become: (next) => {
      record.state = next;
    },
  };
  return node;
}
