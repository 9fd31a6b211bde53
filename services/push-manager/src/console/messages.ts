/**
 * What the console's page and its push-manager say to each other, as JSON. The page imports these
 * types too, so nothing of Node stands here.
 */

/** A request to the console's data has it: pages of other sites cannot set it. */
export const CONSOLE_HEADER = "x-pushcast-console";

/** The first event, `manager`, of `GET /console/samples`. */
export interface ManagerMessage {
  readonly epoch: string;
  readonly managerId: string;
  readonly version: string;
  /** Unix milliseconds. */
  readonly startedAtMs: number;
}

/** An event `sample` of `GET /console/samples`: what happened since the one before, and how it is now. */
export interface SampleMessage {
  /** Unix milliseconds. */
  readonly atMs: number;
  /** How long it covers. */
  readonly seconds: number;
  /** Pushes that this manager accepted and answered. */
  readonly pushes: number;
  /** Pushes that it refused. */
  readonly refused: number;
  /** Sessions that nodes say they have delivered this manager's pushes to. */
  readonly deliveries: number;
  /** Nodes that this manager's pushes were for, added up over the pushes. */
  readonly nodeSends: number;
  /** Those of them that had a session for it. */
  readonly nodeMatches: number;
  /** From a push's arrival to its answer; undefined where there was none. */
  readonly latencyMs?: { readonly p50: number; readonly p90: number; readonly p99: number };
  /** Publications that the node furthest behind has not acknowledged. */
  readonly maxLag: number;
  /** Whether publishers are held back. */
  readonly held: boolean;
  readonly nodes: readonly NodeMessage[];
}

export interface NodeMessage {
  readonly nodeId: string;
  /** As registered; `unregistered` where its key is gone and its link healthy. */
  readonly state: string;
  readonly zone: string;
  readonly version: string;
  readonly link: string;
  readonly lag: number;
  /** Undefined while the node does not answer. */
  readonly counts?: { readonly sessions: number; readonly users: number; readonly rooms: number };
}

/** The body of `POST /console/push`. */
export interface PushMessage {
  readonly target: PushTarget;
  readonly content: string;
  readonly contentType: string;
  readonly idempotencyKey: string;
  readonly ephemeral: boolean;
}

export type PushTarget =
  | { readonly kind: "room"; readonly roomId: string }
  /** With a room: only the user's sessions in it. */
  | { readonly kind: "user"; readonly userId: string; readonly roomId: string }
  | { readonly kind: "all" };

/** The answer to `POST /console/push`. */
export interface PushedMessage {
  readonly messageId: string;
  readonly report: {
    readonly nodesTotal: number;
    readonly nodesAcked: number;
    readonly nodesMatched: number;
    readonly nodesDuplicate: number;
    readonly sessionsDelivered: number;
    readonly sessionsLagging: number;
    readonly failures: readonly {
      readonly nodeId: string;
      readonly reason: string;
      readonly message: string;
    }[];
  };
}

/** Any answer that is not 2xx. */
export interface ErrorMessage {
  readonly error: { readonly code: string; readonly message: string };
}

/** An event `node` of `GET /console/tail?room=…`: whose log is read from now on. */
export interface TailNodeMessage {
  readonly nodeId: string;
}

/** An event `waiting`: no node can be read just now. */
export interface TailWaitingMessage {
  readonly reason: string;
}

/** An event `publications`. Besides, every few seconds, there is an event `alive` with nothing in it. */
export interface TailMessage {
  readonly publications: readonly TailedPublication[];
  /** Those left out since the event before. */
  readonly skipped: number;
}

export interface TailedPublication {
  readonly id: string;
  /** When its manager accepted it, Unix milliseconds. */
  readonly atMs: number;
  /** As the publisher gave it; empty means text/plain. */
  readonly contentType: string;
  readonly kind: "text" | "json" | "binary";
  /** Text, or bytes in hex; its beginning where it is `cut`. */
  readonly shown: string;
  readonly cut: boolean;
  readonly contentBytes: number;
  readonly ephemeral: boolean;
  /** Some of those that alone get it; none for everybody. */
  readonly userIds: readonly string[];
  readonly userCount: number;
  readonly excludedCount: number;
}
