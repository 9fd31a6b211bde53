import type { PeerCertificate, TLSSocket } from "node:tls";

/** The names in a certificate that was verified. */
export interface PeerNames {
  readonly commonName: string | undefined;
  /** Of the subject's alternative names, as are the other two. */
  readonly dnsNames: ReadonlySet<string>;
  readonly uris: ReadonlySet<string>;
  readonly emails: ReadonlySet<string>;
}

const verified = new WeakMap<object, PeerNames>();

/**
 * Notes who is at the other end of a connection that has just been made. One without a certificate,
 * or with one that the CA does not vouch for, is nobody.
 */
export function notePeer(socket: TLSSocket): void {
  if (!socket.authorized) return;
  const certificate = socket.getPeerCertificate();
  const names = peerNamesOf(certificate);
  if (names === undefined) return;
  verified.set(certificate, names);
  // gRPC asks for it with each call, and Node would decode it anew each time.
  socket.getPeerCertificate = (() => certificate) as TLSSocket["getPeerCertificate"];
}

/** Who was noted; undefined for nobody. @param certificate as gRPC's `getAuthContext` gives it */
export function notedPeer(certificate: PeerCertificate | undefined): PeerNames | undefined {
  return certificate && verified.get(certificate);
}

/** The names in a certificate; undefined if they cannot be read for sure. */
export function peerNamesOf({
  subject,
  subjectaltname = "",
}: Pick<PeerCertificate, "subject" | "subjectaltname">): PeerNames | undefined {
  const names: Record<"DNS" | "URI" | "email", Set<string>> = {
    DNS: new Set(),
    URI: new Set(),
    email: new Set(),
  };
  // Node quotes each name, as in JSON, that has a comma or anything else in it that could deceive.
  const entry = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?=, |$)/y;
  while (entry.lastIndex < subjectaltname.length) {
    const [, kind = "", text = ""] = entry.exec(subjectaltname) ?? [];
    if (kind === "") return undefined;
    if (!(kind in names)) continue;
    names[kind as keyof typeof names].add(text.startsWith('"') ? JSON.parse(text) : text);
  }
  const { DNS: dnsNames, URI: uris, email: emails } = names;
  const commonName: unknown = subject?.CN;
  // Several common names come as a list, and none of them is the one.
  return {
    commonName: typeof commonName === "string" ? commonName : undefined,
    dnsNames,
    uris,
    emails,
  };
}
