import { type SettingsSchema, text } from "@pushcast/runtime";
import { describe, expect, test } from "vitest";
import { filesSection, notAmongSettings } from "../src/config/files.ts";
import { mountFiles } from "../src/lib/secret-files.ts";

const SCHEMA = {
  SIGNING_KEY_FILE: text({ doc: "A key." }),
  GRPC_TLS_KEY_FILE: text({ doc: "Another." }),
  NODE_ENV: text({ doc: "Where it runs." }),
  NAME: text({ doc: "A name." }),
} satisfies SettingsSchema;

describe("the files of a service", () => {
  const section = filesSection(SCHEMA);

  test("are given by the names of the settings that are paths", () => {
    const files = { SIGNING_KEY_FILE: { name: "signing", key: "key.pem" } };
    expect(section.parse(files)).toEqual(files);
    expect(section.parse({})).toEqual({});
  });

  test.each([
    ["a setting that is no path", { NAME: { name: "a", key: "b" } }, "Unrecognized key"],
    [
      "one that is there for TLS",
      { GRPC_TLS_KEY_FILE: { name: "a", key: "b" } },
      "is given by tls",
    ],
    ["the file itself", { SIGNING_KEY_FILE: "secret" }, "must be { name, key }, of a Secret"],
  ])("are not %s", (_, given, problem) => {
    expect(section.safeParse(given).error?.message).toContain(problem);
  });

  test("are refused among the other settings, with where they belong", () => {
    expect(notAmongSettings(SCHEMA, "service")).toEqual({
      SIGNING_KEY_FILE: "is a file: put it into a Secret, and name that in service.files",
      GRPC_TLS_KEY_FILE: "is given by tls",
      NODE_ENV: "is given by the images",
    });
  });

  test("are on a read-only volume that only the pod's user reads, each under its setting's name", () => {
    const { paths, pod, container } = mountFiles({
      SIGNING_KEY_FILE: { name: "signing", key: "key.pem" },
      OTHER_FILE: { name: "other", key: "data" },
      UNSET_FILE: undefined,
    });

    expect(paths).toEqual({
      SIGNING_KEY_FILE: "/etc/pushcast/signing-key",
      OTHER_FILE: "/etc/pushcast/other",
    });
    expect(container.volumeMounts).toEqual([
      { name: "secrets", mountPath: "/etc/pushcast", readOnly: true },
    ]);
    expect(pod.volumes).toEqual([
      {
        name: "secrets",
        projected: {
          defaultMode: 0o440,
          sources: [
            { secret: { name: "signing", items: [{ key: "key.pem", path: "signing-key" }] } },
            { secret: { name: "other", items: [{ key: "data", path: "other" }] } },
          ],
        },
      },
    ]);
    expect(pod.securityContext).toMatchObject({ runAsUser: 1000, fsGroup: 1000 });
  });

  test("need no volume where there are none", () => {
    expect(mountFiles({})).toEqual({ paths: {}, pod: {}, container: {} });
  });
});
