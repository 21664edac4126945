// What a time with Profile on or off is called, how long it is, and which part of the time is looked at.

import { exactly, length } from "/_emulator/dom.js";

const LEAST_MS = 20;
const RECENT = 6;

export function kind(window) {
  if (window.enabled) return window.upsert ? "upsert" : "on";
  return window.gap ? "gap" : "off";
}

export function word(window) {
  if (window.enabled) return window.upsert ? "on, upsert" : "on";
  return "off";
}

export const size = (window, now) => Math.max(0, (window.until ?? now) - window.at);

export function told(window, now) {
  const spent = size(window, now);
  return `${word(window)} ${window.enabled || !window.gap ? length(spent) : exactly(spent)}`;
}

export function outcome(batch) {
  if (batch.reached && !batch.reached.enabled) return "missed";
  if (batch.reached) return "reached";
  return batch.ended === null ? "open" : "neither";
}

// The whole story: from the first that is known to now.
export function whole(dataset, now) {
  const from = Math.min(dataset.windows[0].at, now - LEAST_MS);
  return { from, to: now };
}

// The last changes, with some room before the first of them; without a change, the whole story.
export function recent(dataset, now) {
  const changes = dataset.windows.slice(1).slice(-RECENT);
  if (!changes.length) return whole(dataset, now);
  const span = Math.max(now - changes[0].at, LEAST_MS);
  return { from: changes[0].at - span * 0.15, to: changes[0].at + span };
}

// A window in the middle, with what was before and after it.
export function around(window, now) {
  const room = Math.max(size(window, now), LEAST_MS) * (window.until === null ? 0.15 : 0.6);
  const to = window.until === null ? now : window.until + room;
  return { from: window.at - room, to: Math.max(to, window.at + LEAST_MS) };
}

export function scaled(view, factor) {
  const half = Math.max(LEAST_MS, (view.to - view.from) * factor) / 2;
  const middle = (view.from + view.to) / 2;
  return { from: middle - half, to: middle + half };
}
