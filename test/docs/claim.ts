/** Which block of a page a claim is on. */
type Which =
  /** The first line of one block. */
  | { readonly block: string }
  /** Every block in a language ("" where none is given) that no claim names by its first line. */
  | { readonly every: string };

/** How it is known that a block is true. */
type How =
  /** A test runs it; `by` is the file, from the repository's root. */
  | { readonly how: "run"; readonly by: string }
  /** A test holds it against the real thing. */
  | { readonly how: "checked"; readonly by: string; readonly against: string }
  /** A drawing. */
  | { readonly how: "diagram" }
  /** It cannot be run in a test. docs/testing.md says so, with the reason and what is checked instead. */
  | {
      readonly how: "not run";
      readonly why: string;
      readonly checked?: { readonly by: string; readonly against: string };
    };

/** What is claimed of a block in the documents. */
export type Claim = Which & How;

export type Claims = Readonly<Record<string, readonly Claim[]>>;

/** The tests that a claim names. */
export function testOf(claim: Claim): string | undefined {
  if (claim.how === "run" || claim.how === "checked") return claim.by;
  return claim.how === "not run" ? claim.checked?.by : undefined;
}
