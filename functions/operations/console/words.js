// The words on the screen for the names of the API.

/** Every entity: name, label, group. The function that serves this file writes them here. */
const ROWS = "@entities".split(";").map((row) => row.split("|"));

const ENTITIES = Object.fromEntries(ROWS);

const group = (label) => ({ label, options: ROWS.filter((row) => row[2] === label) });

export const ENTITY_OPTIONS = [["", "All types"], ...["Entities", "Documents", "Other"].map(group)];

export const entity = (name) => ENTITIES[name] ?? name;

/** What a list says that leaves something out, without the last full stop. */
export const LEFT_OUT =
  "Some items are not shown: a newer version of the product wrote them. Deploy that version again";

/** State: label, tone, and what it means. */
export const STATES = {
  retrying: ["Retrying", "warn", "An attempt failed; another will follow."],
  paused: ["Paused", "info", "It waits for a pause to end."],
  dead: ["Dead", "bad", "Every attempt failed."],
  parked: ["Parked", "warn", "It waits for a person."],
  unparseable: ["Unreadable", "bad", "The body cannot be read."],
  superseded: ["Superseded", "calm", "A newer change came first."],
  processed: ["Processed", "good", "Everything its route asks for has happened."],
};

export const STATE_OPTIONS = [["", "Any status"], ...Object.entries(STATES).map(([name, [label]]) => [name, label])];

export const state = (name) => STATES[name] ?? [name, "calm", ""];

// Reason: meaning, likely cause, what to do, and a command if there is one. A test checks that
// every code is here, one per line.
const REASONS = {
  unavailable: ["The ERP or a queue did not answer", "Visma Net or AWS was down, or slow.", "Wait until it answers, then replay."],
  rate_limited: ["The tenant's calls are used up", "More changes than the ERP's hourly quota allows.", "Nothing: they continue automatically."],
  tenant_unknown: ["The tenant is unknown", "The settings have no tenant with this company number.", "Add the tenant, then replay.", "visma-webhooks settings tenants add TENANT --company-id NUMBER"],
  tenant_not_served: ["The subscription does not serve the tenant", "The subscription's list of tenants does not have this one.", "Add it to the subscription's tenants in the settings, then replay."],
  tenant_not_approved: ["The tenant has not approved the application", "The ERP answered 403, or refused each token for sales orders: an approval or a scope is missing.", "Ask the customer's administrator to approve it, then replay."],
  token_refused: ["No token for the tenant", "The client's secret is wrong or expired, or this is not the tenant's client.", "Correct the client, then replay.", "visma-webhooks client --help"],
  unmapped: ["The event is not in the catalogue", "A new event, or a name of your own.", "Name the event that it stands for, then replay.", "visma-webhooks settings aliases add NAME=EVENT"],
  unconfirmable: ["The ERP cannot confirm it", "Only a header or an unsigned body says it, and the ERP does not show it.", "Name event and tenant in a signed subscription, then replay."],
  handler_refused: ["The business code asked for a person", "The timeline shows its message.", "Correct that, then replay."],
  held: ["Held by an operator", "The timeline shows who held it and why.", "Release it."],
  feedback_refused: ["Visma Net refused the feedback under every id", "It does not know the notification, or it has an answer already.", "Check it in Visma Net. Resend only if it is open there."],
  unidentified: ["The body names no record", "It has none of the known fields for a number.", "Name the field in the settings (fields), then replay."],
  invalid_path: ["The resource path cannot be used", "The path leads elsewhere, or is malformed.", "Look at the body, and ask the sender to correct it."],
  key_too_long: ["The key is too long", "The number has more than 256 bytes.", "Look at the body: this is rarely a number."],
  ambiguous: ["The same content came as another event", "Only a header names the event, and it named two.", "Compare both, then replay the right one."],
  too_many_items: ["More items than the settings allow", "A batch larger than max_items.", "Raise max_items in the settings, then replay."],
  company_tenant_needed: ["Customer tenant, not company tenant", "The settings have the customer's id, but the ERP needs the company's.", "Add the company's id, then replay.", "visma-webhooks settings tenants add COMPANY"],
  gave_up: ["All attempts are used up", "The fault lasted longer than the attempts.", "Check that the cause is gone, then try again."],
  newer_version: ["A newer version wrote its record", "The code was rolled back.", "Deploy that version again, then send it again."],
  bug: ["A bug in this product", "The code failed.", "Report it with the delivery's log; replay with the next version."],
  lost: ["An attempt was lost", "It was killed, out of memory or out of time.", "Check the function's memory and time, then replay."],
};

export const reason = (name) => REASONS[name]?.[0] ?? name ?? "";

/** Likely cause, fix and command of a reason. */
export const remedy = (name) => REASONS[name]?.slice(1) ?? [];

/** The error of an attempt, in words for people if there are some. */
export const cause = (text = "") =>
  (text.includes("feedback: refused (404)") ? "Visma Net answered 404: it knows none of the notification's ids" : text);

export const FEEDBACK = {
  none: ["None", "calm"], awaited: ["Awaited", "info"], queued: ["Queued", "info"], sent: ["Sent", "good"], parked: ["Parked", "bad"],
};

const KINDS = [
  [/IDENTITY_CHANGED$/, "Entity renumbered"], [/STATUS_CHANGED$/, "Status changed"],
  [/(ACTION_TRIGGERED|CUSTOMACTION)$/, "Action triggered"],
  [/CREATED$/, "Entity created"], [/DELETED$/, "Entity deleted"], [/UPDATED$/, "Entity updated"],
  [/CHANGED$/, "Entity changed"],
];

// The words of the ERP's window (GL407000) for an event, or its own name if the window or the
// catalogue does not have it.
export const event = (name) => (EVENTS.includes(name) ? worded(name) : name);

const worded = (name) => KINDS.find(([pattern]) => pattern.test(name))?.[1]
  ?? (/^[A-Z_]+$/.test(name) ? sentence(name) : name);

const sentence = (name) => name[0] + name.slice(1).toLowerCase().replaceAll("_", " ");

// Every event of the catalogue, for suggestions. The function that serves this file writes them
// here.
export const EVENTS = "@events".split(" ");

/** A moment of the timeline: title and tone. */
const MOMENTS = {
  received: ["Received", "info"], attempt_failed: ["Attempt failed", "bad"], feedback_failed: ["Feedback failed", "bad"],
  feedback_sent: ["Visma Net accepted the feedback", "good"], feedback_parked: ["Feedback parked", "bad"], replayed: ["Replayed", "info"],
  moved: ["Moved to another key", "calm"],
  replay: ["Resend requested", "deed"], hold: ["Held", "deed"], release: ["Released", "deed"],
  resend_feedback: ["Feedback resend requested", "deed"], outcome: ["Outcome handed in", "deed"],
  acknowledge: ["Acknowledged", "deed"], unacknowledge: ["Brought back to attention", "deed"],
};

export const moment = (what) => MOMENTS[what] ?? [state(what)[0], state(what)[1]];

/** State of an open question: label, tone, and what it means. */
export const STANDS = {
  assumed: ["Assumed", "calm", "Not observed yet."],
  observed: ["Observed", "good", "All observations agree."],
  contradicted: ["Contradicted", "bad", "An observation differs from the assumption."],
};

/** Attention lists: label, tone, and what is in them. */
export const MARKS = {
  dead: ["Dead", "bad", "Every attempt failed. Replay them after the cause is gone."],
  parked: ["Parked", "warn", "No further attempt would help. Each needs a person."],
  unparseable: ["Unreadable", "bad", "The body cannot be read. The sender must correct it."],
  feedback_parked: ["Feedback parked", "bad", "Visma Net did not accept the feedback. The accountant still waits."],
  paused: ["Paused", "info", "They wait for a pause to end, then continue automatically."],
  rate_limited: ["Out of calls", "info", "The tenant's calls to the ERP are used up. They continue automatically, as the quota allows. No attempt is lost."],
};
