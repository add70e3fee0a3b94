// One notification with its timeline.

import { again, repeat } from "./api.js";
import { button, card, chip, fact, h, heading, moment, renew, span, trouble } from "./dom.js";
import { confirmed, DEEDS, feedbackTimes, handIn, offered, raw, showFeedback } from "./deeds.js";
import { meet } from "./filters.js";
import { config, may } from "./session.js";
import { crumb, detailLink, entityLink, success } from "./table.js";
import { cause, entity, event, moment as word, reason, remedy, state } from "./words.js";

export const title = "Notification";

export async function show(main, { path, signal, repaired }) {
  const ref = decodeURIComponent(path[0] ?? "");
  const place = h("div", {});
  main.append(place);
  let shown = "";
  const load = async (own) => {
    const item = await again(`notifications/${encodeURIComponent(ref)}`, {}, own);
    const text = JSON.stringify(item);
    if (text === shown) return "same";
    const { aws } = await config().catch(() => ({}));
    const first = !shown;
    shown = text;
    meet(item.tenant);
    draw(place, { ...item, aws }, signal, first);
    return "changed";
  };
  try {
    await load(signal);
  } catch (error) {
    if (!signal.aborted) place.replaceChildren(heading("Notification"), trouble(error, () => location.reload()));
    return;
  }
  const polling = repeat(load, { first: 3000, signal });
  repaired(() => polling.now());
}

function draw(place, item, signal, first) {
  const [label, tone, meaning] = state(item.state);
  const top = h("div", { class: "title" },
    heading(h("span", { class: "kind" }, entity(item.entity)), " ", item.key || "(no number)"),
    h("p", {}, chip(tone, label, meaning), " ", h("span", { title: item.event }, event(item.event)),
      item.status && ` → ${item.status}`, item.reason && h("span", { class: "faint" }, ` · ${reason(item.reason)}`),
      item.attention?.acknowledged && [" ", chip("calm", "Acknowledged")]),
    ["parked", "dead"].includes(item.state) && h("p", { class: "lead" }, remedy(item.reason).slice(0, 2).join(" ")));
  // The body that a person may be reading stays; the rest is drawn again.
  const body = first ? bodyCard(item, signal) : place.querySelector("[aria-labelledby=body-title]");
  renew(place, [crumb(item.tenant), top, deeds(item),
    h("div", { class: "columns" },
      card("timeline-title", "Timeline", timeline(item)),
      h("div", { class: "side" }, feedbackCard(item), factsCard(item), body ?? null))]);
}

function deeds(item) {
  const act = (deed) => () => (deed === "outcome" ? handIn(item) : confirmed(item, deed));
  return h("div", { class: "deeds", role: "group", "aria-label": "Actions" },
    button("View notification feedback", () => showFeedback(item)),
    offered(item).map((deed) => button(DEEDS[deed]?.[0] ?? "Hand in outcome", act(deed))));
}

function timeline(item) {
  const start = new Date(item.timeline[0]?.at ?? item.received_at);
  return h("ol", { class: "timeline" }, item.timeline.map((one) => {
    const [label, tone] = word(one.what);
    const after = new Date(one.at) - start;
    const notes = [
      one.reason && reason(one.reason), one.receive_count && `attempt ${one.receive_count}`, one.by && `by ${one.by}`,
      after > 0 && `after ${span(after)}`,
    ].filter(Boolean);
    return h("li", { class: tone, "data-what": one.what },
      h("p", { class: "what" }, h("strong", {}, label), " ", moment(one.at)),
      one.text && h("p", { class: "text" }, cause(one.text)),
      one.what === "received" && h("p", { class: "text" }, `By ${item.channel}, subscription ${item.subscription}`,
        item.origin !== "webhook" && `, ${item.origin}`),
      one.what === "processed" && item.status && h("p", { class: "text" }, `The document's status: ${item.status}`),
      notes.length > 0 && h("p", { class: "notes" }, notes.join(" · ")));
  }));
}

function feedbackCard(item) {
  const { feedback } = item;
  return card("feedback-title", "Notification feedback",
    h("p", { class: "quote" }, feedback.description ?? "There is none yet."),
    h("dl", { class: "facts" }, fact("Success", success(feedback)),
      feedback.state === "parked" && fact("Parked", cause(feedback.cause) || "Visma Net did not accept it"),
      feedbackTimes(feedback)));
}

const code = (text) => h("span", { class: "code" }, text);

function factsCard(item) {
  return card("facts-title", "About it",
    h("dl", { class: "facts" },
      item.key && fact("Number", h("a", { href: entityLink(item) }, `${item.key}: current state`)),
      item.moved_to && fact("Moved to", h("a", { href: detailLink({ ref: item.moved_to }) },
        "the record under its own key")),
      item.moved_from && fact("Continues",
        h("a", { href: detailLink({ ref: item.moved_from }) }, "the record before the settings could read it")),
      fact("Event", code(item.event)), fact("Source", item.source ?? "–"), fact("Tenant", code(item.tenant)),
      fact("Subscription", code(item.subscription)), fact("Delivery", code(item.delivery)),
      fact("Id of its events", code(item.id)), fact("Failed attempts", String(item.attempts)),
      item.aws && fact("In AWS", elsewhere(item.aws, item))));
}

/** Links to the log lines about it, and to the traces of the moment when it came. */
export function elsewhere({ logs, traces }, { id, delivery, origin, received_at: came, timeline }) {
  const encoded = (text) => encodeURIComponent(text).replaceAll("%", "*");
  const at = (time, seconds) => new Date(Date.parse(time) + seconds * 1000).toISOString();
  const link = (label, url, values) =>
    h("a", { href: url.replace(/@(\w+)/g, (_, name) => values[name]), target: "_blank", rel: "noreferrer" }, label);
  return [
    link("Log lines", logs, { id: encoded(id), delivery: encoded(delivery), from: encoded(at(came, -60)),
      to: encoded(at(timeline.at(-1)?.at ?? came, 600)) }),
    // X-Ray starts a trace some moments before the receipt. Other origins have no request.
    origin === "webhook" && [", ", link("traces of its receipt", traces,
      { from: at(came, -5).slice(0, 19), to: at(came, 2).slice(0, 19) })],
  ];
}

function bodyCard(item, signal) {
  if (!may("raw")) return null;
  const place = h("div", {});
  const read = async () => {
    show.disabled = true;
    try {
      const { text } = await raw(item.ref, signal);
      const shown = h("pre", { tabindex: 0, "aria-label": "Body as it came" }, text);
      place.replaceChildren(shown);
      shown.focus();
    } catch (error) {
      show.disabled = false;
      if (!signal.aborted) place.replaceChildren(show, trouble(error));
    }
  };
  const show = button("Show the body", read, { class: "quiet" });
  place.append(show, h("p", { class: "hint" }, "It may contain personal data. Each read is logged."));
  return card("body-title", "As it came", place);
}
