// Open questions about Visma Net: the assumptions and the observations.

import { get } from "./api.js";
import { announce, button, chip, counted, empty, h, heading, moment, number } from "./dom.js";
import { filled } from "./live.js";
import { STANDS } from "./words.js";

export const title = "Observed";

const ORDER = Object.keys(STANDS).reverse();

export async function show(main, { query, signal }) {
  const kind = STANDS[query.stands] ? query.stands : "";
  const tab = ([own, label]) =>
    h("li", {}, h("a", { href: `#/observed${own && `?stands=${own}`}`, "aria-current": own === kind ? "page" : null },
      label));
  const tabs = [["", "All"], ...ORDER.map((own) => [own, STANDS[own][0]])];
  const results = h("section", { "aria-label": "Open questions" });
  main.append(heading(title),
    h("p", { class: "lead" },
      "Questions about Visma Net that no document answers. The product makes an assumption, and records names, types and counts, but no value of a body."),
    h("nav", { class: "tabs", "aria-label": "How questions stand" }, h("ul", {}, tabs.map(tab))), results);
  const load = filled(results, signal, async (own) => {
    const { items } = await get("observed", {}, own);
    const shown = items.filter(({ stands }) => !kind || stands === kind);
    announce(`${shown.length} shown`);
    return shown.length === 0 ? empty("Nothing here.") : drawn(shown);
  });
  main.append(h("div", { class: "foot" }, button("Read again", load, { class: "quiet" })));
  await load();
}

function drawn(items) {
  const heads = ["Question", "Stands", "Notifications", "First seen", "Last seen", "Assumed and seen"];
  const rows = items.toSorted((one, other) => ORDER.indexOf(one.stands) - ORDER.indexOf(other.stands)).map(row);
  return h("div", { class: "scroll" },
    h("table", { class: "grid questions", role: "table" },
      h("caption", { class: "unseen" }, "Open questions, contradicted ones first"),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
      heads.map((name) => h("th", { scope: "col", role: "columnheader" }, name)))),
    h("tbody", { role: "rowgroup" }, rows)));
}

function row(item) {
  const cell = (label, ...content) => h("td", { role: "cell", "data-label": label }, ...content);
  const [label, tone, meaning] = STANDS[item.stands] ?? [item.stands, "calm", ""];
  return h("tr", { role: "row", "data-question": item.question },
    cell("Question", h("strong", {}, item.title),
      h("span", { class: "after" }, ` ${item.question}, ${item.reference}`)),
    cell("Stands", chip(tone, label, meaning)),
    cell("Notifications", item.notifications === 0 ? h("span", { class: "faint" }, "–") : number(item.notifications)),
    cell("First seen", moment(item.first_seen)), cell("Last seen", moment(item.last_seen)),
    cell("Assumed and seen", h("p", {}, `Assumed: ${item.assumed}`),
      item.advice && h("p", {}, h("strong", {}, "To do: "), item.advice),
      !item.is_measured && h("p", { class: "faint" }, "A receiver cannot observe it."), seen(item)));
}

function seen({ question, title: name, facts, is_full: isFull, stands }) {
  if (facts.length === 0) return question === "secret_rotation"
    && h("p", { class: "faint" }, "No old secret was used.");
  const fact = ({ subject, value, agrees, notifications, last_seen: last }) =>
    h("li", {}, !agrees && h("strong", {}, "Differs: "),
      subject && `${subject}: `, h("span", { class: "code" }, value),
      h("span", { class: "after" }, ` ${counted(notifications, "time", "times")}, last `, moment(last)));
  return h("details", { open: stands === "contradicted" },
    h("summary", { "aria-label": `${facts.length} seen: ${name}` }, `${facts.length} seen`),
    h("ul", {}, facts.map(fact)), isFull && h("p", { class: "faint" }, "No more are recorded."));
}
