// Numbers by hour or day, of one tenant or of all, from the reconciler's roll-ups.

import { get } from "./api.js";
import { bars } from "./chart.js";
import { announce, button, card, empty, fact, field, h, heading, many, moment, number, select, span } from "./dom.js";
import { choose, filters, tenantField } from "./filters.js";
import { filled } from "./live.js";
import { entityLink, grid, listLink } from "./table.js";
import { tenantText } from "./tenants.js";
import { entity, reason } from "./words.js";
import { inZone, zoneName } from "./zone.js";

export const title = "Overview";

const COUNTS = [["received", "Received", "info"], ["processed", "Processed", "good"], ["answered", "Answered", "good"],
  ["failed", "Failed", "bad"]];
/** The most silent tenants that are named. */
const NAMED = 20;
const TIMES = [["to_end", "Time to the end"], ["to_feedback", "Time to the feedback"]];

export async function show(main, { query, go, signal }) {
  const by = query.by === "day" ? "day" : "hour";
  const spans = [["hour", "Hour, of the last day"], ["day", "Day, of the last two weeks"]];
  const fields = [tenantField(query.tenant, { required: false }), field("By", select(spans, by, { name: "by" }))];
  const results = h("section", { class: "side",
    "aria-label": query.tenant ? `Numbers of ${query.tenant}` : "Numbers of all tenants" });
  if (query.tenant) choose(query.tenant);
  const load = filled(results, signal, async (own) => {
    const asked = get("overview", { tenant: query.tenant, by, from: query.from, to: query.to }, own);
    const [overview, silent] = await Promise.all([asked, query.tenant ? [] : silentNow(own)]);
    announce(`${number(overview.total.received)} received`);
    return drawn({ ...overview, silent }, load);
  });
  main.append(heading(title), filters("overview", go, "What to show", fields, "All tenants", { by }), results);
  await load();
}

// The directory of the sign-in may be hours old, so this one is requested again.
async function silentNow(signal) {
  const { items } = await get("tenants", {}, signal);
  return items.filter(({ is_silent: silent }) => silent);
}

const named = (silent) => [silent.slice(0, NAMED).map(({ id }) =>
  [" · ", h("a", { href: listLink({ tenant: id }) }, tenantText(id))]),
  silent.length > NAMED && " · …"];

/** Link to the notifications behind a number. `is` is a filter that the API does not have. */
const list = ({ tenant }, { from, to }, more) => listLink({ tenant: tenant ?? "", from, to, ...more });

const narrowed = (name) => (name === "received" ? {} : { is: name });

function drawn(overview, again) {
  if (!overview.counted_to) {
    return empty("Nothing is counted yet.",
      h("p", {}, "The reconciler counts each time it runs. What was received before its first run is not counted."),
      button("Read again", again));
  }
  const charted = (label, tone, value, words, more) => bars(label, tone, overview.items.map((item) => ({
    label: when(item.from, overview.by), value: value(item), text: words(value(item)),
    href: list(overview, item, more) })));
  const chart = ([name, label, tone]) => charted(label, tone, (item) => item[name], number, narrowed(name));
  const times = ([name, label]) => charted(`${label}, 95 of 100`, "info", (item) => item[name]?.p95_ms ?? 0, span);
  return [
    h("p", { class: "lead" }, "Counted up to ", moment(overview.counted_to),
      `; by the ${overview.by} of receipt${overview.by === "day" ? ", in UTC" : ""}. `,
      button("Read again", again, { class: "link" })),
    facts(overview), h("div", { class: "columns even" }, COUNTS.map(chart), TIMES.map(times)), behind(overview),
    h("div", { class: "columns even" }, shares(overview))];
}

function when(text, by) {
  const at = new Date(text);
  return by === "day" ? at.toLocaleDateString(undefined, { day: "2-digit", month: "short", timeZone: "UTC" }) :
    `${inZone(at, { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" })} ${zoneName(at)}`;
}

const took = (times) => (times ? `${span(times.p50_ms)}, 95 of 100 in ${span(times.p95_ms)}` : "–");

function facts(overview) {
  const { total, waiting } = overview;
  const linked = (count, href) => (count > 0 ? h("a", { href }, number(count)) : "0");
  const counted = COUNTS.map(([name, label]) =>
    fact(label, linked(total[name], list(overview, overview, narrowed(name)))));
  const waits = [["rate_limited", "for calls"], ["retrying", "for another attempt"], ["paused", "for a pause to end"]]
    .filter(([name]) => waiting[name] > 0);
  return h("div", { class: "columns even" },
    card("came", "Received", h("dl", { class: "facts" }, counted,
      fact("Still open", number(total.open)),
      fact("Gaps found", linked(total.gaps, list(overview, overview, narrowed("gap")))),
      fact("Half ended in", took(total.to_end)), fact("Half answered in", took(total.to_feedback)))),
    card("waits", "Waiting now", h("dl", { class: "facts" },
      waits.length === 0 ? fact("Waiting", "nothing")
        : waits.map(([name, what]) => fact("Waiting", name === "rate_limited"
          ? h("a", { href: "#/attention?kind=rate_limited" }, many(waiting[name]))
          : many(waiting[name]), ` ${what}`)),
      waiting.done_at && fact("Out of calls until", moment(waiting.done_at)),
      overview.calls_left !== undefined && fact("Calls left", number(overview.calls_left)),
      overview.silent_tenants !== undefined && !overview.tenant
        && fact("Silent tenants", `${number(overview.silent_tenants)} of ${number(overview.tenants)}`,
          named(overview.silent)))));
}

/** The numbers of the charts as a table. */
function behind(overview) {
  const heads = [overview.by === "day" ? "Day" : "Hour", ...COUNTS.map(([, label]) => label), "Gaps",
    ...TIMES.map(([, label]) => `${label}, half and 95 of 100`)];
  const row = (item) => [h("a", { href: list(overview, item) }, when(item.from, overview.by)),
    ...COUNTS.map(([name]) => number(item[name])), number(item.gaps),
    ...TIMES.map(([name]) => (item[name] ? `${span(item[name].p50_ms)}, ${span(item[name].p95_ms)}` : "–"))];
  return h("details", {}, h("summary", {}, "The charts as a table"),
    grid("Notifications by time of receipt", heads, overview.items.map(row)));
}

function shares(overview) {
  const own = overview.tenant ? { tenant: overview.tenant } : {};
  const parked = overview.parked.map((one) =>
    [reason(one.reason), one.count, `#/attention?${new URLSearchParams({ kind: "parked", ...own })}`]);
  const kinds = overview.entities.map((one) =>
    [entity(one.entity), one.count, list(overview, overview, { entity: one.entity })]);
  const keys = overview.keys.map((one) =>
    [`${entity(one.entity)} ${one.key}`, one.count, entityLink({ ...own, ...one })]);
  const some = (id, label, rows) => rows.length > 0 && card(id, label,
    h("ul", {}, rows.map(([name, count, href]) =>
      h("li", { class: "share" }, h("a", { href }, name), h("span", {}, number(count))))));
  return [some("parked-by", "Parked, by reason", parked), some("kinds", "By kind", kinds),
    some("busiest", "Busiest numbers", keys)];
}
