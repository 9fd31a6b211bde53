import { status } from "@grpc/grpc-js";
import { type CallGuard, RpcError } from "@pushcast/runtime";

/** The names by which managers and nodes know each other. */
export interface CertificateNames {
  readonly managerName: string;
  readonly nodeName: string;
}

/** What other nodes call. */
const OF_PEERS = "/pushcast.v1.ConnectNodeService/Replicate";
/** What managers call, and nobody else: it puts messages before clients, and tells of them. */
const OF_MANAGERS = /^\/pushcast\.v1\.ConnectNodeService\//;

const CERTIFICATE_MISSING = new RpcError(
  status.UNAUTHENTICATED,
  "CERTIFICATE_MISSING",
  "a client certificate of the CA is needed",
);

/**
 * Lets a manager do what managers do, and a node what nodes do, by the DNS names in their
 * certificates. Others who have a certificate of the same CA, as biz-servers may, can do neither.
 *
 * @param onRefused gets the machine-readable name of the reason
 */
export function certificateGuard(
  { managerName, nodeName }: CertificateNames,
  onRefused: (code: string) => void,
): CallGuard {
  const refusal = (path: string, names: ReadonlySet<string> | undefined) => {
    if (names === undefined) return CERTIFICATE_MISSING;
    const allowed = namesFor(path, managerName, nodeName);
    if (allowed.some((name) => names.has(name))) return undefined;
    const message = `a certificate for ${allowed.join(" or ")} is needed`;
    return new RpcError(status.PERMISSION_DENIED, "CERTIFICATE_FORBIDDEN", message);
  };
  return ({ path, peer }) => {
    const error = refusal(path, peer?.dnsNames);
    if (error !== undefined) onRefused(error.pushcastCode);
    return error;
  };
}

function namesFor(path: string, managerName: string, nodeName: string): readonly string[] {
  if (path === OF_PEERS) return [nodeName];
  return OF_MANAGERS.test(path) ? [managerName] : [managerName, nodeName];
}
