export type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)(?: \d+)?$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** What a process says of itself on `/metrics`, at one time. */
export class MetricsText {
  readonly #samples = new Map<string, Sample[]>();

  /** What is no sample is passed over. @param text in Prometheus' text format */
  constructor(text: string) {
    for (const line of text.split("\n")) {
      const [, name, labels = "", value] = SAMPLE.exec(line) ?? [];
      if (name === undefined) continue;
      const sample = {
        labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, key, text]) => [key, text])),
        value: Number(value),
      };
      const same = this.#samples.get(name);
      if (same === undefined) this.#samples.set(name, [sample]);
      else same.push(sample);
    }
  }

  /** All series of a name, by their labels. */
  series(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }

  /** The series that have these labels, added up; undefined if there is none. */
  value(name: string, labels: Labels = {}): number | undefined {
    const found = this.series(name).filter(({ labels: has }) =>
      Object.entries(labels).every(([label, value]) => has[label] === value),
    );
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  }
}
