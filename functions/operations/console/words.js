// How the API's names are called on the screen.

/** Every entity: name, label, group. The function that serves this file writes them here. */
const ROWS = "@entities".split(";").map((row) => row.split("|"));

const ENTITIES = Object.fromEntries(ROWS);

const group = (label) => ({ label, options: ROWS.filter((row) => row[2] === label) });

export const ENTITY_OPTIONS = [["", "All types"], ...["Entities", "Documents", "Other"].map(group)];

export const entity = (name) => ENTITIES[name] ?? name;

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

/** Reason: what it means, the likely cause, what to do, and where there is one the command. A test wants every code here, one a line. */
const REASONS = {
  unavailable: ["The ERP or a queue did not answer", "Visma Net or AWS was down, or slow.", "Wait until it answers, then replay."],
  rate_limited: ["The tenant's calls are used up", "More changes than the ERP's hourly quota allows.", "Nothing: they go on by themselves."],
  tenant_unknown: ["Which tenant is unknown", "The settings have no tenant with this company number.", "Add the tenant, then replay.", "visma-webhooks settings tenants add TENANT --company-id NUMBER"],
  tenant_not_served: ["The subscription does not serve the tenant", "The subscription lists its tenants, and this one is not among them.", "Add it to the subscription's tenants in the settings, then replay."],
  tenant_not_approved: ["The tenant has not approved the application", "The ERP answered 403: nobody at the customer has approved it, or the approval was withdrawn.", "Have the customer's administrator approve it, then replay."],
  token_refused: ["No token for the tenant", "The client's secret is wrong or has expired, or it is not the tenant's client.", "Put the client right, then replay.", "visma-webhooks client --help"],
  unmapped: ["The event is in no catalogue", "A new event, or a name of your own.", "Say which event it is, then replay.", "visma-webhooks settings aliases add NAME=EVENT"],
  unconfirmable: ["The ERP cannot confirm it", "It came unsigned, and no resource of the ERP shows the change.", "Have the subscription sign, or replay if you trust it."],
  handler_refused: ["The business code asked for a person", "What it says stands in the timeline.", "Put that right, then replay."],
  held: ["Held by an operator", "Somebody set it aside; the timeline says who and why.", "Release it."],
  feedback_refused: ["Visma Net takes the feedback under no id", "It does not know the notification, or has its answer already.", "Look it up in Visma Net. Resend only what is open there."],
  unidentified: ["Nothing says which record it is about", "The body has none of the fields that number it.", "Name the field in the settings (fields), then replay."],
  invalid_path: ["The resource path cannot be used", "The sender's path leads elsewhere, or is malformed.", "Show the body, and have the sender mend it."],
  key_too_long: ["The key is too long", "The number has more than 256 bytes.", "Show the body: this is rarely a number."],
  ambiguous: ["The same content is known under another event", "Only a header names the event, and it came under two.", "Compare both, then replay the right one."],
  too_many_items: ["More items than the settings allow", "A batch that is larger than max_items.", "Raise max_items in the settings, then replay."],
  company_tenant_needed: ["Customer tenant, not company tenant", "The settings have the customer's id, and the ERP wants the company's.", "Add the company's id, then replay.", "visma-webhooks settings tenants add COMPANY"],
  gave_up: ["Tried as long as trying makes sense", "The fault outlasted every attempt.", "See that the cause is gone, then try again."],
  bug: ["Our own fault", "The code failed.", "Report it with the log of the delivery; replay with the next version."],
  lost: ["An attempt ended without a word", "Killed, out of memory or out of time.", "Look at the function's memory and time, then replay."],
};

export const reason = (name) => REASONS[name]?.[0] ?? name ?? "";

/** What to do about a reason: likely cause, fix, command. */
export const remedy = (name) => REASONS[name]?.slice(1) ?? [];

/** What an attempt said, where it has words of its own. */
export const cause = (text = "") => (text.includes("feedback: refused (404)") ? "Visma Net answered 404: it knows the notification under none of its ids" : text);

export const FEEDBACK = {
  none: ["None", "calm"], awaited: ["Awaited", "info"], queued: ["Queued", "info"], sent: ["Sent", "good"], parked: ["Parked", "bad"],
};

const KINDS = [
  [/IDENTITY_CHANGED$/, "Entity renumbered"], [/STATUS_CHANGED$/, "Status changed"], [/(ACTION_TRIGGERED|CUSTOMACTION)$/, "Action triggered"],
  [/CREATED$/, "Entity created"], [/DELETED$/, "Entity deleted"], [/UPDATED$/, "Entity updated"], [/CHANGED$/, "Entity changed"],
];

/** The window's words for an event (GL407000), and its own name where that has none or no catalogue knows it. */
export const event = (name) => (EVENTS.includes(name) ? worded(name) : name);

const worded = (name) => KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? (/^[A-Z_]+$/.test(name) ? sentence(name) : name);

const sentence = (name) => name[0] + name.slice(1).toLowerCase().replaceAll("_", " ");

/** Every event of the catalogue, for suggestions. The function that serves this file writes them here. */
export const EVENTS = "@events".split(" ");

/** A moment of the timeline: title and tone. */
const MOMENTS = {
  received: ["Received", "info"], attempt_failed: ["Attempt failed", "bad"], feedback_failed: ["Feedback try failed", "bad"],
  feedback_sent: ["Visma Net took the feedback", "good"], feedback_parked: ["Feedback parked", "bad"], replayed: ["Replayed", "info"],
  moved: ["Goes on under another key", "calm"],
  replay: ["Resend asked for", "deed"], hold: ["Held", "deed"], release: ["Released", "deed"],
  resend_feedback: ["Feedback resend asked for", "deed"], outcome: ["Outcome handed in", "deed"],
  acknowledge: ["Acknowledged", "deed"], unacknowledge: ["Brought back to attention", "deed"],
};

export const moment = (what) => MOMENTS[what] ?? [state(what)[0], state(what)[1]];

/** How an open question stands: label, tone, and what it means. */
export const STANDS = {
  assumed: ["Assumed", "calm", "Nothing was seen yet."],
  observed: ["Observed", "good", "All that was seen is as assumed."],
  contradicted: ["Contradicted", "bad", "Something that was seen differs from what is assumed."],
};

/** Attention lists: label, tone, and what they are. */
export const MARKS = {
  dead: ["Dead", "bad", "Every attempt failed. Replay them when the cause is gone."],
  parked: ["Parked", "warn", "No further attempt would help: each waits for a person."],
  unparseable: ["Unreadable", "bad", "Bodies that cannot be read. The sender has to mend them."],
  feedback_parked: ["Feedback parked", "bad", "Visma Net did not take the feedback: the accountant still waits."],
  paused: ["Paused", "info", "They wait for a pause to end, and then go on by themselves."],
  rate_limited: ["Out of calls", "info", "The tenant's calls to the ERP are used up. They go on by themselves, at the pace of its quota; no attempt is used up."],
};
