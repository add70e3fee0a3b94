// Notifications of all tenants that need attention or wait.

import { read as address, remember, write } from "./address.js";
import { again, get, newest } from "./api.js";
import { announce, button, empty, h, heading, many, moment, number, renew, span, tabs, trouble } from "./dom.js";
import { meet } from "./filters.js";
import { groups } from "./groups.js";
import { filled, follow } from "./live.js";
import { grid, listLink, pagesOf } from "./table.js";
import { tenantText } from "./tenants.js";
import { LEFT_OUT, MARKS } from "./words.js";

export const title = "Attention";

/** The most pages per press of the button, and the number of entries that is enough. */
const MOST = 10;
const ENOUGH = 20;

/** The kind in the address, or else the first kind that has entries. */
async function kindOf({ kind: wanted, tenant }, place, signal) {
  const counts = await again("counts", {}, signal).catch(() => ({}));
  const kind = MARKS[wanted] ? wanted : Object.keys(MARKS).find((mark) => counts[mark] > 0) ?? "dead";
  // The counts are those of all tenants.
  const text = (mark, label) => (counts[mark] > 0 && !tenant ? `${label} ${many(counts[mark])}` : label);
  place.replaceChildren(tabs(Object.entries(MARKS).map(([mark, [label]]) =>
    [write("attention", { kind: mark, tenant }), text(mark, label), mark === kind])));
  if (!signal.aborted) remember({ kind });
  return kind;
}

export async function show(main, { query, go, signal, repaired }) {
  const kinds = h("nav", { class: "tabs", "aria-label": "Kinds of attention" });
  main.append(heading(title), kinds);
  const kind = await kindOf(query, kinds, signal);
  const results = h("section", { "aria-label": MARKS[kind][0] });
  const { tenant, acknowledged } = query;
  const other = h("a", { href: write("attention", { kind, tenant, acknowledged: !acknowledged }) },
    acknowledged ? "Show what is not acknowledged" : "Show what was acknowledged");
  const waits = ["paused", "rate_limited"].includes(kind);
  main.append(h("p", { class: "lead" },
    acknowledged ? "These are acknowledged. One comes back when it changes again." : MARKS[kind][2],
    !waits && [" ", other], tenant && kind !== "rate_limited" && [" Only of ", tenantText(tenant), ". ",
      h("a", { href: write("attention", { kind, acknowledged }) }, "All tenants")]), results);
  if (kind === "rate_limited") return quotas(results, signal);
  const asked = { kind, tenant, acknowledged, limit: 50 };
  let [items, first] = [[], []];
  const next = newest(signal);
  const begin = () => next(async (own) => {
    const more = button("Load more", () => load(true), { class: "quiet" });
    const foot = h("div", { class: "foot" }, more);
    const told = h("p", { class: "told" }, `${LEFT_OUT}.`);
    let [read, cursor, pages] = [[], undefined, 0];
    async function load(isAsked) {
      more.disabled = true;
      const had = read.length;
      try {
        // With a filter for one tenant, a page may have few entries or none.
        for (let pages = 0; pages < MOST && (pages === 0 || cursor) && read.length - had < ENOUGH; pages += 1) {
          const page = await get("attention", { ...asked, cursor }, own);
          if (!cursor) first = page.items;
          if (page.left_out) foot.replaceChildren(told, more);
          items = read = [...read, ...page.items];
          meet(...page.items.map(({ tenant }) => tenant));
          cursor = page.next;
        }
      } catch (error) {
        if (!own.aborted) renew(results, trouble(error, begin));
        return;
      }
      pages += 1;
      if (pages > 1) remember({ pages });
      more.hidden = !cursor;
      more.disabled = false;
      const nothing = read.length === 0 && !cursor;
      const isShort = foot.contains(told);
      renew(results, nothing && !isShort ? empty("Nothing here.", !acknowledged && h("p", {}, "All is well."))
        : [...groups(read, kind, { go, signal }), foot]);
      announce(`${read.length} shown`);
      if (isAsked) [...results.querySelectorAll("a.key")]
        .find((link) => link.hash.endsWith(encodeURIComponent(read[had]?.ref)))?.focus();
    }
    const wanted = pagesOf(address().query);
    for (let count = 0; count === pages && count < wanted && (count === 0 || cursor); count += 1)
      await load();
  });
  repaired(() => Promise.all([kindOf({ kind, tenant }, kinds, signal), begin()]));
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

/** Tenants without calls left, and about when their waiting notifications are done. */
const quotas = (place, signal) => filled(place, signal, async (own) => {
  const { items } = await get("quotas", {}, own);
  meet(...items.map(({ tenant }) => tenant));
  return items.length === 0 ? empty("Nothing waits for calls.") : quotaTable(items);
})();

function quotaTable(items) {
  const heads = ["Tenant", "Waiting", "Calls an hour", "Done in about", "Done at about"];
  const row = (quota) => [tenantText(quota.tenant),
    h("a", { href: listLink({ tenant: quota.tenant, is: "waits" }) }, many(quota.waiting)),
    [number(quota.calls_per_hour), quota.is_assumed && " (assumed)"], span(new Date(quota.done_at) - Date.now()),
    moment(quota.done_at)];
  return grid("What waits for calls, by tenant", heads, items.map(row));
}
