// Tenants without calls left, and about when their waiting notifications are done.

import { get } from "./api.js";
import { empty, h, moment, number, span, trouble } from "./dom.js";
import { meet } from "./filters.js";
import { grid } from "./table.js";
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
  const row = (quota) => [tenantText(quota.tenant),
    h("a", { href: `#/notifications?${new URLSearchParams({ tenant: quota.tenant, state: "retrying" })}` },
      number(quota.waiting)),
    [number(quota.calls_per_hour), quota.is_assumed && " (assumed)"], span(new Date(quota.done_at) - Date.now()),
    moment(quota.done_at)];
  return grid("What waits for calls, by tenant", heads, items.map(row));
}
