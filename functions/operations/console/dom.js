// Elements. All text becomes text nodes. No code parses markup, and the page's policy forbids it.

import { inZone, zoneName } from "./zone.js";

// An element. `on` has listeners. Attributes that are null or false are left out. Texts become text
// nodes.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "value") {
      element.value = value;
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// `undefined` means the browser's language, here and for every number and date.
const tenths = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** A time with its time zone. The title has the exact time in UTC. */
export function moment(text) {
  const at = new Date(text);
  if (!text || Number.isNaN(at.getTime())) return h("span", { class: "faint" }, "–");
  const date = h("span", { class: "date" }, inZone(at, { day: "2-digit", month: "short" }));
  return h("time", { datetime: text, title: text }, date, " ", inZone(at, { timeStyle: "medium" }), " ",
    h("span", { class: "zone" }, zoneName(at)));
}

/** A duration as text: `1.2 s`, `5 min`. */
export function span(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${tenths.format(Math.max(seconds, 0))} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export const number = (value) => Number(value).toLocaleString();

/** A count that ends at 100,000. */
export const many = (value) => number(value) + (value >= 100000 ? "+" : "");

/** A number with its word: `1 time`, `2 times`. */
export const counted = (count, one, more) => `${number(count)} ${count === 1 ? one : more}`;

export function chip(tone, text, title) {
  return h("span", { class: `chip ${tone}`, title }, text);
}

export function button(label, click, attributes = {}) {
  return h("button", { type: "button", on: { click }, ...attributes }, label);
}

/** A card with its heading. */
export const card = (id, title, ...content) =>
  h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), ...content);

/** The links of tabs: address, text, and whether it is open. */
export const tabs = (links) => h("ul", {}, links.map(([href, text, isOpen]) =>
  h("li", {}, h("a", { href, "aria-current": isOpen ? "page" : null }, text))));

/** A term and its value, for a list of facts. */
export const fact = (term, ...value) => [h("dt", {}, term), h("dd", {}, ...value)];

let fields = 0;

/** A control with its label and an optional hint. */
export function field(label, control, hint) {
  const id = `field-${(fields += 1)}`;
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: `field ${control.dataset.width ?? ""}` },
    h("label", { for: id }, label), control, hint && h("p", { class: "hint", id: `${id}-hint` }, hint));
}

/** A select. Options are `[value, text]`, or `{label, options}` for a group. */
export function select(options, value = "", attributes = {}) {
  const option = ([own, text]) => h("option", { value: own, selected: own === value }, text);
  const one = (each) => (Array.isArray(each) ? option(each)
    : h("optgroup", { label: each.label }, each.options.map(option)));
  return h("select", attributes, options.map(one));
}

/** Announces a text to screen readers. */
export function announce(text) {
  const announcer = document.getElementById("announcer");
  if (announcer.textContent !== text) announcer.textContent = text;
}

/** Shows a text for some seconds, or an error until it is closed, and announces it. */
export function toast(text, tone = "good") {
  const close = () => {
    shown.remove();
    document.querySelector("h1")?.focus();
  };
  const shown = h("div", { class: `toast ${tone}` }, text,
    tone === "bad" && button("Close", close, { class: "quiet" }));
  document.getElementById("toasts").append(shown);
  announce(text);
  if (tone === "good") setTimeout(() => shown.remove(), 8000);
}

/** An error with a button to try again. */
export function trouble(problem, again) {
  const title = problem.status === 403 ? "Not allowed" : "That did not work";
  return h("div", { class: "notice bad", role: "alert" },
    h("p", {}, h("strong", {}, title), " ", problem.message),
    again && button("Try again", again, { class: "quiet" }));
}

export const empty = (title, ...more) => h("div", { class: "empty" }, h("p", { class: "lead" }, title), ...more);

/** The heading of a view. It gets the focus when the view is opened. */
export const heading = (...text) => h("h1", { tabindex: -1 }, ...text);

/** What tells a control from the others. */
export const called = (one) => one?.getAttribute("href") ?? one?.getAttribute("aria-label") ?? one?.textContent;

export const control = (place, name) =>
  [...place.querySelectorAll("a, button, pre")].find((one) => called(one) === name);

// Replaces the content. What a person has opened stays open. The focus stays on the control of the
// same name, or else goes to the heading.
export function renew(place, content) {
  const held = place.contains(document.activeElement) && called(document.activeElement);
  const open = [...place.querySelectorAll("[open] summary")].map(called);
  place.replaceChildren(...[content].flat());
  for (const one of place.querySelectorAll("summary")) one.parentElement.open ||= open.includes(called(one));
  if (held !== false) (control(place, held) ?? document.querySelector("h1")).focus();
}

// A modal dialog. After it closes, the focus returns to where it was. `body` gets the dialog. A
// second press of a button that asks the API first opens no second dialog.
export function dialog(title, body) {
  if (document.querySelector("dialog[open]")) return;
  const before = document.activeElement;
  const titled = h("h2", { id: "dialog-title" }, title);
  const element = h("dialog", { "aria-labelledby": "dialog-title" }, titled);
  element.append(...[body(element)].flat());
  element.addEventListener("close", () => {
    element.remove();
    (before?.isConnected ? before : control(document, called(before)) ?? document.querySelector("h1"))?.focus();
  });
  document.body.append(element);
  element.showModal();
}
