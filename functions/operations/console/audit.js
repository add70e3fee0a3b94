// What operators did, newest first.

import { get } from "./api.js";
import { button, h, heading, moment } from "./dom.js";
import { read, tenantField, timeField } from "./filters.js";
import { cells, grid, paged } from "./table.js";
import { tenantText } from "./tenants.js";

export const title = "Audit";

const HEADS = ["At", "By", "Role", "Deed", "Tenant", "On", "Result"];

export async function show(main, { query, go, signal }) {
  const submit = (event) => {
    event.preventDefault();
    go("audit", read(event.target));
  };
  const results = h("section", { "aria-label": "Deeds" });
  main.append(heading(title), h("form", { class: "filters", role: "search", "aria-label": "Filter", on: { submit } },
    tenantField(query.tenant, { required: false }),
    timeField("Done from", "from", query.from), timeField("Done to", "to", query.to),
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Show"),
      button("Clear", () => go("audit"), { class: "quiet" }))), results);
  const element = grid("Deeds of operators, newest first", HEADS, []);
  const body = element.querySelector("tbody");
  let cursor;
  const { told, begin } = paged(results, { element, body }, "Load more", signal, async () => {
    const page = await get("audit", { tenant: query.tenant, from: query.from, to: query.to, limit: 50, cursor },
      signal);
    body.append(...page.items.map((one) =>
      cells(HEADS, [moment(one.at), one.by, one.role, one.deed, one.tenant ? tenantText(one.tenant) : "–",
        `${one.kind} ${one.name}`, one.result ?? "–"])));
    cursor = page.next;
    told.textContent = `${body.children.length} shown${cursor ? "" : ", that is all"}${query.from ? "" : " of the last 30 days"}.`;
    return Boolean(cursor);
  });
  await begin();
}
