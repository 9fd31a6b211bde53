import type { ChannelOptions } from "@grpc/grpc-js";

/**
 * How a process keeps a channel to another pod. A peer that vanished without a word is found within
 * 15 s, also while no call is open, and a peer that comes back is found within 5 s: gRPC's own
 * back-off grows to two minutes. The channel's connection is its own, not one shared with other
 * channels of this process.
 */
export const podChannelOptions: ChannelOptions = {
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 5_000,
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_channelz": 0,
};
