import { isUtf8 } from "node:buffer";
import type { Publication } from "@pushcast/api";
import { publicationId } from "@pushcast/log";
import { contentKind } from "@pushcast/wire";
import type { TailedPublication } from "./messages.ts";

const SHOWN_USERS = 10;
/** Of what is no text, the beginning says what it is. */
const HEX_BYTES = 64;

/** @param maxBytes of content that are shown; the rest is only counted */
export function tailedPublication(publication: Publication, maxBytes: number): TailedPublication {
  const { content, contentType, userIds } = publication;
  const kind = isUtf8(content) ? contentKind(contentType) : "binary";
  const shown = kind === "binary" ? hex(content) : beginning(content, maxBytes);
  return {
    id: publicationId({ epoch: publication.epoch, seq: Number(publication.seq) }),
    atMs: Number(publication.atMs),
    contentType,
    kind,
    shown,
    cut: content.byteLength > (kind === "binary" ? HEX_BYTES : maxBytes),
    contentBytes: content.byteLength,
    ephemeral: publication.ephemeral,
    userIds: userIds.slice(0, SHOWN_USERS),
    userCount: userIds.length,
    excludedCount: publication.excludeUserIds.length,
  };
}

function hex(content: Buffer): string {
  return content
    .subarray(0, HEX_BYTES)
    .toString("hex")
    .replace(/(..)(?=.)/g, "$1 ");
}

/** Whole characters: one that is cut through is left out. */
function beginning(content: Buffer, maxBytes: number): string {
  return new TextDecoder().decode(content.subarray(0, maxBytes), {
    stream: content.byteLength > maxBytes,
  });
}
