// The frame: sign-in, the views and their addresses (#/view/path?query).

import { read, remember, write } from "./address.js";
import { events } from "./api.js";
import { counters } from "./counters.js";
import { done } from "./deeds.js";
import { announce, button, called, control, field, h, heading, tabs } from "./dom.js";
import { box } from "./find.js";
import { comeBack, config, join, keep, leave, session, signOutEverywhere } from "./session.js";
import { chooseZone, chosenZone, OWN, zone } from "./zone.js";

const VIEWS = {
  overview: () => import("./overview.js"), notifications: () => import("./notifications.js"),
  attention: () => import("./attention.js"), pauses: () => import("./pauses.js"),
  replay: () => import("./replay.js"), letters: () => import("./letters.js"), observed: () => import("./observed.js"),
  audit: () => import("./audit.js"), notification: () => import("./detail.js"), entity: () => import("./entity.js"),
  search: () => import("./search.js"),
};
const MENU = { overview: "Overview", notifications: "Notifications", attention: "Attention", pauses: "Pauses",
  replay: "Replays", letters: "Dead letters", observed: "Observed", audit: "Audit" };
const ENDED = "Your session has ended. Sign in again.";
/** The entry of the menu for views that are not in the menu. */
const UNDER = { notification: "notifications", entity: "notifications" };

const [main, header, views, who, strip, find, toasts] = ["main", "header", "views", "who", "counters", "find", "toasts"]
  .map((id) => document.getElementById(id));
const zones = h("select", { "aria-label": "Time zone", on: { change: changeZone } });
let polling = null;
let shown = null;

function go(view, query = {}) {
  const hash = write(view, query);
  if (location.hash === hash) route();
  else location.hash = hash;
}

function place() {
  const { path: [view, ...rest], query } = read();
  return { view: VIEWS[view] ? view : "overview", path: rest, query };
}

/** Ends the view that is shown, and its dialog. */
function end() {
  shown?.abort();
  document.querySelector("dialog[open]")?.close();
}

// The focus goes to the heading of a new view, but not when the page has just been opened, and not
// when only the time zone changes. Going back, it returns to the control that was used last, and the
// page to its place.
async function route(event, movesFocus = shown !== null) {
  if (!session()) return signedOut(shown && ENDED);
  const left = event?.isTrusted && history.state;
  end();
  shown = new AbortController();
  const { signal } = shown;
  const { view, path, query } = place();
  if (query.tz) chooseZone(query.tz);
  if (chosenZone()) remember({ tz: chosenZone() });
  zones.replaceChildren(...[...new Set([OWN, "UTC", zone()])]
    .map((name) => h("option", { value: name, selected: name === zone() }, name)));
  frame();
  views.replaceChildren(tabs(Object.entries(MENU).map(([name, label]) =>
    [`#/${name}`, label, name === (UNDER[view] ?? view)])));
  const repaired = (listener) => done.addEventListener("done", () => {
    listener();
    polling?.now();
  }, { signal });
  try {
    const { show, title } = await VIEWS[view]();
    if (signal.aborted) return;
    document.title = `${title} · Webhook notifications`;
    const fresh = h("div", { class: `view ${view}` });
    main.replaceChildren(fresh);
    const showing = show(fresh, { path, query, go, signal, repaired });
    const start = fresh.querySelector("h1") ?? main;
    if (movesFocus) start.focus();
    await showing;
    if (left && !signal.aborted && document.activeElement === start) comeTo(left);
  } catch (error) {
    // A view whose file cannot be loaded: there is no network, or the console has a newer version.
    const isThere = await fetch(new URL("config.json", import.meta.url), { cache: "no-store" }).catch(() => null);
    if (signal.aborted) return;
    const why = isThere ? ["There may be a newer version of the console. ", error.message]
      : "The console cannot be reached. Is there a network?";
    main.replaceChildren(h("div", { class: "notice bad", role: "alert" },
      h("p", {}, "This view could not be opened. ", why),
      button("Reload", () => location.reload(), { class: "quiet" })));
  }
}

/** The control that is used and the place of the page, for the way back. */
function leaveMark({ target }) {
  history.replaceState({ at: scrollY, name: called(target.closest("a, button")) }, "");
}

function comeTo({ at, name }) {
  control(main, name)?.focus({ preventScroll: true });
  scrollTo(0, at);
}

function changeZone() {
  chooseZone(zones.value);
  remember({ tz: zones.value });
  route(null, false);
}

function frame() {
  const { name, roles, token } = session();
  if (polling?.token === token) return;
  polling?.end();
  header.hidden = false;
  who.replaceChildren(h("span", { class: "name", title: name }, name),
    h("span", { class: "roles" }, roles.join(" · ") || "no role"),
    zones,
    button("Sign out", () => { signOutEverywhere(); signedOut("You have signed out."); }, { class: "quiet" }));
  box(find, go);
  const stop = new AbortController();
  polling = { ...counters(strip, stop.signal), token, end: () => stop.abort() };
}

async function signedOut(message) {
  end();
  shown = null;
  polling?.end();
  polling = null;
  header.hidden = true;
  for (const one of [main, views, who, strip, find, toasts]) one.replaceChildren();
  document.title = "Sign in · Webhook notifications";
  const problem = h("p", { class: "problem", role: "alert" }, message ?? "");
  const failed = (error) => { problem.textContent = error.message; };
  const { clientId, issuer } = await config().catch((error) => { failed(error); return {}; });
  // Another tab may have answered meanwhile.
  if (shown) return;
  const ways = clientId ? [button("Sign in", () => leave().catch(failed), { class: "primary wide" }),
    h("p", { class: "hint" }, `${new URL(issuer).host} will ask you.`)] : [];
  main.replaceChildren(h("div", { class: "sign-in card" },
    h("p", { class: "brand" }, h("span", { "aria-hidden": "true" }), "Webhook notifications"),
    heading("Sign in"), problem, ...ways, pasting(failed, !clientId)));
  if (!message) return;
  main.querySelector("h1").focus();
  announce(message);
}

function pasting(failed, open) {
  const token = h("textarea", { name: "token", rows: 4, required: true, autocomplete: "off", spellcheck: "false" });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await keep(token.value);
      token.value = "";
      await route(null, true);
    } catch (error) {
      failed(error);
    }
  };
  return h("details", { open }, h("summary", {}, "Use a token"),
    h("form", { on: { submit } }, field("Token", token,
      "An access token of the issuer. Open tabs share it until you sign out."),
      h("button", { class: "primary wide" }, "Use this token")));
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", route);
addEventListener("click", leaveMark, true);
// A person who is signing in again is not disturbed.
addEventListener("signed-out", () => shown && signedOut("You have signed out in another tab."));
events.addEventListener("signed-out", () => shown && signedOut(ENDED));
try {
  const hasSignedIn = await comeBack();
  await join();
  await route(null, hasSignedIn);
} catch (error) {
  await signedOut(error.message);
}
