import { describe, expect, test } from "vitest";
import {
  addressList,
  addressRanges,
  integer,
  ipAddress,
  oneOf,
  port,
  seconds,
  share,
  text,
  urlList,
} from "./setting-kinds.ts";
import {
  type CrossCheck,
  InvalidSettings,
  readSettings,
  requireSettings,
  type Setting,
  type SettingsOf,
  type SettingsSchema,
} from "./settings.ts";
import { sharedChecks, sharedSettings } from "./shared-settings.ts";

const schema = {
  PORT: port({ default: 8080, doc: "Where it listens." }),
  SIZE: integer({ unit: "bytes", min: 1, max: 1024, default: 16, doc: "How much." }),
  LIMIT: integer({ unit: "sessions", min: 0, max: 10, doc: "How many." }),
  WAIT_SECONDS: seconds({ min: 0, max: 60, default: 1.5, doc: "How long." }),
  MODE: oneOf(["fast", "safe"], { default: "safe", doc: "How." }),
  NAME: text({ doc: "Who." }),
  URLS: urlList({ doc: "Whom." }),
} satisfies SettingsSchema;

function problemsOf(schema: SettingsSchema, env: Record<string, string>) {
  const read = readSettings(schema, env);
  return read.ok ? [] : read.errors;
}

/** What one setting makes of a text: its value, or undefined if it is refused. */
function parse<Value>(setting: Setting<Value>, given: string): Value | undefined {
  const parsed = setting.parse(given);
  return parsed.ok ? parsed.value : undefined;
}

describe("readSettings", () => {
  test("takes the defaults where nothing is set, and undefined where there is none", () => {
    expect(readSettings(schema, {})).toEqual({
      ok: true,
      settings: {
        PORT: 8080,
        SIZE: 16,
        LIMIT: undefined,
        WAIT_SECONDS: 1.5,
        MODE: "safe",
        NAME: undefined,
        URLS: undefined,
      },
    });
  });

  test("counts an empty text, and one of spaces, as unset, and trims the others", () => {
    const read = readSettings(schema, { PORT: "", NAME: "  ", SIZE: " 32\n" });
    expect(read).toMatchObject({ ok: true, settings: { PORT: 8080, NAME: undefined, SIZE: 32 } });
  });

  test("tells every problem at once, with what would be valid", () => {
    expect(
      problemsOf(schema, { PORT: "65536", SIZE: "1e3", MODE: "Fast", URLS: "etcd:2379" }),
    ).toEqual([
      {
        setting: "PORT",
        problem: 'must be a port from 0 to 65535 (0 is any free one), not "65536"',
      },
      {
        setting: "SIZE",
        problem: 'must be a whole number of bytes from 1 to 1024, not "1e3"',
      },
      { setting: "MODE", problem: 'must be fast or safe, not "Fast"' },
      {
        setting: "URLS",
        problem:
          'must be http:// or https:// URLs of host and port only, with commas between them, not "etcd:2379"',
      },
    ]);
  });

  test("does not repeat a secret, nor a long text in full", () => {
    const guarded = {
      TOKEN: text({ secret: true, pattern: /^\S{8,}$/, accepts: "8 characters or more", doc: "" }),
      COUNT: integer({ unit: "things", min: 0, max: 1, doc: "" }),
    };
    const problems = problemsOf(guarded, { TOKEN: "hunter2", COUNT: "x".repeat(10_000) });
    expect(problems[0]).toEqual({ setting: "TOKEN", problem: "must be 8 characters or more" });
    expect(problems[1]?.problem.length).toBeLessThan(200);
  });

  test("adds what cross checks find, but none about a setting that is itself invalid", () => {
    const check: CrossCheck<SettingsOf<typeof schema>> = {
      settings: ["LIMIT", "SIZE"],
      problem: ({ LIMIT = 0, SIZE }) => (LIMIT > SIZE ? "must not exceed SIZE" : undefined),
    };
    const errors = (env: Record<string, string>) => {
      const read = readSettings(schema, env, [check]);
      return read.ok ? [] : read.errors.map(({ setting }) => setting);
    };
    expect(errors({ LIMIT: "3", SIZE: "4" })).toEqual([]);
    expect(errors({ LIMIT: "3", SIZE: "2", PORT: "x" })).toEqual(["PORT", "LIMIT"]);
    expect(errors({ LIMIT: "3", SIZE: "two" })).toEqual(["SIZE"]);
  });

  test("throws all problems together for a process's main", () => {
    const read = () => requireSettings(schema, { SIZE: "0", PORT: "-1" });
    expect(read).toThrow(InvalidSettings);
    expect(read).toThrow("invalid settings: PORT, SIZE");
    expect(requireSettings(schema, { SIZE: "7" }).SIZE).toBe(7);
  });
});

describe("the kinds of settings", () => {
  test("integer takes decimal digits within its bounds", () => {
    const setting = integer({ unit: "things", min: -1, max: 20, doc: "" });
    const given = ["20", "-1", "007", "21", "-2", "1.0", "0x10", "1_0", "ten", "Infinity"];
    const taken = given.map((item) => parse(setting, item));
    expect(taken).toEqual([20, -1, 7, ...Array(7).fill(undefined)]);
  });

  test("seconds takes fractions", () => {
    const setting = seconds({ min: 0, max: 10, doc: "" });
    const given = ["0", "0.25", "10", "10.1", "-1", "5s", ".", "NaN"];
    expect(given.map((item) => parse(setting, item))).toEqual([
      0,
      0.25,
      10,
      ...Array(5).fill(undefined),
    ]);
  });

  test("share takes what lies between nothing and the whole", () => {
    const setting = share({ default: 0.5, doc: "" });
    expect(["0", "0.01", "1"].map((given) => parse(setting, given))).toEqual([0, 0.01, 1]);
    for (const given of ["-0.1", "1.1", "1%", "half", ".5"]) {
      expect(parse(setting, given), given).toBeUndefined();
    }
  });

  test("port takes 0 as any free one", () => {
    const setting = port({ default: 1, doc: "" });
    const given = ["0", "65535", "65536", "tcp://10.0.0.1:80"];
    expect(given.map((item) => parse(setting, item))).toEqual([0, 65535, undefined, undefined]);
  });

  test("urlList takes http and https and drops slashes at the end", () => {
    const setting = urlList({ doc: "" });
    expect(parse(setting, "http://etcd-0:2379/, https://etcd-1:2379")).toEqual([
      "http://etcd-0:2379",
      "https://etcd-1:2379",
    ]);
    for (const given of ["etcd:2379", "http://", "http://a,,http://b", "ftp://a", "http://a b"]) {
      expect(parse(setting, given), given).toBeUndefined();
    }
  });

  test("urlList takes no path, query, fragment or password", () => {
    const setting = urlList({ doc: "" });
    for (const url of ["http://h/p", "http://h?x=1", "http://h#f", "http://u:p@h:1", "http://"]) {
      expect(setting.parse(url), url).toMatchObject({ ok: false });
    }
  });

  test("ipAddress takes IPv4 and IPv6 addresses only", () => {
    const setting = ipAddress({ doc: "" });
    for (const address of ["10.0.0.7", "::1", "2001:db8::7"]) {
      expect(setting.parse(address)).toEqual({ ok: true, value: address });
    }
    for (const text of ["::::", "....", "999.999.999.999", "[::1]", "localhost"]) {
      expect(setting.parse(text), text).toMatchObject({ ok: false });
    }
  });

  test("addressRanges takes addresses and ranges of both versions", () => {
    const setting = addressRanges({ doc: "" });
    const ranges = parse(setting, "10.0.0.0/8, 192.0.2.1,fd00::/8, ::1");
    if (ranges === undefined) expect.fail("was refused");
    for (const address of ["10.255.0.1", "192.0.2.1"]) {
      expect(ranges.check(address, "ipv4"), address).toBe(true);
    }
    for (const address of ["fdff::1", "::1"]) {
      expect(ranges.check(address, "ipv6"), address).toBe(true);
    }
    expect(ranges.check("192.0.2.2", "ipv4")).toBe(false);
    expect(ranges.check("::2", "ipv6")).toBe(false);
    for (const given of ["10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "a/8", "1.2.3.4,,"]) {
      expect(parse(setting, given), given).toBeUndefined();
    }
  });

  test("addressList takes names, IPv4 and bracketed IPv6, each with a port", () => {
    const setting = addressList({ doc: "" });
    expect(parse(setting, "node-1.ns.svc:50052, 10.0.0.1:1,[::1]:65535")).toEqual([
      "node-1.ns.svc:50052",
      "10.0.0.1:1",
      "[::1]:65535",
    ]);
    for (const given of ["node-1", "node-1:", ":1", "node-1:0", "a:65536", "::1:5", "http://a:1"]) {
      expect(parse(setting, given), given).toBeUndefined();
    }
  });
});

describe("the shared settings", () => {
  const endpoints = { ETCD_ENDPOINTS: "http://127.0.0.1:2379" };

  test("have the documented defaults", () => {
    expect(requireSettings(sharedSettings, endpoints, sharedChecks)).toEqual({
      REGISTRY: "etcd",
      ETCD_ENDPOINTS: ["http://127.0.0.1:2379"],
      ETCD_CA_FILE: undefined,
      ETCD_CERT_FILE: undefined,
      ETCD_KEY_FILE: undefined,
      GRPC_TLS_CERT_FILE: undefined,
      GRPC_TLS_KEY_FILE: undefined,
      GRPC_TLS_CA_FILE: undefined,
      GRPC_TLS_SERVER_NAME: "connect-node",
      FILES_CHECK_SECONDS: 5,
      NODES: undefined,
      REGISTRATION_TTL_S: 10,
      LOG_BYTES: 67_108_864,
      LOG_SECONDS: 300,
      MAX_CONTENT_BYTES: 262_144,
      GRPC_HOST: "0.0.0.0",
      GRPC_MAX_CALLS: 10_000,
      OPS_HOST: "0.0.0.0",
      OPS_PORT: 9100,
      LOG_LEVEL: "info",
      OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
      OTEL_EXPORTER_OTLP_HEADERS: undefined,
      OTEL_EXPORTER_OTLP_TIMEOUT: 10_000,
      OTEL_TRACES_SAMPLER_ARG: 0.01,
      OTEL_BSP_MAX_QUEUE_SIZE: 2048,
      OTEL_BSP_SCHEDULE_DELAY: 5000,
      STOP_SECONDS: 15,
    });
  });

  test("take a collector's URL with a path, and none with a query or a password, which is not repeated", () => {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = sharedSettings;
    expect(parse(endpoint, "https://collector:4318/otlp")).toBe("https://collector:4318/otlp");
    for (const given of ["collector:4318", "http://", "http://h?x=1", "ftp://h"]) {
      expect(parse(endpoint, given), given).toBeUndefined();
    }
    const [problem] = problemsOf(sharedSettings, {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://user:hunter2@h",
    });
    expect(problem?.setting).toBe("OTEL_EXPORTER_OTLP_ENDPOINT");
    expect(problem?.problem).not.toContain("hunter2");
  });

  test("have defaults that are themselves valid, and say what each is for", () => {
    for (const [name, setting] of Object.entries<Setting<unknown>>(sharedSettings)) {
      expect(setting.doc, name).not.toBe("");
      if (setting.default !== undefined) {
        expect(setting.parse(String(setting.default)), name).toEqual({
          ok: true,
          value: setting.default,
        });
      }
    }
  });

  test.each([
    [{}, ["ETCD_ENDPOINTS"]],
    [{ REGISTRY: "static" }, ["NODES"]],
    [{ REGISTRY: "static", NODES: "127.0.0.1:50052" }, []],
    [{ REGISTRY: "memory" }, []],
    [{ REGISTRY: "zookeeper" }, ["REGISTRY"]],
    [{ ...endpoints, REGISTRATION_TTL_S: "1" }, ["REGISTRATION_TTL_S"]],
  ])("read from %j has problems with %j", (env, settings) => {
    const read = readSettings(sharedSettings, env, sharedChecks);
    expect(read.ok ? [] : read.errors.map(({ setting }) => setting)).toEqual(settings);
  });

  test("can be spread into a service's own schema, with their checks", () => {
    const own = { ...sharedSettings, WS_PORT: port({ default: 8080, doc: "" }) };
    expect(requireSettings(own, endpoints, sharedChecks)).toMatchObject({
      WS_PORT: 8080,
      OPS_PORT: 9100,
    });
    expect(() => requireSettings(own, {}, sharedChecks)).toThrow("ETCD_ENDPOINTS");
  });
});
