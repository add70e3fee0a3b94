// The filters of lists and replays.

import { button, field, h, select } from "./dom.js";
import { detailOf, directory, idOf, labelOf, mistakeIn } from "./tenants.js";
import { ENTITY_OPTIONS, EVENTS, STATE_OPTIONS } from "./words.js";
import { fromField, toField, zone } from "./zone.js";

const KEEP = "console.tenants";
const kept = () => JSON.parse(sessionStorage.getItem(KEEP) ?? "[]");

/** Remembers tenants seen in this tab. They are suggested first. */
export function meet(...tenants) {
  const all = [...new Set([...tenants.filter(Boolean), ...kept()])].slice(0, 50);
  sessionStorage.setItem(KEEP, JSON.stringify(all));
}

/** Ids for suggestions: tenants seen in this tab, then the others, the one last heard of first. */
export const recent = async () => [...new Set([...kept(), ...(await directory()).map(({ id }) => id)])];

/** The tenant that was chosen last. */
export const chosen = () => sessionStorage.getItem("console.tenant") ?? undefined;

export function choose(tenant) {
  sessionStorage.setItem("console.tenant", tenant);
  meet(tenant);
}

function suggested(name, suggestions, attributes) {
  const list = h("datalist", { id: `suggested-${name}` }, suggestions.map((value) => h("option", { value })));
  const input = h("input", { name, list: list.id, autocomplete: "off", spellcheck: "false", ...attributes });
  return { input, list };
}

export function tenantField(value = "", { required = true } = {}) {
  const { input, list } = suggested("tenant", kept(),
    { value, required, maxlength: 200, placeholder: required ? null : "All tenants", "data-width": "wide" });
  const check = () => input.setCustomValidity(mistakeIn(input.value));
  input.addEventListener("input", check);
  recent().then((ids) => {
    list.replaceChildren(...ids.map((id) => h("option", { value: labelOf(id), label: detailOf(id) })));
    if (value && input.value === value) input.value = labelOf(value);
    check();
  });
  return [field("Tenant", input), list];
}

export function eventField(value = "") {
  const { input, list } = suggested("event", EVENTS, { value, maxlength: 100 });
  return [field("Event", input), list];
}

export const entityField = (value) => field("Type", select(ENTITY_OPTIONS, value, { name: "entity" }));
export const stateField = (value) => field("Status", select(STATE_OPTIONS, value, { name: "state" }));
export const keyField = (value = "") =>
  field("Number", h("input", { name: "key", value, maxlength: 256, autocomplete: "off" }));

/** A time in the chosen zone. `value` and the result of `read` are in UTC. */
export const timeField = (label, name, value, attributes = {}) =>
  field(label, h("input", { type: "datetime-local", name, value: local(value), "data-utc": value,
    title: `In ${zone()}`, ...attributes }));

function local(text) {
  const at = new Date(text ?? "");
  if (Number.isNaN(at.getTime())) return "";
  return toField(at.getTime());
}

// The filters of a view. *Show* puts them into its address. The other button clears them.
export function filters(view, go, label, fields, clear, cleared) {
  const submit = (event) => {
    event.preventDefault();
    go(view, read(event.target));
  };
  return h("form", { class: "filters", role: "search", "aria-label": label, on: { submit } }, fields,
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Show"),
      button(clear, () => go(view, cleared), { class: "quiet" })));
}

const TIMES = ["from", "to"];

/** The values of a form, without empty ones. A tenant becomes its id. */
export function read(form) {
  const entries = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()])
    .filter(([, value]) => value);
  // An unchanged time stays exact: the field has no seconds, and in autumn an hour comes twice.
  const utc = (name, value) => {
    const own = form.elements[name].dataset.utc;
    return new Date(local(own) === value ? own : fromField(value)).toISOString().replace(/\.\d+Z$/, "Z");
  };
  const meant = (name, value) =>
    (name === "tenant" ? idOf(value) ?? value : TIMES.includes(name) ? utc(name, value) : value);
  return Object.fromEntries(entries.map(([name, value]) => [name, meant(name, value)]));
}
