// The directory of tenants: what people call them. The reconciler writes it, so before its first run there is nothing in it.

import { get } from "./api.js";
import { h } from "./dom.js";
import { session } from "./session.js";

let asked = null;
let known = [];

/** All of them, the one last heard of first. It is asked for once by each who signs in, and empty where that fails. */
export function directory() {
  const token = session()?.token;
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

/** What a tenant is called; its id where it has no name. */
export function labelOf(id) {
  const own = known.find((one) => same(one.id, id));
  return own ? label(own) : id;
}

/** What tells it apart, for somebody who chooses. */
export const detailOf = (id) => known.filter((one) => same(one.id, id)).map(({ name, company_id: company }) => [company, name && id].filter(Boolean).join(" · "))[0];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ID = /^[\w-]{1,64}$/;

/** The id of whom somebody means by a name, a company number or an id; null of nobody, or of several. */
export function idOf(text) {
  const wanted = text.trim();
  const exact = known.filter((one) => same(one.id, wanted) || same(label(one), wanted));
  const found = exact.length > 0 ? exact : known.filter((one) => same(one.name, wanted) || same(one.company_id, wanted));
  if (found.length === 1) return found[0].id;
  // A subscription may serve tenants that the settings do not list, and what names no tenant is kept under this word.
  const isOther = UUID.test(wanted) || wanted === "unknown" || (known.length === 0 && ID.test(wanted));
  return found.length === 0 && isOther ? wanted : null;
}

/** Why a text means no tenant; empty where it means one. */
export function mistakeIn(text) {
  if (!text.trim() || idOf(text)) return "";
  const near = nearest(text);
  return near.length > 0 ? `No tenant is called so, or several are. Near: ${near.join(", ")}.` : "No tenant is called so.";
}

const pairs = (text) => new Set([...text.toLowerCase()].map((_, at, all) => all.slice(at, at + 2).join("")).filter((pair) => pair.length === 2));

/** Three at most whose names have much of the text in them. */
function nearest(text) {
  const wanted = pairs(text);
  const score = (one) => [...pairs(one)].filter((pair) => wanted.has(pair)).length / Math.max(wanted.size, 1);
  const scored = known.map((one) => [label(one), score(label(one))]).filter(([, own]) => own >= 0.3);
  return scored.sort(([, one], [, other]) => other - one).slice(0, 3).map(([own]) => own);
}

/** A tenant by its name as soon as that is known; its id is the title. */
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
