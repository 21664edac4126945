// One dataset on a true time axis: Profile on, off and upsert, batches and requests, and below it the whole
// story in small, where the newest is always at the right.

import { ticks } from "/_emulator/axis.js";
import { length, stamp, svg } from "/_emulator/dom.js";
import { kind, outcome, size, told, whole, word } from "/_emulator/windows.js";

const TOP = 20;
const BAND = 30;
const BATCHES = 72;
const RISE = 11;
const REQUESTS = 96;
const AXIS = 102;
const STORY = 130;
const HEIGHT = 142;
const LEAST_PX = 4;
const LETTER_PX = 7;

function segments(dataset, now, x, right, top, height, labelled) {
  const made = [];
  // Gaps come on top, the newest first: where there is no room for every label, theirs are the ones to keep.
  const order = [...dataset.windows].sort((one, other) => Number(one.gap) - Number(other.gap) || other.at - one.at);
  let taken = Infinity;
  for (const window of order) {
    const start = Math.max(x(window.at), 0);
    const end = Math.min(x(window.until ?? now), right);
    if (end < 0 || start > right) continue;
    const left = Math.min(start, right - LEAST_PX);
    const width = Math.max(end - left, LEAST_PX);
    const box = { x: left, y: top, width, height };
    const group = svg("g", { class: `segment ${kind(window)}`, "data-segment": word(window), "data-at": window.at }, svg("rect", box));
    if (!window.enabled) group.append(svg("rect", { ...box, class: "hatch", fill: `url(#hatch-${kind(window)})` }));
    if (labelled) {
      group.append(svg("title", {}, `Profile ${told(window, now)}, from ${stamp(window.at)}`));
      const text = told(window, now);
      const wide = text.length * LETTER_PX;
      if (width > wide + 12) group.append(svg("text", { x: left + width / 2, y: top + height / 2 + 4, "text-anchor": "middle" }, text));
      else if (window.gap) taken = above(made, left + width / 2, text, wide, Math.min(right, taken));
    }
    made.push(group);
  }
  return made;
}

// A label over a segment that is too narrow for it, if there is room; returns how far left it reaches.
function above(made, middle, text, wide, right) {
  const at = Math.max(wide / 2, Math.min(middle, right - wide / 2));
  if (Math.abs(at - middle) > wide / 2) return right;
  made.push(
    svg("path", { class: "leader", d: `M${middle} ${TOP - 4}V${TOP}` }),
    svg("text", { class: "above", x: at, y: TOP - 7, "text-anchor": "middle" }, text),
  );
  return at - wide / 2 - 8;
}

const SHAPES = {
  reached: (x, y) => svg("circle", { cx: x, cy: y, r: 5.5 }),
  missed: (x, y) => svg("path", { d: `M${x - 5} ${y - 5}l10 10m0 -10l-10 10` }),
  open: (x, y) => svg("circle", { cx: x, cy: y, r: 4.5 }),
  neither: (x, y) => svg("rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7 }),
};

function marks(dataset, now, x, right) {
  const found = dataset.windows.flatMap((window) => window.batches.map((batch) => ({ batch, at: batch.ended ?? now })));
  let before = -Infinity;
  let level = 0;
  const made = found.sort((one, other) => one.at - other.at).flatMap(({ batch, at }) => {
    const place = Math.min(x(at), right - 7);
    if (place < -6 || x(at) > right + 1) return [];
    level = place - before < 12 ? (level + 1) % 2 : 0;
    before = place;
    const group = svg("g", { class: `mark ${outcome(batch)}`, "data-mark": batch.id }, svg("title", {}, `Batch ${batch.id}: ${batch.status}`));
    group.append(SHAPES[outcome(batch)](Math.max(place, 7), BATCHES - level * RISE));
    return [group];
  });
  // What missed Profile is never hidden by another batch.
  return made.sort((one, other) => Number(one.matches(".missed")) - Number(other.matches(".missed")));
}

function lines(dataset, x, right) {
  return dataset.requests.filter((request) => x(request.at) >= 0 && x(request.at) <= right).map((request) => {
    const failed = request.status === null || request.status >= 400;
    const tall = request.write ? 12 : 6;
    const name = `${request.method} ${request.status ?? "no reply"}, ${stamp(request.at)}`;
    const shape = svg("path", { d: `M${x(request.at)} ${REQUESTS - tall}V${REQUESTS}` }, svg("title", {}, name));
    return svg("g", { class: `line ${request.write ? "write" : "read"} ${failed ? "bad" : ""}`, "data-line": request.seq }, shape);
  });
}

function axis(view, x, right) {
  const most = Math.max(2, Math.floor(right / 110));
  const made = [svg("path", { class: "rule", d: `M0 ${AXIS}H${right}` })];
  for (const tick of ticks(view.from, view.to, most)) {
    const wide = (tick.label.length * LETTER_PX) / 2;
    made.push(svg("path", { class: "rule", d: `M${x(tick.at)} ${AXIS}v5` }));
    if (x(tick.at) < wide || x(tick.at) > right - wide) continue;
    made.push(svg("text", { class: "tick", x: x(tick.at), y: AXIS + 17, "text-anchor": "middle" }, tick.label));
  }
  return svg("g", { class: "axis", "data-axis": "" }, ...made);
}

// Draws into `host`; `pick` is told the window that somebody clicks at.
export function draw(host, dataset, view, now, pick) {
  const right = Math.max(host.clientWidth, 200);
  const scale = (span) => (at) => ((at - span.from) / (span.to - span.from)) * right;
  const x = scale(view);
  const all = scale(whole(dataset, now));
  const shown = segments(dataset, now, x, right, TOP, BAND, true);
  shown.filter((group) => group.dataset.at).forEach((group) => {
    const window = dataset.windows.find((one) => String(one.at) === group.dataset.at && word(one) === group.dataset.segment);
    group.addEventListener("click", () => pick(window));
  });
  const left = Math.max(0, Math.min(all(view.from), right - LEAST_PX));
  const seen = { x: left, y: STORY - 3, width: Math.max(LEAST_PX, Math.min(all(view.to), right) - left), height: 13, rx: 2, class: "seen" };
  const told = dataset.windows.map((window) => `${word(window)} ${length(size(window, now))}`).join(", then ");
  host.replaceChildren(
    svg(
      "svg",
      { width: right, height: HEIGHT, viewBox: `0 0 ${right} ${HEIGHT}`, role: "img", "aria-label": `Profile was ${told}` },
      ...shown,
      ...lines(dataset, x, right),
      ...marks(dataset, now, x, right),
      axis(view, x, right),
      svg("g", { class: "story" }, ...segments(dataset, now, all, right, STORY, 7, false), svg("rect", seen)),
    ),
  );
}
