import { spawnSync } from "node:child_process";
import { startServer } from "./server-process.ts";
import type { System } from "./system.ts";

const MAX_CLIENTS = 20_000;

export const mosquitto: System = {
  name: "mosquitto",
  dialect: "mqtt",
  publisherDialect: "mqtt",
  setup: "MQTT over WebSocket, QoS 0, no limit of queued messages",
  version: () => matched("mosquitto", ["-h"], /version (\S+)/),
  start: () =>
    startServer(({ ws, native }) => ({
      command: "mosquitto",
      args: ["-c", "{config}"],
      config: `
per_listener_settings false
allow_anonymous true
persistence false
log_type error
max_queued_messages 0
set_tcp_nodelay true
user root
listener ${native} 127.0.0.1
protocol mqtt
listener ${ws} 127.0.0.1
protocol websockets
`,
      publishesTo: "native",
    })),
};

export const nats: System = {
  name: "nats-server",
  dialect: "nats",
  publisherDialect: "nats",
  setup: "WebSocket without compression, 1 GB pending a client before it is dropped",
  version: () => matched("nats-server", ["--version"], /v(\d\S*)/),
  start: () =>
    startServer(({ ws, native }) => ({
      command: "nats-server",
      args: ["-c", "{config}"],
      config: `
listen: "127.0.0.1:${native}"
max_connections: ${MAX_CLIENTS}
max_pending: 1GB
write_deadline: "60s"
websocket { listen: "127.0.0.1:${ws}", no_tls: true, compression: false }
`,
      publishesTo: "native",
    })),
};

export const nchan: System = {
  name: "nchan",
  dialect: "nchan",
  publisherDialect: "nchan",
  setup: "one nginx worker, 20,000 messages a channel kept, 1 GB of shared memory",
  version: () => {
    const nchanVersion = matched("dpkg-query", ["-W", "libnginx-mod-nchan"], /(\d[\d.]+\d)\+/);
    return `${nchanVersion}, nginx ${matched("nginx", ["-v"], /nginx\/(\S+)/)}`;
  },
  start: () =>
    startServer(({ ws }, directory) => ({
      command: "nginx",
      args: ["-c", "{config}", "-p", directory],
      config: `
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off;
worker_processes 1;
worker_rlimit_nofile ${MAX_CLIENTS};
error_log stderr crit;
pid ${directory}/pid;
events { worker_connections ${MAX_CLIENTS}; }
http {
  access_log off;
  tcp_nodelay on;
  nchan_shared_memory_size 1G;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  server {
    listen 127.0.0.1:${ws} backlog=4096;
    location ~ ^/sub/(.+)$ {
      nchan_subscriber websocket;
      nchan_channel_id $1;
      nchan_subscriber_first_message newest;
    }
    location ~ ^/pub/(.+)$ {
      nchan_publisher websocket;
      nchan_channel_id $1;
      nchan_message_buffer_length 20000;
      nchan_message_timeout 60s;
    }
  }
}
`,
      publishesTo: "ws",
    })),
};

/** What a program says of its version. */
export function matched(command: string, args: readonly string[], pattern: RegExp): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  const version = pattern.exec(`${stdout}${stderr}`)?.[1];
  if (version === undefined) throw new Error(`${command} is not installed`);
  return version;
}
