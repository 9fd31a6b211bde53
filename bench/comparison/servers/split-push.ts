const NEWLINE = 0x0a;

/** What the benchmark's publisher sends to the peers that are libraries: the room, a newline, the content. */
export function splitPush(push: Buffer): { readonly room: string; readonly content: Buffer } {
  const end = push.indexOf(NEWLINE);
  return { room: push.toString("latin1", 0, end), content: push.subarray(end + 1) };
}
