// The signed-in user. The token is kept only in the session storage of tabs.

const KEEP = "console.session";
const LEFT = "console.sign-in";
const read = (key) => {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
};

// Changes each time that somebody signs out. A tab that cannot hear of it, because the browser has
// discarded or frozen it, keeps a session of an earlier time, which is over.
const era = () => localStorage.getItem(KEEP);

// The open tabs of the console share a session: a new tab asks for it, and a person who signs out
// does so in all of them.
const tabs = new BroadcastChannel(KEEP);
let answered = null;
tabs.addEventListener("message", ({ data }) => {
  if (data === "ask") {
    if (session()) tabs.postMessage(read(KEEP));
  } else if (data === "out") {
    signOut();
    dispatchEvent(new Event("signed-out"));
  } else if (answered && !session()) {
    sessionStorage.setItem(KEEP, JSON.stringify(data));
    answered();
  }
});
const EXPIRED = "This token has expired, or the clock of this computer is wrong.";

/** Takes over the session of another tab, if there is one. It waits 200 milliseconds for an answer. */
export async function join() {
  if (session()) return;
  signOut();
  await new Promise((resolve) => {
    answered = resolve;
    setTimeout(resolve, 200);
    tabs.postMessage("ask");
  });
  // A later answer signs in as well.
  answered = () => dispatchEvent(new Event("hashchange"));
}

let known = null;

/** Issuer, client and names of roles, from the function. */
export async function config() {
  if (known) return known;
  const response = await fetch(new URL("config.json", import.meta.url), { cache: "no-cache" }).catch(() => null);
  if (!response?.ok) throw new Error("The console's configuration cannot be read. Load the page again.");
  known = await response.json();
  return known;
}

/** `{token, name, roles, expires, era}`, or null. */
export function session() {
  const kept = read(KEEP);
  return kept?.era === era() && (!kept.expires || kept.expires > Date.now()) ? kept : null;
}

export const may = (role) => session()?.roles.includes(role) ?? false;

export function signOut() {
  answered = null;
  sessionStorage.removeItem(KEEP);
}

export function signOutEverywhere() {
  signOut();
  localStorage.setItem(KEEP, random());
  tabs.postMessage("out");
}

/** The claims of a token. API Gateway verifies the token. */
function claims(token) {
  const payload = atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = Uint8Array.from(payload, (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

// The whole elements of a claim. Only in a scope, a blank separates two elements (src/access.rs).
function elements(claim, value) {
  const isOfWords = ["scope", "scp"].includes(claim);
  return [value].flat().flatMap((text) => (isOfWords ? String(text).split(" ") : [String(text)]));
}

/** Keeps a token and its roles. The roles decide what the page offers, not what the API allows. */
export async function keep(text) {
  const { roleClaims, rolePrefix } = await config();
  const token = text.trim().replace(/^Bearer\s+/i, "");
  let own;
  try {
    own = claims(token);
  } catch {
    throw new Error("This is not a token: a JWT has three parts separated by dots.");
  }
  const expires = own.exp ? own.exp * 1000 : null;
  if (expires && expires <= Date.now()) throw new Error(EXPIRED);
  const names = roleClaims.flatMap((claim) => elements(claim, own[claim] ?? []));
  const roles = ["read", "raw", "repair"].filter((role) => names.includes(rolePrefix + role));
  const name = String(own.username ?? own.preferred_username ?? own.name ?? own.sub ?? own.client_id ?? "token");
  sessionStorage.setItem(KEEP, JSON.stringify({ token, name, roles, expires, era: era() }));
}

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_")
  .replace(/=+$/, "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const here = () => location.origin + location.pathname;

async function discovered({ issuer }) {
  const found = await (await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`)).json();
  if (found.issuer !== issuer) throw new Error("The configuration belongs to another issuer.");
  const isSafe = (url) => url.protocol === "https:" || ["127.0.0.1", "localhost"].includes(url.hostname);
  const [authorize, token] = [found.authorization_endpoint, found.token_endpoint].map((text) => new URL(text));
  if (!isSafe(authorize) || !isSafe(token)) throw new Error("The issuer's endpoints are not https.");
  return { authorize, token };
}

/** Leaves for the issuer's sign-in page: authorization code with PKCE. */
export async function leave() {
  const settings = await config();
  const { authorize, token } = await discovered(settings);
  const left = { state: random(), nonce: random(), verifier: random(), endpoint: token.href, hash: location.hash };
  sessionStorage.setItem(LEFT, JSON.stringify(left));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(left.verifier));
  const asked = {
    response_type: "code", client_id: settings.clientId, redirect_uri: here(), scope: settings.scope,
    state: left.state, nonce: left.nonce, code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(asked)) authorize.searchParams.set(name, value);
  location.assign(authorize);
}

// Completes the sign-in if the page was opened by the issuer, and returns whether it was. The
// values in the address are used once and removed.
export async function comeBack() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("code") && !answer.has("error")) return false;
  const left = read(LEFT);
  sessionStorage.removeItem(LEFT);
  history.replaceState(null, "", location.pathname + (left?.hash ?? ""));
  const settings = await config();
  if (!left || answer.get("state") !== left.state) throw new Error("This sign-in was not begun here.");
  if (answer.has("error"))
    throw new Error(`The issuer refused: ${answer.get("error_description") ?? answer.get("error")}`);
  if (answer.has("iss") && answer.get("iss") !== settings.issuer) throw new Error("Another issuer answered.");
  const form = {
    grant_type: "authorization_code", code: answer.get("code"), redirect_uri: here(),
    client_id: settings.clientId, code_verifier: left.verifier,
  };
  const response = await fetch(left.endpoint, { method: "POST", body: new URLSearchParams(form) });
  const tokens = await response.json();
  if (!response.ok)
    throw new Error(`The issuer gave no token: ${tokens.error_description ?? tokens.error ?? response.status}`);
  check(tokens.id_token, left.nonce, settings);
  await keep(tokens.access_token);
  return true;
}

// Checks that the id token is for this sign-in. It came directly from the issuer over TLS, so its
// signature needs no check.
function check(idToken, nonce, { issuer, clientId }) {
  if (!idToken) throw new Error("The issuer sent no id token. Add openid to the scope.");
  const own = claims(idToken);
  const isFor = [own.aud].flat().includes(clientId) && (own.azp ?? clientId) === clientId;
  if (own.iss !== issuer || !isFor || own.nonce !== nonce)
    throw new Error("The issuer's id token is not for this sign-in.");
  if (own.exp * 1000 < Date.now()) throw new Error(EXPIRED);
}
