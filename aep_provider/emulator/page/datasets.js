// A card for each dataset: what it is, its time axis, its windows, batches and requests.

import { draw } from "/_emulator/chart.js";
import { byId, element, keyed, length, stamp, time, write } from "/_emulator/dom.js";
import { fillRequest, makeRequest } from "/_emulator/requests.js";
import { around, kind, outcome, recent, scaled, size, told, whole, word } from "/_emulator/windows.js";

const FEW = 6;
const views = new Map();
let shown = { datasets: [], now: 0 };

const viewOf = (dataset) => views.get(dataset.id) ?? recent(dataset, shown.now);
const cardOf = (id) => byId("datasets").querySelector(`:scope > [data-dataset="${CSS.escape(id)}"]`);
const latest = (id) => shown.datasets.find((dataset) => dataset.id === id);

function look(id, view) {
  if (view) views.set(id, view);
  else views.delete(id);
  redraw(latest(id));
}

function lookAt(id, number) {
  look(id, { ...around(latest(id).windows[number], shown.now), number });
}

const moves = {
  "+": (view) => scaled(view, 0.5),
  "-": (view) => scaled(view, 2),
  ArrowLeft: (view) => shifted(view, -0.25),
  ArrowRight: (view) => shifted(view, 0.25),
  Home: (_, dataset) => whole(dataset, shown.now),
  End: () => null,
};

function shifted(view, part) {
  const by = Math.min((view.to - view.from) * part, Math.max(0, shown.now - view.to));
  return { from: view.from + by, to: view.to + by };
}

function move(id, key) {
  const dataset = latest(id);
  look(id, moves[key](viewOf(dataset), dataset));
}

function onKey(id, event) {
  const key = event.key === "=" ? "+" : event.key;
  if (!(key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  move(id, key);
}

const tool = (id, key, text, name) =>
  element("button", { type: "button", "aria-label": name, title: name, "data-move": key, click: () => move(id, key) }, text);

function folded(className, label) {
  const list = element("ol", { class: className, "aria-label": label });
  return element("details", { class: `fold-${className}` }, element("summary"), list);
}

function make(dataset) {
  const { id } = dataset;
  const title = `name-${id}`;
  const name = dataset.name ?? "(no name)";
  return element(
    "article",
    { "aria-labelledby": title, "data-dataset": id },
    element("div", { class: "head" }, element("h3", { id: title }), element("ul", { class: "badges", "aria-label": "Tags" })),
    element("dl", { class: "facts" }),
    element(
      "div",
      { class: "tools", role: "group", "aria-label": `Zoom of ${name}` },
      element("span", { class: "range" }),
      tool(id, "-", "−", "Zoom out"),
      tool(id, "+", "+", "Zoom in"),
      tool(id, "Home", "All", "Show all the time"),
      tool(id, "End", "Latest", "Show the latest changes"),
    ),
    element("div", {
      class: "chart", tabindex: "0", role: "group", keydown: (event) => onKey(id, event),
      "aria-label": `Time axis of ${name}: arrow keys move, plus and minus zoom, Home shows all, End the latest`,
    }),
    element("ol", { class: "windows", "aria-label": "Times with Profile on or off, newest first" }),
    element("button", { type: "button", class: "more", click: (event) => showMore(event.target, id) }),
    element("div", { class: "folds" }, folded("batches", "Batches"), folded("requests", "Requests")),
  );
}

// A dataset that was switched often has more times than somebody wants to read.
function showMore(button, id) {
  cardOf(id).querySelector(".windows").classList.add("every");
  button.hidden = true;
}

function badge(tag, values, on, upsert, gap) {
  const text = values ? word({ enabled: on, upsert }) : "not set";
  const made = element("li", { class: kind({ enabled: on, upsert, gap }), "data-tag": tag }, `${tag}: ${text}`);
  if (values) made.title = Array.isArray(values) ? values.join(", ") : String(values);
  return made;
}

const fact = (name, value) => (value ? [element("div", {}, element("dt", {}, name), element("dd", {}, value))] : []);

function fill(card, dataset) {
  const part = (selector) => card.querySelector(selector);
  write(part("h3"), dataset.name ?? "(no name)");
  write(part(".more"), `Show all ${dataset.windows.length} times`);
  part(".more").hidden = dataset.windows.length <= FEW || part(".windows").matches(".every");
  const { unifiedProfile, unifiedIdentity } = dataset.tags;
  part(".badges").replaceChildren(
    badge("unifiedProfile", unifiedProfile, dataset.on.unifiedProfile, dataset.upsert, dataset.windows.at(-1).gap),
    badge("unifiedIdentity", unifiedIdentity, dataset.on.unifiedIdentity, false, false),
  );
  part(".facts").replaceChildren(
    ...fact("Schema", dataset.schema),
    ...fact("Owner", dataset.owner),
    ...fact("Made by", dataset.client),
    ...fact("Id", element("code", {}, dataset.id)),
    ...fact("Kind", dataset.behaviour),
    ...fact("Version", dataset.version),
  );
  fillBatches(part(".fold-batches"), dataset);
  const requests = part(".fold-requests");
  write(requests.querySelector("summary"), `Requests: ${dataset.requests.length || "none"}`);
  keyed(requests.querySelector("ol"), dataset.requests, (request) => request.seq, makeRequest, fillRequest);
}

function fillBatches(fold, dataset) {
  const batches = dataset.windows.flatMap((window) => window.batches).reverse();
  const missed = batches.filter((batch) => outcome(batch) === "missed").length;
  const older = dataset.batches_left_out ? `, ${dataset.batches_left_out} older ones are not shown` : "";
  write(fold.querySelector("summary"), `Batches: ${batches.length || "none"}${missed ? `, ${missed} missed Profile` : ""}${older}`);
  keyed(fold.querySelector("ol"), batches, (batch) => batch.id, () => element("li"), (item, batch) => {
    item.dataset.batch = batch.id;
    item.replaceChildren(
      element("i", { class: `dot ${outcome(batch)}`, "aria-hidden": "true" }), element("code", {}, batch.id), " ",
      element("span", {}, `${batch.status}: ${sentence(batch)}`), " ", batch.ended === null ? "" : time(batch.ended),
    );
  });
}

function sentence(batch) {
  const { reached } = batch;
  if (reached && !reached.enabled) return "not in Profile, and never will be";
  if (reached) {
    const left = reached.without_identity ? `, ${reached.without_identity} without identity` : "";
    return `${reached.rows} ${reached.rows === 1 ? "row" : "rows"} taken into Profile${left}`;
  }
  if (batch.ended === null) return "on its way: judged when it is promoted";
  return ["success", "active"].includes(batch.status) ? "came with the seed" : "nothing for Profile";
}

// These change with the time, not only with the dataset.
function redraw(dataset) {
  const card = cardOf(dataset.id);
  const view = viewOf(dataset);
  draw(card.querySelector(".chart"), dataset, view, shown.now, (window) => lookAt(dataset.id, dataset.windows.indexOf(window)));
  write(card.querySelector(".range"), `${length(Math.round(view.to - view.from))} from ${stamp(Math.round(view.from))}`);
  const newest = dataset.windows.map((window, number) => ({ ...window, number, now: window.until ?? shown.now })).reverse();
  keyed(card.querySelector(".windows"), newest, (window) => window.number, () => makeWindow(dataset.id), fillWindow);
  for (const item of card.querySelector(".windows").children) {
    item.firstChild.setAttribute("aria-pressed", String(view.number === Number(item.dataset.key)));
  }
}

function makeWindow(id) {
  const button = element("button", { type: "button" });
  button.addEventListener("click", () => lookAt(id, Number(button.parentElement.dataset.key)));
  return element("li", {}, button);
}

function fillWindow(item, window) {
  const button = item.firstChild;
  button.className = kind(window);
  button.dataset.window = word(window);
  const missed = window.batches.filter((batch) => outcome(batch) === "missed").length;
  const lost = missed ? `, ${missed} ${missed === 1 ? "batch" : "batches"} missed Profile` : "";
  const until = window.until === null ? " until now" : "";
  button.replaceChildren(
    element("strong", {}, told(window, window.now)), until, lost,
    element("span", { class: "when" }, window.until === null ? "since " : "from ", time(window.at)),
  );
  button.title = "Zoom to this time";
}

export function showDatasets(overview) {
  shown = overview;
  // After a reset nothing may be left to see where somebody looked.
  for (const [id, view] of views) if (view.from > overview.now || view.number >= latest(id)?.windows.length) views.delete(id);
  keyed(byId("datasets"), overview.datasets, (dataset) => dataset.id, make, fill);
  redrawAll();
}

export function redrawAll() {
  shown.datasets.forEach(redraw);
}

// What a newcomer wants to know first.
export function showFigures(overview) {
  const windows = overview.datasets.flatMap((dataset) => dataset.windows);
  const gaps = windows.filter((window) => window.gap);
  const longest = Math.max(0, ...gaps.map((window) => size(window, overview.now)));
  const batches = windows.flatMap((window) => window.batches);
  const count = (wanted) => batches.filter((batch) => outcome(batch) === wanted).length;
  const figures = [
    ["Datasets", overview.total, ""],
    ["Profile off just now", gaps.filter((window) => window.until === null).length, "alarm"],
    ["Times with Profile off", gaps.length, ""],
    ["Longest of them", gaps.length ? length(longest) : "none", ""],
    ["Batches that reached Profile", count("reached"), ""],
    ["Batches that missed it", count("missed"), "alarm"],
  ];
  keyed(byId("figures"), figures, ([name]) => name, () => element("div"), (item, [name, value, alarm]) => {
    item.className = alarm && value ? alarm : "";
    item.replaceChildren(element("dt", {}, name), element("dd", {}, value));
  });
}
