import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadTalk, TalkNotFoundError } from "./talk.ts";

const LIGHTHOUSE = fileURLToPath(new URL("../talks/lighthouse", import.meta.url));

describe("a talk", () => {
  it("has a track for each language, with the same cues at the same times", async () => {
    const { id, tracks } = await loadTalk(LIGHTHOUSE);
    expect(id).toBe("lighthouse");
    expect(tracks.map(({ lang }) => lang)).toEqual(["de", "en"]);
    const [german = [], english = []] = tracks.map(({ cues }) =>
      cues.map(({ text: _, ...timing }) => timing),
    );
    expect(german).toEqual(english);
    expect(english.length).toBeGreaterThanOrEqual(40);
    for (const { text } of tracks.flatMap(({ cues }) => cues)) expect(text).toMatch(/^[^<>]+$/);
  });

  it("says in the header what readers of a translation should know", async () => {
    const { tracks } = await loadTalk(LIGHTHOUSE);
    expect(tracks.map(({ notice }) => notice !== undefined)).toEqual([true, false]);
  });

  it.for(["/nowhere/at-all", `${LIGHTHOUSE}s`])("is not found at %s", async (path) => {
    await expect(loadTalk(path)).rejects.toThrow(TalkNotFoundError);
  });
});
