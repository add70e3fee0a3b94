// Notifications that need attention, by reason and cause, with advice and actions for each group.

import { button, fact, h } from "./dom.js";
import { confirmedAll, DEEDS, offered } from "./deeds.js";
import { resendAll } from "./resends.js";
import { may } from "./session.js";
import { table } from "./table.js";
import { cause, MARKS, reason, remedy } from "./words.js";

/** Leaves out long numbers and ids, which differ within one cause. */
const alike = (text) => text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\d{5,}/gi, "…");

/** A card for each reason and cause, the largest group first. */
export function groups(items, kind, view) {
  const all = new Map();
  for (const item of items) {
    const why = kind === "feedback_parked" ? item.feedback : item;
    const text = item.reason === "unmapped" ? item.event : alike(cause(why.cause));
    const key = JSON.stringify([why.reason, text]);
    if (!all.has(key)) all.set(key, { code: why.reason, text, items: [] });
    all.get(key).items.push(item);
  }
  return [...all.values()].sort((one, other) => other.items.length - one.items.length)
    .map((one, place) => card(one, place, kind, view));
}

function card({ code, text, items }, place, kind, view) {
  const label = reason(code) || MARKS[kind][0];
  const [likely, fix, command] = remedy(code);
  const list = table(`${label}, newest first`, { tenants: true });
  list.add(items);
  return h("section", { class: "group", role: "group", "aria-labelledby": `group-${place}` },
    h("div", { class: "card" }, h("h2", { id: `group-${place}` }, `${label}: ${items.length}`),
      text && h("p", { class: "quote" }, text),
      likely && h("dl", { class: "facts" }, fact("Likely cause", likely), fact("What to do", fix),
        command && fact("Command", h("code", { class: "code" }, command))),
      h("div", { class: "buttons" }, ways(code, items, kind, view))),
    list.element);
}

// Buttons for the whole group. Replays and resends begin with a plan.
function ways(code, items, kind, view) {
  if (!may("repair") || kind === "paused") return [];
  const deed = kind === "feedback_parked" ? "feedback" : code === "held" && "release";
  const able = (wanted) => items.filter((item) => offered(item).includes(wanted));
  const all = (wanted) => able(wanted).length > 0
    && button(`${DEEDS[wanted][0]}: all ${able(wanted).length}`, () => confirmedAll(able(wanted), wanted));
  const seen = [all("acknowledge"), all("unacknowledge")];
  if (deed === "feedback") {
    // A resend leaves out what is acknowledged.
    const due = able(deed).filter(({ attention }) => !attention?.acknowledged);
    return [due.length > 0 && button("Resend all of these", () => resendAll(due, view)), ...seen];
  }
  if (deed) return [all(deed), ...seen];
  const open = able("replay");
  return [open.length > 0 && button("Replay all of these", () => view.go("replay", filter(open))), ...seen];
}

// The narrowest filter of a replay that finds them all. It may find more, so the plan shows how
// many.
function filter(items) {
  const same = (name) => (items.every((one) => one[name] === items[0][name]) ? items[0][name] : undefined);
  const times = items.map((one) => new Date(one.received_at).getTime());
  const minute = (at) => new Date(Math.floor(at / 60000) * 60000).toISOString();
  return { tenant: same("tenant"), states: [...new Set(items.map(({ state }) => state))].join(","),
    entity: same("entity"), event: same("event"),
    from: minute(Math.min(...times)), to: minute(Math.max(...times) + 60000), plan: 1 };
}
