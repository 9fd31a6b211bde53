/** What terminals show in two cells: East Asian Wide and Fullwidth (UAX #11), and emoji. */
const WIDE =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{20000}-\u{3fffd}]/u;
/** What stands on the character before it: accents, joiners, variation selectors. */
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;

const ASCII = /^[\x20-\x7e]*$/;

/** Made when it is needed: it takes longer than all the rest of `pushcast --help`. */
let segmenter: Intl.Segmenter | undefined;

/** What a person takes for characters. */
function* graphemes(text: string): Iterable<string> {
  if (ASCII.test(text)) {
    yield* text;
    return;
  }
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  for (const { segment } of segmenter.segment(text)) yield segment;
}

/** How many cells of a terminal a text takes. */
export function textWidth(text: string): number {
  let width = 0;
  for (const grapheme of graphemes(text)) width += cellsOf(grapheme);
  return width;
}

/** The text, or as much of it as fits into so many cells with an ellipsis. */
export function fitted(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let shown = "";
  let left = width - 1;
  for (const grapheme of graphemes(text)) {
    left -= cellsOf(grapheme);
    if (left < 0) break;
    shown += grapheme;
  }
  return `${shown}…`;
}

/** Filled up with spaces to so many cells. */
export function padded(text: string, width: number, align: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "left" ? text + spaces : spaces + text;
}

function cellsOf(grapheme: string): number {
  if (WIDE.test(grapheme)) return 2;
  return ZERO.test(grapheme) ? 0 : 1;
}
