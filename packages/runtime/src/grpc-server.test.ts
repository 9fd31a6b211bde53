import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect as connectSocket, createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  makeClientConstructor,
  type ServerDuplexStream,
  type ServiceClientConstructor,
  type ServiceDefinition,
  type ServiceError,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync } from "@grpc/proto-loader";
import { service as healthDefinition } from "grpc-health-check";
import { afterEach, describe, expect, test } from "vitest";
import { RpcError } from "./grpc-error.ts";
import { splitDescriptorSet } from "./grpc-reflection.ts";
import { createGrpcServer, type GrpcServer, type GrpcServerOptions } from "./grpc-server.ts";
import { unaryHandler } from "./unary-handler.ts";

const SERVICE = "greeting.v1.GreetingService";
const descriptorSet = execFileSync(
  fileURLToPath(new URL("../../../node_modules/.bin/buf", import.meta.url)),
  [
    "build",
    fileURLToPath(new URL("../test-fixtures/protos", import.meta.url)),
    "-o",
    "-#format=binpb",
    "--as-file-descriptor-set",
  ],
);
const greetingDefinition = loadFileDescriptorSetFromBuffer(descriptorSet)[
  SERVICE
] as ServiceDefinition;
const GreetingClient = makeClientConstructor(greetingDefinition, SERVICE);
const HealthClient = makeClientConstructor(
  healthDefinition as unknown as ServiceDefinition,
  "grpc.health.v1.Health",
);

function reflectionClient(version: "v1" | "v1alpha"): ServiceClientConstructor {
  const main = createRequire(import.meta.url).resolve("@grpc/reflection");
  const path = join(dirname(main), `../proto/grpc/reflection/${version}/reflection.proto`);
  const { grpc } = loadPackageDefinition(loadSync(path, { longs: String, oneofs: true }));
  const reflection = (grpc as GrpcObject).reflection as GrpcObject;
  return (reflection[version] as GrpcObject).ServerReflection as ServiceClientConstructor;
}

type UnaryMethod = (
  request: unknown,
  callback: (error: ServiceError | null, response: unknown) => void,
) => void;

interface GreetingClient extends Client {
  Chat(): ClientDuplexStream<{ name: string }, { words: { text: string } }>;
}

interface HealthClient extends Client {
  Watch(request: { service: string }): ClientReadableStream<{ status: string }>;
}

interface ReflectionAnswer {
  listServicesResponse: { service: { name: string }[] };
  fileDescriptorResponse: { fileDescriptorProto: Buffer[] };
  errorResponse: { errorCode: number };
}

interface ReflectionClient extends Client {
  ServerReflectionInfo(): ClientDuplexStream<Record<string, string>, ReflectionAnswer>;
}

const WHO_AM_I = "who am I?";

const servers: GrpcServer[] = [];
const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

/** Chat sends back what it gets, or who asks, and ends when its client does. */
const greeting: UntypedServiceImplementation = {
  Greet: unaryHandler(
    ({ name }: { name: string }) => {
      if (name === "") throw new RpcError(status.INVALID_ARGUMENT, "ROOM_INVALID", "name is empty");
      if (name === "bug") throw new Error("secret detail");
      return { words: { text: `Hello ${name}` } };
    },
    { onError: () => {} },
  ),
  Chat: (call: ServerDuplexStream<{ name: string }, unknown>) => {
    call.on("data", ({ name }) => {
      call.write({ words: { text: name === WHO_AM_I ? call.getPeer() : name } });
    });
    call.on("end", () => call.end());
  },
};

function build(overrides: Partial<GrpcServerOptions> = {}): GrpcServer {
  const server = createGrpcServer({
    descriptorSet,
    services: [SERVICE],
    maxReceiveBytes: 1024,
    maxCallsPerConnection: 100,
    ...overrides,
  });
  servers.push(server);
  return server;
}

async function serve(overrides?: Partial<GrpcServerOptions>) {
  const server = build(overrides);
  server.addService(greetingDefinition, greeting);
  const port = await server.listen("127.0.0.1", 0);
  const connect = <C extends Client>(Constructor: ServiceClientConstructor): C => {
    const channel = credentials.createInsecure();
    // A connection of its own, not one shared with the other clients of this process.
    const options = { "grpc.use_local_subchannel_pool": 1 };
    const client = new Constructor(`127.0.0.1:${port}`, channel, options);
    clients.push(client);
    return client as unknown as C;
  };
  return { server, port, connect };
}

/** A unary call's response, or its error. */
function call(client: Client, method: string, request: unknown): Promise<unknown> {
  const unary = (client as unknown as Record<string, UnaryMethod>)[method]?.bind(client);
  return new Promise((resolve) => {
    unary?.(request, (error, response) => resolve(error ?? response));
  });
}

describe("calls", () => {
  test("are answered, and errors keep their name and hide what they must", async () => {
    const { connect } = await serve();
    const client = connect(GreetingClient);
    expect(await call(client, "Greet", { name: "Ada" })).toMatchObject({
      words: { text: "Hello Ada" },
    });
    const refused = (await call(client, "Greet", { name: "" })) as ServiceError;
    expect(refused).toMatchObject({ code: status.INVALID_ARGUMENT, details: "name is empty" });
    expect(refused.metadata.get("pushcast-code")).toEqual(["ROOM_INVALID"]);
    const failed = await call(client, "Greet", { name: "bug" });
    expect(failed).toMatchObject({ code: status.INTERNAL, details: "internal error" });
  });

  test("larger than the limit are RESOURCE_EXHAUSTED", async () => {
    const { connect } = await serve({ maxReceiveBytes: 100 });
    const client = connect(GreetingClient);
    expect(await call(client, "Greet", { name: "x".repeat(101) })).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
  });

  test("beyond those that a connection may have open wait for one to end", async () => {
    const { connect } = await serve({ maxCallsPerConnection: 1 });
    const client = connect<GreetingClient>(GreetingClient);
    const chat = client.Chat();
    chat.write({ name: "first" });
    await once(chat, "data");
    const events: string[] = [];
    const waiting = call(client, "Greet", { name: "second" }).then(() => events.push("answered"));
    chat.write({ name: "still first" });
    await once(chat, "data");
    events.push("chat ends");
    chat.end();
    await waiting;
    expect(events).toEqual(["chat ends", "answered"]);
  });
});

test("an old connection is left for a new one: no call fails, and one that is open goes on", async () => {
  const { connect } = await serve({ maxConnectionAgeMs: 100 });
  const client = connect<GreetingClient>(GreetingClient);
  const whoAmI = async (chat: ReturnType<GreetingClient["Chat"]>) => {
    chat.write({ name: WHO_AM_I });
    const [answer] = await once(chat, "data");
    return answer.words.text;
  };
  const old = client.Chat();
  const first = await whoAmI(old);

  const connections = new Set([first]);
  while (connections.size < 4) {
    const chat = client.Chat();
    connections.add(await whoAmI(chat));
    chat.end();
    await once(chat, "end");
  }

  expect(await whoAmI(old)).toBe(first);
  old.end();
  await once(old, "end");
});

describe("health", () => {
  const states = (client: Client) =>
    Promise.all(
      ["", SERVICE, "other"].map(async (service) => {
        const answer = await call(client, "Check", { service });
        return answer instanceof Error ? status[(answer as ServiceError).code] : answer;
      }),
    );

  test("says of the server and of its services whether they serve", async () => {
    const { server, connect } = await serve();
    const client = connect(HealthClient);
    expect(await states(client)).toEqual([
      { status: "NOT_SERVING" },
      { status: "NOT_SERVING" },
      "NOT_FOUND",
    ]);
    server.setServing(true);
    expect(await states(client)).toEqual([
      { status: "SERVING" },
      { status: "SERVING" },
      "NOT_FOUND",
    ]);
    server.setServing(false);
    expect(await states(client)).toEqual([
      { status: "NOT_SERVING" },
      { status: "NOT_SERVING" },
      "NOT_FOUND",
    ]);
  });

  test("tells a watcher of each change, and ends the watch when the server closes", async () => {
    const { server, connect } = await serve();
    const watch = connect<HealthClient>(HealthClient).Watch({ service: SERVICE });
    const seen: string[] = [];
    watch.on("data", (answer) => seen.push(answer.status));
    const ended = once(watch, "end");
    await once(watch, "data");
    server.setServing(true);
    await once(watch, "data");
    await server.close(60_000);
    await ended;
    expect(seen).toEqual(["NOT_SERVING", "SERVING", "NOT_SERVING"]);
  });

  test("tells a watcher that it does not know a service, and leaves the watch open", async () => {
    const { server, connect } = await serve();
    const watch = connect<HealthClient>(HealthClient).Watch({ service: "other" });
    const seen: string[] = [];
    watch.on("data", (answer) => seen.push(answer.status));
    const ended = once(watch, "end").then(() => seen.push("end"));
    await once(watch, "data");
    server.setServing(true);
    await server.close(60_000);
    await ended;
    expect(seen).toEqual(["SERVICE_UNKNOWN", "end"]);
  });
});

describe.each(["v1", "v1alpha"] as const)("reflection %s", (version) => {
  async function ask(request: Record<string, string>): Promise<ReflectionAnswer> {
    const { connect } = await serve();
    const stream = connect<ReflectionClient>(reflectionClient(version)).ServerReflectionInfo();
    stream.write(request);
    const [answer] = await once(stream, "data");
    stream.end();
    await once(stream, "end");
    return answer;
  }

  /** The descriptors of an answer, as proto-loader reads them. */
  const definitionOf = (answer: ReflectionAnswer) => {
    const files = answer.fileDescriptorResponse.fileDescriptorProto;
    const set = files.map((file) => {
      const length = Buffer.from([0x80 | (file.length & 0x7f), file.length >> 7]);
      return Buffer.concat([Buffer.from([0x0a]), length, file]);
    });
    return loadFileDescriptorSetFromBuffer(Buffer.concat(set));
  };

  test("lists the services, and health", async () => {
    const answer = await ask({ listServices: "" });
    expect(answer.listServicesResponse.service).toEqual([
      { name: SERVICE },
      { name: "grpc.health.v1.Health" },
    ]);
  });

  test.each([SERVICE, `${SERVICE}.Greet`])("has the files for %s, as they were", async (symbol) => {
    const answer = await ask({ fileContainingSymbol: symbol });
    const files = answer.fileDescriptorResponse.fileDescriptorProto;
    const sameFiles = splitDescriptorSet(descriptorSet).sort(Buffer.compare);
    expect(files.sort(Buffer.compare)).toEqual(sameFiles);
    const definition = definitionOf(answer);
    expect(Object.keys(definition[SERVICE] as object)).toEqual(["Greet", "Chat"]);
  });

  test("has the file for health", async () => {
    const answer = await ask({ fileContainingSymbol: "grpc.health.v1.Health" });
    expect(Object.keys(definitionOf(answer))).toContain("grpc.health.v1.Health");
  });

  test("says that it does not know a symbol", async () => {
    const answer = await ask({ fileContainingSymbol: "greeting.v1.Nothing" });
    expect(answer.errorResponse.errorCode).toBe(status.NOT_FOUND);
  });
});

describe("splitDescriptorSet", () => {
  test("refuses what is no FileDescriptorSet", () => {
    expect(() => splitDescriptorSet(Buffer.from("hello"))).toThrow("not a FileDescriptorSet");
    expect(() => splitDescriptorSet(descriptorSet.subarray(0, -1))).toThrow("is cut off");
    expect(() => splitDescriptorSet(Buffer.from([0x0a, 0xff]))).toThrow("not a FileDescriptorSet");
    expect(splitDescriptorSet(Buffer.alloc(0))).toEqual([]);
  });
});

describe("close", () => {
  test("lets calls that are in flight end, and takes no new connection", async () => {
    const { server, connect } = await serve();
    const chat = connect<GreetingClient>(GreetingClient).Chat();
    chat.write({ name: "before" });
    await once(chat, "data");
    const closed = server.close(60_000);
    chat.write({ name: "after" });
    const [answer] = await once(chat, "data");
    expect(answer.words.text).toBe("after");
    const late = connect(GreetingClient);
    expect(await call(late, "Greet", { name: "late" })).toMatchObject({ code: status.UNAVAILABLE });
    chat.end();
    await closed;
  });

  test("cuts calls off that last longer than the grace: UNAVAILABLE, which clients try again", async () => {
    const { server, connect } = await serve();
    const chat = connect<GreetingClient>(GreetingClient).Chat();
    chat.write({ name: "hello" });
    await once(chat, "data");
    const failed = once(chat, "error");
    await server.close(1);
    const [error] = await failed;
    expect(error.code).toBe(status.UNAVAILABLE);
    expect(error.details).toBe("the server has stopped before it had answered");
  });

  test("ends idle connections at once", async () => {
    const { server, connect } = await serve();
    await call(connect(GreetingClient), "Greet", { name: "Ada" });
    await server.close(60_000);
  });

  test("ends a connection that never said anything", async () => {
    const { server, port } = await serve();
    const socket = connectSocket(port, "127.0.0.1");
    await once(socket, "connect");
    socket.resume();
    const ended = once(socket, "close");
    await server.close(60_000);
    await ended;
  });

  test("may come twice, or before it listens", async () => {
    const { server } = await serve();
    await Promise.all([server.close(60_000), server.close(60_000)]);
    await build().close(60_000);
  });
});

test("names the setting and the port when the port is taken", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  await expect(build().listen("127.0.0.1", port)).rejects.toMatchObject({
    name: "ListenError",
    setting: "GRPC_PORT",
    port,
    problem: "address already in use",
  });
  taken.close();
});
