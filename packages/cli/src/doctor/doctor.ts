import type { ClientEndpoint } from "../client/client-options.ts";
import { checkClocks, type SeenClock } from "./checks/clocks.ts";
import { checkCommonSettings } from "./checks/common-settings.ts";
import { checkHost, type HostedNode } from "./checks/host.ts";
import { checkNodes } from "./checks/nodes.ts";
import { checkOps, serviceOf } from "./checks/ops.ts";
import { examineClient } from "./client-examination.ts";
import { type ClockSample, offsetFrom } from "./clock-offset.ts";
import { type EtcdTarget, examineEtcd } from "./etcd-examination.ts";
import { notChecked, type Section } from "./finding.ts";
import { examineManager, type ManagerTarget } from "./manager-examination.ts";
import { probeHost } from "./probes/host.ts";
import { probeOps } from "./probes/ops.ts";

/** What doctor was given to look at. Nothing else is touched. */
export interface DoctorTargets {
  readonly manager: ManagerTarget | undefined;
  readonly client: ClientEndpoint | undefined;
  readonly etcd: readonly EtcdTarget[];
  /** `host:port` of ops ports. */
  readonly ops: readonly string[];
  /** The settings of the node for which this machine is judged. */
  readonly host: HostedNode | undefined;
  /** For each step of each check. */
  readonly timeoutMs: number;
}

/** What is still looked at, whenever that changes. */
export type OnProgress = (underWay: readonly string[]) => void;

/** Looks at everything at once, and judges what it saw. */
export async function examine(
  { manager, client, etcd, ops, host, timeoutMs }: DoctorTargets,
  onProgress: OnProgress,
): Promise<Section[]> {
  const underWay = new Set<string>();
  const tracked = async <Result>(what: string, work: Promise<Result>): Promise<Result> => {
    underWay.add(what);
    onProgress([...underWay]);
    try {
      return await work;
    } finally {
      underWay.delete(what);
      onProgress([...underWay]);
    }
  };
  const [seenManager, seenClient, seenEtcds, seenOps] = await Promise.all([
    manager && tracked(`push-manager ${manager.address}`, examineManager(manager, timeoutMs)),
    client && tracked("a client and a push", examineClient(client, manager, timeoutMs)),
    Promise.all(
      etcd.map((one) => tracked(`etcd ${one.endpoint.host}`, examineEtcd(one, timeoutMs))),
    ),
    Promise.all(ops.map((address) => tracked(`ops ${address}`, probeOps(address, timeoutMs)))),
  ]);
  const nodes = seenManager?.nodes;
  const linked =
    nodes && new Set(nodes.nodes.filter(({ link }) => link === "live").map(({ nodeId }) => nodeId));
  const clocks = [
    seenClock("the push-manager", seenClient?.managerClock ?? []),
    ...seenEtcds.map(({ endpoint, clock }) => seenClock(`etcd ${endpoint}`, clock)),
    ...seenOps.map((facts) =>
      seenClock(
        `${serviceOf(facts)} at ${facts.address}`,
        facts.problem === undefined ? facts.clock : [],
      ),
    ),
  ];
  return [
    {
      title: manager === undefined ? "Push-manager" : `Push-manager ${manager.address}`,
      findings: seenManager?.findings ?? [
        notChecked("manager", "none was given", "Give --manager HOST:PORT."),
      ],
    },
    ...(nodes === undefined ? [] : [{ title: "Nodes", findings: checkNodes(nodes) }]),
    ...(seenEtcds.length === 0
      ? [
          {
            title: "etcd",
            findings: [notChecked("etcd", "none was given", "Give --etcd URL,… (ETCD_ENDPOINTS).")],
          },
        ]
      : seenEtcds.map(({ endpoint, judge }) => ({
          title: `etcd ${endpoint}`,
          findings: judge(linked),
        }))),
    ...(seenOps.length === 0
      ? [
          {
            title: "Processes",
            findings: [notChecked("ops", "no ops port was given", "Give --ops HOST:PORT,…")],
          },
        ]
      : [
          ...seenOps.map((facts) => ({
            title: `${serviceOf(facts)} at ${facts.address}`,
            findings: checkOps(facts),
          })),
          { title: "Settings", findings: checkCommonSettings(seenOps) },
        ]),
    {
      title: client === undefined ? "Clients" : `Clients at ${client.url.origin}`,
      findings: seenClient?.path ?? [
        notChecked("client", "no WebSocket endpoint was given", "Give --url wss://HOST/ws."),
      ],
    },
    {
      title: "A test push",
      findings: seenClient?.push ?? [
        notChecked("test-push", "no WebSocket endpoint was given", "Give --url and --manager."),
      ],
    },
    { title: "Clocks", findings: checkClocks(clocks.flatMap((clock) => clock ?? [])) },
    {
      title: "This machine",
      findings:
        host === undefined
          ? [
              notChecked(
                "host",
                "its limits are of interest where a connect-node runs",
                "Give --host on the node's machine, with the node's settings in the environment.",
              ),
            ]
          : checkHost(probeHost(), host),
    },
  ];
}

function seenClock(of: string, samples: readonly ClockSample[]): SeenClock | undefined {
  const offset = offsetFrom(samples);
  return offset && { of, offset };
}
