// Asks the emulator every other second and shows what has changed.

import { redrawAll, showDatasets, showFigures } from "/_emulator/datasets.js";
import { byId, element, write } from "/_emulator/dom.js";
import { listen, showOrders } from "/_emulator/orders.js";
import { showRequests } from "/_emulator/requests.js";

const PERIOD_MS = 2000;
let asked = 0;

function showChoices(id, first, names) {
  const select = byId(id);
  // An open list would close if it were filled anew.
  if (select.dataset.names === JSON.stringify(names)) return;
  select.dataset.names = JSON.stringify(names);
  const chosen = select.value;
  const named = names.map((name) => element("option", { value: name }, name));
  select.replaceChildren(element("option", { value: "" }, first), ...named);
  select.value = names.includes(chosen) ? chosen : "";
}

function show(overview) {
  showChoices("sandbox", "where something changed last", overview.sandboxes);
  showChoices("service", "all", overview.services);
  const strict = overview.strict ? "strict" : "not strict";
  write(byId("about"), `A local stand-in for Adobe Experience Platform. Seed ${overview.seed}, ${strict}. Times are UTC.`);
  showFigures(overview);
  showOrders(overview);
  showDatasets(overview);
  showRequests(overview);
}

function tell(text, bad = false) {
  byId("state").className = bad ? "bad" : "";
  write(byId("state"), text);
}

async function refresh() {
  asked += 1;
  const number = asked;
  const query = new URLSearchParams({ name: byId("name").value, service: byId("service").value });
  if (byId("sandbox").value) query.set("sandbox", byId("sandbox").value);
  try {
    const reply = await fetch(`/_emulator/status?${query}`);
    const text = await reply.text();
    // A slower answer to an older question must not overwrite a newer one.
    if (number !== asked) return;
    if (!reply.ok) throw new Error(text);
    const overview = JSON.parse(text);
    show(overview);
    tell(`${overview.datasets.length} of ${overview.total} datasets in ${overview.sandbox}`);
  } catch (error) {
    if (number === asked) tell(`The emulator does not answer: ${error.message}`, true);
  }
}

byId("filters").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["sandbox", "service", "live"]) byId(id).addEventListener("change", refresh);
byId("name").addEventListener("input", refresh);
listen(refresh);
new ResizeObserver(redrawAll).observe(byId("datasets"));
setInterval(() => {
  if (byId("live").checked && !document.hidden) refresh();
}, PERIOD_MS);
refresh();
