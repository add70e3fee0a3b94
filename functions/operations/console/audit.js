// What operators did, newest first.

import { get } from "./api.js";
import { h, heading, moment } from "./dom.js";
import { filters, tenantField, timeField } from "./filters.js";
import { cells, grid, paged, size } from "./table.js";
import { tenantText } from "./tenants.js";

export const title = "Audit";

const HEADS = ["At", "By", "Role", "Deed", "Tenant", "On", "Result"];

export async function show(main, { query, go, signal }) {
  const results = h("section", { "aria-label": "Deeds" });
  const fields = [tenantField(query.tenant, { required: false }), timeField("Done from", "from", query.from),
    timeField("Done to", "to", query.to)];
  main.append(heading(title), filters("audit", go, "Filter", fields, "Clear"), results);
  const element = grid("Deeds of operators, newest first", HEADS, []);
  const list = { element, body: element.querySelector("tbody") };
  const { told, begin } = paged(results, list, "Load more", signal, async (cursor) => {
    const page = await get("audit", { tenant: query.tenant, from: query.from, to: query.to, limit: 50, cursor },
      signal);
    list.body.append(...page.items.map((one) =>
      cells(HEADS, [moment(one.at), one.by, one.role, one.deed, one.tenant ? tenantText(one.tenant) : "–",
        `${one.kind} ${one.name}`, one.result ?? "–"])));
    told.textContent = `${size(list, page.next)}${query.from || query.to ? "" : " of the last 30 days"}.`;
    return page.next;
  });
  await begin();
}
