// The window "Webhook notification" (GL407000), for every entity and document.

import { read as address, remember } from "./address.js";
import { announce, button, called, chip, control, h, moment, trouble } from "./dom.js";
import { cause, entity, event, FEEDBACK, LEFT_OUT, reason, state } from "./words.js";
import { offered, resend, showFeedback } from "./deeds.js";
import { tenantText } from "./tenants.js";

export const detailLink = ({ ref }) => `#/notification/${encodeURIComponent(ref)}`;
export const entityLink = ({ tenant, entity: name, key }) =>
  `#/entity?${new URLSearchParams({ tenant, entity: name, key })}`;
export const listLink = (query) => `#/notifications?${new URLSearchParams(query)}`;

/** Where one notification or entity belongs. */
export const crumb = (tenant) =>
  h("p", { class: "crumb" }, h("a", { href: listLink({ tenant }) }, "Notifications"), " of ", tenantText(tenant));

/** The number of pages in the address; ten at most. */
export const pagesOf = ({ pages }) => Math.min(Number(pages) || 1, 10);

/** The most requests per press of the button, while they bring too little. */
const MOST = 10;

/** A table with a caption and no rows yet. */
export function table(caption, { tenants = false } = {}) {
  const columns = ["Received", tenants && "Tenant", "Number", "Type", "Event", "Status", "Success", "Source", "Message",
    "Actions"];
  const element = grid(caption, columns, []);
  const body = element.querySelector("tbody");
  const known = new Map();
  const drawn = (item) => {
    const made = cells(columns, row(item, tenants), { "data-ref": item.ref });
    known.set(item.ref, { made, text: JSON.stringify(item), at: new Date(item.received_at) });
    return made;
  };
  const news = (items) => items.filter(({ ref }) => !known.has(ref));
  const left = (items, after) => [...known].filter(([ref, { made, at }]) => at > after
    && !made.contains(document.activeElement) && !items.some((item) => item.ref === ref));
  // Redraws rows that have changed, removes those received `after` this time that are not among the
  // items, and returns the items that have no row yet.
  const renew = (items, after) => {
    for (const [ref, { made }] of left(items, after)) {
      made.remove();
      known.delete(ref);
    }
    for (const item of items) {
      const { made, text } = known.get(item.ref) ?? {};
      if (!made || text === JSON.stringify(item)) continue;
      const held = made.contains(document.activeElement) && called(document.activeElement);
      const fresh = drawn(item);
      made.replaceWith(fresh);
      if (held) (control(fresh, held) ?? fresh.querySelector("a")).focus();
    }
    return news(items);
  };
  return { element, body, renew, add: (items) => body.append(...news(items).map(drawn)),
    first: (items) => body.prepend(...news(items).map(drawn)) };
}

/** A row with these cells. Under a column without a head there is none. */
export const cells = (heads, values, attributes) => h("tr", { role: "row", ...attributes }, heads.map((name, at) =>
  name && h("td", { role: "cell", "data-label": name, class: name === "Actions" ? "actions" : null }, values[at])));

/** A table of rows. Each is a list of cells, or an element. */
export function grid(caption, heads, rows) {
  return h("div", { class: "scroll" },
    h("table", { class: "grid", role: "table" }, h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
      heads.map((name) => name && h("th", { scope: "col", role: "columnheader" }, name)))),
    h("tbody", { role: "rowgroup" }, rows.map((row) => (Array.isArray(row) ? cells(heads, row) : row)))));
}

/** How long a list is. `isShort`: it leaves something out. */
export const size = ({ body, isShort }, cursor) =>
  `${body.children.length} shown${isShort ? `. ${LEFT_OUT}` : cursor ? "" : ", that is all"}`;

// Puts a table into `results`, with a button `words` below it that loads more. `read` gets a cursor,
// adds rows, and returns the next cursor if there is more. It is called until there are `enough`
// new rows. `told` says how far the list is. The address has the number of pages that were loaded,
// and `begin` loads as many.
export function paged(results, list, words, signal, read, enough = 1) {
  const more = button(words, () => load(true), { class: "quiet" });
  const told = h("p", { class: "told" });
  const foot = h("div", { class: "foot" }, told, more);
  results.append(list.element, foot);
  let [pages, cursor] = [0];
  async function begin() {
    const wanted = pagesOf(address().query);
    for (let count = 0; count === pages && count < wanted && !more.hidden; count += 1) await load();
  }
  async function load(isAsked) {
    more.disabled = true;
    const { lastElementChild: had, children } = list.body;
    const wanted = children.length + enough;
    try {
      for (let reads = 0; reads < MOST && (reads === 0 || cursor) && children.length < wanted; reads += 1)
        cursor = await read(cursor);
      more.hidden = !cursor;
    } catch (error) {
      if (!signal.aborted) foot.replaceChildren(trouble(error,
        () => { foot.replaceChildren(told, more); load(isAsked); }));
      return;
    }
    more.disabled = false;
    pages += 1;
    if (pages > 1) remember({ pages });
    announce(told.textContent);
    // While it loads, the button is disabled and loses the focus, and the person may go elsewhere.
    if (isAsked && [document.body, more].includes(document.activeElement))
      (had?.nextElementSibling?.querySelector("a") ?? more).focus();
  }
  return { told, begin };
}

function row(item, tenants) {
  const [label, tone, meaning] = state(item.state);
  const name = `${entity(item.entity)} ${item.key}`;
  const { feedback } = item;
  return [moment(item.received_at), tenants && tenantText(item.tenant),
    h("a", { class: "key", href: detailLink(item), "aria-label": `${name}: open` }, item.key || "(none)"),
    entity(item.entity),
    [h("span", { title: item.event }, event(item.event)),
      item.status && h("span", { class: "after" }, ` → ${item.status}`)],
    [chip(tone, label, meaning), item.reason && h("span", { class: "after" }, ` ${reason(item.reason)}`),
      feedback.state === "parked" && h("span", { class: "after" }, " Feedback parked",
        feedback.cause && `: ${cause(feedback.cause)}`)],
    success(feedback), item.source ?? h("span", { class: "faint" }, "–"),
    h("span", { class: "message", title: feedback.description }, feedback.description ?? ""),
    [button("Feedback", () => showFeedback(item),
      { class: "row", "aria-label": `View notification feedback of ${name}` }),
    offered(item).includes("replay") &&
      button("Resend", () => resend(item), { class: "row", "aria-label": `Resend ${name}` })]];
}

/** True or False, as in the ERP's window, or the state of feedback that has no result yet. */
export function success({ state: own, is_success: yes }) {
  if (yes !== undefined) return h("span", { class: yes ? "yes" : "no" }, yes ? "True" : "False");
  const [label, tone] = FEEDBACK[own] ?? [own, "calm"];
  return ["none", "parked"].includes(own) ? h("span", { class: "faint" }, "–")
    : chip(tone, label, "State of the notification feedback");
}
