import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** A span as an OTLP exporter sent it. */
export interface ExportedSpan {
  /** `service.name` of its resource. */
  readonly service: string;
  /** `service.instance.id` of its resource. */
  readonly instance: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty where it begins its trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: Attributes;
  /** The traces that it links to. */
  readonly linkedTraceIds: readonly string[];
  readonly isError: boolean;
  readonly durationMs: number;
}

export type Attributes = Readonly<Record<string, string | number | boolean>>;

type Fields = ReadonlyMap<number, readonly (Uint8Array | bigint)[]>;

const STATUS_ERROR = 2n;

/** The spans of an encoded `ExportTraceServiceRequest` of opentelemetry-proto. */
export function decodeSpans(request: Uint8Array): ExportedSpan[] {
  return messages(fields(request), 1).flatMap((resourceSpans) => {
    const [resource = EMPTY] = messages(resourceSpans, 1);
    const own = attributes(resource, 1);
    const service = String(own["service.name"]);
    const instance = String(own["service.instance.id"]);
    return messages(resourceSpans, 2)
      .flatMap((scopeSpans) => messages(scopeSpans, 2))
      .map((span) => ({ service, instance, ...toSpan(span) }));
  });
}

const EMPTY: Fields = new Map();

function toSpan(span: Fields): Omit<ExportedSpan, "service" | "instance"> {
  const [status = EMPTY] = messages(span, 15);
  return {
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentSpanId: hex(span, 4),
    name: text(span, 5),
    attributes: attributes(span, 9),
    linkedTraceIds: messages(span, 13).map((link) => hex(link, 1)),
    isError: number(status, 3) === STATUS_ERROR,
    durationMs: Number(number(span, 8) - number(span, 7)) / 1e6,
  };
}

function attributes(message: Fields, field: number): Attributes {
  return Object.fromEntries(
    messages(message, field).map((pair) => {
      const [value = EMPTY] = messages(pair, 2);
      return [text(pair, 1), attributeValue(value)];
    }),
  );
}

function attributeValue(value: Fields): string | number | boolean {
  if (value.has(1)) return text(value, 1);
  return value.has(2) ? number(value, 2) === 1n : Number(number(value, 3));
}

function messages(message: Fields, field: number): Fields[] {
  return (message.get(field) ?? []).map((bytes) => fields(bytes as Uint8Array));
}

function bytes(message: Fields, field: number): Buffer {
  return Buffer.from((message.get(field)?.[0] as Uint8Array | undefined) ?? []);
}

function hex(message: Fields, field: number): string {
  return bytes(message, field).toString("hex");
}

function text(message: Fields, field: number): string {
  return bytes(message, field).toString();
}

function number(message: Fields, field: number): bigint {
  return (message.get(field)?.[0] as bigint | undefined) ?? 0n;
}

function fields(message: Uint8Array): Fields {
  const reader = new BinaryReader(message);
  const all = new Map<number, (Uint8Array | bigint)[]>();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const values = all.get(field) ?? [];
    all.set(field, values);
    values.push(readValue(reader, wireType, field));
  }
  return all;
}

function readValue(reader: BinaryReader, wireType: WireType, field: number): Uint8Array | bigint {
  switch (wireType) {
    case WireType.LengthDelimited:
      return reader.bytes();
    case WireType.Varint:
      return BigInt(reader.uint64());
    case WireType.Bit64:
      return BigInt(reader.fixed64());
    case WireType.Bit32:
      return BigInt(reader.fixed32());
    default:
      throw new Error(`field ${field} has wire type ${wireType}`);
  }
}
