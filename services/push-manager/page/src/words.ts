/** A count or a rate, with three digits that matter. */
export function figure(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 1e6) return `${digits(value / 1e6)} M`;
  if (magnitude >= 1e4) return `${digits(value / 1e3)} k`;
  return digits(value);
}

function digits(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const magnitude = Math.abs(value);
  return String(Number(value.toFixed(magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2)));
}

export function bytes(count: number): string {
  if (count < 1024) return plural(count, "byte");
  const kib = count / 1024;
  return kib < 1024 ? `${digits(kib)} KiB` : `${digits(kib / 1024)} MiB`;
}

export function plural(count: number, noun: string): string {
  return `${figure(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** 14:03:27.145, by this machine's zone. */
export function timeOfDay(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  return `${clock}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** 2026-03-01 14:03, by this machine's zone. */
export function moment(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** JSON as a person reads it; the text itself if it is none, or not whole. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
