import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { KubeObject } from "../src/kube-object.ts";

/** A request as the server got it. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly contentType: string | undefined;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Fields = Record<string, unknown>;

/** `…/namespaces/pushcast/pods/a`: in front of the kind, the kind, the name. */
const PATH = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/;

/**
 * As much of a Kubernetes API server as the deploy tool talks to: objects by their paths, server-side
 * apply, lists by labels, and refusals that a test asks for.
 */
export class KubeServer {
  readonly requests: Received[] = [];
  /** By path. */
  readonly objects = new Map<string, KubeObject>();
  /** Plurals by `group/version`, for kinds that an operator brings. */
  readonly customKinds = new Map<string, readonly string[]>();
  minorVersion = "31";
  /** Plays the controllers: gets each object that was applied, and may put others. */
  onApplied: (object: KubeObject) => void = () => {};
  /** Called before each request is answered. */
  onRequest: (request: Received) => void = () => {};
  /** Breaks connections off instead of answering. */
  hangsUp = false;
  /** Objects that take their time to go: deleted, they stay until a test removes them. */
  readonly lingering = new Set<string>();
  readonly #answers = new Map<string, Answer>();
  readonly #http: Server;
  #revision = 1;

  private constructor() {
    this.#http = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<KubeServer> {
    const server = new KubeServer();
    server.#http.listen(0, "127.0.0.1");
    await once(server.#http, "listening");
    server.put({
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: {
        name: "standard",
        annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
      },
    });
    return server;
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, "close");
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** Answers one method and path so from now on, whatever is there. */
  answer(method: string, path: string, status: number, body: unknown, headers = {}): void {
    this.#answers.set(`${method} ${path}`, { status, body, headers });
  }

  answerAsUsual(method: string, path: string): void {
    this.#answers.delete(`${method} ${path}`);
  }

  /** Puts an object there, or in the place of one. */
  put(object: KubeObject): KubeObject {
    const path = pathOf(object);
    const { uid, generation } = { generation: 0, ...this.objects.get(path)?.metadata };
    const stored = {
      ...object,
      metadata: {
        ...object.metadata,
        uid: uid ?? object.metadata.uid ?? randomUUID(),
        generation: Number(generation) + 1,
        resourceVersion: String(this.#revision++),
      },
    };
    this.objects.set(path, stored);
    return stored;
  }

  /** Puts an object as it is, such as one with a new status: no new generation. */
  keep(object: KubeObject): void {
    this.objects.set(pathOf(object), object);
  }

  /** The paths of the requests of a method, in order. */
  pathsOf(method: string): string[] {
    return this.requests.filter((request) => request.method === method).map(({ path }) => path);
  }

  /** Writes a kubeconfig for this server into a folder; gives the file. */
  writeKubeconfig(folder: string): string {
    const file = join(folder, "kubeconfig");
    writeFileSync(
      file,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "test",
        clusters: [
          { name: "test", cluster: { server: this.url, "insecure-skip-tls-verify": true } },
        ],
        users: [{ name: "tester", user: { token: "secret-token" } }],
        contexts: [{ name: "test", context: { cluster: "test", user: "tester" } }],
      }),
    );
    return file;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", this.url);
    const body = await text(request);
    const received: Received = {
      method: request.method ?? "",
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      contentType: request.headers["content-type"],
      authorization: request.headers.authorization,
      body: body === "" ? undefined : JSON.parse(body),
    };
    this.requests.push(received);
    this.onRequest(received);
    if (this.hangsUp) return void response.destroy();
    const answer =
      this.#answers.get(`${received.method} ${received.path}`) ?? this.#answer(received);
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  }

  #answer(request: Received): Answer {
    const { method, path, query } = request;
    if (path === "/version") {
      const minor = this.minorVersion;
      return ok({ major: "1", minor, gitVersion: `v1.${Number.parseInt(minor, 10)}.0` });
    }
    const plurals = this.customKinds.get(path.replace("/apis/", ""));
    if (plurals !== undefined) return ok({ resources: plurals.map((name) => ({ name })) });
    const [, , , , name] = PATH.exec(path) ?? [];
    switch (method) {
      case "GET":
        return name === undefined ? this.#list(path, query.labelSelector ?? "") : this.#read(path);
      case "PATCH":
        return this.#patch(request);
      case "POST":
        return this.#create(request.body as KubeObject, path);
      case "PUT":
        return this.#replace(request.body as KubeObject, path);
      case "DELETE":
        return this.#delete(path, request.body as { preconditions?: { uid?: string } });
      default:
        return refusal(405, "MethodNotAllowed", "not here");
    }
  }

  #list(path: string, selector: string): Answer {
    if (PATH.exec(path) === null) return refusal(404, "NotFound", "no such path");
    const wanted = selector.split(",").filter((pair) => pair !== "");
    const items = [...this.objects]
      .filter(([objectPath]) => objectPath.slice(0, objectPath.lastIndexOf("/")) === path)
      .map(([, object]) => object)
      .filter(({ metadata }) => {
        const labels = Object.entries(metadata.labels ?? {}).map((pair) => pair.join("="));
        return wanted.every((pair) => labels.includes(pair));
      })
      // As in real lists, where the items do not say what they are.
      .map(({ apiVersion: _, kind: __, ...item }) => item);
    return ok({ items });
  }

  #read(path: string): Answer {
    const object = this.objects.get(path);
    return object === undefined ? refusal(404, "NotFound", `${path} not found`) : ok(object);
  }

  #create(object: KubeObject, collection: string): Answer {
    const [, , namespace] = PATH.exec(collection) ?? [];
    const { name } = object.metadata;
    if (this.objects.has(`${collection}/${name}`)) return refusal(409, "AlreadyExists", name);
    const metadata = { ...object.metadata, ...(namespace && { namespace }) };
    return { status: 201, body: this.put({ ...object, metadata }) };
  }

  #replace(object: KubeObject, path: string): Answer {
    const before = this.objects.get(path);
    if (before === undefined) return this.#read(path);
    if (before.metadata.resourceVersion !== object.metadata.resourceVersion) {
      return refusal(409, "Conflict", "the object has been modified");
    }
    return ok(this.put({ ...object, metadata: before.metadata }));
  }

  #patch({ path, query, body, contentType }: Received): Answer {
    const before = this.objects.get(path);
    const creates = contentType === "application/apply-patch+yaml";
    if (before === undefined && !creates) return this.#read(path);
    const after = merge(before ?? {}, body) as KubeObject;
    const isChanged = JSON.stringify(before) !== JSON.stringify(after);
    if (query.dryRun === "All" || !isChanged) return ok(after);
    const stored = this.put(after);
    this.onApplied(stored);
    return { status: before === undefined ? 201 : 200, body: this.objects.get(path) };
  }

  #delete(path: string, options: { preconditions?: { uid?: string } }): Answer {
    const object = this.objects.get(path);
    if (object === undefined) return this.#read(path);
    const wantedUid = options.preconditions?.uid ?? object.metadata.uid;
    if (wantedUid !== object.metadata.uid) return refusal(409, "Conflict", "another uid");
    if (this.lingering.has(path)) {
      const deletionTimestamp = "2025-01-01T00:00:00Z";
      this.put({ ...object, metadata: { ...object.metadata, deletionTimestamp } });
    } else {
      this.objects.delete(path);
    }
    return ok({ kind: "Status", status: "Success" });
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

/** A `Status` as an API server answers with it. */
export function refusalBody(
  code: number,
  reason: string,
  message: string,
  causes: readonly { reason: string; field: string; message: string }[] = [],
): Fields {
  const details = { causes };
  return { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, details };
}

function refusal(code: number, reason: string, message: string): Answer {
  return { status: code, body: refusalBody(code, reason, message) };
}

/** Where an object stands; good for all kinds that the tests use. */
function pathOf({ apiVersion, kind, metadata }: KubeObject): string {
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const lower = kind.toLowerCase();
  const plural = lower.replace(/y$/, "ie").replace(/(ss|x)$/, "$1e");
  const scope = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `${group}${scope}/${plural}s/${metadata.name}`;
}

/** Fields of `over` replace those of `base`; lists of named items are merged by name. */
function merge(base: unknown, over: unknown): unknown {
  if (isNamedList(base) && isNamedList(over)) {
    return over.map((item) => merge(base.find(({ name }) => name === item.name) ?? {}, item));
  }
  if (!isFields(base) || !isFields(over)) return over;
  const merged = { ...base };
  for (const [name, value] of Object.entries(over)) merged[name] = merge(base[name], value);
  return merged;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNamedList(value: unknown): value is (Fields & { name: string })[] {
  return Array.isArray(value) && value.every((item) => isFields(item) && "name" in item);
}
