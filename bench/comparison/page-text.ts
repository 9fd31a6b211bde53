/** Where there is no figure. */
export const NOTHING = "–";

export function decimal(value: number, digits: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

export function percent(share: number): string {
  return Number.isFinite(share) ? `${decimal(share * 100, share > 0 ? 1 : 0)} %` : NOTHING;
}

export function minutes(iso: string | undefined): string {
  return iso === undefined ? NOTHING : `${iso.slice(0, 16).replace("T", " ")} UTC`;
}

/** Where they are not all of one, with how many of what was measured each has. */
export function commitsText(measured: readonly { readonly commit: string }[]): string {
  const commits = [...new Set(measured.map(({ commit }) => commit))];
  if (commits.length === 1) return commits[0] ?? NOTHING;
  const count = (commit: string) => measured.filter((one) => one.commit === commit).length;
  return commits.map((commit) => `${commit} (of ${count(commit)})`).join(", ");
}
