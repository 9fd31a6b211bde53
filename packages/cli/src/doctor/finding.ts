/** What one check found. Those that found a fault say what to do about it. */
export type Finding =
  | { readonly check: string; readonly status: "ok"; readonly found: string }
  | {
      readonly check: string;
      /** `warn`: it works, and will not for long or not well. `fail`: it does not work. */
      readonly status: "warn" | "fail";
      readonly found: string;
      /** A sentence or two, with the name of the setting or the page. */
      readonly advice: string;
    }
  | {
      readonly check: string;
      readonly status: "not checked";
      /** Why. */
      readonly found: string;
      /** What would make it checked. */
      readonly advice: string;
    };

export type FindingStatus = Finding["status"];

export function ok(check: string, found: string): Finding {
  return { check, status: "ok", found };
}

export function warn(check: string, found: string, advice: string): Finding {
  return { check, status: "warn", found, advice };
}

export function fail(check: string, found: string, advice: string): Finding {
  return { check, status: "fail", found, advice };
}

export function notChecked(check: string, found: string, advice: string): Finding {
  return { check, status: "not checked", found, advice };
}

/** The findings about one thing: the push-manager, one etcd, one ops port. */
export interface Section {
  readonly title: string;
  readonly findings: readonly Finding[];
}

/** `a`, `a and b`, `a, b and 3 more` */
export function listed(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most);
  const more = names.length - shown.length;
  if (more > 0) return `${shown.join(", ")} and ${more} more`;
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}
