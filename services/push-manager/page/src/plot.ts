import { make } from "./dom.ts";
import { WINDOW_SECONDS } from "./history.ts";
import { inkOf } from "./theme.ts";
import uPlot from "./uplot.js";
import { figure } from "./words.ts";

export interface PlotLine {
  readonly label: string;
  /** Name of a CSS variable. */
  readonly ink: string;
  readonly dash?: number[];
  readonly values: readonly (number | null)[];
}

export interface PlotSpec {
  readonly title: string;
  /** Of whom the figures are, and what they are. */
  readonly note: string;
  readonly unit: string;
  /** The end of the axis, where it is always the same. */
  readonly max?: number;
  readonly times: readonly number[];
  readonly lines: readonly PlotLine[];
}

const HEIGHT = 132;
/** Before now. */
const TICKS_SECONDS = [240, 120, 0];
const FONT_SIZE = "11px";

/** One plot, with its latest figures, or those under the pointer, as text above it. */
export class Plot {
  readonly element: HTMLElement;
  readonly #spec: PlotSpec;
  readonly #canvas = make("div", "canvas");
  readonly #figures: readonly HTMLElement[];
  #plot: uPlot | undefined;

  constructor(spec: PlotSpec) {
    this.#spec = spec;
    this.#figures = spec.lines.map(() => make("b", "", "–"));
    const legend = spec.lines.map(({ label, ink }, index) => {
      const swatch = make("i", "swatch");
      swatch.style.background = `var(${ink})`;
      return make("span", "", swatch, `${label} `, this.#figures[index] ?? "");
    });
    const heading = make("h3", "", spec.title, " ", make("small", "", spec.unit));
    const caption = make("figcaption", "", heading, make("p", "legend", ...legend));
    // The figures stand in the caption, too, for those who see no picture.
    this.#canvas.ariaHidden = "true";
    this.element = make("figure", "plot", caption, this.#canvas, make("p", "note", spec.note));
    new ResizeObserver(() => this.#fit()).observe(this.#canvas);
  }

  /** Draws what the lines are now. */
  draw(): void {
    this.#plot?.setData(this.#data());
    this.#show(this.#spec.times.length - 1);
  }

  /** The colours have changed. */
  repaint(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#fit();
  }

  #fit(): void {
    const width = this.#canvas.clientWidth;
    if (width === 0) return;
    if (this.#plot === undefined) this.#plot = this.#make(width);
    else if (this.#plot.width !== width) this.#plot.setSize({ width, height: HEIGHT });
  }

  #make(width: number): uPlot {
    const { lines, max } = this.#spec;
    const font = `${FONT_SIZE} ${getComputedStyle(this.#canvas).fontFamily}`;
    const axis = { stroke: inkOf("--quiet"), font, ticks: { show: false } };
    const grid = { stroke: inkOf("--line"), width: 1 };
    return new uPlot(
      {
        width,
        height: HEIGHT,
        padding: [8, 14, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
        scales: {
          x: { range: (_plot, _from, to) => [to - WINDOW_SECONDS, to] },
          y: { range: (_plot, _from, to) => [0, max ?? (to > 0 ? to * 1.15 : 1)] },
        },
        axes: [
          {
            ...axis,
            size: 22,
            grid: { show: false },
            splits: (_plot, _axis, _from, to) => TICKS_SECONDS.map((ago) => to - ago),
            values: () => ["−4 min", "−2", "now"],
          },
          {
            ...axis,
            size: 44,
            space: 30,
            grid,
            values: (_plot, ticks) => ticks.map((tick) => figure(tick)),
          },
        ],
        series: [
          {},
          ...lines.map(({ label, ink, dash }) => ({
            label,
            stroke: inkOf(ink),
            width: 1.5,
            ...(dash === undefined ? {} : { dash }),
            points: { show: false },
          })),
        ],
        hooks: {
          setCursor: [(plot) => this.#show(plot.cursor.idx ?? this.#spec.times.length - 1)],
        },
      },
      this.#data(),
      this.#canvas,
    );
  }

  #data(): uPlot.AlignedData {
    const { times, lines } = this.#spec;
    return [times, ...lines.map(({ values }) => values)] as uPlot.AlignedData;
  }

  #show(index: number): void {
    for (const [line, { values }] of this.#spec.lines.entries()) {
      const value = values[index];
      const shown = value === null || value === undefined ? "–" : figure(value);
      this.#figures[line]?.replaceChildren(shown);
    }
  }
}
