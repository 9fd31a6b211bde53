import { BlockList, isIP } from "node:net";
import type { Parsed, Setting } from "./settings.ts";

interface Described {
  doc: string;
}

interface Bounds {
  /** The least that is valid. */
  min: number;
  /** The most that is valid. */
  max: number;
}

interface Counted extends Described, Bounds {
  /** What is counted: "bytes", "milliseconds", "sessions". */
  unit: string;
}

/** What a builder takes beside a default. */
type Kind<Value> = Pick<Setting<Value>, "accepts"> & {
  doc: string;
  secret?: boolean;
  read(text: string): Value | undefined;
};

const SHOWN_CHARACTERS = 80;

function build<Value>(kind: Kind<Value>, fallback: Value | undefined): Setting<Value | undefined> {
  const secret = kind.secret ?? false;
  const parse = (text: string): Parsed<Exclude<Value, undefined>> => {
    const value = kind.read(text);
    if (value !== undefined) return { ok: true, value: value as Exclude<Value, undefined> };
    // What stands before an @ of a URL may be a password.
    const isHidden = secret || text.includes("@");
    const shown = isHidden ? "" : `, not ${JSON.stringify(text.slice(0, SHOWN_CHARACTERS))}`;
    return { ok: false, problem: `must be ${kind.accepts}${shown}` };
  };
  return { doc: kind.doc, accepts: kind.accepts, default: fallback, secret, parse };
}

function within(value: number, { min, max }: Bounds): number | undefined {
  return value >= min && value <= max ? value : undefined;
}

/** A whole number, in decimal digits. */
export function integer(spec: Counted & { default: number }): Setting<number>;
export function integer(spec: Counted): Setting<number | undefined>;
export function integer(spec: Counted & { default?: number }): Setting<number | undefined> {
  const accepts = `a whole number of ${spec.unit} from ${spec.min} to ${spec.max}`;
  const read = (text: string) => (/^-?\d+$/.test(text) ? within(Number(text), spec) : undefined);
  return build({ doc: spec.doc, accepts, read }, spec.default);
}

/** A duration in seconds; fractions are fine. */
export function seconds(spec: Described & Bounds & { default: number }): Setting<number>;
export function seconds(spec: Described & Bounds): Setting<number | undefined>;
export function seconds(
  spec: Described & Bounds & { default?: number },
): Setting<number | undefined> {
  const accepts = `a number of seconds from ${spec.min} to ${spec.max}`;
  const read = (text: string) =>
    /^\d+(\.\d+)?$/.test(text) ? within(Number(text), spec) : undefined;
  return build({ doc: spec.doc, accepts, read }, spec.default);
}

/** A share of a whole, from 0 to 1. */
export function share(spec: Described & { default: number }): Setting<number> {
  const read = (text: string) =>
    /^\d+(\.\d+)?$/.test(text) ? within(Number(text), { min: 0, max: 1 }) : undefined;
  const accepts = "a number from 0 to 1";
  return build({ doc: spec.doc, accepts, read }, spec.default) as Setting<number>;
}

/** A TCP port to listen on; 0 is any free one. */
export function port(spec: Described & { default: number }): Setting<number> {
  const accepts = "a port from 0 to 65535 (0 is any free one)";
  const read = (text: string) =>
    /^\d+$/.test(text) ? within(Number(text), { min: 0, max: 65535 }) : undefined;
  return build({ doc: spec.doc, accepts, read }, spec.default) as Setting<number>;
}

interface TextSpec extends Described {
  /** What the whole text must match. */
  pattern?: RegExp;
  /** What a text that matches `pattern` is, as a noun; shown when it does not. */
  accepts?: string;
  /** @default false */
  secret?: boolean;
}

/** Any text, or one that matches a pattern. */
export function text(spec: TextSpec & { default: string }): Setting<string>;
export function text(spec: TextSpec): Setting<string | undefined>;
export function text(spec: TextSpec & { default?: string }): Setting<string | undefined> {
  const { doc, pattern, accepts = "a text", secret = false } = spec;
  const read = (given: string) => (pattern?.test(given) === false ? undefined : given);
  return build({ doc, accepts, secret, read }, spec.default);
}

/** One of a few words. */
export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  spec: Described & { default: NoInfer<Choice> },
): Setting<Choice>;
export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  spec: Described,
): Setting<Choice | undefined>;
export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  spec: Described & { default?: NoInfer<Choice> },
): Setting<Choice | undefined> {
  const accepts = choices.join(" or ");
  const read = (given: string) => choices.find((choice) => choice === given);
  return build({ doc: spec.doc, accepts, read }, spec.default);
}

function list(
  spec: Described,
  accepts: string,
  readItem: (item: string) => string | undefined,
): Setting<readonly string[] | undefined> {
  const read = (given: string) => {
    const items = given.split(",").map((item) => readItem(item.trim()));
    return items.includes(undefined) ? undefined : (items as string[]);
  };
  return build<readonly string[]>({ doc: spec.doc, accepts, read }, undefined);
}

/** An IPv4 or IPv6 address, without brackets. */
export function ipAddress(spec: Described): Setting<string | undefined> {
  const read = (given: string) => (isIP(given) === 0 ? undefined : given);
  return build({ doc: spec.doc, accepts: "an IP address", read }, undefined);
}

/** IP addresses, and ranges of them as `10.0.0.0/8`, with commas between them. */
export function addressRanges(spec: Described): Setting<BlockList | undefined> {
  const read = (given: string) => {
    const ranges = new BlockList();
    return given.split(",").every((item) => addRange(ranges, item.trim())) ? ranges : undefined;
  };
  const accepts = "IP addresses and ranges like 10.0.0.0/8, with commas between them";
  return build({ doc: spec.doc, accepts, read }, undefined);
}

/** Returns whether it is one. */
function addRange(ranges: BlockList, item: string): boolean {
  const [, address = "", prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(item) ?? [];
  const version = isIP(address);
  const bits = version === 4 ? 32 : 128;
  if (version === 0 || Number(prefix ?? 0) > bits) return false;
  ranges.addSubnet(address, Number(prefix ?? bits), version === 4 ? "ipv4" : "ipv6");
  return true;
}

/**
 * http or https URLs of a host and a port, with commas between them; read without a slash at the end.
 */
export function urlList(spec: Described): Setting<readonly string[] | undefined> {
  return list(
    spec,
    "http:// or https:// URLs of host and port only, with commas between them",
    (item) =>
      /^https?:\/\/[^/?#@]+\/*$/.test(item) && URL.canParse(item)
        ? item.replace(/\/+$/, "")
        : undefined,
  );
}

/** `host:port` or `[IPv6]:port`, with commas between them. */
export function addressList(spec: Described): Setting<readonly string[] | undefined> {
  return list(spec, "host:port addresses with commas between them", (item) => {
    const portNumber = /^(?:[^\s:/@[\]]+|\[[\da-fA-F:.]+\]):(\d{1,5})$/.exec(item)?.[1];
    return portNumber !== undefined && within(Number(portNumber), { min: 1, max: 65535 })
      ? item
      : undefined;
  });
}

/**
 * Origins as browsers send them, `scheme://host` with a port only if it is not the scheme's own, with
 * commas between them.
 */
export function originList(spec: Described): Setting<readonly string[] | undefined> {
  return list(spec, "origins like https://app.example.com, with commas between them", (item) => {
    if (!/^[a-z][a-z\d+.-]*:\/\/[^\s/?#@]+$/.test(item) || !URL.canParse(item)) return undefined;
    const { origin } = new URL(item);
    // Of schemes that are not the web's, like those of apps, URL says none.
    return origin === item || origin === "null" ? item : undefined;
  });
}
