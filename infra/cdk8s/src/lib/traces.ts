import type { sharedSettings } from "@pushcast/runtime";
import type { Config } from "../config/schema.ts";
import { type EnvironmentValues, fromSecret } from "./environment.ts";

/** What a service that is to export traces is told; nothing where there is no collector. */
export function tracesEnvironment({
  endpoint,
  ratio,
  headersSecret,
}: Config["traces"]): EnvironmentValues<typeof sharedSettings> {
  if (endpoint === undefined) return {};
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: headersSecret && fromSecret(headersSecret),
    OTEL_TRACES_SAMPLER_ARG: ratio,
  };
}
