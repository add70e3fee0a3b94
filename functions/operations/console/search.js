// Search for notifications by a number or an id. It always shows how far back it went.

import { get } from "./api.js";
import { counted, empty, h, heading } from "./dom.js";
import { meet } from "./filters.js";
import { detailLink, paged, size, table } from "./table.js";
import { inZone, zoneName } from "./zone.js";

/** The number of hits that is enough. */
const ENOUGH = 20;
/** Matches that identify one notification. */
const EXACT = ["ref", "event_id", "notification_id"];

export const title = "Search";

export const day = (text) =>
  `${inZone(new Date(text), { day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" })} ${zoneName(new Date(text))}`;

export async function show(main, { query, signal }) {
  const q = (query.q ?? "").trim();
  const results = h("section", { "aria-label": "Results" });
  main.append(heading(title), results);
  if (!q) return results.append(empty("What do you have?",
    h("p", {},
      "An account, customer or document number or a part of it, the id of a notification, an event, a delivery or a trace, or a reference. Press / to begin.")));
  results.before(h("p", { class: "lead" }, "Hits for ", h("strong", {}, q),
    query.tenant ? [" of ", h("span", { class: "code" }, query.tenant)] : ", of all tenants"));
  await sought(results, { q, tenant: query.tenant, entity: query.entity, from: query.from, to: query.to }, signal,
    { tenants: !query.tenant, opens: true });
}

// The pages of a search. `opens`: open the notification if an id identifies it. `found` gets the
// items of each page.
export async function sought(results, asked, signal,
  { tenants = false, opens = false, fits = () => true, found = () => {} } = {}) {
  const list = table(`Hits for ${asked.q}`, { tenants });
  const tell = ({ searched_to: back, tenants: many, items, next }) => {
    const shown = size(list, next).replace(/^0 shown/, "Nothing found");
    const times = items.some((one) => one.matched === "trace")
      ? " A trace gives only a time: these were received when it began." : "";
    const where = tenants ? ` in ${counted(many, "tenant", "tenants")}` : "";
    told.textContent = `${shown}. Searched back to ${day(back)}${where}.${times}`;
  };
  const { told, begin } = paged(results, list, "Search further back", signal, async (cursor) => {
    const page = await get("search", { ...asked, limit: ENOUGH, cursor }, signal);
    if (opens && !cursor && page.items.length === 1 && EXACT.includes(page.items[0].matched))
      return location.replace(detailLink(page.items[0]));
    const items = page.items.filter(fits);
    meet(...items.map(({ tenant }) => tenant));
    list.add(items);
    list.isShort ||= Boolean(page.left_out);
    found(items);
    tell(page);
    return page.next;
  }, ENOUGH);
  await begin();
}
