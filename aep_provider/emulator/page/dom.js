// Making elements and words. Everything that comes from the emulator goes in as text, never as markup:
// names of datasets are anybody's.

export const byId = (id) => document.getElementById(id);
const SVG = byId("hatches").namespaceURI;

function filled(made, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

export const element = (name, properties = {}, ...children) => filled(document.createElement(name), properties, children);
export const svg = (name, properties = {}, ...children) => filled(document.createElementNS(SVG, name), properties, children);

// Writing what is there already would make a screen reader speak, and take away what somebody selects.
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Keeps the element of each item, so that focus, scroll position and what is unfolded stay; `make` returns
// an element, `update` fills it, and is left out where nothing has changed.
export function keyed(parent, items, keyOf, make, update) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const key = String(keyOf(item));
    const text = JSON.stringify(item);
    const node = old.get(key) ?? make(item);
    old.delete(key);
    node.dataset.key = key;
    if (node.filledWith !== text) update(node, item);
    node.filledWith = text;
    return node;
  });
  for (const gone of old.values()) gone.remove();
  wanted.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}

export function stamp(millis) {
  const moment = new Date(millis);
  return Number.isNaN(moment.getTime()) ? String(millis) : moment.toISOString().replace("T", " ").replace("Z", "");
}

export function time(millis, part = (text) => text) {
  const text = stamp(millis);
  return element("time", { datetime: `${text.replace(" ", "T")}Z`, title: `${text} UTC` }, part(text));
}

const UNITS = [["y", 31536000000], ["d", 86400000], ["h", 3600000], ["min", 60000], ["s", 1000]];

// At most two units: "2 y 22 d", "3 min 4 s"; below ten seconds in milliseconds.
export function length(millis) {
  if (millis < 10000) return `${millis.toLocaleString("en")} ms`;
  const first = UNITS.findIndex(([, size]) => millis >= size);
  const [name, size] = UNITS[first];
  const whole = `${Math.floor(millis / size)} ${name}`;
  const below = UNITS[first + 1];
  const rest = below ? Math.floor((millis % size) / below[1]) : 0;
  return rest ? `${whole} ${rest} ${below[0]}` : whole;
}

// A time with Profile off is what a batch can fall into: its milliseconds are told however long it is.
export function exactly(millis) {
  const told = `${millis.toLocaleString("en")} ms`;
  return millis < 10000 ? told : `${told} (${length(millis)})`;
}
