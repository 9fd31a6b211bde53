/** What a look at one part of the running system finds. */
export interface StatusLine {
  /** `Deployment connect-node` */
  readonly title: string;
  readonly text: string;
  readonly isHealthy: boolean;
  /** Why it is not. */
  readonly details: readonly string[];
}

export function healthy(title: string, text: string): StatusLine {
  return { title, text, isHealthy: true, details: [] };
}

export function unhealthy(
  title: string,
  text: string,
  details: readonly string[] = [],
): StatusLine {
  return { title, text, isHealthy: false, details };
}

/** For a person: a line, and what belongs to it indented. */
export function describeStatus({ title, text, isHealthy, details }: StatusLine): string[] {
  const line = `${title}: ${text}`;
  return [isHealthy ? line : `${line} (not well)`, ...details.map((detail) => `  ${detail}`)];
}
