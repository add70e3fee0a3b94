// Resends of parked feedback: first a plan with its causes, then a job.

import { post } from "./api.js";
import { DEEDS, confirmedJob } from "./deeds.js";
import { h, number, span } from "./dom.js";
import { cause, LEFT_OUT, reason } from "./words.js";

export function resendAll(items, view) {
  const wanted = filter(items);
  confirmedJob(post("feedback/plans", wanted, view.signal), view, (plan) => ({
    title: `Resend feedback: ${plan.at_least ? "at least " : ""}${number(plan.count)}`, label: "Resend",
    content: [h("p", {}, DEEDS.feedback[1]), h("p", {}, `It takes about ${span(plan.seconds * 1000)}.`),
      plan.left_out && h("p", { class: "told" }, `${LEFT_OUT}.`), h("ul", { class: "sample" }, plan.causes.map((one) =>
        h("li", {}, `${number(one.count)}: ${reason(one.reason)}`, one.cause && `, ${cause(one.cause)}`)))],
    hint: "Optional. Shown in each timeline.",
    begin: (note) => post("feedback/resends", { ...wanted, note }), said: "The resend has begun.",
  }));
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
