import { DeliverRequest, Publication as PublicationCodec } from "@pushcast/api";
import { encodePublication, type Publication } from "@pushcast/log";
import { type DeliverMessage, decodeDeliverMessage } from "../src/deliver-message.ts";

/** What a test says of a publication; the rest has a default. */
export type Push = Partial<Omit<Publication, "epoch" | "seq" | "content">> & { text?: string };

/** A push-manager's side of a link: numbers publications and writes its messages. */
export class FakeManager {
  readonly epoch: string;
  /** Unix milliseconds that publications say. */
  atMs = 0;
  seq: number;

  constructor(epoch: string, seq = 0) {
    this.epoch = epoch;
    this.seq = seq;
  }

  /** A message with one publication after another; ephemeral ones are in it, too. */
  message(...pushes: Push[]): DeliverMessage {
    return decodeDeliverMessage(this.bytes(...pushes));
  }

  /** The same as it goes over the wire. */
  bytes(...pushes: Push[]): Buffer {
    const afterSeq = this.seq;
    const publications = pushes.map((push) => PublicationCodec.decode(this.encode(push)));
    return requestBytes({ afterSeq, throughSeq: this.seq, publications });
  }

  /** Publications that the link never brings. */
  skip(count: number): void {
    this.seq += count;
  }

  encode({ text, ...push }: Push): Uint8Array {
    this.seq += 1;
    return encodePublication({
      epoch: this.epoch,
      seq: this.seq,
      roomId: "",
      userIds: [],
      excludeUserIds: [],
      content: Buffer.from(text ?? `${this.seq}`),
      contentType: "",
      idempotencyKey: "",
      ephemeral: false,
      atMs: this.atMs,
      ...push,
    });
  }

  helloBytes(tailSeq = 0, headSeq = this.seq, nodeId = ""): Buffer {
    return requestBytes({
      hello: {
        epoch: this.epoch,
        managerId: "manager-1",
        version: "1.0.0",
        tailSeq: BigInt(tailSeq),
        headSeq: BigInt(headSeq),
        nodeId,
      },
    });
  }
}

export function requestBytes(
  parts: Partial<Omit<DeliverRequest, "afterSeq" | "throughSeq">> & {
    afterSeq?: number;
    throughSeq?: number;
  },
): Buffer {
  const { afterSeq = 0, throughSeq = 0, ...rest } = parts;
  return Buffer.from(
    DeliverRequest.encode({
      hello: undefined,
      publications: [],
      final: false,
      ...rest,
      afterSeq: BigInt(afterSeq),
      throughSeq: BigInt(throughSeq),
    }).finish(),
  );
}
