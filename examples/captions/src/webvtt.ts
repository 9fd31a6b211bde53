/** One caption, as its file has it. */
export interface Cue {
  /** The cue's identifier; `#<n>` for the n-th cue if it has none. Unique in its file. */
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Without tags, character references resolved; lines are separated by `\n`. */
  readonly text: string;
}

export interface WebVtt {
  /** What stands after `WEBVTT` on the first line. */
  readonly title: string;
  /** `Name: value` lines below it, by name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** In the order of their start. */
  readonly cues: readonly Cue[];
}

/** The file is not WebVTT as https://www.w3.org/TR/webvtt1/ has it; its message says where. */
export class WebVttError extends Error {
  override readonly name = "WebVttError";
  readonly file: string;
  /** From 1. */
  readonly line: number;

  constructor(file: string, line: number, problem: string) {
    super(`${file}:${line}: ${problem}`);
    this.file = file;
    this.line = line;
  }
}

/** Lines without a blank one between them. */
interface Block {
  /** Of its first line, from 1. */
  readonly line: number;
  readonly lines: readonly string[];
}

const ARROW = "-->";
const TIMESTAMP = /^(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})$/;

/**
 * Reads a WebVTT file. Notes, styles, regions and the settings of cues are left out.
 *
 * @param file its name, for errors
 * @throws WebVttError
 */
export function parseWebVtt(source: string, file: string): WebVtt {
  const [header, ...blocks] = splitBlocks(source);
  const signature = /^WEBVTT(?:[ \t]+(.*))?$/.exec(
    header?.line === 1 ? (header.lines[0] ?? "") : "",
  );
  if (header === undefined || signature === null) {
    throw new WebVttError(file, 1, "the first line is not WEBVTT");
  }
  const cues: Cue[] = [];
  const linesById = new Map<string, number>();
  for (const block of blocks) {
    const cue = readBlock(block, file, cues.length + 1);
    if (cue === undefined) continue;
    const firstLine = linesById.get(cue.id);
    if (firstLine !== undefined) {
      throw new WebVttError(
        file,
        block.line,
        `the cue id ${JSON.stringify(cue.id)} is taken by the cue of line ${firstLine}`,
      );
    }
    linesById.set(cue.id, block.line);
    cues.push(cue);
  }
  return {
    title: signature[1]?.replace(/^-\s*/, "").trim() ?? "",
    headers: readHeaders(header, file),
    cues: cues.sort((a, b) => a.startMs - b.startMs),
  };
}

function splitBlocks(source: string): Block[] {
  const lines = source.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  const blocks: { line: number; lines: string[] }[] = [];
  let wasBlank = true;
  for (const [index, line] of lines.entries()) {
    const isBlank = line.trim() === "";
    if (!isBlank && wasBlank) blocks.push({ line: index + 1, lines: [] });
    if (!isBlank) blocks.at(-1)?.lines.push(line);
    wasBlank = isBlank;
  }
  return blocks;
}

function readHeaders(block: Block, file: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [index, line] of block.lines.entries()) {
    if (line.includes(ARROW)) {
      throw new WebVttError(file, block.line + index, "a blank line must end the header");
    }
    const field = /^([^:\s]+):[ \t]*(.*)$/.exec(line);
    if (field?.[1] !== undefined) headers.set(field[1].toLowerCase(), (field[2] ?? "").trim());
  }
  return headers;
}

/** Undefined for a block that is no cue. */
function readBlock(block: Block, file: string, number: number): Cue | undefined {
  const { line, lines } = block;
  const [first = ""] = lines;
  const timingAt = lines.findIndex((each) => each.includes(ARROW));
  if (timingAt === -1 && /^(?:NOTE(?:[ \t]|$)|(?:STYLE|REGION)[ \t]*$)/.test(first))
    return undefined;
  if (timingAt === -1 || timingAt > 1) {
    const problem = `a cue needs a line with its times, like 00:01.000 ${ARROW} 00:02.000`;
    throw new WebVttError(file, line + Math.min(1, lines.length - 1), problem);
  }
  const timingLine = line + timingAt;
  const textLines = lines.slice(timingAt + 1);
  const secondTiming = textLines.findIndex((each) => each.includes(ARROW));
  if (secondTiming !== -1) {
    throw new WebVttError(
      file,
      timingLine + 1 + secondTiming,
      `the text of a cue cannot hold ${ARROW}; is the blank line before the next cue missing?`,
    );
  }
  const { startMs, endMs } = readTiming(lines[timingAt] ?? "", file, timingLine);
  return {
    id: timingAt === 1 ? first.trim() : `#${number}`,
    startMs,
    endMs,
    text: plainText(textLines),
  };
}

function readTiming(
  timing: string,
  file: string,
  line: number,
): { startMs: number; endMs: number } {
  const [start = "", rest = ""] = timing.split(ARROW, 2).map((part) => part.trim());
  const [end = ""] = rest.split(/[ \t]/, 1);
  const startMs = readTimestamp(start, file, line);
  const endMs = readTimestamp(end, file, line);
  if (endMs <= startMs) {
    throw new WebVttError(file, line, `the cue ends at ${end}, not after its start at ${start}`);
  }
  return { startMs, endMs };
}

function readTimestamp(timestamp: string, file: string, line: number): number {
  const parts = TIMESTAMP.exec(timestamp);
  if (parts === null) {
    const problem = `${JSON.stringify(timestamp)} is no time like 00:01.000 or 00:00:01.000`;
    throw new WebVttError(file, line, problem);
  }
  const [, hours = "0", minutes, seconds, milliseconds] = parts;
  return (
    ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(milliseconds)
  );
}

const CHARACTER_NAMES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  nbsp: "\u00A0",
  lrm: "\u200E",
  rlm: "\u200F",
};

function plainText(lines: readonly string[]): string {
  return lines
    .map((line) => line.trimEnd())
    .join("\n")
    .replace(/<[^>]*(?:>|$)/g, "")
    .replace(
      /&(?:(amp|lt|gt|nbsp|lrm|rlm)|#(\d+)|#[xX]([0-9a-fA-F]+));/g,
      (all, name, decimal, hex) => {
        if (name !== undefined) return CHARACTER_NAMES[name] ?? all;
        return character(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
      },
    );
}

/** As HTML has it, what is no character is U+FFFD. */
function character(codePoint: number): string {
  const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
  const isCharacter = codePoint > 0 && codePoint <= 0x10ffff && !isSurrogate;
  return isCharacter ? String.fromCodePoint(codePoint) : "\uFFFD";
}
