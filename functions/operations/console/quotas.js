// Tenants without calls left, and about when their waiting notifications are done.

import { get } from "./api.js";
import { empty, h, moment, number, span } from "./dom.js";
import { meet } from "./filters.js";
import { filled } from "./live.js";
import { grid } from "./table.js";
import { tenantText } from "./tenants.js";

export const quotas = (place, signal) => filled(place, signal, async (own) => {
  const { items } = await get("quotas", {}, own);
  meet(...items.map(({ tenant }) => tenant));
  return items.length === 0 ? empty("Nothing waits for calls.") : drawn(items);
})();

function drawn(items) {
  const heads = ["Tenant", "Waiting", "Calls an hour", "Done in about", "Done at about"];
  const row = (quota) => [tenantText(quota.tenant),
    h("a", { href: `#/notifications?${new URLSearchParams({ tenant: quota.tenant, state: "retrying" })}` },
      number(quota.waiting)),
    [number(quota.calls_per_hour), quota.is_assumed && " (assumed)"], span(new Date(quota.done_at) - Date.now()),
    moment(quota.done_at)];
  return grid("What waits for calls, by tenant", heads, items.map(row));
}
