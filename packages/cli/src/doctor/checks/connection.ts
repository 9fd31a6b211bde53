import { type Finding, fail, ok, warn } from "../finding.ts";
import type { Dialled, SeenCertificate } from "../probes/dial.ts";

/** What is dialled, in the words of its user. */
export interface DialledThing {
  /** The prefix of the checks' names: "manager", "etcd", "client". */
  readonly prefix: string;
  /** `host:port` */
  readonly address: string;
  /** What names the address, and the CA: the option or setting. */
  readonly addressOption: string;
  readonly caOption: string;
  /** The name that the certificate must have. */
  readonly serverName: string;
  /** How plain text is asked for: "without --tls". */
  readonly plainOption: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** A certificate that is renewed too late is found before it hurts. */
const EXPIRY_WARNING_DAYS = 14;

/** Judges how far a connection came. */
export function checkConnection(thing: DialledThing, dialled: Dialled, nowMs: number): Finding[] {
  const { prefix, address, addressOption } = thing;
  const reachable = `${prefix}-reachable`;
  switch (dialled.step) {
    case "dns":
      return [
        fail(
          reachable,
          `the name in ${address} cannot be looked up: ${dialled.problem}`,
          `Correct ${addressOption}, or the DNS of this machine. Inside a cluster the name is service.namespace.`,
        ),
      ];
    case "tcp":
      return [
        fail(
          reachable,
          `no connection to ${address}: ${dialled.problem}`,
          "ECONNREFUSED: nothing listens there, start it or correct the port. No answer: a firewall, a NetworkPolicy or a Service without ready pods.",
        ),
      ];
    case "tls":
      return [
        ok(reachable, address),
        dialled.isPlain
          ? fail(
              `${prefix}-tls`,
              "the server speaks plain text, and TLS was asked for",
              `Ask for plain text (${thing.plainOption}), or give the server its certificates (docs/operations.md, "TLS and who may push").`,
            )
          : fail(
              `${prefix}-tls`,
              `the TLS handshake failed: ${dialled.problem}`,
              "An alert of the server means that it refuses what was shown: give the client certificate that it asks for. Else see its log.",
            ),
      ];
    case "done": {
      const found = ok(
        reachable,
        `${address} is ${dialled.address}, ${dialled.connectMs.toFixed(1)} ms to connect`,
      );
      const { certificate } = dialled;
      return certificate === undefined
        ? [found]
        : [found, checkCertificate(thing, certificate, nowMs)];
    }
  }
}

/** Judges what a server has shown. */
export function checkCertificate(
  { prefix, serverName, caOption }: DialledThing,
  { subject, names, validFromMs, validToMs, problem }: SeenCertificate,
  nowMs: number,
): Finding {
  const check = `${prefix}-certificate`;
  const of = `the certificate of ${subject || names || "nobody"}`;
  if (validToMs <= nowMs) {
    return fail(
      check,
      `${of} ended on ${isoDate(validToMs)}`,
      "Renew it. Processes read their files again every FILES_CHECK_SECONDS: no restart is needed. If it is newer on disk, see the metric …_file_loads_total.",
    );
  }
  if (validFromMs > nowMs) {
    return fail(
      check,
      `${of} begins only on ${isoDate(validFromMs)}`,
      "Compare this machine's clock with that of the CA.",
    );
  }
  if (problem === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return fail(
      check,
      `${of} is not for ${serverName}, but for ${names || "no name"}`,
      "Call it by a name that the certificate has, or have one issued with this name among its alternative names.",
    );
  }
  if (problem !== undefined) {
    return fail(
      check,
      `${of} is not trusted: ${problem}`,
      `Give the CA that issued it with ${caOption}. The server must send the certificates between its own and the CA along.`,
    );
  }
  const days = Math.floor((validToMs - nowMs) / DAY_MS);
  const until = `${of} is trusted and ends on ${isoDate(validToMs)}`;
  if (days >= EXPIRY_WARNING_DAYS) return ok(check, until);
  return warn(
    check,
    `${until}: in ${days} ${days === 1 ? "day" : "days"}`,
    "Renew it, and see why nothing has renewed it yet. Short-lived certificates that are renewed by a machine are no fault.",
  );
}

function isoDate(unixMs: number): string {
  return Number.isNaN(unixMs) ? "an unknown day" : new Date(unixMs).toISOString().slice(0, 10);
}
