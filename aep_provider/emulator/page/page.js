// Everything that comes from the emulator goes in as text, never as markup: names of datasets are anybody's.

const PERIOD_MS = 2000;
const ended = new Set(["failed", "failure", "aborted", "abandoned", "deleted", "inactive", "archived", "retained"]);
const byId = (id) => document.getElementById(id);
let latest = "";
let asked = 0;

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

function time(millis) {
  const moment = new Date(millis);
  if (Number.isNaN(moment.getTime())) return String(millis);
  const text = moment.toISOString();
  return element("time", { datetime: text }, text.slice(0, 19).replace("T", " "));
}

function kind(on, upsert) {
  if (!on) return "off";
  return upsert ? "upsert" : "on";
}

function word(on, upsert) {
  if (!on) return "off";
  return upsert ? "on, upsert" : "on";
}

function badge(tag, values, on, upsert) {
  const told = values ? word(on, upsert) : "not set";
  const made = element("li", { class: kind(on, upsert), "data-tag": tag }, `${tag}: ${told}`);
  if (values) made.title = Array.isArray(values) ? values.join(", ") : String(values);
  return made;
}

function outcome(batch) {
  const reached = batch.reached;
  if (reached && !reached.enabled) return "not in Profile, and never will be";
  if (reached) {
    const left = reached.without_identity ? `, ${reached.without_identity} without identity` : "";
    return `${reached.rows} ${reached.rows === 1 ? "row" : "rows"} taken into Profile${left}`;
  }
  if (ended.has(batch.status)) return "nothing for Profile";
  if (batch.status === "success" || batch.status === "active") return "came with the seed";
  return "on its way: judged when it is promoted";
}

function batchItem(batch) {
  const item = element("li", { "data-batch": batch.id });
  item.append(element("code", {}, batch.id), ` ${batch.status}: ${outcome(batch)}`);
  return item;
}

function windowItem(span) {
  const told = word(span.enabled, span.upsert);
  const until = span.until === null ? "now" : time(span.until);
  const item = element("li", { class: kind(span.enabled, span.upsert), "data-window": told });
  item.append(element("strong", {}, `Profile ${told}`), element("div", { class: "when" }, time(span.at), " to ", until));
  if (span.batches.length) item.append(element("ul", { class: "batches" }, ...span.batches.map(batchItem)));
  return item;
}

function datasetArticle(dataset) {
  const title = `name-${dataset.id}`;
  const name = dataset.name === null ? "(no name)" : dataset.name;
  const article = element("article", { "aria-labelledby": title, "data-dataset": dataset.id });
  article.append(element("h3", { id: title }, name));
  article.append(element("p", { class: "id" }, element("code", {}, dataset.id), ` ${dataset.behaviour}, version ${dataset.version}`));
  const { unifiedProfile, unifiedIdentity } = dataset.tags;
  article.append(
    element(
      "ul",
      { class: "badges", "aria-label": "Tags" },
      badge("unifiedProfile", unifiedProfile, dataset.on.unifiedProfile, dataset.upsert),
      badge("unifiedIdentity", unifiedIdentity, dataset.on.unifiedIdentity, false),
    ),
  );
  const windows = element("ol", { class: "windows", "aria-label": "Times with Profile on or off" });
  windows.append(...dataset.windows.map(windowItem));
  article.append(element("div", { class: "scroll", role: "region", "aria-labelledby": title, tabindex: "0" }, windows));
  if (dataset.batches_left_out) {
    article.append(element("p", { class: "hint" }, `${dataset.batches_left_out} older batches are not shown.`));
  }
  return article;
}

function requestRow(request) {
  const marks = [...(request.fault ? [`hit by ${request.fault}`] : []), ...request.unknown.map((name) => `unknown ${name}`)];
  const status = request.status === null ? "none" : request.status;
  const failed = request.status === null || request.status >= 400;
  const row = element("tr", { "data-request": request.seq });
  for (const text of [request.seq, request.service, request.method, request.path]) row.append(element("td", {}, text));
  row.append(element("td", failed ? { class: "bad" } : {}, status), element("td", {}, marks.join(", ")));
  return row;
}

function showSandboxes(names) {
  const select = byId("sandbox");
  // An open list would close if it were filled anew.
  if (select.dataset.names === JSON.stringify(names)) return;
  select.dataset.names = JSON.stringify(names);
  const chosen = select.value;
  const named = names.map((name) => element("option", { value: name }, name));
  select.replaceChildren(element("option", { value: "" }, "where something changed last"), ...named);
  select.value = names.includes(chosen) ? chosen : "";
}

function show(overview) {
  showSandboxes(overview.sandboxes);
  byId("about").textContent =
    `A local stand-in for Adobe Experience Platform; seed ${overview.seed}, ${overview.strict ? "strict" : "not strict"}.`;
  byId("datasets").replaceChildren(...overview.datasets.map(datasetArticle));
  byId("requests").replaceChildren(...overview.requests.map(requestRow));
}

function tell(text, bad = false) {
  const state = byId("state");
  state.className = bad ? "bad" : "";
  // A screen reader speaks on every change, so that nothing is written that is there already.
  if (state.textContent !== text) state.textContent = text;
}

async function refresh() {
  asked += 1;
  const number = asked;
  const query = new URLSearchParams({ name: byId("name").value });
  if (byId("sandbox").value) query.set("sandbox", byId("sandbox").value);
  try {
    const reply = await fetch(`/_emulator/status?${query}`);
    const text = await reply.text();
    // A slower answer to an older question must not overwrite a newer one.
    if (number !== asked) return;
    if (!reply.ok) throw new Error(text);
    const overview = JSON.parse(text);
    // What has not changed is left in place: it may hold the focus, or be scrolled.
    if (text !== latest) show(overview);
    latest = text;
    tell(`${overview.datasets.length} of ${overview.total} datasets in ${overview.sandbox}`);
  } catch (error) {
    if (number === asked) tell(`The emulator does not answer: ${error.message}`, true);
  }
}

document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["sandbox", "live"]) byId(id).addEventListener("change", refresh);
byId("name").addEventListener("input", refresh);
setInterval(() => {
  if (byId("live").checked && !document.hidden) refresh();
}, PERIOD_MS);
refresh();
