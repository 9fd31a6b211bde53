import type { Environment, TextStream } from "./io.ts";

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Style = keyof typeof CODES;

/** Marks up text, or leaves it as it is. */
export type Styler = (style: Style, text: string) => string;

/** Colours only on a terminal, and not with NO_COLOR (https://no-color.org). */
export function stylerFor(stream: TextStream, env: Environment): Styler {
  const isPlain = stream.isTTY !== true || Boolean(env.NO_COLOR) || env.TERM === "dumb";
  if (isPlain) return (_style, text) => text;
  return (style, text) => {
    const [open, close] = CODES[style];
    return `\u001b[${open}m${text}\u001b[${close}m`;
  };
}
