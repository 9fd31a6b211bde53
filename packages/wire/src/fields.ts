import type { ErrorCode } from "./error-codes.ts";
import { type Position, parsePosition } from "./position.ts";

/** A frame before it is checked: its fields by their JSON names, absent ones undefined. */
export type UncheckedFields = Readonly<Record<string, unknown>>;

export interface FieldProblem {
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * Reads the fields of a frame by their types. It keeps the first problem; once there is one, what
 * the methods return is only a stand-in.
 */
export class FieldReader {
  problem: FieldProblem | undefined;
  readonly #fields: UncheckedFields;
  readonly #maxPositionEntries: number;

  constructor(fields: UncheckedFields, maxPositionEntries: number) {
    this.#fields = fields;
    this.#maxPositionEntries = maxPositionEntries;
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  refuse(code: ErrorCode, message: string): void {
    this.problem ??= { code, message };
  }

  string(name: string): string {
    const value = this.#fields[name];
    if (typeof value === "string") return value;
    this.refuse("BAD_REQUEST", `${name} must be a string`);
    return "";
  }

  optionalString(name: string): string | undefined {
    return this.has(name) ? this.string(name) : undefined;
  }

  /** An integer 0…2^53−1. */
  integer(name: string): number {
    const value = this.#fields[name];
    if (isNonNegativeInteger(value)) return value;
    this.refuse("BAD_REQUEST", `${name} must be an integer 0…2^53−1`);
    return 0;
  }

  optionalInteger(name: string): number | undefined {
    return this.has(name) ? this.integer(name) : undefined;
  }

  boolean(name: string): boolean {
    const value = this.#fields[name];
    if (typeof value === "boolean") return value;
    this.refuse("BAD_REQUEST", `${name} must be true or false`);
    return false;
  }

  optionalBoolean(name: string): boolean | undefined {
    return this.has(name) ? this.boolean(name) : undefined;
  }

  bytes(name: string): Uint8Array {
    const value = this.#fields[name];
    if (value instanceof Uint8Array) return value;
    this.refuse("BAD_REQUEST", `${name} must be bytes`);
    return new Uint8Array(0);
  }

  oneOf<const T extends string>(name: string, values: readonly [T, ...T[]]): T {
    const value = values.find((known) => known === this.#fields[name]);
    if (value !== undefined) return value;
    this.refuse("BAD_REQUEST", `${name} must be one of ${values.join(", ")}`);
    return values[0];
  }

  position(name: string): Position {
    const value = this.#fields[name];
    if (value === undefined) {
      this.refuse("BAD_REQUEST", `${name} is missing`);
      return new Map();
    }
    const position = parsePosition(value, this.#maxPositionEntries);
    if (position !== undefined) return position;
    this.refuse(
      "POSITION_INVALID",
      `${name} must be an object of at most ${this.#maxPositionEntries} entries, ` +
        "16 lower-case hex digits → integer 0…2^53−1",
    );
    return new Map();
  }

  optionalPosition(name: string): Position | undefined {
    return this.has(name) ? this.position(name) : undefined;
  }
}

/** What can be the `id` of a frame, a seq or a number of milliseconds. */
export function isNonNegativeInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The object without the properties that are undefined. */
export function present<T extends object>(properties: T): Present<T> {
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) => value !== undefined),
  ) as Present<T>;
}
