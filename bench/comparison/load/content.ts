/** A push's content: a mark, its number in its room, when it was sent, and filling. */
export const CONTENT_BYTES = 128;

const MARK_TEXT = "@@~~";
export const MARK_BYTES = Buffer.from(MARK_TEXT);
/** The mark as a big-endian integer. */
export const MARK = MARK_BYTES.readUInt32BE();

const N_DIGITS = 8;
const SENT_DIGITS = 16;
const ZERO = 0x30;

/** Nothing in it needs an escape in any peer's protocol. */
export function writeContent(n: number, sentMicros: number): string {
  const number = String(n).padStart(N_DIGITS, "0");
  const sent = String(Math.round(sentMicros)).padStart(SENT_DIGITS, "0");
  return `${MARK_TEXT}${number}${sent}`.padEnd(CONTENT_BYTES, "x");
}

/** The number of the content whose mark is at `start`. */
export function readNumber(bytes: Buffer, start: number): number {
  return readDigits(bytes, start + MARK_BYTES.length, N_DIGITS);
}

/** When the content whose mark is at `start` was sent, by `monotonicMicros`. */
export function readSentMicros(bytes: Buffer, start: number): number {
  return readDigits(bytes, start + MARK_BYTES.length + N_DIGITS, SENT_DIGITS);
}

function readDigits(bytes: Buffer, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at += 1) value = value * 10 + (bytes[at] ?? ZERO) - ZERO;
  return value;
}

const READINGS = 100;
/** Who loses its core between the two readings finds too small a difference, so the largest is right. */
const ORIGIN_MICROS = Math.max(
  ...Array.from(
    { length: READINGS },
    () => Number(process.hrtime.bigint()) / 1000 - performance.now() * 1000,
  ),
);

/** The machine's monotonic clock, which all its processes share. */
export function monotonicMicros(): number {
  return ORIGIN_MICROS + performance.now() * 1000;
}
