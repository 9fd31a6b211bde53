import type { OptionValues } from "../frame/option.ts";
import { duration, flag, text, textOr } from "../frame/option.ts";

const group = "Connection to the push-manager";

/** How a command reaches a push-manager: the same for all that do. */
export const managerOptions = {
  manager: textOr("localhost:50051", {
    group,
    placeholder: "HOST:PORT",
    doc: "Where it serves gRPC",
    env: "PUSHCAST_MANAGER",
  }),
  tokenFile: text({
    group,
    placeholder: "FILE",
    doc: "The bearer token of PUSH_AUTH=token is in this file; or it is itself in PUSHCAST_TOKEN",
    env: "PUSHCAST_TOKEN_FILE",
  }),
  insecureToken: flag({
    group,
    doc: "Send the token also without TLS to another machine, where others may read it",
  }),
  tls: flag({
    group,
    doc: "Use TLS, and trust the CAs that Node does. So do the options below, but with their CA",
    env: "PUSHCAST_TLS",
  }),
  ca: text({
    group,
    placeholder: "FILE",
    doc: "The CA that its certificate must be of, PEM",
    env: "PUSHCAST_CA",
  }),
  cert: text({
    group,
    placeholder: "FILE",
    doc: "The certificate to show to it, PEM. With --key",
    env: "PUSHCAST_CERT",
  }),
  key: text({
    group,
    placeholder: "FILE",
    doc: "The key of that certificate, PEM",
    env: "PUSHCAST_KEY",
  }),
  serverName: text({
    group,
    placeholder: "NAME",
    doc: "The DNS name that its certificate must have, where that is not the host",
    env: "PUSHCAST_SERVER_NAME",
  }),
  timeout: duration("5s", {
    group,
    doc: "How long to wait for an answer: 500ms, 10s, 1m",
    env: "PUSHCAST_TIMEOUT",
  }),
};

export type ManagerOptionValues = OptionValues<typeof managerOptions>;
