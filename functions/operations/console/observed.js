// Open questions about Visma Net: the assumptions and the observations.

import { get } from "./api.js";
import { announce, button, chip, counted, empty, h, heading, moment, number, tabs } from "./dom.js";
import { filled } from "./live.js";
import { cells, grid } from "./table.js";
import { STANDS } from "./words.js";

export const title = "Observed";

const ORDER = Object.keys(STANDS).reverse();

export async function show(main, { query, signal }) {
  const kind = STANDS[query.stands] ? query.stands : "";
  const links = [["", "All"], ...ORDER.map((own) => [own, STANDS[own][0]])]
    .map(([own, label]) => [`#/observed${own && `?stands=${own}`}`, label, own === kind]);
  const results = h("section", { "aria-label": "Open questions" });
  main.append(heading(title),
    h("p", { class: "lead" },
      "Questions about Visma Net that no document answers. The product makes an assumption, and records names, types and counts, but no value of a body."),
    h("nav", { class: "tabs", "aria-label": "How questions stand" }, tabs(links)), results);
  const load = filled(results, signal, async (own) => {
    const { items } = await get("observed", {}, own);
    const shown = items.filter(({ stands }) => !kind || stands === kind);
    announce(`${shown.length} shown`);
    return shown.length === 0 ? empty("Nothing here.") : drawn(shown);
  });
  main.append(h("div", { class: "foot" }, button("Read again", load, { class: "quiet" })));
  await load();
}

const HEADS = ["Question", "Stands", "Notifications", "First seen", "Last seen", "Assumed and seen"];

function drawn(items) {
  const sorted = items.toSorted((one, other) => ORDER.indexOf(one.stands) - ORDER.indexOf(other.stands));
  return grid("Open questions, contradicted ones first", HEADS, sorted.map(row));
}

function row(item) {
  const [label, tone, meaning] = STANDS[item.stands] ?? [item.stands, "calm", ""];
  return cells(HEADS, [
    [h("strong", {}, item.title), h("span", { class: "after" }, ` ${item.question}, ${item.reference}`)],
    chip(tone, label, meaning),
    item.notifications === 0 ? h("span", { class: "faint" }, "–") : number(item.notifications),
    moment(item.first_seen), moment(item.last_seen),
    [h("p", {}, `Assumed: ${item.assumed}`), item.advice && h("p", {}, h("strong", {}, "To do: "), item.advice),
      !item.is_measured && h("p", { class: "faint" }, "A receiver cannot observe it."), seen(item)],
  ], { "data-question": item.question });
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
