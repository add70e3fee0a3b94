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
  const headers = { authorization: `Bearer ${session()?.token ?? ""}` };
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
  if (response.status === 401) {
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

// Calls `step` until it returns false: after `first` milliseconds, then less often while nothing
// changes, and never while the tab is hidden.
export function repeat(step, { first = 5000, longest = 60000, signal }) {
  let wait = first;
  let timer = 0;
  const plan = () => {
    clearTimeout(timer);
    if (!signal.aborted && !document.hidden) timer = setTimeout(run, wait);
  };
  const run = async () => {
    let outcome;
    try {
      outcome = await step();
    } catch {
      outcome = "same";
    }
    if (outcome === false) return stop();
    wait = outcome === "changed" ? first : Math.min(wait * 1.6, longest);
    plan();
  };
  const seen = () => {
    if (document.hidden) return clearTimeout(timer);
    wait = first;
    return run();
  };
  const stop = () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };
  document.addEventListener("visibilitychange", seen);
  signal.addEventListener("abort", stop);
  plan();
  return { stop, now: () => { wait = first; clearTimeout(timer); return run(); } };
}
