// How the API's names are called on the screen.

export const ENTITIES = {
  account: "Account", customer: "Customer", employee: "Employee", inventory_item: "Stock or non-stock item", project: "Project",
  supplier: "Supplier", sales_order: "Sales order", purchase_order: "Purchase order", customer_invoice: "Customer invoice",
  supplier_invoice: "Supplier invoice", shipment: "Shipment", voucher: "Voucher", dimension: "Dimension", segment: "Segment",
  company: "Company", background_operation: "Background operation", unmapped: "Unmapped", unparseable: "Unreadable",
};

const group = (label, names) => ({ label, options: names.map((name) => [name, ENTITIES[name]]) });

export const ENTITY_OPTIONS = [
  ["", "All types"],
  group("Entities", ["account", "customer", "employee", "inventory_item", "project", "supplier", "dimension", "segment"]),
  group("Documents", ["sales_order", "purchase_order", "customer_invoice", "supplier_invoice", "shipment", "voucher"]),
  group("Other", ["background_operation", "company", "unmapped", "unparseable"]),
];

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

const REASONS = {
  unavailable: "The ERP or a queue did not answer", rate_limited: "The tenant's calls are used up", tenant_unknown: "Which tenant is unknown",
  tenant_not_served: "The subscription does not serve the tenant", tenant_not_approved: "The tenant has not approved the application",
  token_refused: "No token for the tenant", unmapped: "The event is in no catalogue", unconfirmable: "The ERP cannot confirm it",
  handler_refused: "The business code asked for a person", held: "Held by an operator", feedback_refused: "Visma Net takes the feedback under no id",
  unidentified: "Nothing says which record it is about", invalid_path: "The resource path cannot be used",
  key_too_long: "The key is too long", ambiguous: "The same content is known under another event",
  too_many_items: "More items than the settings allow", company_tenant_needed: "Customer tenant, not company tenant",
  gave_up: "Tried as long as trying makes sense", bug: "Our own fault", lost: "An attempt ended without a word",
};

export const reason = (name) => REASONS[name] ?? name ?? "";

export const FEEDBACK = {
  none: ["None", "calm"], awaited: ["Awaited", "info"], queued: ["Queued", "info"], sent: ["Sent", "good"], parked: ["Parked", "bad"],
};

const KINDS = [
  [/IDENTITY_CHANGED$/, "Entity renumbered"], [/STATUS_CHANGED$/, "Status changed"], [/(ACTION_TRIGGERED|CUSTOMACTION)$/, "Action triggered"],
  [/CREATED$/, "Entity created"], [/DELETED$/, "Entity deleted"], [/UPDATED$/, "Entity updated"], [/CHANGED$/, "Entity changed"],
];

/** The window's words for an event (GL407000), and its own name where that has none. */
export const event = (name) => KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? (/^[A-Z_]+$/.test(name) ? sentence(name) : name);

const sentence = (name) => name[0] + name.slice(1).toLowerCase().replaceAll("_", " ");

const SUFFIXES = {
  ACCOUNT: "CHANGED CREATED DELETED IDENTITY_CHANGED UPDATED", AP_INVOICE: "STATUS_CHANGED", AR_INVOICE: "ACTION_TRIGGERED CHANGED STATUS_CHANGED",
  CUSTOMER: "ACTION_TRIGGERED CHANGED CREATED UPDATED", DIMENSION: "CHANGED", EMPLOYEE: "CHANGED", EP_EMPLOYEE: "CREATED UPDATED",
  FIRST_TIME_STARTUP: "COMPLETED", INVENTORY_ITEM: "ACTION_TRIGGERED CHANGED CREATED UPDATED",
  PM_PROJECT: "ACTION_TRIGGERED CREATED PMTASK_UPDATED UPDATED", PROJECT: "CHANGED", PURCHASE_ORDER: "ACTION_TRIGGERED CHANGED STATUS_CHANGED",
  SALES_ORDER: "ACTION_TRIGGERED CHANGED STATUS_CHANGED", SEGMENT: "CHANGED VALUE_CHANGED", SHIPMENT: "ACTION_TRIGGERED CHANGED DELETED STATUS_CHANGED",
  SUPPLIER: "ACTION_TRIGGERED CHANGED CREATED UPDATED", BACKGROUND_API: "RESPONSE", SALESORDER: "CREATED UPDATED DELETED UI_CUSTOMACTION",
  IMPORT_VOUCHER: "FAILED SUCCESSFUL",
  VOUCHER: "RECEIVED PROCESSED PROCESSING_FAILED SYNCHRONIZATION_STARTED SYNCHRONIZED SYNCHRONIZATION_FAILED DOCUMENT_SYNCHRONIZED DOCUMENT_SYNCHRONIZATION_FAILED",
};

/** Every event of the catalogue, for suggestions. */
export const EVENTS = Object.entries(SUFFIXES).flatMap(([name, all]) => all.split(" ").map((suffix) => `${name}_${suffix}`));

/** A moment of the timeline: title and tone. */
const MOMENTS = {
  received: ["Received", "info"], attempt_failed: ["Attempt failed", "bad"], feedback_failed: ["Feedback try failed", "bad"],
  feedback_sent: ["Visma Net took the feedback", "good"], feedback_parked: ["Feedback parked", "bad"], replayed: ["Replayed", "info"],
  moved: ["Goes on under another key", "calm"],
  replay: ["Resend asked for", "deed"], hold: ["Held", "deed"], release: ["Released", "deed"],
  resend_feedback: ["Feedback resend asked for", "deed"], outcome: ["Outcome handed in", "deed"],
};

export const moment = (what) => MOMENTS[what] ?? [state(what)[0], state(what)[1]];

/** How an open question stands: label, tone, and what it means. */
export const STANDS = {
  assumed: ["Assumed", "calm", "Nothing was seen yet."],
  observed: ["Observed", "good", "All that was seen is as assumed."],
  contradicted: ["Contradicted", "bad", "Something that was seen differs from what is assumed."],
};

/** Attention lists: label, tone. */
export const MARKS = {
  dead: ["Dead", "bad"], parked: ["Parked", "warn"], unparseable: ["Unreadable", "bad"], feedback_parked: ["Feedback parked", "bad"], paused: ["Paused", "info"],
  rate_limited: ["Out of calls", "info"],
};
