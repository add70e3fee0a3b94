// The notifications of a job that failed again.

import { get } from "./api.js";
import { announce, button, empty, h, trouble } from "./dom.js";
import { table } from "./table.js";

export async function failedOf(id, signal) {
  const list = table("What failed again");
  const place = h("section", { "aria-labelledby": "failed-title" },
    h("h2", { id: "failed-title" }, "What failed again"));
  const more = button("Load more", () => load(), { class: "quiet" });
  let [cursor, shown] = [undefined, 0];
  const load = async () => {
    try {
      const page = await get(`jobs/${encodeURIComponent(id)}/failed`, { limit: 50, cursor }, signal);
      list.add(page.items);
      [cursor, shown] = [page.next, shown + page.items.length];
      more.hidden = !cursor;
      if (shown === 0 && !cursor) list.element.replaceWith(empty("Nothing failed again."));
      announce(`${shown} shown`);
    } catch (error) {
      if (!signal.aborted) place.append(trouble(error));
    }
  };
  place.append(list.element, more);
  await load();
  return place;
}
