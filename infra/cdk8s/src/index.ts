export { createApp } from "./app.ts";
export { type ConfigProblem, InvalidConfig } from "./config/invalid-config.ts";
export { type ConfigSource, loadConfig, resolveConfig } from "./config/load.ts";
export { type ConfigOption, configOptions } from "./config/options.ts";
export { PROFILES, type ProfileName } from "./config/profiles.ts";
export type { Config, ConfigInput } from "./config/schema.ts";
export { writeManifests } from "./write-manifests.ts";
