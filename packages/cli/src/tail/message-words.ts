import type { Gap, Message } from "@pushcast/client";
import type { Output } from "../frame/output.ts";
import { printable } from "../frame/printable.ts";

/** As the frame of the protocol has it. */
export function messageJson(message: Message): object {
  const { id, room, target, contentType, at, key, ephemeral } = message;
  return {
    type: "message",
    id,
    ...(room === undefined ? {} : { room }),
    target,
    content_type: contentType,
    ...(message.kind === "binary"
      ? { content: Buffer.from(message.content).toString("base64"), encoding: "base64" }
      : { content: message.content }),
    at,
    ...(key === undefined ? {} : { key }),
    ...(ephemeral ? { ephemeral } : {}),
  };
}

/** One line: when it was accepted, for whom, and what. */
export function messageWords(message: Message, { style }: Pick<Output, "style">): string {
  const where = message.room ?? (message.target === "all" ? "(all)" : "(user)");
  return [
    style("dim", timeInWords(new Date(message.at))),
    style("cyan", printable(where)),
    contentInWords(message),
  ].join("  ");
}

export function gapJson({ room, reason }: Gap): object {
  return { type: "gap", ...(room === undefined ? {} : { room }), reason };
}

export function gapWords({ room, reason }: Gap, { style }: Pick<Output, "style">): string {
  const where = room === undefined ? "" : `${printable(room)}: `;
  return style("yellow", `-- gap: ${where}messages may be missing here (${reason}) --`);
}

/** With milliseconds, in the time of this machine. */
function timeInWords(time: Date): string {
  const digits = (value: number, count = 2) => String(value).padStart(count, "0");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => digits(part));
  return `${clock.join(":")}.${digits(time.getMilliseconds(), 3)}`;
}

function contentInWords(message: Message): string {
  switch (message.kind) {
    case "text":
      return printable(message.content);
    case "json":
      return printable(JSON.stringify(message.content));
    case "binary":
      return `(${message.content.byteLength} bytes of ${printable(message.contentType)})`;
  }
}
