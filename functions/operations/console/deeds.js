// The actions on one notification for people with the role.

import { ask, post } from "./api.js";
import { button, chip, dialog, fact, field, h, moment, toast } from "./dom.js";
import { entity, FEEDBACK } from "./words.js";
import { may } from "./session.js";

/** Receives an event after each action, with the notification's `ref` as detail. */
export const done = new EventTarget();

const UNFINISHED = ["retrying", "paused", "dead", "parked"];

/** The actions that the notification's state and the user's role allow. */
export function offered({ state, reason, feedback, attention, moved_to: moved }) {
  if (!may("repair")) return [];
  const held = state === "parked" && reason === "held";
  return [
    !moved && "replay",
    UNFINISHED.includes(state) && !held && "hold",
    (held || state === "paused") && "release",
    ["parked", "queued"].includes(feedback.state) && "feedback",
    feedback.state === "awaited" && "outcome",
    attention && (attention.acknowledged ? "unacknowledge" : "acknowledge"),
  ].filter(Boolean);
}

/** Label, explanation, and the message afterwards. */
export const DEEDS = {
  replay: ["Resend notification",
    "Gives it to the processor again, as Resend does in the ERP. If it has ended, it keeps its status and its feedback. Its event is sent under the same id.",
    "Handed to the processor."],
  hold: ["Hold", "No further attempt is made until it is released.", "Held."],
  release: ["Release", "It continues.", "Released."],
  feedback: ["Resend feedback", "Sends it to Visma Net again, unless Visma Net has accepted it.", "Feedback queued."],
  acknowledge: ["Acknowledge", "Removes it from Attention and its counts until it changes again.", "Acknowledged."],
  unacknowledge: ["Bring back", "It needs attention again.", "Brought back."],
};

/** Does it. An acknowledgement is refused if the notification has changed since it was drawn. */
function act({ ref, attention }, deed, note) {
  const of = (what) => `notifications/${encodeURIComponent(ref)}/${what}`;
  if (deed === "unacknowledge") return ask("DELETE", `v1/${of("acknowledgement")}`, { body: { note } });
  return deed === "acknowledge" ? post(of("acknowledgement"), { note, seen_at: attention.changed_at })
    : post(of(deed), { note });
}

export const resend = (item) => confirmed(item, "replay");

/** Asks for a note, does the action, and shows a message. */
export function confirmed(item, deed) {
  const [label, meaning, after] = DEEDS[deed];
  const note = h("textarea", { rows: 2, maxlength: 500, autofocus: true });
  form(`${label}: ${entity(item.entity)} ${item.key}`, label,
    [h("p", {}, meaning), field("Note", note, "Optional. Shown in the timeline.")], async () => {
    await act(item, deed, note.value);
    finished(item, after);
  });
}

// The same for many notifications, one after the other. Refusals are counted; the others continue.
export function confirmedAll(items, deed) {
  const [label, meaning, after] = DEEDS[deed];
  const note = h("textarea", { rows: 2, maxlength: 500, autofocus: true });
  form(`${label}: all ${items.length}`, label,
    [h("p", {}, meaning), field("Note", note, "Optional. Shown in each timeline.")], async () => {
    const refused = [];
    for (const item of items) await act(item, deed, note.value).catch((error) => refused.push(error));
    const told = refused.length > 0 ? `${refused.length} of ${items.length} refused: ${refused[0].message}` : after;
    toast(told, refused.length > 0 ? "bad" : "good");
    done.dispatchEvent(new CustomEvent("done"));
  });
}

/** Asks for an outcome and sends it. */
export function handIn(item) {
  const text = h("textarea", { rows: 3, maxlength: 500, required: true, autofocus: true });
  const choice = (value, label, checked) =>
    h("label", { class: "choice" }, h("input", { type: "radio", name: "success", value, checked }), label);
  const success = h("fieldset", {}, h("legend", {}, "Success"), choice("true", "True", true),
    choice("false", "False", false));
  form(`Outcome of ${entity(item.entity)} ${item.key}`, "Hand in",
    [success, field("Message", text, "The accountant reads it in the ERP.")], async (element) => {
    const isSuccess = element.querySelector("input[name=success]:checked").value === "true";
    await post(`notifications/${encodeURIComponent(item.ref)}/outcome`,
      { is_success: isSuccess, description: text.value });
    finished(item, "Outcome handed in.");
  });
}

function finished({ ref }, text) {
  toast(text);
  done.dispatchEvent(new CustomEvent("done", { detail: ref }));
}

/** A dialog with a form. Errors are shown in it. */
export function form(title, label, content, act) {
  dialog(title, (element) => {
    const problem = h("p", { class: "problem", role: "alert" });
    const go = h("button", { class: "primary" }, label);
    const submit = async (event) => {
      event.preventDefault();
      go.disabled = true;
      problem.textContent = "";
      try {
        await act(element);
        element.close();
      } catch (error) {
        if (!element.open) return toast(error.message, "bad");
        problem.textContent = error.message;
        go.disabled = false;
      }
    };
    const cancel = button("Cancel", () => element.close(), { class: "quiet" });
    return h("form", { on: { submit } }, ...content, problem, h("div", { class: "buttons" }, cancel, go));
  });
}

/** The pop-up "Webhook notification feedback". */
export function showFeedback({ entity: name, key, feedback }) {
  dialog("Webhook notification feedback", (element) => {
    const [label, tone] = FEEDBACK[feedback.state] ?? [feedback.state, "calm"];
    const success = feedback.is_success === undefined ? "–" : feedback.is_success ? "True" : "False";
    return [
      h("p", { class: "faint" }, `${entity(name)} ${key}`),
      h("p", { class: "quote" }, feedback.description ?? "There is no feedback yet."),
      h("dl", { class: "facts" }, fact("Feedback", chip(tone, label)), fact("Success", success),
        feedback.at && fact("At", moment(feedback.at)),
        feedback.deadline && fact("Awaited until", moment(feedback.deadline))),
      h("div", { class: "buttons" }, button("Close", () => element.close(), { class: "primary", autofocus: true })),
    ];
  });
}

/** The exact text of the notification. Each read is logged. */
export const raw = (ref, signal) => ask("GET", `raw/notifications/${encodeURIComponent(ref)}`, { signal });
