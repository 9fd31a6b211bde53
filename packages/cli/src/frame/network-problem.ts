/** What to do about each way in which a connection fails: one line for a person. */
export interface NetworkHints {
  /** Nobody listens. */
  readonly refused: string;
  readonly unknownName: string;
  /** TLS was spoken to a port without it. */
  readonly noTls: string;
  /** The certificate is for another name. */
  readonly otherName: string;
  readonly unknownCa: string;
  /** A certificate of ours is asked for, or not trusted. */
  readonly clientCertificate: string;
  /** Something else listens there. */
  readonly otherProtocol: string;
  /** It ended the connection without a word. */
  readonly ended: string;
}

/** Signs in what Node, OpenSSL and grpc-js say, in the order in which they are looked for. */
const SIGNS: readonly (readonly [
  sign: RegExp,
  why: string,
  hint: keyof NetworkHints | undefined,
])[] = [
  [/ECONNREFUSED/, "nobody listens there", "refused"],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/, "the name is not known", "unknownName"],
  [/wrong version number|packet length too long|EPROTO/i, "it does not speak TLS", "noTls"],
  [/altnames|does not match certificate/i, "its certificate is for another name", "otherName"],
  [
    /self[- ]signed|unable to (?:get|verify)|issuer certificate/i,
    "its certificate is of a CA that is not trusted",
    "unknownCa",
  ],
  [/certificate has expired|CERT_HAS_EXPIRED/i, "its certificate has expired", undefined],
  [
    /certificate required|handshake failure|bad certificate|unknown ca|SSL alert/i,
    "it does not trust this client's certificate, or asks for one",
    "clientCertificate",
  ],
  [/protocol error|parse error|HTTP\//i, "it speaks another protocol", "otherProtocol"],
  [
    /ECONNRESET|EPIPE|hang up|dropped|closed|failed to connect/i,
    "it ended the connection",
    "ended",
  ],
];

/** @param message of an error of the network, or of TLS */
export function explainNetwork(
  message: string,
  hints: NetworkHints,
): { readonly why: string; readonly hint: string } {
  const known = SIGNS.find(([sign]) => sign.test(message));
  if (known === undefined) return { why: message, hint: "" };
  const [, why, hint] = known;
  return { why, hint: hint === undefined ? "Have it renewed." : hints[hint] };
}
