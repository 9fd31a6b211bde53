import { inspectEtcd } from "@pushcast/registry";
import { checkConnection } from "./checks/connection.ts";
import { checkEtcd } from "./checks/etcd.ts";
import type { ClockSample } from "./clock-offset.ts";
import { type Finding, fail } from "./finding.ts";
import { clockSamples } from "./probes/clock.ts";
import { dial, speaksTls } from "./probes/dial.ts";
import { httpGet } from "./probes/http.ts";
import { MetricsText } from "./probes/metrics-text.ts";

export interface EtcdTarget {
  /** `http://` or `https://`, host and port. */
  readonly endpoint: URL;
  readonly tls: EtcdTargetTls;
}

/** PEM. Without a CA those that Node trusts. */
export interface EtcdTargetTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export interface EtcdExamination {
  readonly endpoint: string;
  readonly clock: readonly ClockSample[];
  /** @param linkedNodeIds the nodes to which a push-manager has live links; undefined if none was asked */
  judge(linkedNodeIds: ReadonlySet<string> | undefined): readonly Finding[];
}

const DEFAULT_PORT = 2379;

/** Asks one endpoint of etcd what there is to know. Changes nothing. */
export async function examineEtcd(
  { endpoint, tls }: EtcdTarget,
  timeoutMs: number,
): Promise<EtcdExamination> {
  const url = endpoint.origin;
  const isSecure = endpoint.protocol === "https:";
  const host = endpoint.hostname.replace(/^\[|\]$/g, "");
  const port = Number(endpoint.port || DEFAULT_PORT);
  const dialled = await dial({
    host,
    port,
    tls: isSecure ? tls : undefined,
    alpn: ["h2"],
    timeoutMs,
  });
  const thing = {
    prefix: "etcd",
    address: `${host}:${port}`,
    addressOption: "--etcd",
    caOption: "--etcd-ca",
    plainOption: "http://",
    serverName: host,
  };
  // An etcd without TLS ends such a connection without a word.
  const isPlain = dialled.step === "tls" && (await answersPlainText(host, port, timeoutMs));
  const seen = isPlain ? { ...dialled, isPlain } : dialled;
  const connection = checkConnection(thing, seen, Date.now());
  const ended = (findings: readonly Finding[], clock: readonly ClockSample[] = []) => ({
    endpoint: url,
    clock,
    judge: () => findings,
  });
  if (connection.some(({ status }) => status === "fail")) return ended(connection);
  const { ca, cert, key } = tls;
  const own = isSecure && ca ? { tls: { ca, ...(cert && { cert }), ...(key && { key }) } } : {};
  const http = { timeoutMs, ...(isSecure && { tls }) };
  const [inspected, clock, quotaBytes] = await Promise.all([
    inspectEtcd(url, { timeoutMs, ...own }).catch((error: Error) => error),
    clockSamples(`${url}/version`, http),
    quotaOf(url, http),
  ]);
  if (inspected instanceof Error) {
    const isTls = !isSecure && (await speaksTls(host, port, timeoutMs));
    return ended([...connection, noAnswer(inspected, isTls)], clock);
  }
  return {
    endpoint: url,
    clock,
    judge: (linkedNodeIds) => [
      ...connection,
      ...checkEtcd({ report: inspected, quotaBytes, linkedNodeIds }),
    ],
  };
}

function noAnswer(error: Error, isTls: boolean): Finding {
  if (isTls) {
    return fail(
      "etcd-tls",
      "etcd speaks TLS, and plain text was sent",
      "Write https:// in ETCD_ENDPOINTS, and give --etcd-ca (ETCD_CA_FILE).",
    );
  }
  return fail(
    "etcd-answers",
    error.message,
    "It accepts connections and does not answer: frozen, without a quorum, or it wants a client certificate (--etcd-cert, --etcd-key). Pushes to known nodes go on meanwhile; docs/runbook.md, PushcastEtcdUnavailable.",
  );
}

async function answersPlainText(host: string, port: number, timeoutMs: number): Promise<boolean> {
  try {
    const address = host.includes(":") ? `[${host}]` : host;
    const { status } = await httpGet(`http://${address}:${port}/version`, { timeoutMs });
    return status === 200;
  } catch {
    return false;
  }
}

/** Undefined where metrics are served at another port only. */
async function quotaOf(
  url: string,
  options: Parameters<typeof httpGet>[1],
): Promise<number | undefined> {
  try {
    const { body } = await httpGet(`${url}/metrics`, options);
    return new MetricsText(body).value("etcd_server_quota_backend_bytes");
  } catch {
    return undefined;
  }
}
