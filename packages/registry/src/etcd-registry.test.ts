import { describe, expect, it } from "vitest";
import { createRegistry } from "./create-registry.ts";
import { RegistryOptionsError } from "./registry-options-error.ts";

function create(endpoints: string[], registrationTtlS = 10) {
  return createRegistry({ kind: "etcd", endpoints, registrationTtlS }, () => {});
}

describe("the options of the etcd registry", () => {
  it.for([
    "http://etcd:2379",
    "https://etcd.example.com",
    "http://[::1]:2379/",
    "HTTP://10.0.0.1:1",
  ])("take the endpoint %j", (endpoint) => {
    expect(() => create([endpoint])).not.toThrow();
  });

  it.for(["", "etcd", "etcd:2379", "ftp://etcd:2379", "http://", "http://etcd:2379/path"])(
    "refuse the endpoint %j by name",
    (endpoint) => {
      expect(() => create(["http://etcd:2379", endpoint])).toThrow(
        new RegistryOptionsError(
          `etcd endpoint ${JSON.stringify(endpoint)} is not a URL like http://host:2379`,
        ),
      );
    },
  );

  it("refuse an empty list of endpoints", () => {
    expect(() => create([])).toThrow(RegistryOptionsError);
  });

  it.for([0, -1, 1.5, Number.NaN])("refuse a TTL of %d s", (ttlS) => {
    expect(() => create(["http://etcd:2379"], ttlS)).toThrow(RegistryOptionsError);
  });
});
