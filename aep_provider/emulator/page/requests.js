// One line for each request, with its query and its body to unfold.

import { byId, element, keyed, time } from "/_emulator/dom.js";

let names = new Map();

export const makeRequest = () => element("li");

function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// Nearly every path begins alike; the whole path is in the title.
const shortened = (path) => path.replace(/^\/data\/(foundation|core)\//, "…/");

const block = (name, text) => [element("h4", {}, name), element("pre", { tabindex: "0", "aria-label": name }, text)];

export function fillRequest(item, request) {
  item.dataset.request = request.seq;
  const status = request.status ?? "no reply";
  const failed = request.status === null || request.status >= 400;
  const marks = [...(request.fault ? [`hit by ${request.fault}`] : []), ...request.unknown.map((name) => `unknown ${name}`)];
  const line = [
    time(request.at, (text) => text.slice(11)), " ",
    element("b", { class: request.write ? "write" : "" }, request.method), " ",
    element("span", { class: failed ? "status bad" : "status" }, status), " ",
    element("span", { class: "soft" }, request.service), " ",
    element("code", { class: "path", title: request.path }, shortened(request.path)), " ",
    ...(request.ms === null ? [] : [element("span", { class: "soft" }, `${request.ms} ms`)]), " ",
    ...marks.map((mark) => element("span", { class: "bad" }, mark)),
  ];
  const more = [
    ...(request.query.length ? block("Query", request.query.join("\n")) : []),
    ...(request.body === null ? [] : block("Body", readable(request.body))),
  ];
  const open = item.querySelector("details")?.open;
  const made = more.length ? element("details", { open }, element("summary", {}, ...line), ...more) : element("div", { class: "plain" }, ...line);
  item.replaceChildren(made);
}

function fillWithDataset(item, request) {
  fillRequest(item, request);
  const told = request.datasets.map((id) => names.get(id) ?? id).join(", ");
  if (told) item.append(element("div", { class: "for" }, "for ", told));
}

export function showRequests(overview) {
  names = new Map(overview.datasets.map((dataset) => [dataset.id, dataset.name ?? dataset.id]));
  keyed(byId("requests"), overview.requests, (request) => request.seq, makeRequest, fillWithDataset);
}
