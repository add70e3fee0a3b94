// Replays by filter: first a plan, then a job that can be watched, cancelled and resumed.

import { get, post } from "./api.js";
import { announce, button, counted, field, h, heading, span, toast, trouble } from "./dom.js";
import { chosen, entityField, eventField, meet, read, tenantField, timeField } from "./filters.js";
import { watch } from "./jobs.js";
import { may } from "./session.js";
import { detailLink, paged, size, table } from "./table.js";
import { entity, LEFT_OUT, STATES } from "./words.js";

export const title = "Replays";

const WEEK = 7 * 86400000;
const FAILED = "dead,parked,unparseable";

export async function show(main, { query, signal }) {
  const jobs = h("ul", { class: "jobs" });
  const watching = watch(jobs, signal);
  main.append(heading(title));
  const failed = query.failed && failedOf(main, query.failed, signal);
  if (may("repair")) {
    main.append(planner(query, signal, watching));
    if (query.plan) main.querySelector("form").requestSubmit();
  } else main.append(h("p", { class: "lead" }, "To begin one, you need the role repair."));
  main.append(h("h2", { id: "jobs-title" }, "Jobs"), jobs);
  await Promise.all([failed, watching.now()]);
}

/** The notifications of a job that failed again. */
function failedOf(main, id, signal) {
  const list = table("What failed again");
  const place = h("section", { "aria-labelledby": "failed-title" },
    h("h2", { id: "failed-title" }, "What failed again"));
  main.append(place);
  const { told, begin } = paged(place, list, "Load more", signal, async (cursor) => {
    const page = await get(`jobs/${encodeURIComponent(id)}/failed`, { limit: 50, cursor }, signal);
    list.add(page.items);
    list.isShort ||= Boolean(page.left_out);
    told.textContent = `${size(list, page.next)}.`;
    return page.next;
  });
  return begin();
}

function planner(query, signal, watching) {
  const outcome = h("div", { class: "plan", role: "region", "aria-label": "Plan" });
  const wantedStates = (query.states ?? FAILED).split(",");
  const states = Object.entries(STATES).map(([name, [label]]) =>
    h("label", { class: "choice" }, h("input",
      { type: "checkbox", name: "states", value: name, checked: wantedStates.includes(name) }), label));
  const now = Date.now();
  const [from, to] = [query.from ?? new Date(now - WEEK).toISOString(),
    query.to ?? new Date(now + 60000).toISOString()];
  const rate = h("input", { type: "number", name: "rate", min: 1, max: 100, value: 10, required: true });
  const note = h("input", { name: "note", maxlength: 500, "data-width": "wide" });
  const submit = async (event) => {
    event.preventDefault();
    const wanted = job(event.target);
    const waits = h("p", { class: "faint" }, "Counting…");
    outcome.replaceChildren(waits);
    try {
      meet(wanted.tenant);
      const plan = await post("plans", wanted, signal);
      if (!waits.isConnected) return;
      outcome.replaceChildren(...drawn(plan, wanted, outcome, watching));
      announce(`The plan: ${found(plan)}`);
    } catch (error) {
      if (!signal.aborted && waits.isConnected) outcome.replaceChildren(trouble(error));
    }
  };
  // A change of the form makes the plan stale, also one that is still being counted.
  const stale = () => outcome.replaceChildren();
  const form = h("form", { class: "filters card", "aria-label": "What to replay", on: { submit, input: stale } },
    tenantField(query.tenant ?? (query.plan ? "" : chosen()), { required: false }), entityField(query.entity),
    eventField(query.event),
    timeField("Received from", "from", from, { required: true }),
    timeField("Received to", "to", to, { required: true }),
    h("fieldset", { class: "wide" }, h("legend", {}, "Status (any, if none is chosen)"), states), field("Note", note),
    field("Per second", rate),
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Plan")));
  return h("div", {}, form, outcome);
}

function job(form) {
  const { rate, states, ...rest } = read(form);
  return { ...rest, states: new FormData(form).getAll("states"), rate: Number(rate) };
}

const found = ({ count, at_least: atLeast }) =>
  `${atLeast ? "at least " : ""}${counted(count, "notification", "notifications")}`;

function drawn(plan, wanted, outcome, watching) {
  const begin = async () => {
    go.disabled = true;
    try {
      const begun = await post("jobs", wanted);
      outcome.replaceChildren();
      toast(`The replay of ${found(plan)} has begun.`);
      await watching.now();
      document.querySelector(`[data-job="${CSS.escape(begun.id)}"]`)?.focus();
    } catch (error) {
      if (!outcome.isConnected) return toast(error.message, "bad");
      outcome.replaceChildren(trouble(error));
    }
  };
  const go = button(`Replay ${found(plan)}`, begin, { class: "primary" });
  const samples = (plan.notifications ?? [])
    .map((one) => h("li", {}, h("a", { href: detailLink(one) }, `${entity(one.entity)} ${one.key}`)));
  return [h("div", { class: "card" },
    h("p", { class: "figure" }, h("strong", {}, found(plan)),
      plan.count > 0
      && ` ${wanted.tenant ? "" : "of all tenants "}in about ${span(plan.seconds * 1000)}, at ${wanted.rate} per second`),
    plan.left_out && h("p", { class: "told" }, `${LEFT_OUT}.`),
    plan.count > 0 ? [h("p", { class: "faint" }, "The first of them:"), h("ul", { class: "sample" }, samples),
      h("div", { class: "buttons" }, go)] :
      h("p", { class: "faint" }, "Nothing found. Choose a longer time or more statuses."))];
}
