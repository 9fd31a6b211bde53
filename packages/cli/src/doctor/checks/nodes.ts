import type { NodeList, NodeStatus } from "@pushcast/api";
import { type Finding, fail, listed, ok, warn } from "../finding.ts";

/** Publications that a link may have unacknowledged while all is well: those of some turns. */
const LAG_WARNING = 1_000;
/** With fewer sessions a node, chance makes any difference. */
const SESSIONS_TO_COMPARE = 100;
/** The fullest node may have this many times the sessions of the average. */
const UNEVEN_FACTOR = 2;

/** Judges what a push-manager says of its nodes. */
export function checkNodes(answer: NodeList): Finding[] {
  const { nodes } = answer;
  if (nodes.length === 0) {
    return [
      fail(
        "nodes-known",
        "the push-manager knows no connect-node: pushes are answered UNAVAILABLE (NO_NODES)",
        "Start nodes, and see that nodes and manager have the same REGISTRY and ETCD_ENDPOINTS. docs/runbook.md, PushcastNoNodesKnown.",
      ),
    ];
  }
  const findings = [checkStates(nodes), checkLinks(nodes), checkAnswered(answer), checkLag(nodes)];
  findings.push(checkVersions(nodes), checkZones(nodes));
  const balance = checkBalance(nodes.filter(({ state }) => state === "ready"));
  return balance === undefined ? findings : [...findings, balance];
}

function checkStates(nodes: readonly NodeStatus[]): Finding {
  const counts = ["ready", "starting", "draining"].map(
    (state) => `${nodes.filter((node) => node.state === state).length} ${state}`,
  );
  const gone = nodes.filter(({ state }) => state === "").map(({ nodeId }) => nodeId);
  const found = `${nodes.length} known: ${counts.join(", ")}`;
  if (!nodes.some(({ state }) => state === "ready")) {
    return fail(
      "nodes-ready",
      `${found}: no client can connect`,
      "See /readyz of a node: it names what is missing. A node that drains stays so until it is started anew.",
    );
  }
  if (gone.length > 0) {
    return warn(
      "nodes-ready",
      `${found}; without a key in etcd: ${listed(gone)}`,
      "Their links are live, so pushes reach them; no new manager finds them. See etcd: docs/runbook.md, PushcastEtcdUnavailable.",
    );
  }
  return ok("nodes-ready", found);
}

function checkLinks(nodes: readonly NodeStatus[]): Finding {
  const dead = nodes.filter(({ link }) => link !== "live");
  if (dead.length === 0) return ok("node-links", `all ${nodes.length} live`);
  const names = dead.map(({ nodeId, grpcAddress, link }) => `${nodeId} (${grpcAddress}, ${link})`);
  const consequence =
    dead.length === nodes.length
      ? "Pushes reach no client now"
      : "Pushes reach their clients late, from the logs of nodes that have a link";
  return fail(
    "node-links",
    `not live: ${listed(names)}. ${consequence}`,
    "See that the manager reaches the node's GRPC_PORT at that address (POD_IP, NetworkPolicy), and that both or none have GRPC_TLS_… files. The manager's log says why. docs/runbook.md, PushcastLinksDown.",
  );
}

function checkAnswered({ nodesTotal, nodesAnswered }: NodeList): Finding {
  if (nodesAnswered === nodesTotal) return ok("nodes-answer", `all ${nodesTotal} answered`);
  return warn(
    "nodes-answer",
    `${nodesAnswered} of ${nodesTotal} nodes answered in time: the counts are partial`,
    "Such a node is frozen or overloaded: see its CPU and its log (docs/runbook.md, PushcastEventLoopBlocked). Or it is cut off from the push-manager: node-links tells (docs/runbook.md, PushcastLinksDown).",
  );
}

function checkLag(nodes: readonly NodeStatus[]): Finding {
  const behind = nodes.filter(({ lag }) => lag > LAG_WARNING);
  if (behind.length === 0) {
    const most = Math.max(...nodes.map(({ lag }) => lag));
    return ok("link-lag", `at most ${most} publications not acknowledged`);
  }
  const names = behind.map(({ nodeId, lag }) => `${nodeId} (${lag})`);
  return warn(
    "link-lag",
    `publications that are not acknowledged: ${listed(names)}`,
    "The node, or the network to it, is slower than what is pushed. See its CPU; docs/scale.md says what a node carries.",
  );
}

function checkVersions(nodes: readonly NodeStatus[]): Finding {
  // A node that was never reached has not said its own.
  const said = nodes.map(({ version }) => version).filter((version) => version !== "");
  const versions = [...new Set(said)].sort();
  if (versions.length <= 1) {
    const unsaid = nodes.length - said.length;
    const others = unsaid === 0 || said.length === 0 ? "" : `; ${unsaid} not reached yet`;
    return ok("node-versions", `all ${versions[0] ?? "unknown"}${others}`);
  }
  return warn(
    "node-versions",
    `different versions: ${listed(versions)}`,
    "Fine during an upgrade. Finish it: new features hold when all nodes have them (docs/operations.md, Upgrading).",
  );
}

function checkZones(nodes: readonly NodeStatus[]): Finding {
  const zones = [...new Set(nodes.map(({ zone }) => zone))].filter((zone) => zone !== "").sort();
  if (zones.length > 1) return ok("node-zones", listed(zones));
  if (nodes.length === 1) return ok("node-zones", "one node, one zone");
  return zones.length === 1
    ? warn(
        "node-zones",
        `all nodes are in ${zones[0]}: its loss is the loss of all`,
        "Spread the pods over zones: the manifests' topologySpreadConstraints do it where the cluster has zones.",
      )
    : ok("node-zones", "no node says its zone (ZONE)");
}

function checkBalance(ready: readonly NodeStatus[]): Finding | undefined {
  if (ready.length < 2) return undefined;
  const counts = ready.map(({ sessions }) => sessions);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const average = total / ready.length;
  const most = Math.max(...counts);
  const found = `${Math.min(...counts)} to ${most} sessions a node, ${total} in all`;
  if (average < SESSIONS_TO_COMPARE || most <= UNEVEN_FACTOR * average) {
    return ok("sessions-even", found);
  }
  const fullest = ready.find(({ sessions }) => sessions === most)?.nodeId;
  return warn(
    "sessions-even",
    `${found}: ${fullest} has ${(most / average).toFixed(1)} times the average`,
    "Usual after a scale-out: new clients fill the others. Else the load balancer prefers a node; least connections spreads them.",
  );
}
