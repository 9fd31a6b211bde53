import type { PeerCertificate } from "node:tls";
import { expect, test } from "vitest";
import { peerNamesOf } from "./peer-names.ts";

function namesOf(subjectaltname: string | undefined, CN: unknown = "somebody") {
  const subject = { CN } as PeerCertificate["subject"];
  return peerNamesOf({ subject, ...(subjectaltname === undefined ? {} : { subjectaltname }) });
}

test("names are told apart by their kind", () => {
  expect(
    namesOf("DNS:a.example, URI:spiffe://x/y, email:a@b.example, IP Address:127.0.0.1"),
  ).toEqual({
    commonName: "somebody",
    dnsNames: new Set(["a.example"]),
    uris: new Set(["spiffe://x/y"]),
    emails: new Set(["a@b.example"]),
  });
});

test("a name that looks like several is one", () => {
  const names = namesOf('URI:"http://x/, DNS:push-manager", DNS:other');
  expect(names?.dnsNames).toEqual(new Set(["other"]));
  expect(names?.uris).toEqual(new Set(["http://x/, DNS:push-manager"]));
});

test("what cannot be read for sure is nobody", () => {
  expect(namesOf('DNS:"push-manager')).toBeUndefined();
  expect(namesOf("DNS:a,DNS:b")).toBeUndefined();
  expect(namesOf("DNS")).toBeUndefined();
});

test("a certificate without alternative names has its common name, and of several none", () => {
  expect(namesOf(undefined)?.commonName).toBe("somebody");
  expect(namesOf(undefined, ["a", "b"])?.commonName).toBeUndefined();
});
