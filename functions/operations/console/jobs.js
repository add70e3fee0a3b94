// Jobs: their work, their progress, and their actions.

import { again, post, repeat } from "./api.js";
import { announce, button, called, chip, control, empty, h, moment, number, toast, trouble } from "./dom.js";
import { may } from "./session.js";
import { entity, LEFT_OUT, reason, state } from "./words.js";

const STATUS = { running: ["Running", "info"], finished: ["Finished", "good"], cancelled: ["Cancelled", "warn"] };
/** The label of each kind, and the word for what it has done. */
const KINDS = {
  replay: ["Replay", "replayed"], redrive: ["Redrive of dead letters", "sent again"],
  resend: ["Resend of feedback", "sent again"], release: ["Release after a pause", "released"],
  erase: ["Erasure", "deleted"],
};
const kindOf = (job) => KINDS[job.kind] ?? [job.kind, "done"];
/** Whether all outcomes are final. Only replays and resends have outcomes. */
const isSettled = ({ kind, status, outcomes }) => !["replay", "resend"].includes(kind) || status === "running"
  || Boolean(outcomes?.is_whole && outcomes.under_way === 0);
/** Whether it runs and nothing has happened for two minutes. */
const isIdle = ({ status, updated_at: at }) => status === "running" && Date.now() - new Date(at) > 120000;
/** The most jobs counted at a time. The API counts when a job is requested by its id. */
const COUNTED = 5;
const named = (job) => `${kindOf(job)[0].toLowerCase()} begun by ${job.by}`;

async function all(signal) {
  const { items, left_out: leftOut } = await again("jobs", {}, signal);
  const open = items.filter((job) => !isSettled(job)).slice(0, COUNTED);
  const counted = await Promise.all(open.map((job) =>
    again(`jobs/${encodeURIComponent(job.id)}`, {}, signal).catch(() => job)));
  signal.throwIfAborted();
  return { isShort: Boolean(leftOut),
    items: items.map((job) => ({ ...counted.find(({ id }) => id === job.id) ?? job, isIdle: isIdle(job) })) };
}

/** Label and tone. A finished job is not good if something failed again. */
function stands({ status, outcomes }) {
  const [label, tone] = STATUS[status] ?? [status, "calm"];
  if (outcomes?.failed > 0) return [`${label}, ${number(outcomes.failed)} failed again`, "bad"];
  if (outcomes?.under_way > 0) return [`${label}, ${number(outcomes.under_way)} under way`, "info"];
  return outcomes?.is_whole === false ? [`${label}, counting`, "info"] : [label, tone];
}

function became({ id, outcomes }) {
  if (!outcomes) return null;
  const { succeeded, failed, under_way: underWay, left_out: leftOut } = outcomes;
  const list = failed > 0 && h("a", { href: `#/replay?failed=${encodeURIComponent(id)}` },
    `${number(failed)} failed again`);
  return h("p", { class: "notes" }, `${number(succeeded)} succeeded`, list && [" · ", list],
    underWay > 0 && [` · ${number(underWay)} under way, counted `, moment(outcomes.counted_at)],
    leftOut && ` · ${number(leftOut)} that only a newer version can read`);
}

/** Keeps the list of jobs up to date, more often while jobs run. */
export function watch(list, signal) {
  let before = "";
  const polling = repeat(async (own) => {
    let [items, isShort] = [];
    try {
      ({ items, isShort } = await all(own));
    } catch (error) {
      if (!own.aborted && !before) list.replaceChildren(h("li", {}, trouble(error, () => polling.now())));
      throw error;
    }
    const text = JSON.stringify([items, isShort]);
    if (text === before) return items.some(({ status, outcomes }) => status === "running"
      || outcomes?.is_whole === false) ? "changed" : "same";
    const held = document.activeElement;
    const job = held?.closest("[data-job]")?.dataset.job;
    for (const one of JSON.parse(before || "[[]]")[0]) {
      const now = items.find(({ id }) => id === one.id);
      if (now && now.status !== one.status) announce(`${kindOf(now)[0]} ${stands(now)[0]}: ${done(now)}`);
    }
    before = text;
    list.replaceChildren(...(items.length === 0 && !isShort ? [h("li", {}, empty("No job yet."))]
      : items.map((one) => card(one, polling))), ...(isShort ? [h("li", { class: "told" }, `${LEFT_OUT}.`)] : []));
    const same = job && list.querySelector(`[data-job="${CSS.escape(job)}"]`);
    if (same) (control(same, called(held)) ?? same).focus();
    return "changed";
  }, { first: 1500, longest: 20000, signal });
  return polling;
}

const done = (job) =>
  `${number(job.done)} ${kindOf(job)[1]}${job.skipped ? `, ${number(job.skipped)} passed over` : ""}`;

function card(job, polling) {
  const [label, tone] = stands(job);
  const act = (verb, said) => async () => {
    try {
      await post(`jobs/${encodeURIComponent(job.id)}/${verb}`, {});
      toast(said);
    } catch (error) {
      toast(error.message, "bad");
    }
    await polling.now();
  };
  const span = job.filter ? [" · received ", moment(job.filter.from), " to ", moment(job.filter.to)] : [];
  const bar = h("progress", { max: 1, "aria-label": `Progress of the ${named(job)}: ${done(job)}` });
  const part = progress(job);
  // Without a value the bar shows only that the job runs.
  if (part !== null) bar.value = part;
  return h("li", { class: "card job", tabindex: -1, "data-job": job.id, "data-kind": job.kind,
    "data-status": job.status },
    h("div", { class: "head" }, chip(tone, label), " ", h("strong", {}, about(job)), " ",
      h("span", { class: "code" }, job.tenant ?? (job.filter ? "all tenants" : ""))), bar,
    h("p", { class: "notes" }, done(job), ...span, ` · ${job.rate} per second · by ${job.by} · begun `,
      moment(job.created_at), job.note && ` · ${job.note}`),
    became(job),
    may("repair") && job.status !== "finished" && h("div", { class: "buttons" },
      job.status === "running" && button("Cancel", act("cancel", "Cancelled. What is done stays done."),
        { class: "quiet", "aria-label": `Cancel the ${named(job)}` }),
      job.kind !== "erase" && (job.status === "cancelled" || job.isIdle)
        && button("Resume", act("resume", "Resumed."), { class: "quiet", "aria-label": `Resume the ${named(job)}` })));
}

function about(job) {
  const { filter, feedback, queue, message } = job;
  const joined = (parts, otherwise, by = ", ") => parts.filter(Boolean).join(by) || otherwise;
  const what = feedback ? joined([feedback.reason && reason(feedback.reason), feedback.cause], "all parked feedback")
    : filter ? joined([filter.entity && entity(filter.entity), filter.event,
      filter.states?.map((name) => state(name)[0]).join(" or ")], "everything")
    : joined([queue, message], "", ", message ");
  return joined([kindOf(job)[0], what], "", ": ");
}

/** Progress by number if the total is known, or else by time of receipt. */
function progress(job) {
  if (job.status === "finished") return 1;
  if (job.expected > 0) return Math.min((job.done + job.skipped) / job.expected, 1);
  if (!job.filter) return job.status === "running" ? null : 0;
  if (!job.reached) return 0;
  const [from, to, at] = [job.filter.from, job.filter.to, job.reached].map((text) => new Date(text).getTime());
  return Math.min(Math.max((at - from) / (to - from), 0), 1);
}
