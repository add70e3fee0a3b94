// Dead letters of all queues, and their redrive: first a plan, then a job.

import { get, post } from "./api.js";
import { announce, button, chip, h, heading, moment, number, span } from "./dom.js";
import { confirmedJob } from "./deeds.js";
import { filled } from "./live.js";
import { may } from "./session.js";
import { detailLink, grid } from "./table.js";
import { tenantText } from "./tenants.js";
import { reason } from "./words.js";

export const title = "Dead letters";

const AGAIN = "Would die again";
/** The most letters shown of a queue. */
const LIMIT = 20;

export async function show(main, { go, signal }) {
  const place = h("div", { class: "side" });
  const load = filled(place, signal, async (own) => {
    const { queues } = await get("dead-letters", { limit: LIMIT }, own);
    announce(queues.map(({ name, waiting }) => `${name} ${number(waiting)}`).join(", "));
    return queues.map((queue) => group(queue, { go, signal }));
  });
  main.append(heading(title), h("p", { class: "lead" },
    "Messages that SQS gave up after all attempts, and outcomes that cannot be used. Remove the cause, then send them again."),
    place, h("div", { class: "foot" }, button("Read again", load, { class: "quiet" })));
  await load();
}

function group(queue, view) {
  const { name, waiting, in_flight: read, sample } = queue;
  const can = may("repair") && waiting > 0;
  return h("section", { class: "group", "aria-labelledby": `queue-${name}`, "data-queue": name },
    h("div", { class: "card" }, h("h2", { id: `queue-${name}` }, `${name}: ${number(waiting)}`),
      read > 0 && h("p", { class: "notes" }, `Being read or sent: ${number(read)}`),
      can && h("div", { class: "buttons" },
        button("Send all again", () => redrive(name, {}, view), { "aria-label": `Send all again: ${name}` }))),
    sample.length > 0 && grid(`Dead letters of ${name}`,
      ["First sent", "Tenant", "Notification", "Reason", can && "Actions"],
      sample.map((letter) => row(letter, name, can, view))));
}

function row(letter, queue, can, view) {
  const { id, detail, dies_again: again, notifications: own, event, job } = letter;
  const what = own.map((one) => [h("a", { href: detailLink(one) }, one.event), " "]);
  return [moment(letter.sent_at), letter.tenant ? tenantText(letter.tenant) : "–",
    own.length > 0 ? what : event ?? job ?? "–",
    [reason(letter.reason), again && [" ", chip("bad", AGAIN)], detail && h("p", { class: "notes" }, detail)],
    can && button("Send again", () => redrive(queue, { message: id, rejected: again }, view),
      { class: "row", "aria-label": `Send again: ${id}` })];
}

function redrive(name, wanted, view) {
  const rejected = h("input", { type: "checkbox", checked: wanted.rejected });
  confirmedJob(post(`dead-letters/${name}/plans`, wanted, view.signal), view, (plan) => ({
    title: `Send dead letters of ${name} again: about ${number(plan.count)}`, label: "Send",
    content: [h("p", {}, `It takes about ${span(plan.seconds * 1000)}.`),
      plan.dies_again > 0 && h("p", { class: "problem" },
        `${number(plan.dies_again)} of the first ${plan.sample.length} would die again, unless what refuses them has changed.`),
      name === "feedback" && h("label", { class: "choice" }, rejected, "Also send outcomes that were rejected")],
    hint: "Optional. Shown in the audit.",
    begin: (note) => post(`dead-letters/${name}/redrives`, { ...wanted, rejected: rejected.checked, note }),
    said: "The redrive has begun.",
  }));
}
