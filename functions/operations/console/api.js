// The operations API.

import { session, signOut } from "./session.js";

/** An error of the API, or the reason why it cannot be reached. */
export class Problem extends Error {
  constructor(status, { code = "unreachable", detail, message, field = null } = {}) {
    super(detail ?? message ?? `The API answered ${status}.`);
    Object.assign(this, { status, code, field });
  }
}

/** Receives an event when the API no longer accepts the token. */
export const events = new EventTarget();

/** Sends a request. `path` is below /operations. Empty values of `query` are left out. */
export async function ask(method, path, { query = {}, body, signal, known } = {}) {
  const url = new URL(`../${path}`, import.meta.url);
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  const token = session()?.token ?? "";
  const headers = { authorization: `Bearer ${token}` };
  const before = known?.get(url.href);
  if (before) headers["if-none-match"] = before.tag;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal,
      cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The API cannot be reached. Is there a network?" });
  }
  if (before && response.status === 304) return before.answer;
  const text = await response.text();
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    answer = { detail: `The API answered ${response.status} without JSON.` };
  }
  if (response.ok) {
    const tag = response.headers.get("etag");
    if (known && tag) known.set(url.href, { tag, answer });
    return answer;
  }
  // A late answer to an earlier session does not end a new one.
  if (response.status === 401 && (session()?.token ?? token) === token) {
    known?.clear();
    signOut();
    events.dispatchEvent(new Event("signed-out"));
  }
  throw new Problem(response.status, answer ?? {});
}

export const get = (path, query, signal) => ask("GET", `v1/${path}`, { query, signal });

const answers = new Map();
// A request that is repeated. If nothing has changed, the API sends no body and the earlier answer
// is used.
export function again(path, query, signal) {
  if (answers.size > 20) answers.clear();
  return ask("GET", `v1/${path}`, { query, signal, known: answers });
}

export const post = (path, body, signal) => ask("POST", `v1/${path}`, { body, signal });

// Runs steps, each with a signal for its requests. A step that has ended ends those that began before
// it, so that an older answer never replaces a newer one. The oldest steps go on when another begins:
// a person who asks faster than the API answers still sees answers.
export function newest(signal) {
  const begun = [];
  return async (step) => {
    for (const one of begun.splice(2)) one.abort();
    const last = new AbortController();
    begun.push(last);
    const own = AbortSignal.any([signal, last.signal]);
    await step(own);
    if (!own.aborted) for (const one of begun.splice(0, begun.indexOf(last))) one.abort();
  };
}

// Calls `step` after `first` milliseconds, then less often while nothing changes, and never while
// the tab is hidden. A step gets a signal for its requests.
export function repeat(step, { first = 5000, longest = 60000, signal }) {
  const next = newest(signal);
  let wait = first;
  let timer = 0;
  const plan = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(run, wait);
  };
  const run = () => signal.aborted || next(async (own) => {
    const outcome = await step(own).catch(() => "same");
    if (own.aborted) return;
    wait = outcome === "changed" ? first : Math.min(wait * 1.6, longest);
    plan();
  });
  const now = () => {
    clearTimeout(timer);
    wait = first;
    return run();
  };
  const seen = () => (document.hidden ? clearTimeout(timer) : now());
  document.addEventListener("visibilitychange", seen, { signal });
  plan();
  return { now };
}
