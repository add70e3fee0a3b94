// Replays by filter: first a plan, then a job that can be watched, cancelled and resumed.

import { get, post, repeat } from "./api.js";
import { announce, button, chip, empty, field, h, heading, moment, number, span, toast, trouble } from "./dom.js";
import { chosen, entityField, eventField, meet, read, tenantField, timeField } from "./filters.js";
import { may } from "./session.js";
import { detailLink } from "./table.js";
import { entity, STATES } from "./words.js";

export const title = "Replays";

const WEEK = 7 * 86400000;
const STATUS = { running: ["Running", "info"], finished: ["Finished", "good"], cancelled: ["Cancelled", "warn"] };
/** How many a job was planned to replay: the API tells only how many it has. */
const planned = (id, count) => {
  const key = `console.planned.${id}`;
  if (count !== undefined) sessionStorage.setItem(key, count);
  return Number(sessionStorage.getItem(key));
};

export async function show(main, { query, signal }) {
  const jobs = h("ul", { class: "jobs" });
  const watching = watch(jobs, signal);
  main.append(heading(title));
  if (may("repair")) main.append(planner(query, signal, watching));
  else main.append(h("p", { class: "lead" }, "To begin one needs the role repair."));
  main.append(h("h2", { id: "jobs-title" }, "Jobs"), jobs);
  await watching.now();
}

function planner(query, signal, watching) {
  const outcome = h("div", { class: "plan", role: "region", "aria-label": "Plan" });
  const wantedStates = (query.states ?? "").split(",");
  const states = Object.entries(STATES).map(([name, [label]]) =>
    h("label", { class: "choice" }, h("input", { type: "checkbox", name: "states", value: name, checked: wantedStates.includes(name) }), label));
  const now = Date.now();
  const [from, to] = [query.from ?? new Date(now - WEEK).toISOString(), query.to ?? new Date(now + 60000).toISOString()];
  const rate = h("input", { type: "number", name: "rate", min: 1, max: 100, value: 10, required: true });
  const note = h("input", { name: "note", maxlength: 500, "data-width": "wide" });
  const submit = async (event) => {
    event.preventDefault();
    const wanted = job(event.target);
    outcome.replaceChildren(h("p", { class: "faint" }, "Counting…"));
    try {
      meet(wanted.tenant);
      const plan = await post("plans", wanted, signal);
      outcome.replaceChildren(...drawn(plan, wanted, outcome, watching));
      announce(`The plan: ${counted(plan)}`);
    } catch (error) {
      if (!signal.aborted) outcome.replaceChildren(trouble(error));
    }
  };
  // A plan is of what the form said.
  const stale = () => outcome.replaceChildren();
  const form = h("form", { class: "filters card", "aria-label": "What to replay", on: { submit, input: stale } },
    tenantField(query.tenant ?? chosen()), entityField(query.entity), eventField(query.event),
    timeField("Received from", "from", from, { required: true }), timeField("Received to", "to", to, { required: true }),
    h("fieldset", { class: "wide" }, h("legend", {}, "Status (any, if none is chosen)"), states), field("Note", note), field("Per second", rate),
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Plan")));
  return h("div", {}, form, outcome);
}

function job(form) {
  const { rate, states, ...rest } = read(form);
  return { ...rest, states: new FormData(form).getAll("states"), rate: Number(rate) };
}

const counted = ({ count, at_least: atLeast }) => `${atLeast ? "at least " : ""}${number(count)} ${count === 1 ? "notification" : "notifications"}`;

function drawn(plan, wanted, outcome, watching) {
  const begin = async () => {
    go.disabled = true;
    try {
      const begun = await post("jobs", wanted);
      if (!plan.at_least) planned(begun.id, plan.count);
      outcome.replaceChildren();
      toast(`The replay of ${counted(plan)} has begun.`);
      await watching.now();
      document.querySelector(`[data-job="${CSS.escape(begun.id)}"]`)?.focus();
    } catch (error) {
      outcome.replaceChildren(trouble(error));
    }
  };
  const go = button(`Replay ${counted(plan)}`, begin, { class: "primary" });
  const samples = plan.sample.map((ref) => {
    const [, name, ...rest] = named(ref).split("#");
    return h("li", {}, h("a", { href: detailLink({ ref }) }, `${entity(name)} ${rest.slice(0, -1).join("#")}`));
  });
  return [h("div", { class: "card" },
    h("p", { class: "figure" }, h("strong", {}, counted(plan)), plan.count > 0 && ` in about ${span(plan.seconds * 1000)}, at ${wanted.rate} per second`),
    plan.count > 0 ? [h("p", { class: "faint" }, "The first of them:"), h("ul", { class: "sample" }, samples), h("div", { class: "buttons" }, go)] :
      h("p", { class: "faint" }, "Nothing fits. Widen the time or the status."))];
}

/** A reference is base64url of `{tenant}#{entity}#{key}#{notification key}`. */
function named(ref) {
  try {
    const bytes = Uint8Array.from(atob(ref.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  } catch {
    return `##${ref}#`;
  }
}

/** Keeps the list of jobs up to date, the quicker the more goes on. */
function watch(list, signal) {
  let before = "";
  const polling = repeat(async () => {
    let items;
    try {
      ({ items } = await get("jobs", {}, signal));
    } catch (error) {
      if (!signal.aborted && !before) list.replaceChildren(h("li", {}, trouble(error, () => polling.now())));
      throw error;
    }
    const text = JSON.stringify(items);
    if (text === before && before) return items.some(({ status }) => status === "running") ? "changed" : "same";
    const focused = document.activeElement?.closest?.("[data-job]");
    const within = document.activeElement?.tagName === "BUTTON";
    for (const job of JSON.parse(before || "[]")) {
      const now = items.find(({ id }) => id === job.id);
      if (now && now.status !== job.status) announce(`Replay ${STATUS[now.status]?.[0] ?? now.status}: ${number(now.replayed)} replayed`);
    }
    before = text;
    list.replaceChildren(...(items.length === 0 ? [h("li", {}, empty("No replay yet."))] : items.map((one) => card(one, polling))));
    const same = focused && list.querySelector(`[data-job="${CSS.escape(focused.dataset.job)}"]`);
    if (same) (within ? same.querySelector("button") ?? same : same).focus();
    return "changed";
  }, { first: 1500, longest: 20000, signal });
  return polling;
}

function card(job, polling) {
  const { filter } = job;
  const [label, tone] = STATUS[job.status] ?? [job.status, "calm"];
  const what = [filter.entity && entity(filter.entity), filter.event, filter.states?.map((name) => STATES[name]?.[0] ?? name).join(" or ")].filter(Boolean);
  const act = (verb, said) => async () => {
    try {
      await post(`jobs/${encodeURIComponent(job.id)}/${verb}`, {});
      toast(said);
    } catch (error) {
      toast(error.message, "bad");
    }
    await polling.now();
  };
  const stands = job.status === "running" && Date.now() - new Date(job.updated_at) > 120000;
  const counts = `${number(job.replayed)} replayed${job.skipped ? `, ${number(job.skipped)} passed over` : ""}`;
  return h("li", { class: "card job", tabindex: -1, "data-job": job.id, "data-status": job.status },
    h("div", { class: "head" }, chip(tone, label), " ", h("strong", {}, what.join(", ") || "Everything"), " ", h("span", { class: "code" }, filter.tenant)),
    h("progress", { max: 1, value: progress(job), "aria-label": `Progress of the replay: ${counts}` }),
    h("p", { class: "notes" }, counts, " · received ", moment(filter.from), " to ", moment(filter.to), ` · ${job.rate} per second · by ${job.by} · begun `, moment(job.created_at), job.note && ` · ${job.note}`),
    may("repair") && job.status !== "finished" && h("div", { class: "buttons" },
      job.status === "running" && button("Cancel", act("cancel", "Cancelled; what is replayed already stays so."), { class: "quiet", "aria-label": `Cancel the replay begun by ${job.by}` }),
      (job.status === "cancelled" || stands) && button("Resume", act("resume", "It goes on."), { class: "quiet", "aria-label": `Resume the replay begun by ${job.by}` })));
}

/** By the plan, where this tab made it; else by how far in time it has come. */
function progress(job) {
  if (job.status === "finished") return 1;
  const count = planned(job.id);
  if (count > 0) return Math.min(job.replayed / count, 1);
  if (!job.reached) return 0;
  const [from, to, at] = [job.filter.from, job.filter.to, job.reached].map((text) => new Date(text).getTime());
  return Math.min(Math.max((at - from) / (to - from), 0), 1);
}
