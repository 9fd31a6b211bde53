import { createHash, timingSafeEqual } from "node:crypto";
import type { PeerNames } from "@pushcast/runtime";
import type { RateLimit } from "./rate.ts";
import type { Rights } from "./rights.ts";

/** Somebody who may call this push-manager. */
export interface CallerEntry extends Rights {
  /** Stands in logs and metrics. */
  readonly name: string;
  /** SHA-256 of each of its tokens. */
  readonly tokenHashes: readonly Buffer[];
  /** A common name, or one of the alternative names, of its certificates. */
  readonly certificates: readonly string[];
  /** undefined: as much as it likes. */
  readonly rate: RateLimit | undefined;
}

export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** Everybody who may call, as one version of the file says. */
export class Callers {
  readonly entries: readonly CallerEntry[];
  readonly #tokens: readonly { readonly hash: Buffer; readonly entry: CallerEntry }[];

  constructor(entries: readonly CallerEntry[]) {
    this.entries = entries;
    this.#tokens = entries.flatMap((entry) => entry.tokenHashes.map((hash) => ({ hash, entry })));
  }

  /** @param tokenHash as {@link hashToken} gives it */
  withToken(tokenHash: Buffer): CallerEntry | undefined {
    let found: CallerEntry | undefined;
    // All of them, each in the same time, so that how long it takes tells nothing.
    for (const { hash, entry } of this.#tokens) if (timingSafeEqual(hash, tokenHash)) found = entry;
    return found;
  }

  withName(name: string): CallerEntry | undefined {
    return this.entries.find((entry) => entry.name === name);
  }

  /** A certificate that fits several callers is nobody's. */
  withCertificate(peer: PeerNames): CallerEntry | undefined {
    const fitting = this.entries.filter(({ certificates }) =>
      certificates.some((name) => isNamed(peer, name)),
    );
    return fitting.length === 1 ? fitting[0] : undefined;
  }
}

function isNamed({ commonName, dnsNames, uris, emails }: PeerNames, name: string): boolean {
  return commonName === name || dnsNames.has(name) || uris.has(name) || emails.has(name);
}
