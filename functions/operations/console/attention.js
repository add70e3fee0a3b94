// What a person should look at, or what waits, across tenants.

import { get } from "./api.js";
import { announce, button, empty, h, heading, trouble } from "./dom.js";
import { meet } from "./filters.js";
import { quotas } from "./quotas.js";
import { table } from "./table.js";
import { MARKS } from "./words.js";

export const title = "Attention";

const MEANINGS = {
  dead: "Every attempt failed. Resend them when the cause is gone.",
  parked: "No further attempt would help: each waits for a person.",
  unparseable: "Bodies that cannot be read.",
  feedback_parked: "Visma Net did not take the feedback: the accountant still waits.",
  paused: "They wait for a pause to end, and then for a replay of what is paused.",
  rate_limited: "The tenant's calls to the ERP are used up. They go on by themselves, at the pace of its quota; no attempt is used up.",
};

export async function show(main, { query, signal, repaired }) {
  const kind = MARKS[query.kind] ? query.kind : "dead";
  const tab = ([mark, [label]]) =>
    h("li", {}, h("a", { href: `#/attention?kind=${mark}`, "aria-current": mark === kind ? "page" : null }, label));
  const results = h("section", { "aria-label": MARKS[kind][0] });
  main.append(heading(title), h("nav", { class: "tabs", "aria-label": "Kinds of attention" }, h("ul", {}, Object.entries(MARKS).map(tab))),
    h("p", { class: "lead" }, MEANINGS[kind]), results);
  if (kind === "rate_limited") return quotas(results, signal);
  const begin = () => {
    const list = table(`${MARKS[kind][0]}, newest first`, { tenants: true });
    const more = button("Load more", () => load(), { class: "quiet" });
    const foot = h("div", { class: "foot" }, more);
    results.replaceChildren(list.element, foot);
    let cursor;
    let shown = 0;
    async function load() {
      more.disabled = true;
      const had = list.body.lastElementChild;
      try {
        const page = await get("attention", { kind, tenant: query.tenant, limit: 50, cursor }, signal);
        list.add(page.items);
        meet(...page.items.map(({ tenant }) => tenant));
        cursor = page.next;
        shown += page.items.length;
      } catch (error) {
        if (!signal.aborted) foot.replaceChildren(trouble(error, begin));
        return;
      }
      more.hidden = !cursor;
      more.disabled = false;
      if (shown === 0 && !cursor) results.replaceChildren(empty("Nothing here.", h("p", {}, "That is how it should be.")));
      announce(`${shown} shown`);
      if (had) had.nextElementSibling?.querySelector("a")?.focus();
    }
    return load();
  };
  repaired(begin);
  await begin();
}
