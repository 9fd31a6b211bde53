import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  EpochState as EpochStateCodec,
  ReplicateResponse,
  Revocation as RevocationCodec,
} from "@pushcast/api";
import { messageField, type SeqRange } from "@pushcast/log";
import { isEpoch } from "@pushcast/wire";
import type { Revocation } from "./auth/revocations.ts";

/** What a peer has of one epoch: everything of (tailSeq, headSeq] that is not in a hole. */
export interface PeerEpoch {
  readonly epoch: string;
  readonly tailSeq: number;
  readonly headSeq: number;
  /** Ascending and disjoint. */
  readonly holes: readonly SeqRange[];
  /** Whether its manager is attached to the peer. */
  readonly live: boolean;
  /** Since the manager's link to the peer ended; 0 while it is live. */
  readonly goneMs: number;
}

/** A ReplicateResponse, its publications still encoded: they go from log to log as they are. */
export interface ReplicateMessage {
  /** The peer's table as it was when the publications of this message were read. */
  readonly epochs: readonly PeerEpoch[];
  readonly publications: readonly Uint8Array[];
  /** This is the last message. */
  readonly done: boolean;
  /** Since the peer's log began empty, or the log that it was copied from. */
  readonly logAgeMs: number;
  /** Those that the peer knows, or some of them. */
  readonly revocations?: readonly Revocation[];
}

/** A peer answered what the protocol does not allow. */
export class ReplicateError extends Error {}

const PUBLICATIONS_FIELD = 2;

export function encodeReplicateMessage(message: ReplicateMessage): Buffer {
  const head = ReplicateResponse.encode({
    epochs: message.epochs.map((state) => ({
      epoch: state.epoch,
      tailSeq: BigInt(state.tailSeq),
      headSeq: BigInt(state.headSeq),
      holes: state.holes.map(({ after, through }) => ({
        afterSeq: BigInt(after),
        throughSeq: BigInt(through),
      })),
      live: state.live,
      goneMs: BigInt(Math.round(state.goneMs)),
    })),
    publications: [],
    done: message.done,
    logAgeMs: BigInt(Math.round(message.logAgeMs)),
    revocations: (message.revocations ?? []).map(({ userId, issuedBeforeMs }) => ({
      userId,
      issuedBeforeMs: BigInt(issuedBeforeMs),
    })),
  }).finish();
  const publications = message.publications.map((bytes) => messageField(PUBLICATIONS_FIELD, bytes));
  return Buffer.concat([head, ...publications]);
}

/** @throws ReplicateError */
export function decodeReplicateMessage(bytes: Uint8Array): ReplicateMessage {
  let message: ReplicateMessage;
  try {
    message = decode(bytes);
  } catch (cause) {
    throw new ReplicateError("bytes that are no ReplicateResponse", { cause });
  }
  for (const state of message.epochs) {
    const problem = stateProblem(state);
    if (problem !== undefined) throw new ReplicateError(`an epoch's state: ${problem}`);
  }
  for (const { issuedBeforeMs } of message.revocations ?? []) {
    if (!Number.isSafeInteger(issuedBeforeMs)) throw new ReplicateError("a revocation of no time");
  }
  return message;
}

function decode(bytes: Uint8Array): ReplicateMessage {
  const reader = new BinaryReader(bytes);
  const epochs: PeerEpoch[] = [];
  const publications: Uint8Array[] = [];
  const revocations: Revocation[] = [];
  let done = false;
  let logAgeMs = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) {
      epochs.push(toPeerEpoch(EpochStateCodec.decode(reader.bytes())));
    } else if (field === PUBLICATIONS_FIELD && wireType === WireType.LengthDelimited) {
      publications.push(reader.bytes());
    } else if (field === 3 && wireType === WireType.Varint) {
      done = reader.bool();
    } else if (field === 4 && wireType === WireType.Varint) {
      logAgeMs = Number(reader.uint64());
    } else if (field === 5 && wireType === WireType.LengthDelimited) {
      const { userId, issuedBeforeMs } = RevocationCodec.decode(reader.bytes());
      revocations.push({ userId, issuedBeforeMs: Number(issuedBeforeMs) });
    } else {
      reader.skip(wireType, field);
    }
  }
  const read = { epochs, publications, done, logAgeMs };
  return revocations.length === 0 ? read : { ...read, revocations };
}

function toPeerEpoch(state: EpochStateCodec): PeerEpoch {
  return {
    epoch: state.epoch,
    tailSeq: Number(state.tailSeq),
    headSeq: Number(state.headSeq),
    holes: state.holes.map(({ afterSeq, throughSeq }) => ({
      after: Number(afterSeq),
      through: Number(throughSeq),
    })),
    live: state.live,
    goneMs: Number(state.goneMs),
  };
}

function stateProblem({ epoch, tailSeq, headSeq, holes }: PeerEpoch): string | undefined {
  if (!isEpoch(epoch)) return "not an epoch";
  if (tailSeq > headSeq || !Number.isSafeInteger(headSeq)) return "a tail beyond its head";
  let end = tailSeq;
  for (const { after, through } of holes) {
    if (after < end || through <= after) return "holes that are not ascending";
    end = through;
  }
  return end > headSeq ? "a hole beyond its head" : undefined;
}
