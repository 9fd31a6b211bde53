import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Cue, parseWebVtt } from "./webvtt.ts";

/** A talk's captions in one language. */
export interface Track {
  /** As in the file's name: `en`, `pt-BR`. */
  readonly lang: string;
  readonly title: string;
  readonly cues: readonly Cue[];
  /** What its readers should know first, if anything: the header `Notice`. */
  readonly notice: string | undefined;
  /** What it says when the talk is over: the header `Ending`. */
  readonly ending: string;
}

export interface Talk {
  readonly id: string;
  /** At least one; in the alphabetical order of their files. */
  readonly tracks: readonly Track[];
}

/** There is no such talk. */
export class TalkNotFoundError extends Error {
  override readonly name = "TalkNotFoundError";
}

/**
 * Reads `<path>.<lang>.vtt` in each language that is there; `talks/lighthouse` reads
 * `talks/lighthouse.en.vtt`.
 *
 * @throws TalkNotFoundError, WebVttError
 */
export async function loadTalk(path: string): Promise<Talk> {
  const id = basename(path);
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  const tracks: Track[] = [];
  for (const name of names.sort()) {
    const lang = languageOf(name, id);
    if (lang !== undefined) tracks.push(await loadTrack(join(folder, name), lang));
  }
  if (tracks.length === 0) {
    throw new TalkNotFoundError(`no captions like ${join(folder, `${id}.en.vtt`)} are there`);
  }
  return { id, tracks };
}

/** The room of those who read the talk in that language. */
export function roomOf(talkId: string, lang: string): string {
  return `talk:${talkId}:${lang}`;
}

function languageOf(name: string, id: string): string | undefined {
  if (!name.startsWith(`${id}.`) || !name.endsWith(".vtt")) return undefined;
  const lang = name.slice(id.length + 1, -".vtt".length);
  return /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/.test(lang) ? lang : undefined;
}

async function loadTrack(file: string, lang: string): Promise<Track> {
  const { title, headers, cues } = parseWebVtt(await readFile(file, "utf8"), file);
  return {
    lang,
    title,
    cues,
    notice: headers.get("notice"),
    ending: headers.get("ending") ?? "The talk has ended.",
  };
}
