import { CLAIMS } from "./claims.ts";

/** The blocks that no test runs, for docs/testing.md. */
export function notRunTable(): string {
  const rows = Object.entries(CLAIMS).flatMap(([page, claims]) =>
    claims.flatMap((claim) => {
      if (claim.how !== "not run") return [];
      const which = "block" in claim ? `\`${claim.block}\`` : `each in \`${claim.every}\``;
      const cells = [`\`${page}\``, which, claim.why, claim.checked?.against ?? "–"];
      return [`| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`];
    }),
  );
  return ["| page | block | not run, as it | checked against |", "|---|---|---|---|", ...rows].join(
    "\n",
  );
}
