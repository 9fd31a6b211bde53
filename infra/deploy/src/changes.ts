import type { KubeObject } from "./kube-object.ts";

/** A field that differs between two states of an object. */
export interface FieldChange {
  /** `spec.template.spec.containers[connect-node].image` */
  readonly path: string;
  /** Undefined where the field is new. */
  readonly before: unknown;
  /** Undefined where the field goes. */
  readonly after: unknown;
}

/** What the API server keeps for itself. */
const SERVER_METADATA = new Set([
  "creationTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
]);
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** The fields in which two states of an object differ, in the order of their paths. */
export function changesBetween(before: KubeObject, after: KubeObject): FieldChange[] {
  return [...compare("", wanted(before), wanted(after))];
}

/** Without what is the server's alone. */
function wanted({ metadata, status: _, ...rest }: KubeObject): Fields {
  const kept = Object.entries(metadata).filter(([name]) => !SERVER_METADATA.has(name));
  const { annotations, ...others } = Object.fromEntries(kept);
  const { [LAST_APPLIED]: __, ...ownAnnotations } = (annotations ?? {}) as Fields;
  return { ...rest, metadata: { ...others, annotations: ownAnnotations } };
}

type Fields = Readonly<Record<string, unknown>>;

function* compare(path: string, before: unknown, after: unknown): Generator<FieldChange> {
  if (isFields(before) && isFields(after)) {
    yield* compareFields(before, after, (name) => `${path}${fieldStep(path, name)}`);
  } else if (isNamedList(before) && isNamedList(after)) {
    yield* compareFields(byName(before), byName(after), (name) => `${path}[${name}]`);
  } else if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    for (const [index, item] of before.entries()) {
      yield* compare(`${path}[${index}]`, item, after[index]);
    }
  } else if (JSON.stringify(before) !== JSON.stringify(after)) {
    yield { path, before, after };
  }
}

function* compareFields(
  before: Fields,
  after: Fields,
  pathOf: (name: string) => string,
): Generator<FieldChange> {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const name of [...names].sort()) yield* compare(pathOf(name), before[name], after[name]);
}

function fieldStep(path: string, name: string): string {
  if (!/^[\w-]+$/.test(name)) return `[${JSON.stringify(name)}]`;
  return path === "" ? name : `.${name}`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Named = Fields & { readonly name: string };

/** Containers, their variables and ports, volumes: what the API server merges by name, too. */
function isNamedList(value: unknown): value is Named[] {
  if (!Array.isArray(value)) return false;
  const names = value.map((item) => (isFields(item) ? item.name : undefined));
  return names.every((name) => typeof name === "string") && new Set(names).size === names.length;
}

function byName(items: readonly Named[]): Record<string, Named> {
  return Object.fromEntries(items.map((item) => [item.name, item]));
}
