import { type AlertCase, always, etcd, manager, node, once, perMinute } from "./alert-case.ts";

const onNode = { job: "connect-node", pod: "connect-node-1" };

export const processCases: readonly AlertCase[] = [
  {
    alert: "PushcastEventLoopBlocked",
    fires: {
      series: { [node("nodejs_eventloop_lag_p99_seconds")]: always(0.25) },
      atMinute: 5,
      labels: onNode,
      value: "250ms",
    },
    quiet: { [node("nodejs_eventloop_lag_p99_seconds")]: always(0.2) },
  },
  {
    alert: "PushcastCoreBusy",
    fires: {
      series: { [node("process_cpu_seconds_total")]: perMinute(57) },
      atMinute: 20,
      labels: onNode,
      value: "95%",
    },
    quiet: {
      [manager("process_cpu_seconds_total")]: perMinute(54),
      // More than one core, as etcd may.
      [etcd("process_cpu_seconds_total")]: perMinute(120),
    },
  },
  {
    alert: "PushcastMemoryNearLimit",
    fires: {
      series: {
        [node("process_resident_memory_bytes")]: always(92),
        [node("process_memory_limit_bytes")]: always(100),
      },
      atMinute: 5,
      labels: onNode,
      value: "92%",
    },
    quiet: {
      [node("process_resident_memory_bytes")]: always(90),
      [node("process_memory_limit_bytes")]: always(100),
    },
  },
  {
    alert: "PushcastFilesNearLimit",
    fires: {
      series: {
        [etcd("process_open_fds")]: always(90),
        [etcd("process_max_fds")]: always(100),
      },
      atMinute: 5,
      labels: { job: "etcd", pod: "etcd-1" },
      value: "90%",
    },
    quiet: {
      [node("process_open_fds")]: always(80),
      [node("process_max_fds")]: always(100),
    },
  },
  {
    alert: "PushcastCertificateExpiresSoon",
    fires: {
      series: {
        [manager("push_manager_certificate_expiry_seconds", { files: "grpc_tls" })]: always(86_400),
        [node("connect_node_certificate_expiry_seconds", { files: "etcd_tls" })]: always(800_000),
      },
      atMinute: 60,
      labels: { job: "push-manager", pod: "push-manager-1", files: "grpc_tls" },
      value: "1d 0h 0m 0s",
    },
    quiet: {
      [node("connect_node_certificate_expiry_seconds", { files: "grpc_tls" })]: always(604_800),
    },
  },
  {
    alert: "PushcastFilesRefused",
    fires: {
      series: {
        [node("connect_node_file_loads_total", { files: "token_keys", result: "refused" })]:
          once(1),
      },
      atMinute: 4,
      labels: { ...onNode, files: "token_keys" },
    },
    quiet: {
      [node("connect_node_file_loads_total", { files: "token_keys", result: "loaded" })]: once(1),
      [node("connect_node_file_loads_total", { files: "token_keys", result: "refused" })]:
        always(1),
    },
  },
];
