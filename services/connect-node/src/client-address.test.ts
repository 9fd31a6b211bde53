import { BlockList } from "node:net";
import { describe, expect, test } from "vitest";
import { clientAddress } from "./client-address.ts";

const proxies = new BlockList();
proxies.addSubnet("10.0.0.0", 8, "ipv4");
proxies.addSubnet("fd00::", 8, "ipv6");

function of(remoteAddress: string | undefined, forwarded?: string, trusted = proxies): string {
  return clientAddress(
    {
      socket: remoteAddress === undefined ? {} : { remoteAddress },
      headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
    },
    trusted,
  );
}

describe("a client's address", () => {
  test("is the connection's where no proxy is trusted, whatever a header says", () => {
    expect(of("198.51.100.7", "203.0.113.1", new BlockList())).toBe("198.51.100.7");
    expect(of("198.51.100.7", "203.0.113.1")).toBe("198.51.100.7");
  });

  test("is the last that a trusted proxy names and that is no trusted proxy", () => {
    expect(of("10.1.1.1", "203.0.113.1")).toBe("203.0.113.1");
    expect(of("10.1.1.1", "203.0.113.1, 10.2.2.2")).toBe("203.0.113.1");
    expect(of("fd00::1", "203.0.113.1:4711")).toBe("203.0.113.1");
  });

  test("is not what the client wrote before the proxy did", () => {
    expect(of("10.1.1.1", "192.0.2.66, 203.0.113.1")).toBe("203.0.113.1");
  });

  test("is the proxy's where it names nobody, or no address", () => {
    expect(of("10.1.1.1")).toBe("10.1.1.1");
    expect(of("10.1.1.1", "unknown")).toBe("10.1.1.1");
    expect(of("10.1.1.1", "203.0.113.1, _hidden")).toBe("10.1.1.1");
    expect(of("10.1.1.1", "10.3.3.3")).toBe("10.3.3.3");
  });

  test.each([
    ["::ffff:198.51.100.7", "198.51.100.7"],
    ["2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"],
    ["2001:db8::5", "2001:db8:0:0::/64"],
    ["2001:0DB8::", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["1:2:3::198.51.100.7", "1:2:3:0::/64"],
  ])("%s counts as %s", (address, counted) => {
    expect(of(address)).toBe(counted);
    expect(of("10.1.1.1", `[${address}]:443`)).toBe(counted);
  });

  test("of a connection that is gone already is empty", () => {
    expect(of(undefined)).toBe("");
  });
});
