import { isAddress } from "./address.ts";

/** What a node says of its own life. */
export type NodeState = "starting" | "ready" | "draining";

/** What the registry knows of one connect-node. */
export interface NodeRecord {
  readonly nodeId: string;
  /** `host:port` of the node's gRPC server. */
  readonly grpcAddress: string;
  /** A state that this version does not know is kept as it is; empty if none was said. */
  readonly state: NodeState | (string & Record<never, never>);
  readonly zone: string;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** Every node's key is this and its id. */
export const NODE_KEY_PREFIX = "/pushcast/nodes/";

/** What became of reading a value: a record, or why there is none. */
export type DecodedRecord =
  | { readonly record: NodeRecord; readonly problem?: never }
  | { readonly record?: never; readonly problem: string };

export function nodeKey(nodeId: string): string {
  return NODE_KEY_PREFIX + nodeId;
}

/** The JSON value of a node's key. The same record always gives the same text. */
export function encodeNodeRecord(record: NodeRecord): string {
  const { nodeId, grpcAddress, state, zone, version, startedAt } = record;
  return JSON.stringify({
    nodeId,
    grpcAddress,
    state,
    zone,
    version,
    startedAt,
  });
}

/** Far above what a node writes, which is about 200 characters. */
const MAX_VALUE_LENGTH = 4096;

/**
 * Reads the value of a node's key. Fields that are not known are ignored, so that a newer version
 * may add some; only `nodeId` (the one that the key names) and `grpcAddress` are required.
 */
export function decodeNodeRecord(key: string, value: string): DecodedRecord {
  if (value.length > MAX_VALUE_LENGTH) return { problem: "too long" };
  let fields: unknown;
  try {
    fields = JSON.parse(value);
  } catch {
    return { problem: "not JSON" };
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    return { problem: "not a JSON object" };
  }
  const nodeId = textField(fields, "nodeId");
  const grpcAddress = textField(fields, "grpcAddress");
  if (nodeId === "") return { problem: "nodeId is missing" };
  if (grpcAddress === "") return { problem: "grpcAddress is missing" };
  if (!isAddress(grpcAddress)) return { problem: "grpcAddress is not host:port" };
  if (nodeKey(nodeId) !== key) {
    return {
      problem: `nodeId ${JSON.stringify(nodeId)} is not that of the key`,
    };
  }
  return {
    record: {
      nodeId,
      grpcAddress,
      state: textField(fields, "state"),
      zone: textField(fields, "zone"),
      version: textField(fields, "version"),
      startedAt: textField(fields, "startedAt"),
    },
  };
}

/** Whether both say the same. */
export function sameNodeRecord(a: NodeRecord, b: NodeRecord): boolean {
  return encodeNodeRecord(a) === encodeNodeRecord(b);
}

function textField(fields: object, name: string): string {
  const value = (fields as Record<string, unknown>)[name];
  return typeof value === "string" ? value : "";
}
