import type { Construct } from "constructs";
import type { Config } from "../config/schema.ts";
import { k8s } from "./k8s.ts";
import { type WorkloadName, workloadLabels } from "./labels.ts";
import { quantity } from "./quantities.ts";

type Replicas = Config["pushManager"]["replicas"];

/** A metric of the pods themselves, which the cluster's custom metrics API knows. */
export interface PodsMetric {
  readonly name: string;
  /** What a pod should have on average. */
  readonly average: number;
}

export interface AutoscalerProps {
  readonly workload: WorkloadName;
  readonly replicas: Replicas;
  /** Beside the CPU; the metric that asks for most pods decides. @default none */
  readonly metric?: PodsMetric;
  /** A fall of the load must last that long before a pod is taken away. */
  readonly calmSeconds: number;
}

/** The Deployment's number of pods, where no autoscaler may change it; else nothing. */
export function fixedReplicas({ min, max }: Replicas): { replicas?: number } {
  return min === max ? { replicas: min } : {};
}

/**
 * Follows the load of a Deployment: upwards at once, downwards by a tenth a minute, one pod at least. Adds
 * nothing where the number of pods is fixed.
 */
export function addAutoscaler(scope: Construct, props: AutoscalerProps): void {
  const { workload, replicas, metric, calmSeconds } = props;
  const { min, max, cpuPercent } = replicas;
  if (min === max) return;
  new k8s.KubeHorizontalPodAutoscalerV2(scope, "autoscaler", {
    metadata: { name: workload, labels: workloadLabels(workload) },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: workload },
      minReplicas: min,
      maxReplicas: max,
      metrics: [
        {
          type: "Resource",
          resource: {
            name: "cpu",
            target: { type: "Utilization", averageUtilization: cpuPercent },
          },
        },
        ...(metric === undefined ? [] : [podsMetric(metric)]),
      ],
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy: "Max",
          policies: [
            { type: "Percent", value: 100, periodSeconds: 60 },
            { type: "Pods", value: 4, periodSeconds: 60 },
          ],
        },
        scaleDown: {
          stabilizationWindowSeconds: calmSeconds,
          // The number that is left is rounded down.
          policies: [{ type: "Percent", value: 10, periodSeconds: 60 }],
        },
      },
    },
  });
}

function podsMetric({ name, average }: PodsMetric): k8s.MetricSpecV2 {
  return {
    type: "Pods",
    pods: {
      metric: { name },
      target: { type: "AverageValue", averageValue: quantity(String(average)) },
    },
  };
}
