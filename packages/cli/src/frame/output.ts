import type { CliError } from "./cli-error.ts";
import type { Io } from "./io.ts";
import { printable } from "./printable.ts";
import { type Styler, stylerFor } from "./style.ts";
import { type Table, tableLines } from "./table.ts";
import { fitted } from "./text-width.ts";

/** Where a command writes: for people, or with `--json` for programs. */
export class Output {
  readonly isJson: boolean;
  readonly style: Styler;
  readonly #io: Pick<Io, "stdout" | "stderr" | "env">;
  readonly #errorStyle: Styler;
  #hasProgress = false;

  constructor(io: Pick<Io, "stdout" | "stderr" | "env">, isJson: boolean) {
    this.#io = io;
    this.isJson = isJson;
    this.style = stylerFor(io.stdout, io.env);
    this.#errorStyle = stylerFor(io.stderr, io.env);
  }

  /** Whether a person looks at what is written to stdout. */
  get isLive(): boolean {
    return this.#io.stdout.isTTY === true && !this.isJson;
  }

  /** The terminal's width; no bound where it is none. */
  get columns(): number {
    return (this.#io.stdout.isTTY && this.#io.stdout.columns) || Number.POSITIVE_INFINITY;
  }

  /** The terminal's height; no bound where it is none. */
  get rows(): number {
    return (this.#io.stdout.isTTY && this.#io.stdout.rows) || Number.POSITIVE_INFINITY;
  }

  /**
   * What the command found: the object with `--json`, else the words. `snake_case` keys; a bigint
   * becomes a number.
   * @param words lines for a person
   */
  result(value: object, words: () => readonly string[]): void {
    this.clearProgress();
    const lines = this.isJson ? [toJson(value)] : words();
    this.#io.stdout.write(lines.map((line) => `${line}\n`).join(""));
  }

  /** The table's lines, as wide as the terminal. */
  table(table: Table): string[] {
    return tableLines(table, this.columns, this.style);
  }

  /** Something beside the result, for a person, on stderr; nothing with `--json`. */
  note(text: string): void {
    if (this.isJson) return;
    this.clearProgress();
    this.#io.stderr.write(`${this.#errorStyle("dim", printable(text))}\n`);
  }

  /** Something that a person must not overlook, on stderr; nothing with `--json`. */
  warning(text: string): void {
    if (this.isJson) return;
    this.clearProgress();
    this.#io.stderr.write(`${this.#errorStyle("yellow", `Warning: ${printable(text)}`)}\n`);
  }

  /** Replaces what it said before, on a terminal; nothing elsewhere. */
  progress(text: string): void {
    if (this.isJson || this.#io.stderr.isTTY !== true) return;
    const width = (this.#io.stderr.columns ?? 80) - 1;
    this.#io.stderr.write(`\r\u001b[K${this.#errorStyle("dim", fitted(printable(text), width))}`);
    this.#hasProgress = true;
  }

  clearProgress(): void {
    if (this.#hasProgress) this.#io.stderr.write("\r\u001b[K");
    this.#hasProgress = false;
  }

  /** Control sequences, for a screen that is drawn again. Only where `isLive`. */
  control(sequence: string): void {
    this.#io.stdout.write(sequence);
  }

  error({
    code,
    message,
    hint,
    exitCode,
  }: Pick<CliError, "code" | "message" | "hint" | "exitCode">): void {
    this.clearProgress();
    if (this.isJson) {
      this.#io.stderr.write(`${toJson({ error: { code, message, hint, exit_code: exitCode } })}\n`);
      return;
    }
    const lines = [
      // It may have words of a server, or of a name that was mistyped.
      `${this.#errorStyle("red", "pushcast:")} ${printable(message)}`,
      ...(hint ?? "").split("\n").flatMap((line) => (line === "" ? [] : `  ${printable(line)}`)),
    ];
    this.#io.stderr.write(`${lines.join("\n")}\n`);
  }
}

/** DEL and C1 controls, which JSON may have as they are: some terminals take them for commands. */
const CONTROLS = /[\u007f-\u009f]/g;

function toJson(value: object): string {
  const json = JSON.stringify(value, (_key, member) =>
    typeof member === "bigint" ? Number(member) : member,
  );
  return json.replace(CONTROLS, (control) => {
    return `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
