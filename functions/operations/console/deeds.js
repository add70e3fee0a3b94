// The actions on one notification for people with the role.

import { ask, post } from "./api.js";
import { button, chip, dialog, fact, field, h, moment, toast } from "./dom.js";
import { entity, FEEDBACK } from "./words.js";
import { may } from "./session.js";

/** Receives an event after each action. */
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
    feedback.state === "awaited" && feedback.is_success == null && "outcome",
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

const noteArea = () => h("textarea", { rows: 2, maxlength: 500, autofocus: true });

/** Asks for a note, does the action, and shows a message. */
export const confirmed = (item, deed) =>
  noted(deed, `${entity(item.entity)} ${item.key}`, "Optional. Shown in the timeline.", async (note) => {
    await act(item, deed, note);
    finished(DEEDS[deed][2]);
  });

// The same for many notifications, one after the other. Refusals are counted; the others continue.
// It stops when its dialog closes: by Cancel, with its view, or at the end of the session. The rest
// would otherwise be done in the name of the next person who signs in.
export const confirmedAll = (items, deed) =>
  noted(deed, `all ${items.length}`, "Optional. Shown in each timeline.", async (note, element) => {
    const [open, refused] = [[...items], []];
    while (open.length > 0 && element.open)
      await act(open.shift(), deed, note).catch((error) => refused.push(error));
    const problems = [open.length > 0 && `Not done: ${open.length} of ${items.length}.`,
      refused.length > 0 && `${refused.length} of ${items.length} refused: ${refused[0].message}`].filter(Boolean);
    if (problems.length === 0) finished(DEEDS[deed][2]);
    else finished(problems.join(" "), "bad");
  });

function noted(deed, what, hint, act) {
  const [label, meaning] = DEEDS[deed];
  const note = noteArea();
  form(`${label}: ${what}`, label, [h("p", {}, meaning), field("Note", note, hint)],
    (element) => act(note.value, element));
}

// Asks for a note when the plan is there, begins the job that `asked` describes, and shows the jobs
// if the person has not left meanwhile.
export async function confirmedJob(plan, { go, signal }, asked) {
  let made;
  try {
    made = await plan;
  } catch (error) {
    if (!signal.aborted) toast(error.message, "bad");
    return;
  }
  const note = noteArea();
  const { title, label, content, hint, begin, said } = asked(made);
  form(title, label, [...content, field("Note", note, hint)], async () => {
    await begin(note.value);
    toast(said);
    if (!signal.aborted) go("replay");
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
    finished("Outcome handed in.");
  });
}

function finished(text, tone) {
  toast(text, tone);
  done.dispatchEvent(new Event("done"));
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

export const feedbackTimes = ({ at, deadline }) =>
  [at && fact("At", moment(at)), deadline && fact("Awaited until", moment(deadline))];

/** The pop-up "Webhook notification feedback". */
export function showFeedback({ entity: name, key, feedback }) {
  dialog("Webhook notification feedback", (element) => {
    const [label, tone] = FEEDBACK[feedback.state] ?? [feedback.state, "calm"];
    const success = feedback.is_success === undefined ? "–" : feedback.is_success ? "True" : "False";
    return [
      h("p", { class: "faint" }, `${entity(name)} ${key}`),
      h("p", { class: "quote" }, feedback.description ?? "There is no feedback yet."),
      h("dl", { class: "facts" }, fact("Feedback", chip(tone, label)), fact("Success", success),
        feedbackTimes(feedback)),
      h("div", { class: "buttons" }, button("Close", () => element.close(), { class: "primary", autofocus: true })),
    ];
  });
}

/** The exact text of the notification. Each read is logged. */
export const raw = (ref, signal) => ask("GET", `raw/notifications/${encodeURIComponent(ref)}`, { signal });
