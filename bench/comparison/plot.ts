const WIDTH = 860;
const HEIGHT = 460;
const LEFT = 70;
const RIGHT = 200;
const TOP = 40;
const BOTTOM = 50;
const LEGEND_LINE = 20;
/** Told apart also by those who do not see all colours. */
const COLOURS = [
  "#0072b2",
  "#56b4e9",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#666",
  "#000",
  "#f0e442",
];

export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number, y: number])[];
  }[];
}

/** Lines over two logarithmic axes, as SVG. */
export function plotSvg({ title, xLabel, yLabel, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points);
  const x = logAxis(
    points.map(([value]) => value),
    LEFT,
    WIDTH - RIGHT,
  );
  const y = logAxis(
    points.map(([, value]) => value),
    HEIGHT - BOTTOM,
    TOP,
  );
  const right = WIDTH - RIGHT;
  const bottom = HEIGHT - BOTTOM;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, TOP - 16, title, 'font-size="16"'),
    ...x.ticks.flatMap((tick) => [
      rule(x.place(tick), TOP, x.place(tick), bottom),
      text(x.place(tick), bottom + 18, label(tick), 'text-anchor="middle"'),
    ]),
    ...y.ticks.flatMap((tick) => [
      rule(LEFT, y.place(tick), right, y.place(tick)),
      text(LEFT - 8, y.place(tick) + 4, label(tick), 'text-anchor="end"'),
    ]),
    text((LEFT + right) / 2, HEIGHT - 10, xLabel, 'text-anchor="middle"'),
    `<g transform="translate(18 ${(TOP + bottom) / 2}) rotate(-90)">${text(0, 0, yLabel, 'text-anchor="middle"')}</g>`,
    ...lines.flatMap((line, n) => {
      const colour = COLOURS[n % COLOURS.length] ?? "#000";
      const placed = line.points.map(([px, py]) => [
        coordinate(x.place(px)),
        coordinate(y.place(py)),
      ]);
      const legendY = TOP + 10 + n * LEGEND_LINE;
      return [
        `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${placed.map((at) => at.join()).join(" ")}"/>`,
        ...placed.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`),
        `<path d="M${right + 14} ${legendY}h20" stroke="${colour}" stroke-width="3"/>`,
        text(right + 40, legendY + 4, line.name),
      ];
    }),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

interface Axis {
  readonly ticks: readonly number[];
  place(value: number): number;
}

/** From the power of ten below the smallest value to the one above the largest. */
function logAxis(values: readonly number[], from: number, to: number): Axis {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n)),
    place: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
  };
}

function label(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 3 });
}

function coordinate(value: number): string {
  return value.toFixed(1);
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  return `<path d="M${coordinate(x1)} ${coordinate(y1)}L${coordinate(x2)} ${coordinate(y2)}" stroke="#ddd"/>`;
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${coordinate(x)}" y="${coordinate(y)}" ${attributes}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
