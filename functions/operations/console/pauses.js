// The pauses in force, and how many notifications wait for them.

import { ask, get } from "./api.js";
import { button, counted, empty, field, h, heading, moment, span, toast } from "./dom.js";
import { form as dialogForm } from "./deeds.js";
import { meet, tenantField, timeField } from "./filters.js";
import { filled } from "./live.js";
import { may } from "./session.js";
import { grid } from "./table.js";
import { idOf, tenantText } from "./tenants.js";
import { fromField, toField } from "./zone.js";

export const title = "Pauses";

export async function show(main, { signal, go }) {
  const place = h("section", { "aria-label": "Pauses in force" });
  // This text is as high as the later one, so that nothing moves while a person clicks.
  const backlog = h("p", { class: "lead" }, "Counting what waits…");
  const load = filled(place, signal, async (own) => {
    const [{ items }, counts] = await Promise.all([get("pauses", {}, own), get("counts", {}, own)]);
    meet(...items.map(({ tenant }) => tenant));
    backlog.replaceChildren(...told(counts.paused));
    return items.length === 0 ? empty("Nothing is paused.") : drawn(items, { go, signal });
  });
  main.append(heading(title), backlog);
  if (may("repair")) main.append(h("div", { class: "deeds" },
    button("Begin a pause", () => begin(load), { class: "primary" })));
  main.append(place);
  await load();
}

function told(paused) {
  if (paused === 0) return ["Nothing waits."];
  return [h("a", { href: "#/attention?kind=paused" },
    counted(paused, "notification waits", "notifications wait")), ". When the pause ends, a ",
    h("a", { href: "#/replay" }, "job"), " releases them."];
}

function drawn(items, view) {
  const heads = ["Tenant", "Events", "Since", "For", "Ends", "By", "Note", may("repair") && "Actions"];
  const row = (pause) => [pause.tenant ? tenantText(pause.tenant) : "Every tenant",
    h("span", { class: "code" }, pause.events), moment(pause.since),
    span(Date.now() - new Date(pause.since)), moment(pause.until), pause.by, pause.note || "–",
    button("End", () => end(pause, view),
      { class: "row", "aria-label": `End the pause of ${pause.events} for ${pause.tenant ?? "every tenant"}` })];
  return grid("Pauses in force", heads, items.map(row));
}

function begin(load) {
  const events = h("input", { name: "events", value: "*", required: true, pattern: "[a-z_.*]+", maxlength: 100 });
  const note = h("textarea", { rows: 2, maxlength: 500 });
  const fresh = h("input", { type: "checkbox" });
  const content = [h("p", {},
    "Notifications wait in the ledger until the pause ends; none is lost. It takes effect within 15 seconds."),
    ...tenantField("", { required: false }), h("p", { class: "hint" }, "Without a tenant, all are paused."),
    h("label", { class: "choice" }, fresh, "Nothing has come from this tenant yet"),
    field("Events", events, "A pattern such as sales_order.*; * for all."),
    timeField("Ends", "until", undefined, { min: toField(Date.now()) }),
    h("p", { class: "hint" },
      "Without a time, it lasts until a person ends it. What waited continues some minutes later."),
    field("Note", note, "Optional.")];
  dialogForm("Begin a pause", "Begin", content, async (element) => {
    const text = element.querySelector("[name=tenant]").value.trim();
    const tenant = text && (idOf(text) ?? text);
    const end = element.querySelector("[name=until]").value;
    const until = end && new Date(fromField(end)).toISOString();
    await ask("PUT", "v1/pauses", { body: { ...(tenant && { tenant }), events: events.value.trim(), note: note.value,
      ...(until && { until }), ...(fresh.checked && { new_tenant: true }) } });
    toast("Paused.");
    await load();
  });
}

function end({ tenant, events }, { go, signal }) {
  const content = [h("p", {}, "New notifications continue at once. A job releases those that waited.")];
  dialogForm(`End the pause of ${events}`, "End the pause", content, async () => {
    await ask("DELETE", "v1/pauses", { body: { ...(tenant && { tenant }), events } });
    toast("The pause has ended.");
    if (!signal.aborted) go("replay");
  });
}
