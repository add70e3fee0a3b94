// The list of a tenant's notifications.

import { remember } from "./address.js";
import { again, get } from "./api.js";
import { button, empty, h, heading } from "./dom.js";
import { choose, chosen, entityField, eventField, filters, keyField, recent, stateField, tenantField,
  timeField } from "./filters.js";
import { follow } from "./live.js";
import { day, sought } from "./search.js";
import { entityLink, paged, size, table } from "./table.js";
import { labelOf } from "./tenants.js";

/** Filters of links that the API does not have: words, and a test. */
const ONLY = {
  processed: ["processed or superseded", ({ state }) => ["processed", "superseded"].includes(state)],
  answered: ["answered", ({ feedback }) => feedback.state === "sent"],
  failed: ["dead, parked or unreadable", ({ state }) => ["dead", "parked", "unparseable"].includes(state)],
  gap: ["missed", ({ origin }) => origin === "reconciliation"],
  waits: ["retrying or not yet answered", ({ state, feedback }) => state === "retrying" || feedback.state === "queued"],
};

export const title = "Notifications";

export function show(main, { query: asked, go, signal }) {
  const query = { tenant: chosen(), ...asked };
  const results = h("section", { "aria-label": "Results" });
  const only = ONLY[query.is] && h("p", { class: "lead" }, `Only ${ONLY[query.is][0]} notifications. `,
    button("All", () => go("notifications", { ...query, is: "" }), { class: "link" }));
  main.append(heading(title), narrowing(query, go), ...[only].filter(Boolean), results);
  if (!query.tenant) return results.append(welcome(go, asked));
  choose(query.tenant);
  remember({ tenant: query.tenant });
  return query.key ? ofNumber(results, query, signal) : ofTenant(results, query, signal);
}

function narrowing(query, go) {
  const fields = [tenantField(query.tenant), entityField(query.entity), keyField(query.key), eventField(query.event),
    stateField(query.state), timeField("Received from", "from", query.from),
    timeField("Received to", "to", query.to), h("input", { type: "hidden", name: "is", value: query.is ?? "" })];
  const form = filters("notifications", go, "Filter", fields, "Clear", { tenant: query.tenant });
  // On a narrow screen the filters are closed, so that the list comes first.
  const wide = matchMedia("(min-width: 46rem)").matches;
  return h("details", { class: "narrowing", open: wide || !query.tenant }, h("summary", {}, "Filter"), form);
}

function welcome(go, asked) {
  const list = h("ul", { class: "plain", "aria-label": "Tenants last heard of" });
  const choice = (tenant) => h("li", {},
    button(labelOf(tenant), () => go("notifications", { ...asked, tenant }), { class: "link" }));
  recent().then((ids) => list.replaceChildren(...ids.slice(0, 8).map(choice)));
  return empty("Choose a tenant to see its notifications.", list,
    h("p", {}, "See what ", h("a", { href: "#/attention" }, "needs attention"), " in all tenants."));
}

/** Pages of the feed. */
async function ofTenant(results, query, signal) {
  const { tenant, entity, event, state, from, to } = query;
  const fits = ONLY[query.is]?.[1] ?? (() => true);
  const list = table(`Notifications of ${tenant}, newest first`);
  // `seen` is the time of the newest one that was read.
  let [next, since, seen] = [];
  const asked = { tenant, entity, event, state, from, to, limit: 50 };
  const tell = () => {
    const isEmpty = list.body.children.length === 0 && !next && !list.isShort;
    const shown = isEmpty ? "Nothing in this time" : size(list, next);
    told.textContent = `${shown}. Received since ${day(since)}${from || to ? "" : ", the last seven days"}.`;
  };
  const { told, begin } = paged(results, list, "Load more", signal, async (cursor) => {
    const page = await get("notifications", { ...asked, cursor }, signal);
    list.add(page.items.filter(fits));
    list.isShort ||= Boolean(page.left_out);
    ({ next, from: since } = page);
    seen ??= page.items[0]?.received_at;
    tell();
    return next;
  });
  await begin();
  let [fresh, isGap, newest] = [[], false];
  const look = async (own) => {
    const page = await again("notifications", { ...asked, from: from ?? since }, own);
    since ??= page.from;
    list.isShort ||= Boolean(page.left_out);
    const [first, last] = [page.items[0], page.items.at(-1)];
    // What the page should have but has not, no longer fits the filter.
    fresh = list.renew(page.items.filter(fits), page.next ? new Date(last?.received_at) : 0);
    tell();
    isGap = Boolean(page.next && last) && !(new Date(last.received_at) <= new Date(seen));
    newest = first?.received_at;
    if (fresh.length === 0 && !isGap) seen = newest ?? seen;
    return isGap ? `${fresh.length} or more new` : fresh.length > 0 ? `${fresh.length} new` : "";
  };
  const bring = () => {
    // More than a page is new, so the list is read from the start.
    if (isGap) return dispatchEvent(new Event("hashchange"));
    list.first(fresh);
    seen = newest;
    tell();
  };
  if (!to || new Date(to) > new Date()) follow(results, { look, bring, signal });
}

// Notifications with the number or a part of it, in upper or lower case. Other filters are applied
// here.
async function ofNumber(results, query, signal) {
  const { tenant, entity, key, from, to } = query;
  const is = ONLY[query.is]?.[1] ?? (() => true);
  const fits = (one) => is(one) && (!query.event || one.event === query.event)
    && (!query.state || one.state === query.state);
  let own;
  const found = (items) => {
    own ??= items.find((one) => one.key.toLowerCase() === key.toLowerCase());
    if (own && !results.querySelector(".own"))
      results.prepend(h("p", { class: "own" }, h("a", { href: entityLink(own) }, "State of this number")));
  };
  await sought(results, { q: key, tenant, entity, from, to }, signal, { fits, found });
}
