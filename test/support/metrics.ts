export type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** What a process said on /metrics, at one time. */
export class Metrics {
  readonly #samples: readonly Sample[];

  constructor(samples: readonly Sample[]) {
    this.#samples = samples;
  }

  /** The one series that has these labels, perhaps among others. Fails if there is none, or several. */
  value(name: string, labels: Labels = {}): number {
    const found = this.#find(name, labels);
    const [only] = found;
    if (found.length === 1 && only !== undefined) return only.value;
    const wanted = `${name}${JSON.stringify(labels)}`;
    throw new Error(`${found.length} series for ${wanted}: ${JSON.stringify(found)}`);
  }

  /** All series that have these labels, added up; 0 if there are none. */
  sum(name: string, labels: Labels = {}): number {
    return this.#find(name, labels).reduce((total, { value }) => total + value, 0);
  }

  #find(name: string, labels: Labels): Sample[] {
    return this.#samples.filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
  }
}

/** @param opsUrl `http://127.0.0.1:<ops port>` */
export async function scrape(opsUrl: string): Promise<Metrics> {
  const response = await fetch(`${opsUrl}/metrics`, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
  const lines = (await response.text()).split("\n");
  return new Metrics(lines.filter((line) => line !== "" && !line.startsWith("#")).map(parse));
}

function parse(line: string): Sample {
  const [, name, labels = "", value] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  return {
    name,
    labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, label, text]) => [label, text])),
    value: Number(value),
  };
}
