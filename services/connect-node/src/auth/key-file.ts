import type { FileFollower } from "@pushcast/runtime";
import { readPublicKeys, readSecret } from "./key-formats.ts";
import type { TokenKeys } from "./token-keys.ts";

/** The settings of keys in a file: one of them is set. */
export interface KeyFileSettings {
  readonly JWT_SECRET_FILE: string | undefined;
  readonly JWT_PUBLIC_KEY_FILE: string | undefined;
}

/**
 * The keys in a file, as it is when a token comes.
 * @throws InvalidSettings
 */
export function openKeyFile(
  { JWT_SECRET_FILE, JWT_PUBLIC_KEY_FILE = "" }: KeyFileSettings,
  files: FileFollower,
): TokenKeys {
  const name = "token_keys";
  const file =
    JWT_SECRET_FILE === undefined
      ? files.open({ name, paths: { JWT_PUBLIC_KEY_FILE }, parse: readPublicKeys })
      : files.open({ name, paths: { JWT_SECRET_FILE }, parse: readSecret });
  return {
    get algorithms() {
      return file.value.algorithms;
    },
    find: (...token) => file.value.find(...token),
  };
}
