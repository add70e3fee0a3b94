// The counters of what needs attention, kept up to date.

import { again, repeat } from "./api.js";
import { announce, h, many } from "./dom.js";
import { MARKS } from "./words.js";
import { inZone, zoneName } from "./zone.js";

const WORDS = Object.entries(MARKS).map(([mark, [label, tone]]) => [mark, label, tone, `#/attention?kind=${mark}`]);
const SHOWN = [...WORDS, ["pauses", "Pauses", "info", "#/pauses"]];

/** Fills the strip and keeps it up to date until `signal` is aborted. */
export function counters(strip, signal) {
  const tiles = Object.fromEntries(SHOWN.map(([name, label, tone, href]) => {
    const value = h("b", {}, "–");
    const tile = h("a", { class: `tile ${tone}`, href, "data-name": name }, value, h("span", {}, label));
    return [name, { tile, value }];
  }));
  const list = h("ul", {}, Object.values(tiles).map(({ tile }) => h("li", {}, tile)));
  const age = h("p", { class: "age" }, "");
  strip.replaceChildren(list, age);
  let before = null;
  const step = async (own) => {
    let counts;
    try {
      counts = await again("counts", {}, own);
    } catch (error) {
      if (!own.aborted) age.textContent = "Not up to date";
      throw error;
    }
    const changed = SHOWN.filter(([name]) => before && before[name] !== counts[name]);
    for (const [name, { tile, value }] of Object.entries(tiles)) {
      value.textContent = many(counts[name] ?? 0);
      tile.classList.toggle("some", counts[name] > 0);
    }
    const now = Date.now();
    age.textContent = `As of ${inZone(now, { timeStyle: "medium" })} ${zoneName(now)}`;
    if (changed.length > 0) announce(changed.map(([name, label]) => `${label} ${counts[name]}`).join(", "));
    before = counts;
    return changed.length > 0 ? "changed" : "same";
  };
  const polling = repeat(step, { signal });
  polling.now();
  return polling;
}
