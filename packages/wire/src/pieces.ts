/** Parts of a payload in order; a string stands for its UTF-8. */
export type Pieces = readonly (string | Uint8Array)[];

export function piecesByteLength(pieces: Pieces): number {
  let byteLength = 0;
  for (const piece of pieces) byteLength += Buffer.byteLength(piece);
  return byteLength;
}

/** Writes the pieces into `target` from `offset` on; they must fit. */
export function writePieces(pieces: Pieces, target: Buffer, offset: number): void {
  let end = offset;
  for (const piece of pieces) {
    if (typeof piece === "string") {
      end += target.write(piece, end);
    } else {
      target.set(piece, end);
      end += piece.length;
    }
  }
}

export function joinPieces(pieces: Pieces): Buffer {
  const joined = Buffer.allocUnsafe(piecesByteLength(pieces));
  writePieces(pieces, joined, 0);
  return joined;
}
