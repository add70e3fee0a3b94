// An entity, such as an account or an order: its current state and its notifications.

import { get } from "./api.js";
import { card, chip, empty, fact, h, heading, moment, trouble } from "./dom.js";
import { meet } from "./filters.js";
import { filled } from "./live.js";
import { crumb, entityLink, table } from "./table.js";
import { entity, LEFT_OUT } from "./words.js";

export const title = "Current state";

export async function show(main, { query, signal, repaired }) {
  const place = h("div", {});
  main.append(place);
  const load = filled(place, signal, async (own) => {
    try {
      const known = await get("entities", { tenant: query.tenant, entity: query.entity, key: query.key }, own);
      meet(known.tenant);
      return drawn(known);
    } catch (error) {
      const nothing = error.code === "unknown_entity";
      return [heading(`${entity(query.entity)} ${query.key ?? ""}`),
        nothing ? empty("There is no record of it.", h("p", {}, error.message)) : trouble(error, load)];
    }
  });
  repaired(load);
  await load();
}

function drawn(known) {
  const { current, also, notifications } = known;
  const list = table(`Notifications of ${entity(known.entity)} ${known.key}, newest first`);
  list.add(notifications);
  return [
    crumb(known.tenant),
    h("div", { class: "title" }, heading(h("span", { class: "kind" }, entity(known.entity)), " ", known.key),
      h("p", {}, marks(current))),
    h("div", { class: "columns even" }, statusCard(current), numbersCard(known, also)),
    h("h2", {}, "Notifications"), list.element, known.left_out ? h("p", { class: "told" }, `${LEFT_OUT}.`) : ""];
}

function marks(current) {
  if (!current) return h("span", { class: "faint" }, "No notification about it was processed.");
  return [
    current.status && chip("info", current.status), " ", current.deleted && chip("bad", "Deleted"), " ",
    current.gone && chip("bad", "Gone", "The ERP does not have it, but no deletion was announced."),
    !current.status && !current.deleted && !current.gone && chip("good", "Current"),
  ].filter(Boolean);
}

function statusCard(current) {
  const timeline = current?.timeline ?? [];
  return card("status-title", "Status timeline",
    timeline.length === 0 ? h("p", { class: "faint" }, "No status was seen.") :
      h("ol", { class: "timeline" }, timeline.map(({ at, status }, place) =>
        h("li", { class: place === timeline.length - 1 ? "info" : "calm" },
          h("p", { class: "what" }, h("strong", {}, status), " ", moment(at))))));
}

function numbersCard(known, also) {
  const relation = { later: "Renumbered to", earlier: "Was" };
  return card("numbers-title", "Numbers",
    h("dl", { class: "facts" }, fact("Number", known.key),
      known.current?.internal_id && fact("Internal id", known.current.internal_id),
      known.current?.detail && fact("Detail", known.current.detail),
      also.map((other) => fact(relation[other.relation] ?? other.relation,
        h("a", { href: entityLink({ ...known, key: other.key }) }, other.key)))));
}
