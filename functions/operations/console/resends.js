// Resends of parked feedback: first a plan with its causes, then a job.

import { post } from "./api.js";
import { DEEDS, form } from "./deeds.js";
import { field, h, number, span, toast } from "./dom.js";
import { cause, reason } from "./words.js";

export async function resendAll(items, { go, signal }) {
  const wanted = filter(items);
  let plan;
  try {
    plan = await post("feedback/plans", wanted, signal);
  } catch (error) {
    if (!signal.aborted) toast(error.message, "bad");
    return;
  }
  const note = h("textarea", { rows: 2, maxlength: 500, autofocus: true });
  const causes = plan.causes.map((one) =>
    h("li", {}, `${number(one.count)}: ${reason(one.reason)}`, one.cause && `, ${cause(one.cause)}`));
  const content = [h("p", {}, DEEDS.feedback[1]), h("p", {}, `It takes about ${span(plan.seconds * 1000)}.`),
    h("ul", { class: "sample" }, causes), field("Note", note, "Optional. Shown in each timeline.")];
  form(`Resend feedback: ${plan.at_least ? "at least " : ""}${number(plan.count)}`, "Resend", content,
    async () => {
    await post("feedback/resends", { ...wanted, note: note.value });
    toast("The resend has begun.");
    go("replay");
  });
}

/** The narrowest filter that finds them all. It may find more, so the plan shows how many. */
function filter(items) {
  const [{ tenant, feedback }] = items;
  const times = items.map((one) => new Date(one.feedback.at).getTime());
  const at = (time) => new Date(time).toISOString();
  return { tenant: items.every((one) => one.tenant === tenant) ? tenant : undefined, reason: feedback.reason,
    cause: items.map((one) => one.feedback.cause ?? "").reduce(common).slice(0, 300) || undefined,
    from: at(Math.min(...times)), to: at(Math.max(...times) + 1) };
}

/** The common beginning of both. Texts of one cause may differ in long numbers. */
function common(one, other) {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, length);
}
