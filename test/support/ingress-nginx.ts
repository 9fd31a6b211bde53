import type { Manifest } from "../../infra/cdk8s/test/support/manifests.ts";

type Ingress = Extract<Manifest, { kind: "Ingress" }>;

const PREFIX = "nginx.ingress.kubernetes.io/";

/** What an annotation becomes in nginx's configuration. */
type Translation = (value: string) => {
  readonly upstream?: string;
  readonly location?: string;
};

const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  "proxy-read-timeout": (value) => ({ location: `proxy_read_timeout ${seconds(value)};` }),
  "proxy-send-timeout": (value) => ({ location: `proxy_send_timeout ${seconds(value)};` }),
  // nginx itself has no EWMA. This comes nearest to it.
  "load-balance": (value) => {
    if (value !== "ewma") throw new Error(`no translation of load-balance ${value}`);
    return { upstream: "least_conn;" };
  },
};

/**
 * The blocks within `http` that stand for an Ingress, with what ingress-nginx writes for every one of them.
 * An annotation that it has and this does not know is an error.
 * @param backends `host:port` of the pods that are ready
 */
export function ingressBlocks(ingress: Ingress, backends: readonly string[], port: number): string {
  const translated = Object.entries(ingress.metadata?.annotations ?? {})
    .filter(([name]) => name.startsWith(PREFIX))
    .map(([name, value]) => translate(name.slice(PREFIX.length), value));
  const [rule] = ingress.spec?.rules ?? [];
  const [path] = rule?.http?.paths ?? [];
  if (path?.pathType !== "Exact") throw new Error("the Ingress has no path of type Exact");
  return `
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  upstream backends {
    ${lines(translated.map(({ upstream }) => upstream))}
    ${lines(backends.map((backend) => `server ${backend};`))}
  }
  server {
    listen 127.0.0.1:${port};
    server_name ${rule?.host ?? "_"};
    location = ${path.path} {
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_connect_timeout 5s;
      proxy_buffering off;
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 3;
      ${lines(translated.map(({ location }) => location))}
    }
    location / { return 404; }
  }`;
}

function translate(name: string, value: string): ReturnType<Translation> {
  const translation = TRANSLATIONS[name];
  if (translation === undefined) throw new Error(`no translation of the annotation ${name}`);
  return translation(value);
}

/** Annotations give whole seconds, without a unit. */
function seconds(value: string): string {
  if (!/^\d+$/.test(value)) throw new Error(`${value} is no number of seconds`);
  return `${value}s`;
}

function lines(texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined).join("\n    ");
}
