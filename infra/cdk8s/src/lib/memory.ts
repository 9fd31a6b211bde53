import type { NodeSettings } from "@pushcast/connect-node";
import type { PushManagerSettings } from "@pushcast/push-manager";
import { InvalidConfig } from "../config/invalid-config.ts";
import type { k8s } from "./k8s.ts";
import { bytesOf, mebibytes } from "./quantities.ts";

const MIB = 1024 ** 2;
/** A process that does nothing. */
const IDLE_BYTES = 90 * MIB;
/** Garbage until it is collected. */
const GARBAGE_BYTES = 100 * MIB;
/** What the settings of the push-manager say of themselves. */
const IDEMPOTENCY_KEY_BYTES = 500;
const PENDING_PUSH_BYTES = 500;
/** What the settings of the connect-node say of themselves. */
const AUTHZ_ANSWER_BYTES = 250;
const RECALLED_TICKET_BYTES = 250;
const REVOCATION_BYTES = 200;
const HEAP_SHARE = 0.75;

/** The most that a connect-node needs, without the kernel's own buffers. */
export function nodeMemoryBytes(settings: NodeSettings): number {
  const { LOG_BYTES, FRAME_CACHE_BYTES, MAX_SESSIONS, SESSION_BUFFER_BYTES } = settings;
  const { AUTHZ_CACHE_ENTRIES, MAX_RECALLED_TICKETS, MAX_REVOCATIONS } = settings;
  return (
    IDLE_BYTES +
    LOG_BYTES +
    FRAME_CACHE_BYTES +
    MAX_SESSIONS * SESSION_BUFFER_BYTES +
    AUTHZ_CACHE_ENTRIES * AUTHZ_ANSWER_BYTES +
    MAX_RECALLED_TICKETS * RECALLED_TICKET_BYTES +
    MAX_REVOCATIONS * REVOCATION_BYTES +
    GARBAGE_BYTES
  );
}

/** The most that a push-manager needs, with few nodes. */
export function managerMemoryBytes(settings: PushManagerSettings): number {
  const { LOG_BYTES, IDEMPOTENCY_KEYS, MAX_PENDING_PUSHES } = settings;
  return (
    IDLE_BYTES +
    LOG_BYTES +
    IDEMPOTENCY_KEYS * IDEMPOTENCY_KEY_BYTES +
    MAX_PENDING_PUSHES * PENDING_PUSH_BYTES +
    GARBAGE_BYTES
  );
}

/**
 * @param section of the configuration that gives the limit and the settings
 * @throws InvalidConfig if the limit is below what the settings allow the process to need
 */
export function requireMemory(section: string, limit: string, neededBytes: number): void {
  if ((bytesOf(limit) ?? 0) >= neededBytes) return;
  const needed = mebibytes(neededBytes);
  const problem = `${limit} is less than the ${needed} that its settings allow it to need`;
  throw new InvalidConfig([{ path: `${section}.resources.memory`, problem }]);
}

/** Lets V8 collect before the kernel kills; without it, V8 takes less than the pod may have. */
export function heapLimit(memory: string): k8s.EnvVar {
  const megabytes = Math.floor(((bytesOf(memory) ?? 0) * HEAP_SHARE) / MIB);
  return { name: "NODE_OPTIONS", value: `--max-old-space-size=${megabytes}` };
}
