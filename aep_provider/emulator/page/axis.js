// Ticks of a true time axis: steps that people count in, from a millisecond to years. All times are UTC.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14].map((count) => count * DAY),
];
const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120, 240];
const NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function label(millis, step) {
  const text = new Date(millis).toISOString();
  if (step < SECOND) return text.slice(11, 23);
  if (step < MINUTE) return text.slice(11, 19);
  if (step < DAY) return text.slice(11, 16);
  const month = NAMES[Number(text.slice(5, 7)) - 1];
  return `${Number(text.slice(8, 10))} ${month}`;
}

function byMonths(from, to, most) {
  const months = (millis) => new Date(millis).getUTCFullYear() * 12 + new Date(millis).getUTCMonth();
  const first = months(from);
  const last = months(to);
  const step = MONTHS.find((count) => (last - first) / count <= most) ?? 1200;
  const found = [];
  for (let at = Math.ceil(first / step) * step; at <= last; at += step) {
    const year = Math.floor(at / 12);
    const name = step < 12 ? `${NAMES[at % 12]} ${year}` : String(year);
    found.push({ at: Date.UTC(year, at % 12), label: name });
  }
  return found.filter((tick) => tick.at >= from && tick.at <= to);
}

// Returns at most about `most` ticks between two times, each with its label.
export function ticks(from, to, most) {
  const step = STEPS.find((size) => (to - from) / size <= most);
  if (step === undefined) return byMonths(from, to, most);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push({ at, label: label(at, step) });
  return found;
}
