// The notifications of a job that failed again.

import { get } from "./api.js";
import { h } from "./dom.js";
import { paged, table } from "./table.js";

export function failedOf(main, id, signal) {
  const list = table("What failed again");
  const place = h("section", { "aria-labelledby": "failed-title" },
    h("h2", { id: "failed-title" }, "What failed again"));
  main.append(place);
  let cursor;
  const { told, begin } = paged(place, list, "Load more", signal, async () => {
    const page = await get(`jobs/${encodeURIComponent(id)}/failed`, { limit: 50, cursor }, signal);
    list.add(page.items);
    cursor = page.next;
    told.textContent = `${list.body.children.length} shown${cursor ? "" : ", that is all"}.`;
    return Boolean(cursor);
  });
  return begin();
}
