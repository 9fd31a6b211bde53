export interface ConfigProblem {
  /** Where in the configuration: `connectNode.replicas.max`. Empty for the whole. */
  readonly path: string;
  readonly problem: string;
}

/** The configuration is unusable; {@link problems} has every reason. */
export class InvalidConfig extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ path, problem }) =>
      path === "" ? `  ${problem}` : `  ${path}: ${problem}`,
    );
    super(["invalid configuration:", ...lines].join("\n"));
    this.name = "InvalidConfig";
    this.problems = problems;
  }
}
