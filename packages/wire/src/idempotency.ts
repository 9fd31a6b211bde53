import { createHash } from "node:crypto";

const KEY_CHARACTERS = 16;

/**
 * The `key` of a message: 96 bits of SHA-256 in base64url. Clients drop repeats by it and learn
 * nothing of the publisher's idempotency key; all nodes compute the same.
 */
export function keyHash(idempotencyKey: string): string {
  return createHash("sha256").update(idempotencyKey).digest("base64url").slice(0, KEY_CHARACTERS);
}
