// Tenants without calls left, and about when their waiting notifications are done.

import { get } from "./api.js";
import { empty, h, moment, number, span, trouble } from "./dom.js";
import { meet } from "./filters.js";
import { tenantText } from "./tenants.js";

export async function quotas(place, signal) {
  const load = async () => {
    try {
      const { items } = await get("quotas", {}, signal);
      meet(...items.map(({ tenant }) => tenant));
      place.replaceChildren(items.length === 0 ? empty("Nothing waits for calls.") : drawn(items));
    } catch (error) {
      if (!signal.aborted) place.replaceChildren(trouble(error, load));
    }
  };
  await load();
}

function drawn(items) {
  const heads = ["Tenant", "Waiting", "Calls an hour", "Done in about", "Done at about"];
  const cell = (label, ...content) => h("td", { role: "cell", "data-label": label }, ...content);
  const row = (quota) => h("tr", { role: "row" },
    cell("Tenant", tenantText(quota.tenant)),
    cell("Waiting", h("a", { href: `#/notifications?${new URLSearchParams({ tenant: quota.tenant, state: "retrying" })}` }, number(quota.waiting))),
    cell("Calls an hour", number(quota.calls_per_hour), quota.is_assumed ? " (assumed)" : ""),
    cell("Done in about", span(new Date(quota.done_at) - Date.now())), cell("Done at about", moment(quota.done_at)));
  return h("div", { class: "scroll" }, h("table", { class: "grid", role: "table" }, h("caption", { class: "unseen" }, "What waits for calls, by tenant"),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads.map((name) => h("th", { scope: "col", role: "columnheader" }, name)))),
    h("tbody", { role: "rowgroup" }, items.map(row))));
}
