// Orders to the emulator: each is shown, with what it does, and sent only when it is confirmed.

import { byId, element, keyed } from "/_emulator/dom.js";

const FAULTS = {
  "503, nothing happens": { status: 503 },
  "500, but it takes effect": { effect: true, status: 500 },
  "429, again in a second": { throttle: "seconds", retry_after: 1 },
  "connection lost before the effect": { reset: "before" },
  "connection lost after the effect": { reset: "after" },
  "held until it is released": { hold: "before" },
  "two seconds late": { delay_ms: 2000 },
  "every token expires first": { expire_tokens: true },
};
let latest = { seeds: [], seed: "", sandbox: "", datasets: [] };

const field = (name, input) => element("label", {}, name, " ", input);
const choice = (id, names, chosen) =>
  element("select", { id }, ...names.map((name) => element("option", { value: name, selected: name === chosen }, name)));
const tick = (id, name, checked) => element("label", { class: "check" }, element("input", { id, type: "checkbox", checked }), ` ${name}`);

// A batch on its way into the newest dataset: what a toggle endangers.
function sample() {
  const dataset = latest.datasets[0]?.id ?? "65f1c0a2b3d4e5f600000001";
  const batch = { status: "loading", _script: ["processing", "success"], relatedObjects: [{ type: "dataSet", id: dataset }] };
  return JSON.stringify({ sandbox: latest.sandbox, batches: { [`BATCH${Date.now()}`]: batch } }, null, 2);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON: ${error.message}`);
  }
}

const ORDERS = {
  tick: {
    title: "Let time go by",
    text: "Batches on their way end, Adobe's background services write, and the emulator's clock moves, as far as you choose it.",
    yes: "Tick",
    fields: () => [
      tick("tick-batches", "Batches end", true),
      tick("tick-background", "Background services write to every dataset", false),
      field("Seconds", element("input", { id: "tick-seconds", type: "number", min: 0, value: 0 })),
    ],
    path: "/tick",
    body: () => ({ batches: byId("tick-batches").checked, background: byId("tick-background").checked, seconds: Number(byId("tick-seconds").value) }),
  },
  fault: {
    title: "Order a fault",
    text: "It waits for a request that matches, and hits once.",
    yes: "Order the fault",
    fields: () => [
      field("What happens", choice("fault-action", Object.keys(FAULTS))),
      field("Method", choice("fault-method", ["any", "GET", "POST", "PATCH", "PUT", "DELETE"])),
      field("Path matches", element("input", { id: "fault-path", value: "/dataSets", spellcheck: "false" })),
      field("Which of them", element("input", { id: "fault-nth", type: "number", min: 1, value: 1 })),
    ],
    path: "/faults",
    body: () => {
      const method = byId("fault-method").value;
      const match = { path: byId("fault-path").value, ...(method === "any" ? {} : { method }) };
      return { match, nth: Number(byId("fault-nth").value), action: FAULTS[byId("fault-action").value] };
    },
  },
  seed: {
    title: "Add objects",
    text: "Datasets, batches, schemas and more, stored as they are written here. What has the same id is replaced.",
    yes: "Add them",
    fields: () => [field("Objects (JSON)", element("textarea", { id: "seed-text", rows: 10, spellcheck: "false" }, sample()))],
    path: "/seed",
    body: () => parsed(byId("seed-text").value),
  },
  reset: {
    title: "Back to a seed",
    text: "Every dataset, batch, fault and logged request is lost, and so are the switches and the clock. This cannot be undone.",
    yes: "Reset",
    fields: () => [field("Seed", choice("reset-seed", latest.seeds, latest.seed))],
    path: "/reset",
    body: () => ({ seed: byId("reset-seed").value }),
  },
};

let asked = null;

function ask(order) {
  asked = order;
  byId("ask-title").textContent = order.title;
  byId("ask-text").textContent = order.text;
  byId("ask-yes").textContent = order.yes;
  byId("ask-error").textContent = "";
  byId("ask-fields").replaceChildren(...order.fields());
  byId("ask").showModal();
}

async function send(order, done) {
  try {
    const reply = await fetch(`/_emulator${order.path}`, {
      method: order.method ?? "POST",
      headers: { "Content-Type": "application/json" },
      body: order.method === "DELETE" ? undefined : JSON.stringify(order.body()),
    });
    const answer = await reply.json();
    if (!reply.ok) throw new Error(answer.error);
    byId("ask").close();
    byId("told").textContent = `${order.title}: done.`;
    done();
  } catch (error) {
    byId("ask-error").textContent = error.message;
  }
}

const faultOrder = (fault, title, yes, method, suffix) => ({
  title, yes, method, path: `/faults/${encodeURIComponent(fault.id)}${suffix}`,
  text: `${fault.id}: ${JSON.stringify(fault.match)} gets ${JSON.stringify(fault.action)}.`, fields: () => [], body: () => ({}),
});

const press = (text, name, order) => element("button", { type: "button", "aria-label": name, click: () => ask(order) }, text);

export function showOrders(overview) {
  latest = overview;
  keyed(byId("faults"), overview.faults, (fault) => fault.id, () => element("li"), (item, fault) => {
    const { method = "any method", path = "any path", service = "any service" } = fault.match;
    item.replaceChildren(
      element("b", {}, fault.id), ` ${method}, ${path}, ${service}: `, element("code", {}, JSON.stringify(fault.action)),
      ` hit ${fault.hits}, held ${fault.held} `,
      ...(fault.held ? [press("Release…", `Release ${fault.id}`, faultOrder(fault, "Release the held requests", "Release", "POST", "/release"))] : []),
      press("Clear…", `Clear ${fault.id}`, faultOrder(fault, "Clear the fault", "Clear", "DELETE", "")),
    );
  });
}

export function listen(done) {
  for (const button of byId("orders").children) button.addEventListener("click", () => ask(ORDERS[button.dataset.order]));
  byId("ask-no").addEventListener("click", () => byId("ask").close());
  byId("ask-yes").addEventListener("click", () => send(asked, done));
}
