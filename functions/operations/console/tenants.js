// The directory of tenants with their names. It is empty before the reconciler's first run.

import { get } from "./api.js";
import { h } from "./dom.js";
import { session } from "./session.js";

let asked = null;
let known = [];

// All tenants, the one last heard of first. It is requested once per sign-in, and is empty if that
// fails or nobody is signed in.
export function directory() {
  const token = session()?.token;
  if (!token) return Promise.resolve([]);
  if (asked?.token !== token) {
    known = [];
    const failed = () => {
      asked = null;
      return [];
    };
    asked = { token, answer: get("tenants").then(({ items }) => (known = items), failed) };
  }
  return asked.answer;
}

const same = (one, other) => one?.toLowerCase() === other.toLowerCase();

function label({ id, name, company_id: company }) {
  if (!name) return id;
  const isAlone = known.filter((other) => same(other.name, name)).length < 2;
  return isAlone ? name : `${name} (${company ?? id})`;
}

/** The name of a tenant, or its id if it has no name. */
export function labelOf(id) {
  const own = known.find((one) => same(one.id, id));
  return own ? label(own) : id;
}

/** Company number and id, to tell tenants apart. */
export const detailOf = (id) => known.filter((one) => same(one.id, id))
  .map(({ name, company_id: company }) => [company, name && id].filter(Boolean).join(" · "))[0];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ID = /^[\w-]{1,64}$/;

/** The id for a name, a company number or an id. Null if no tenant or several tenants match. */
export function idOf(text) {
  const wanted = text.trim();
  const exact = known.filter((one) => same(one.id, wanted) || same(label(one), wanted));
  const found = exact.length > 0 ? exact
    : known.filter((one) => same(one.name, wanted) || same(one.company_id, wanted));
  if (found.length === 1) return found[0].id;
  // A subscription may serve tenants that the settings do not list.
  // `unknown` is for notifications without a tenant.
  const isOther = UUID.test(wanted) || wanted === "unknown" || (known.length === 0 && ID.test(wanted));
  return found.length === 0 && isOther ? wanted : null;
}

/** Why a text names no tenant; empty if it names one. */
export function mistakeIn(text) {
  if (!text.trim() || idOf(text)) return "";
  const near = nearest(text);
  return near.length > 0 ? `No tenant has this name, or several have it. Similar: ${near.join(", ")}.`
    : "No tenant has this name.";
}

const pairs = (text) => new Set([...text.toLowerCase()].map((_, at, all) => all.slice(at, at + 2).join(""))
  .filter((pair) => pair.length === 2));

/** At most three tenants with similar names. */
function nearest(text) {
  const wanted = pairs(text);
  const score = (one) => [...pairs(one)].filter((pair) => wanted.has(pair)).length / Math.max(wanted.size, 1);
  const scored = known.map((one) => [label(one), score(label(one))]).filter(([, own]) => own >= 0.3);
  return scored.sort(([, one], [, other]) => other - one).slice(0, 3).map(([own]) => own);
}

/** A tenant's name, as soon as it is known. The title is the id. */
export function tenantText(id) {
  const shown = h("span", { class: "code", title: id }, id);
  directory().then(() => {
    const own = labelOf(id);
    if (own === id) return;
    shown.textContent = own;
    shown.classList.remove("code");
  });
  return shown;
}
