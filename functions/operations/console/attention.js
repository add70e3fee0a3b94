// Notifications of all tenants that need attention or wait.

import { read as address, remember, write } from "./address.js";
import { again, get, newest } from "./api.js";
import { announce, button, empty, h, heading, number, trouble } from "./dom.js";
import { meet } from "./filters.js";
import { groups } from "./groups.js";
import { follow } from "./live.js";
import { quotas } from "./quotas.js";
import { pagesOf } from "./table.js";
import { MARKS } from "./words.js";

export const title = "Attention";

/** The most pages per press of the button, and the number of entries that is enough. */
const MOST = 10;
const ENOUGH = 20;

/** The kind in the address, or else the first kind that has entries. */
async function kindOf(query, place, signal) {
  const counts = await again("counts", {}, signal).catch(() => ({}));
  const kind = MARKS[query.kind] ? query.kind : Object.keys(MARKS).find((mark) => counts[mark] > 0) ?? "dead";
  const tab = ([mark, [label]]) =>
    h("li", {}, h("a", { href: `#/attention?kind=${mark}`, "aria-current": mark === kind ? "page" : null }, label,
      counts[mark] > 0 && ` ${number(counts[mark])}`));
  place.replaceChildren(h("ul", {}, Object.entries(MARKS).map(tab)));
  if (!signal.aborted) remember({ kind });
  return kind;
}

export async function show(main, { query, go, signal, repaired }) {
  const tabs = h("nav", { class: "tabs", "aria-label": "Kinds of attention" });
  main.append(heading(title), tabs);
  const kind = await kindOf(query, tabs, signal);
  const results = h("section", { "aria-label": MARKS[kind][0] });
  const { tenant, acknowledged } = query;
  const other = h("a", { href: write("attention", { kind, tenant, acknowledged: !acknowledged }) },
    acknowledged ? "Show what is not acknowledged" : "Show what was acknowledged");
  const waits = ["paused", "rate_limited"].includes(kind);
  main.append(h("p", { class: "lead" },
    acknowledged ? "These are acknowledged. One comes back when it changes again." : MARKS[kind][2],
    !waits && [" ", other]), results);
  if (kind === "rate_limited") return quotas(results, signal);
  const asked = { kind, tenant, acknowledged, limit: 50 };
  let [items, first] = [[], []];
  const next = newest(signal);
  const begin = async () => {
    const own = next();
    const more = button("Load more", () => load(true), { class: "quiet" });
    const foot = h("div", { class: "foot" }, more);
    let [read, cursor, pages] = [[], undefined, 0];
    async function load(isAsked) {
      more.disabled = true;
      const had = read.length;
      try {
        // With a filter for one tenant, a page may have few entries or none.
        for (let pages = 0; pages < MOST && (pages === 0 || cursor) && read.length - had < ENOUGH; pages += 1) {
          const page = await get("attention", { ...asked, cursor }, own);
          if (!cursor) first = page.items;
          items = read = [...read, ...page.items];
          meet(...page.items.map(({ tenant }) => tenant));
          cursor = page.next;
        }
      } catch (error) {
        if (!own.aborted) results.replaceChildren(trouble(error, begin));
        return;
      }
      pages += 1;
      if (pages > 1) remember({ pages });
      more.hidden = !cursor;
      more.disabled = false;
      const nothing = read.length === 0 && !cursor;
      const held = results.contains(document.activeElement);
      results.replaceChildren(...(nothing ? [empty("Nothing here.", !acknowledged && h("p", {}, "All is well."))]
        : [...groups(read, kind, { go, signal }), foot]));
      announce(`${read.length} shown`);
      if (isAsked) [...results.querySelectorAll("a.key")]
        .find((link) => link.hash.endsWith(encodeURIComponent(read[had]?.ref)))?.focus();
      else if (held) main.querySelector("h1").focus();
    }
    const wanted = pagesOf(address().query);
    for (let count = 0; count === pages && count < wanted && (count === 0 || cursor); count += 1)
      await load();
  };
  repaired(() => Promise.all([kindOf({ kind }, tabs, signal), begin()]));
  await begin();
  // What has been added or removed since the list was read.
  const look = async (own) => {
    const page = await again("attention", asked, own);
    const isIn = (all) => ({ ref }) => all.some((one) => one.ref === ref);
    const at = page.items.findIndex(isIn(items));
    const [came, went] = [at < 0 ? page.items.length : at, first.filter((one) => !isIn(page.items)(one)).length];
    return came > 0 ? `${came} new` : went > 0 ? `${went} gone` : "";
  };
  follow(results, { look, bring: begin, signal });
}
