import type { PushError } from "@pushcast/api";
import { type Finding, fail, ok } from "../finding.ts";
import type { HealthState } from "../probes/grpc-health.ts";

/** Judges the answer of grpc.health.v1, or why there is none. */
export function checkHealth(
  health: { readonly state: HealthState } | { readonly error: string },
): Finding {
  const check = "manager-health";
  if ("error" in health) {
    return fail(
      check,
      `gRPC health does not answer: ${health.error}`,
      "The port accepts connections and speaks no gRPC: give the GRPC_PORT of a push-manager (50051 by default). A manager that is frozen does not answer either: see its CPU.",
    );
  }
  if (health.state === "SERVING") return ok(check, "SERVING");
  return fail(
    check,
    health.state,
    "It starts, and has not read its first list of nodes (etcd), or it stops. See /readyz of its ops port.",
  );
}

/** The server wants TLS, and plain text was sent. */
export function plainTextToTls(): Finding {
  return fail(
    "manager-tls",
    "the server speaks TLS, and plain text was sent",
    "Give --ca with the CA of its certificate, or --tls if that is one that Node trusts; --server-name if the certificate is for another name.",
  );
}

/** Judges a call that was refused or not answered. */
export function checkCallError(check: string, { code, reason, message }: PushError): Finding {
  return fail(check, `${reason || code}: ${message}`, adviceFor(code, reason));
}

function adviceFor(code: PushError["code"], reason: string): string {
  switch (reason) {
    case "TOKEN_MISSING":
    case "TOKEN_INVALID":
      return "PUSH_AUTH=token: give a token of PUSH_TOKENS_FILE by --token-file or PUSHCAST_TOKEN.";
    case "CERTIFICATE_MISSING":
    case "CERTIFICATE_UNKNOWN":
      return "PUSH_AUTH=mtls: give --cert and --key with a certificate that PUSH_TOKENS_FILE names.";
    case "RPC_FORBIDDEN":
      return "The caller's `rpcs` in PUSH_TOKENS_FILE must have ListNodes and PushToRoom for all checks.";
    case "ROOM_FORBIDDEN":
      return 'The caller\'s `rooms` in PUSH_TOKENS_FILE must have "pushcast-doctor-*" for the test push.';
    case "RATE_LIMITED":
      return "The caller's `rate` in PUSH_TOKENS_FILE is used up: wait a moment.";
    case "NO_NODES":
      return "The push-manager knows no connect-node: docs/runbook.md, PushcastNoNodesKnown.";
  }
  switch (code) {
    case "UNIMPLEMENTED":
      return "It speaks gRPC and is no push-manager: give the GRPC_PORT of a push-manager, not of a connect-node.";
    case "DEADLINE_EXCEEDED":
      return "It accepted the call and did not answer in time (--timeout): see its CPU, and the nodes'.";
    case "UNAVAILABLE":
      return "The connection was made and ended: the manager stops, or refuses the client certificate. See its log.";
    default:
      return "See the push-manager's log.";
  }
}
