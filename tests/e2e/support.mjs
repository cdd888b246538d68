// Shared by the end-to-end tests: one Worker in workerd and one identity provider per file, a plain HTTP client with a
// browser's cookie jar, and the steps of a sign-in. Every answer of the Worker that passes here is checked for what
// all of its answers must have.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { DEFAULT_ENTITY_ID, makeCredentials, makeResponse, parseAuthnRequest, startDemoIdp } from "../../scripts/lib/demo-idp.mjs";
import { freePort, startWorker } from "../../scripts/lib/worker.mjs";

export const adminToken = randomBytes(24).toString("base64url");
export const SESSION_COOKIE = "__Host-sso_session";
export const BROWSER_COOKIE = "__Host-sso_browser";
const ANSWER_LIMIT_MS = 20_000;

// --- The Worker and what it talks to -------------------------------------------------------------------------------

/**
 * Starts a Worker and a demo identity provider that trusts it. `worker` and `idp` are options of `startWorker` and
 * `startDemoIdp`. `stop()` ends both.
 */
export async function startSystem({ worker: workerOptions = {}, idp: idpOptions = {} } = {}) {
  const port = await freePort();
  const idp = await startDemoIdp({ spOrigin: `http://localhost:${port}`, ...makeCredentials(), ...idpOptions });
  try {
    const worker = await startWorker({ port, adminToken, ...workerOptions });
    const metadata = await (await fetch(idp.metadataUrl)).text();
    const stop = () => Promise.all([worker.stop(), idp.stop()]);
    return { worker, origin: worker.origin, idp, metadata, api: apiOf(worker.origin), stop };
  } catch (error) {
    await idp.stop();
    throw error;
  }
}

/** A caller of the admin API: `api(method, path, body)` resolves to `{ status, headers, body }`, the body read as JSON. */
export function apiOf(origin, token = adminToken) {
  return async (method, path, body) => {
    const response = await request(`${origin}/sso/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { "content-type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { ...response, body: response.text === "" ? undefined : JSON.parse(response.text) };
  };
}

/** A certificate in PEM, out of base64 as metadata has it. */
export const pem = (base64) => `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g).join("\n")}\n-----END CERTIFICATE-----\n`;

/** The body that enables a connection which nobody has tested. */
export const UNTESTED = { override_reason: "a test of something else" };

let connections = 0;

/** A connection of its own for one test, enabled and with the demo identity provider, on a domain nobody else has. Other `fields` as the API has them. */
export async function connect({ api, metadata }, { domain = `c${(connections += 1)}.acme.test`, provider = "okta", ...fields } = {}) {
  const created = await api("POST", "/connections", { name: `Test ${domain}`, provider, domains: [domain], ...fields });
  assert.equal(created.status, 201, created.text);
  const path = `/connections/${created.body.id}`;
  assert.equal((await api("POST", `${path}/metadata`, { xml: metadata })).status, 200);
  assert.equal((await api("POST", `${path}/enable`, UNTESTED)).status, 200);
  return { ...created.body, path, domain, email: `ada@${domain}`, acs: created.body.service_provider.acs_url };
}

// --- HTTP ----------------------------------------------------------------------------------------------------------

/** An address that nobody else has, so that no two requests are counted together. */
export const newAddress = () => `fd00:${randomBytes(6).toString("hex").match(/.{4}/g).join(":")}::1`;

/** One request, redirects not followed. Resolves to `{ status, headers, location, setCookies, text }`, checked. */
export async function request(url, options = {}) {
  const response = await fetch(url, {
    redirect: "manual",
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    duplex: "half",
    ...options,
    headers: { "cf-connecting-ip": newAddress(), ...options.headers },
  });
  const answer = {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    location: response.headers.get("location") ?? undefined,
    setCookies: response.headers.getSetCookie(),
    text: await response.text(),
  };
  assertWellMade(answer, options.method);
  return answer;
}

const HEADERS_EXPECTED = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
};
const HEADERS_ALLOWED = new Set([
  ...Object.keys(HEADERS_EXPECTED), "content-type", "content-security-policy",
  "location", "set-cookie", "allow", "www-authenticate", "etag", "retry-after",
  "connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding", // workerd's
]);
const TYPES = ["text/html; charset=utf-8", "text/plain; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8", "application/json", "application/samlmetadata+xml"];

/** What must be true of every answer of the Worker: its headers, a policy that allows no script but our own, and an error that explains itself. */
export function assertWellMade({ status, headers, text }, method = "GET") {
  const shown = `${status} ${JSON.stringify(headers)} ${text.slice(0, 300)}`;
  for (const [name, value] of Object.entries(HEADERS_EXPECTED)) assert.equal(headers[name], value, `${name}: ${shown}`);
  for (const name of Object.keys(headers)) assert.ok(HEADERS_ALLOWED.has(name), `unexpected header ${name}: ${shown}`);
  const policy = headers["content-security-policy"] ?? "";
  assert.ok(policy.startsWith("default-src 'none'; ") && policy.endsWith("frame-ancestors 'none'") && !policy.includes("unsafe"), shown);
  const ownScript = text.includes('<script src="/sso/page.js" defer></script>');
  assert.equal(policy.includes("script-src"), ownScript, shown);
  assert.ok(!ownScript || policy.includes("script-src 'self';"), shown);
  assert.equal(text.split("<script").length, ownScript ? 2 : 1, shown);
  assert.ok(TYPES.includes(headers["content-type"]), shown);
  if (status < 400 || method === "HEAD") return;
  if (headers["content-type"] === "application/json") {
    const { error: { field = "", pointer = "", ...error }, ...rest } = JSON.parse(text);
    assert.deepEqual([Object.keys(rest), Object.keys(error)], [[], ["code", "message"]], shown);
    assert.match(field, /^[a-z0-9_]*$/);
    assert.match(pointer, /^(\/[a-z0-9_]+)*$/);
    assert.match(error.code, /^[a-z0-9_]+$/);
    assert.match(error.message, /[.…]$/);
  } else if (headers["content-type"].startsWith("text/html")) {
    assert.match(text, /^<!doctype html>\n<html lang="en">[^]+<h1>[^<]+<\/h1>[^]+<\/html>\s*$/, shown);
  } else {
    assert.equal(status, 503, shown);
  }
}

/** A browser without a window: keeps cookies as browsers do, and says where its requests come from. */
export class Browser {
  cookies = new Map();

  constructor(origin) {
    this.origin = origin;
  }

  get(path) {
    return this.#send(path, { headers: { "sec-fetch-site": "none" } });
  }

  /** Sends a form; `from` another origin, its request carries no `SameSite=Lax` cookie. */
  post(path, form, { from = this.origin } = {}) {
    const site = from === this.origin ? "same-origin" : "cross-site";
    return this.#send(path, { method: "POST", body: new URLSearchParams(form), headers: { origin: from, "sec-fetch-site": site } });
  }

  async #send(path, { headers, ...options }) {
    const mayHaveCookies = headers["sec-fetch-site"] !== "cross-site";
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await request(new URL(path, this.origin), {
      ...options,
      headers: { ...headers, ...(mayHaveCookies && cookie && { cookie }) },
    });
    for (const line of answer.setCookies) this.#keep(parseCookie(line));
    return answer;
  }

  #keep({ name, value, attributes }) {
    const isHostOnly = attributes.secure === "" && attributes.path === "/" && attributes.domain === undefined;
    if (name.startsWith("__Host-") && !isHostOnly) return; // as browsers do
    if (attributes["max-age"] === "0") this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

/** A `Set-Cookie` line as `{ name, value, attributes }`, the attributes' names in lower case. */
export function parseCookie(line) {
  const [[name, value], ...attributes] = line.split(";").map((part) => {
    const [key, ...rest] = part.trim().split("=");
    return [key, rest.join("=")];
  });
  return { name, value, attributes: Object.fromEntries(attributes.map(([key, text]) => [key.toLowerCase(), text])) };
}

// --- The steps of a sign-in ----------------------------------------------------------------------------------------

/** Sends an e-mail address from the sign-in page; reads the request that the browser is sent away with. */
export async function begin(browser, connection, { email = connection.email, returnTo } = {}) {
  const answer = await browser.post("/sso/sign-in", { email, ...(returnTo !== undefined && { return_to: returnTo }) });
  assert.equal(answer.status, 303, answer.text);
  const query = new URL(answer.location).searchParams;
  return { browser, connection, location: answer.location, relayState: query.get("RelayState"), request: await parseAuthnRequest(query.get("SAMLRequest")) };
}

/** What the identity provider answers to `attempt`, signed by samlp's own code; see `makeResponse` for `options`. */
export function answerTo({ connection, request: { id, issuer, assertionConsumerServiceURL } }, { idp }, options = {}) {
  return makeResponse({
    key: idp.key,
    cert: idp.cert,
    acs: assertionConsumerServiceURL,
    audience: issuer,
    inResponseTo: id,
    user: { email: connection.email, firstName: "Ada", lastName: "Lovelace" },
    ...options,
  });
}

/** A response that the identity provider sends to `connection` of its own accord. */
export function unsolicited(connection, system) {
  const { acs_url: assertionConsumerServiceURL, entity_id: issuer } = connection.service_provider;
  return answerTo({ connection, request: { issuer, assertionConsumerServiceURL } }, system, { inResponseTo: undefined });
}

/** Posts a response as the identity provider's page makes a browser do it. */
export function deliver(browser, connection, samlResponse, relayState = "") {
  return browser.post(connection.acs, { SAMLResponse: samlResponse, RelayState: relayState }, { from: "https://acme.okta.example" });
}

/** A whole good sign-in; `options` as for `answerTo`. Asserts that it succeeds. */
export async function signIn(system, connection, { browser = new Browser(system.origin), returnTo, ...options } = {}) {
  const attempt = await begin(browser, connection, { returnTo });
  const exchanged = await deliver(browser, connection, await answerTo(attempt, system, options), attempt.relayState);
  await complete(browser, exchanged);
  return { browser, attempt };
}

/** Follows the redirect of a response that was accepted; asserts that the browser is then signed in. */
export async function complete(browser, exchanged) {
  assert.equal(exchanged.status, 303, exchanged.text);
  const completed = await browser.get(exchanged.location);
  assert.equal(completed.status, 303, completed.text);
  assert.equal((await browser.get("/sso/session")).status, 200);
  return completed;
}

/** Asserts that `answer` is a refusal with this code, as the vendor sees it, and that nobody is signed in by it. */
export async function assertRefused({ api }, connection, answer, code, { browser, status = 403 } = {}) {
  const reference = /data-copy="the reference">([a-z0-9]{5}-[a-z0-9]{5})</.exec(answer.text)?.[1];
  assert.ok(reference, `expected a page with a reference, got ${answer.status} ${answer.location ?? ""} ${answer.text}`);
  const { sign_ins } = (await api("GET", `${connection.path}/sign-ins?reference=${reference}`)).body;
  assert.deepEqual(sign_ins.map((attempt) => attempt.reference), [reference], "the reference finds the attempt");
  const refusal = refusalsIn(sign_ins).at(-1);
  assert.deepEqual({ code: refusal.code, status: answer.status }, { code, status }, refusal.detail);
  assert.ok(!answer.text.includes(code), "the browser is not told why");
  assert.deepEqual([answer.setCookies, answer.location], [[], undefined]);
  if (browser) await assertNobody(browser);
  return { ...refusal, reference };
}

/** What was refused in these attempts of the sign-in log. */
export function refusalsIn(attempts) {
  return attempts.flatMap(({ events }) => events).filter(({ code }) => code !== null);
}

/** What was refused at `connection`. */
export async function refusalsOf({ api }, connection) {
  return refusalsIn((await api("GET", `${connection.path}/sign-ins`)).body.sign_ins);
}

/** Asserts that nobody is signed in in this browser. */
export async function assertNobody(browser) {
  assert.equal(browser.cookies.get(SESSION_COOKIE), undefined);
  const session = await browser.get("/sso/session");
  assert.equal(session.status, 401);
  assert.equal(JSON.parse(session.text).error.code, "not_signed_in");
}

export { DEFAULT_ENTITY_ID };
