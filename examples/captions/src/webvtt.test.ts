import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseWebVtt, WebVttError } from "./webvtt.ts";

function cuesOf(...lines: string[]) {
  return parseWebVtt(["WEBVTT", "", ...lines].join("\n"), "talk.vtt").cues;
}

describe("a WebVTT file", () => {
  it("gives its title, headers and cues", () => {
    const source = [
      "WEBVTT - The talk",
      "Kind: captions",
      "Language: en",
      "",
      "1",
      "00:01.500 --> 00:04.000",
      "First line",
      "second line",
      "",
      "end",
      "01:00:04.000 --> 101:00:00.250",
      "Later",
      "",
    ].join("\n");
    const { title, headers, cues } = parseWebVtt(source, "talk.vtt");
    expect(title).toBe("The talk");
    expect(Object.fromEntries(headers)).toEqual({ kind: "captions", language: "en" });
    expect(cues).toEqual([
      { id: "1", startMs: 1_500, endMs: 4_000, text: "First line\nsecond line" },
      { id: "end", startMs: 3_604_000, endMs: 363_600_250, text: "Later" },
    ]);
  });

  it.for([
    ["\n", ""],
    ["\r\n", ""],
    ["\r", ""],
    ["\n", "\uFEFF"],
  ])("may have line ends %j and begin with %j", ([lineEnd = "", start = ""]) => {
    const lines = ["WEBVTT", "", "00:00.000 --> 00:01.000", "one", "two", "", ""];
    const { cues } = parseWebVtt(start + lines.join(lineEnd), "talk.vtt");
    expect(cues.map(({ text }) => text)).toEqual(["one\ntwo"]);
  });

  it("may have no cue at all", () => {
    expect(parseWebVtt("WEBVTT", "talk.vtt").cues).toEqual([]);
  });

  it("leaves notes, styles and regions out", () => {
    const cues = cuesOf(
      "STYLE",
      "::cue { color: papayawhip }",
      "",
      "REGION",
      "id:fred width:40%",
      "",
      "NOTE on one line",
      "",
      "NOTE",
      "on two",
      "",
      "00:00.000 --> 00:01.000",
      "said",
      "",
      "NOTE",
    );
    expect(cues.map(({ text }) => text)).toEqual(["said"]);
  });

  it("takes a cue whose id only looks like a note's or a style's beginning", () => {
    const cues = cuesOf(
      "NOTES",
      "00:00.000 --> 00:01.000",
      "a",
      "",
      "STYLE",
      "00:01.000 --> 00:02.000",
      "b",
    );
    expect(cues.map(({ id }) => id)).toEqual(["NOTES", "STYLE"]);
  });

  it("leaves the settings after the times out", () => {
    const [cue] = cuesOf("00:00.000 --> 00:01.000\tline:0 position:20% align:start", "said");
    expect(cue).toEqual({ id: "#1", startMs: 0, endMs: 1_000, text: "said" });
  });

  it("strips tags and resolves character references", () => {
    const [cue] = cuesOf(
      "00:00.000 --> 00:09.000",
      "<v Anna Marie><c.yellow.big>Salt</c> &amp; <i>pepper</i></v> <00:00:05.000>&lt;now&gt;",
      "&#8364;5&nbsp;&#x2014; &amp;lt; &unknown; &#xD800;&#0;<b",
    );
    expect(cue?.text).toBe("Salt & pepper <now>\n€5\u00A0— &lt; &unknown; \uFFFD\uFFFD");
  });

  it("gives the cues in the order of their start, those of one start as in the file", () => {
    const cues = cuesOf(
      ...["late", "00:05.000 --> 00:06.000", "", "a", "00:01.000 --> 00:02.000", ""],
      ...["b", "00:01.000 --> 00:03.000", ""],
    );
    expect(cues.map(({ id }) => id)).toEqual(["a", "b", "late"]);
  });
});

describe("a bad WebVTT file is refused with file and line", () => {
  it.for<[string, string[], number, RegExp]>([
    ["no signature", ["1", "00:00.000 --> 00:01.000"], 1, /first line is not WEBVTT/],
    ["a blank line first", ["", "WEBVTT"], 1, /first line is not WEBVTT/],
    ["another word", ["WEBVTTX"], 1, /first line is not WEBVTT/],
    ["no blank after the header", ["WEBVTT", "00:00.000 --> 00:01.000"], 2, /blank line must end/],
    ["no times", ["WEBVTT", "", "7", "said"], 4, /needs a line with its times/],
    ["only an id", ["WEBVTT", "", "7"], 3, /needs a line with its times/],
    [
      "a comma, as in SubRip",
      ["WEBVTT", "", "1", "00:00:01,000 --> 00:00:02,000"],
      4,
      /"00:00:01,000" is no time/,
    ],
    ["61 seconds", ["WEBVTT", "", "00:00.000 --> 00:61.000"], 3, /"00:61.000" is no time/],
    ["no end", ["WEBVTT", "", "00:00.000 -->"], 3, /"" is no time/],
    [
      "an end before the start",
      ["WEBVTT", "", "00:02.000 --> 00:01.000"],
      3,
      /ends at 00:01.000, not after/,
    ],
    [
      "two cues without a blank line between",
      ["WEBVTT", "", "00:00.000 --> 00:01.000", "a", "00:01.000 --> 00:02.000", "b"],
      5,
      /blank line before the next cue missing/,
    ],
    [
      "an arrow in a note",
      ["WEBVTT", "", "NOTE", "see", "00:00.000 --> 00:01.000"],
      4,
      /needs a line/,
    ],
    [
      "an id twice",
      ["WEBVTT", "", "x", "00:00.000 --> 00:01.000", "", "x", "00:01.000 --> 00:02.000"],
      6,
      /"x" is taken by the cue of line 3/,
    ],
  ])("%s", ([, lines, line, problem]) => {
    const parse = () => parseWebVtt(lines.join("\r\n"), "talks/bad.vtt");
    expect(parse).toThrow(WebVttError);
    expect(parse).toThrow(problem);
    expect(parse).toThrow(`talks/bad.vtt:${line}: `);
  });
});

const word = fc.stringMatching(/^[a-zäß&<>€]{1,8}$/);
const cueModel = fc.record({
  startMs: fc.integer({ min: 0, max: 400_000_000 }),
  durationMs: fc.integer({ min: 1, max: 60_000 }),
  lines: fc.array(
    fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(" ")),
    {
      maxLength: 3,
    },
  ),
  settings: fc.constantFrom("", " align:start line:90%"),
  noteBefore: fc.boolean(),
  withId: fc.boolean(),
});

function timestamp(ms: number, alwaysHours: boolean): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(ms / 3_600_000);
  const rest = `${two(Math.floor(ms / 60_000) % 60)}:${two(Math.floor(ms / 1000) % 60)}.${String(ms % 1000).padStart(3, "0")}`;
  return hours > 0 || alwaysHours ? `${two(hours)}:${rest}` : rest;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

describe("the WebVTT parser", () => {
  it("reads back every file that was written from cues", () => {
    fc.assert(
      fc.property(
        fc.array(cueModel, { maxLength: 20 }),
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.boolean(),
        (models, lineEnd, alwaysHours) => {
          const lines = ["WEBVTT", ""];
          for (const [index, { startMs, durationMs, settings, ...model }] of models.entries()) {
            if (model.noteBefore) lines.push("NOTE & more", "");
            if (model.withId) lines.push(`cue ${index}`);
            const [start, end] = [startMs, startMs + durationMs].map((ms) =>
              timestamp(ms, alwaysHours),
            );
            lines.push(`${start} --> ${end}${settings}`, ...model.lines.map(escaped), "");
          }
          const { cues } = parseWebVtt(lines.join(lineEnd), "generated.vtt");
          const expected = models.map(({ startMs, durationMs, ...model }, index) => ({
            id: model.withId ? `cue ${index}` : `#${index + 1}`,
            startMs,
            endMs: startMs + durationMs,
            text: model.lines.join("\n"),
          }));
          expect(cues).toEqual(expected.sort((a, b) => a.startMs - b.startMs));
        },
      ),
    );
  });

  it("gives cues or says what is wrong, whatever the bytes", () => {
    const piece = fc.constantFrom(
      "WEBVTT",
      "-->",
      "00:01.000",
      "\n",
      "\n\n",
      "NOTE",
      "<",
      "&#1;",
      " ",
      "x",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }), (pieces) => {
        try {
          for (const { startMs, endMs } of parseWebVtt(`WEBVTT\n\n${pieces.join("")}`, "any.vtt")
            .cues) {
            expect(endMs).toBeGreaterThan(startMs);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(WebVttError);
        }
      }),
    );
  });
});
