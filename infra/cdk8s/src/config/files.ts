import type { SettingsSchema } from "@pushcast/runtime";
import { z } from "zod";
import { secretKey } from "./fields.ts";

/** A key of a Secret, which a pod has as a file. */
export type SecretKey = z.output<typeof secretKey>;

/** Secrets by the settings that are to have the paths of their files. */
export type SecretFiles<Name extends string = string> = { readonly [File in Name]?: SecretKey };

type FileSetting<Schema> = Extract<keyof Schema, `${string}_FILE`>;

/** Given by the section `tls`, for all of them at once. */
const OF_TLS = /^(GRPC_TLS|ETCD)_/;

/** A section that names a Secret for each setting of a service that is the path of a file. */
export function filesSection<Schema extends SettingsSchema>(
  schema: Schema,
): z.ZodType<SecretFiles<FileSetting<Schema>>> {
  const files = fileSettings(schema).map((name) => [
    name,
    isOfTls(name)
      ? z.never("is given by tls").optional()
      : secretKey.optional().describe(schema[name]?.doc ?? ""),
  ]);
  return z.strictObject(Object.fromEntries(files)) as unknown as z.ZodType<
    SecretFiles<FileSetting<Schema>>
  >;
}

/** Why settings that are paths, and what the images say, are not given among the other settings. */
export function notAmongSettings<Schema extends SettingsSchema>(
  schema: Schema,
  section: string,
): Readonly<Record<FileSetting<Schema> | Extract<keyof Schema, "NODE_ENV">, string>> {
  const reasons = fileSettings(schema).map((name) => [
    name,
    isOfTls(name)
      ? "is given by tls"
      : `is a file: put it into a Secret, and name that in ${section}.files`,
  ]);
  return Object.fromEntries([...reasons, ["NODE_ENV", "is given by the images"]]);
}

function fileSettings(schema: SettingsSchema): string[] {
  return Object.keys(schema).filter((name) => name.endsWith("_FILE"));
}

function isOfTls(name: string): boolean {
  return OF_TLS.test(name);
}
