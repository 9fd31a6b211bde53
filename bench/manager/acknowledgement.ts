const THROUGH_SEQ_TAG = (2 << 3) | 0;
const OUTCOME_TAG = (3 << 3) | 2;
const OUTCOME_SEQ_TAG = (1 << 3) | 0;
const SESSIONS_DELIVERED_TAG = (2 << 3) | 0;
const MAX_VARINT_BYTES = 8;
const MAX_OUTCOME_BYTES = 2 + 1 + MAX_VARINT_BYTES + 2;

/**
 * A DeliverResponse that acknowledges (afterSeq, throughSeq] and says of each publication in it that
 * one session got it. The generated encoder takes longer than all else that a receiver does.
 */
export function acknowledgement(afterSeq: number, throughSeq: number): Buffer {
  const count = throughSeq - afterSeq;
  const bytes = Buffer.allocUnsafe(1 + MAX_VARINT_BYTES + count * MAX_OUTCOME_BYTES);
  bytes[0] = THROUGH_SEQ_TAG;
  let end = writeVarint(bytes, 1, throughSeq);
  for (let seq = afterSeq + 1; seq <= throughSeq; seq += 1) {
    bytes[end] = OUTCOME_TAG;
    const start = end + 2;
    bytes[start] = OUTCOME_SEQ_TAG;
    end = writeVarint(bytes, start + 1, seq);
    bytes[end] = SESSIONS_DELIVERED_TAG;
    bytes[end + 1] = 1;
    end += 2;
    bytes[start - 1] = end - start;
  }
  return bytes.subarray(0, end);
}

/** Returns where it ends. */
function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 0x7f) {
    bytes[at] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
    at += 1;
  }
  bytes[at] = rest;
  return at + 1;
}
