import type {
  V1EndpointSlice,
  V1EndpointSliceList,
  V1Service,
  V1ServiceList,
} from "@kubernetes/client-node";
import type { KubeApi } from "./kube-api.ts";
import { SYSTEM_SELECTOR } from "./labels.ts";
import { healthy, type StatusLine, unhealthy } from "./status-line.ts";

const SERVICE_NAME = "kubernetes.io/service-name";

/**
 * How many pods stand behind each Service of the system.
 * @throws ApiError
 */
export async function checkEndpoints(api: KubeApi, namespace: string): Promise<StatusLine[]> {
  const services = await api.json<V1ServiceList>(
    "GET",
    `/api/v1/namespaces/${namespace}/services`,
    {
      query: { labelSelector: SYSTEM_SELECTOR },
    },
  );
  const slices = await api.json<V1EndpointSliceList>(
    "GET",
    `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
  );
  return services.items.map((service) => statusOf(service, slices.items));
}

function statusOf({ metadata }: V1Service, slices: readonly V1EndpointSlice[]): StatusLine {
  const own = slices.filter((slice) => slice.metadata?.labels?.[SERVICE_NAME] === metadata?.name);
  const endpoints = own.flatMap((slice) => slice.endpoints ?? []);
  // A pod with two families of addresses stands in two slices. Not to know counts as ready.
  const ready = new Set(
    endpoints
      .filter(({ conditions }) => conditions?.ready !== false)
      .map(({ targetRef, addresses }) => targetRef?.name ?? addresses[0]),
  );
  const title = `Service ${metadata?.name}`;
  if (ready.size === 0) return unhealthy(title, "no endpoint is ready");
  return healthy(title, `${ready.size} ${ready.size === 1 ? "endpoint" : "endpoints"} ready`);
}
