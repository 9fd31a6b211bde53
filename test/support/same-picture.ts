/// <reference lib="dom" />
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";

const FOLDER = new URL("../browser/references/", import.meta.url);
/** A picture is compared by squares of so many pixels: a letter more or less bold is the same. */
const SQUARE = 8;
/** How far a square's mean colour may be off, of 255. */
const COLOUR_TOLERANCE = 20;
/** How much higher one page may be than the other: fonts differ a little. */
const HEIGHT_TOLERANCE = 0.02;

/**
 * What share of a screenshot's squares look other than in the reference of that name; 1 where the sizes
 * differ. With `UPDATE_REFERENCES` set it becomes the reference: look at it then.
 */
export async function differsFromReference(
  browser: Browser,
  name: string,
  screenshot: Buffer,
): Promise<number> {
  const path = fileURLToPath(new URL(`${name}.png`, FOLDER));
  if (process.env.UPDATE_REFERENCES) writeFileSync(path, screenshot);
  return await differingShare(browser, readFileSync(path), screenshot);
}

/** What share of the squares of two PNGs look different; 1 where their sizes differ. */
export async function differingShare(
  browser: Browser,
  one: Buffer,
  other: Buffer,
): Promise<number> {
  const page = await browser.newPage();
  try {
    return await page.evaluate(shareOfDifferingSquares, {
      pictures: [one, other].map((png) => png.toString("base64")),
      square: SQUARE,
      tolerance: COLOUR_TOLERANCE,
      heightTolerance: HEIGHT_TOLERANCE,
    });
  } finally {
    await page.close();
  }
}

/** Runs in the browser, which reads PNGs and shrinks pictures. */
async function shareOfDifferingSquares(asked: {
  pictures: string[];
  square: number;
  tolerance: number;
  heightTolerance: number;
}): Promise<number> {
  const { square, tolerance, heightTolerance } = asked;
  const pictures = await Promise.all(
    asked.pictures.map((png) => {
      const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
      return createImageBitmap(new Blob([bytes], { type: "image/png" }));
    }),
  );
  const [widths, heights] = [pictures.map(({ width }) => width), pictures.map((at) => at.height)];
  const [width, height] = [Math.min(...widths), Math.min(...heights)];
  if (Math.max(...widths) > width) return 1;
  if (Math.max(...heights) > height * (1 + heightTolerance)) return 1;
  const [one, other] = pictures.map((picture) => {
    const [columns, rows] = [Math.ceil(width / square), Math.ceil(height / square)];
    const context = new OffscreenCanvas(columns, rows).getContext("2d");
    if (context === null) throw new Error("no canvas");
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, width, height, 0, 0, columns, rows);
    return context.getImageData(0, 0, columns, rows).data;
  });
  if (one === undefined || other === undefined) throw new Error("two pictures are compared");
  let differing = 0;
  for (let at = 0; at < one.length; at += 4) {
    const off = [0, 1, 2].map((channel) =>
      Math.abs((one[at + channel] ?? 0) - (other[at + channel] ?? 0)),
    );
    if (Math.max(...off) > tolerance) differing += 1;
  }
  return differing / (one.length / 4);
}
