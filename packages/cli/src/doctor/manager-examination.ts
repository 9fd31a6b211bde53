import { type ChannelCredentials, type ClientOptions, credentials } from "@grpc/grpc-js";
import { createPushClient, type NodeList, type PushClientOptions, PushError } from "@pushcast/api";
import { checkConnection } from "./checks/connection.ts";
import { checkCallError, checkHealth, plainTextToTls } from "./checks/manager.ts";
import type { Finding } from "./finding.ts";
import { type DialTls, dial, speaksTls } from "./probes/dial.ts";
import { grpcHealth } from "./probes/grpc-health.ts";

/** The push-manager that is looked at, and how it is called. */
export interface ManagerTarget {
  /** `host:port` */
  readonly address: string;
  readonly options: PushClientOptions;
}

export interface ManagerExamination {
  readonly findings: readonly Finding[];
  /** Undefined if it did not say. */
  readonly nodes: NodeList | undefined;
}

/** From the name in DNS to the list of nodes: as far as it goes. */
export async function examineManager(
  target: ManagerTarget,
  timeoutMs: number,
): Promise<ManagerExamination> {
  const { address } = target;
  const { tls } = target.options;
  const { host, port } = splitAddress(address);
  const dialled = await dial({ host, port, tls, alpn: ["h2"], timeoutMs });
  const thing = {
    prefix: "manager",
    address,
    addressOption: "--manager",
    caOption: "--ca",
    plainOption: "without --tls and --ca",
    serverName: tls?.serverName ?? host,
  };
  const findings = checkConnection(thing, dialled, Date.now());
  if (findings.some(({ status }) => status === "fail")) return { findings, nodes: undefined };
  const health = await healthOf(target, timeoutMs);
  if ("error" in health && tls === undefined && (await speaksTls(host, port, timeoutMs))) {
    return { findings: [...findings, plainTextToTls()], nodes: undefined };
  }
  findings.push(checkHealth(health));
  if ("error" in health) return { findings, nodes: undefined };
  const listed = await listNodes(target);
  if (listed instanceof PushError) findings.push(checkCallError("manager-access", listed));
  return { findings, nodes: listed instanceof PushError ? undefined : listed };
}

/** @param address `host:port`, the host perhaps IPv6 in brackets, perhaps behind gRPC's `dns:///` */
function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  return {
    host: address
      .slice(0, colon)
      .replace(/^dns:\/*/, "")
      .replace(/^\[|\]$/g, ""),
    port: Number(address.slice(colon + 1)),
  };
}

async function healthOf(
  { address, options: { tls } }: ManagerTarget,
  timeoutMs: number,
): Promise<Parameters<typeof checkHealth>[0]> {
  try {
    const { secure, options } = grpcSecurity(tls);
    return { state: await grpcHealth(address, secure, options, timeoutMs) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

async function listNodes({ options }: ManagerTarget): Promise<NodeList | PushError> {
  const client = createPushClient(options);
  try {
    return await client.listNodes();
  } catch (error) {
    if (error instanceof PushError) return error;
    throw error;
  } finally {
    await client.close();
  }
}

function grpcSecurity(tls: DialTls | undefined): {
  readonly secure: ChannelCredentials;
  readonly options: ClientOptions;
} {
  if (tls === undefined) return { secure: credentials.createInsecure(), options: {} };
  const { ca, key, cert, serverName } = tls;
  return {
    secure: credentials.createSsl(toBuffer(ca), toBuffer(key), toBuffer(cert)),
    options:
      serverName === undefined
        ? {}
        : {
            "grpc.ssl_target_name_override": serverName,
            "grpc.default_authority": serverName,
          },
  };
}

function toBuffer(pem: string | Buffer | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
