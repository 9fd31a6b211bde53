import type { Command } from "@pushcast/api";
import fc from "fast-check";
import type { Publication } from "../src/publication.ts";

/** A publication to all; parts of it can be given. */
export function publication(parts: Partial<Publication> = {}): Publication {
  return {
    epoch: "00000000000000aa",
    seq: 1,
    roomId: "",
    userIds: [],
    excludeUserIds: [],
    content: Buffer.from("hello"),
    contentType: "",
    idempotencyKey: "",
    ephemeral: false,
    atMs: 0,
    ...parts,
  };
}

export function command(kind: NonNullable<Command["kind"]>): Publication {
  return publication({ content: Buffer.alloc(0), command: { kind } });
}

/** A publication with any row of the table in publication.proto as its target. */
export function anyTarget(
  rooms: readonly string[],
  users: readonly string[],
): fc.Arbitrary<Publication> {
  const room = fc.constantFrom("", ...rooms);
  const someUsers = fc.array(fc.constantFrom(...users), { maxLength: 3 });
  return fc
    .tuple(room, someUsers, someUsers)
    .map(([roomId, userIds, excludeUserIds]) => publication({ roomId, userIds, excludeUserIds }));
}
