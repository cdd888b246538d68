// What is tested with every identity provider: each feature has a title for the table, and steps that a person, a vendor
// and both ends go through. Every feature has a connection of its own, so that none depends on another.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { pemOf } from "./peers/keys.mjs";
import { Traffic } from "./traffic.mjs";

/** In the order of the table. */
export const features = [
  { id: "ourMetadata", title: "reads our metadata", run: ourMetadata },
  { id: "itsMetadata", title: "its metadata is read", run: itsMetadata },
  { id: "signInRedirect", title: "sign-in, request by HTTP-Redirect", run: (run) => signInBy(run, "Redirect") },
  { id: "signInPost", title: "sign-in, request by HTTP-POST", run: (run) => signInBy(run, "POST") },
  { id: "bounce", title: "sign-in begun by it, `bounce`", run: bounce },
  { id: "direct", title: "sign-in begun by it, `direct`", run: direct },
  { id: "forceAuthn", title: "ForceAuthn", run: forceAuthn },
  { id: "signedRedirect", title: "verifies our signature, HTTP-Redirect", run: (run) => signedRequest(run, "Redirect") },
  { id: "signedPost", title: "verifies our signature, HTTP-POST", run: (run) => signedRequest(run, "POST") },
  { id: "encrypted", title: "encrypted assertions", run: encrypted },
  { id: "logoutOursRedirect", title: "logout begun by us, HTTP-Redirect", run: (run) => logoutOurs(run, "Redirect") },
  { id: "logoutOursPost", title: "logout begun by us, HTTP-POST", run: (run) => logoutOurs(run, "POST") },
  { id: "logoutItsRedirect", title: "logout begun by it, HTTP-Redirect", run: (run) => logoutIts(run, "Redirect") },
  { id: "logoutItsPost", title: "logout begun by it, HTTP-POST", run: (run) => logoutIts(run, "POST") },
  { id: "encryptedNameIds", title: "encrypted NameIDs, also in logout", run: encryptedNameIds },
  { id: "itsKeys", title: "its key changes while users sign in", run: itsKeys },
  { id: "ourKeysRedirect", title: "our key changes while users sign in, HTTP-Redirect", run: (run) => ourKeys(run, "Redirect") },
  { id: "ourKeysPost", title: "our key changes while users sign in, HTTP-POST", run: (run) => ourKeys(run, "POST") },
  { id: "decryptionKeys", title: "our decryption key changes while users sign in", run: decryptionKeys },
];

// --- Metadata -------------------------------------------------------------------------------------------------------

async function ourMetadata(run) {
  await run.connect({ settings: { sign_requests: "always" } });
  await run.signIn();
}

async function itsMetadata(run) {
  await run.connect();
  const { identity_provider: read } = await run.api("GET", run.path);
  const xml = await run.idp.metadata();
  assert.equal(read.entity_id, /entityID="([^"]+)"/.exec(xml)[1]);
  assert.deepEqual(read.signing_certificates.map(({ sha256 }) => sha256), [...new Set(certificatesIn(xml).map(sha256Of))]);
}

// --- Sign-in --------------------------------------------------------------------------------------------------------

async function signInBy(run, binding) {
  await run.connect({ binding });
  const browser = await run.signIn();
  const { method } = browser.trail.find(({ url, form }) => isRequest(url, form));
  assert.equal(method, binding === "POST" ? "POST" : "GET");
}

async function bounce(run) {
  await run.connect({ settings: { idp_initiated: "bounce", relay_state_targets: ["/sso/session"] } });
  const browser = run.newBrowser();
  await run.assertSignedIn(await startAtIt(run, browser));
  const [unsolicited, solicited, ...others] = run.responsesIn(browser);
  assert.equal(others.length, 0);
  assert.doesNotMatch(unsolicited, /InResponseTo="./);
  assert.match(solicited, /InResponseTo="./);
}

async function direct(run) {
  await run.connect({ settings: { idp_initiated: "direct", relay_state_targets: ["/sso/session"] } });
  const browser = run.newBrowser();
  const page = await startAtIt(run, browser);
  assert.ok(page.text.includes(run.user.email), page.text);
  assert.equal((await browser.open(`${run.system.origin}/sso/session`)).status, 401, "nobody is signed in before the button is pressed");
  await run.assertSignedIn(await browser.submit(page));
  assert.equal(run.responsesIn(browser).length, 1);
}

async function startAtIt(run, browser) {
  const page = await browser.open(run.idp.signInUrl({ entityId: run.connection.service_provider.entity_id, relayState: "/sso/session" }));
  return run.logInIf(true, browser, page);
}

async function forceAuthn(run) {
  await run.connect();
  const browser = await run.signIn();
  const again = async (asked) => {
    browser.forget(run.system.origin);
    await run.signIn(browser, { asked });
  };
  await again(false);
  await run.api("PATCH", run.path, { force_authn: true });
  await again(true);
}

// --- Signed requests ------------------------------------------------------------------------------------------------

/** It accepts our request as it is, and refuses it with a part changed or without its signature. */
async function signedRequest(run, binding) {
  await run.connect({ binding, settings: { sign_requests: "always" }, idp: { wantSigned: true } });
  const post = binding === "POST";
  for (const change of post ? [changedPost, unsignedPost] : [changedRedirect, changedRelayState, unsignedRedirect]) {
    const browser = run.newBrowser();
    const { stopped } = await run.begin(browser, { stop: ({ url }) => new URL(url).origin === run.idp.origin });
    const page = await browser.go(change(stopped), { from: run.system.origin });
    assert.equal(new URL(page.url).origin, run.idp.origin, change.name);
    assert.ok(!run.peer.isLoginPage(page), `${change.name} is refused`);
  }
  await run.signIn();
}

// An attribute that changes nothing but the octets that were signed.
const changed = (xml) => xml.replace(" Version=", ' Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified" Version=');

function changedRedirect(step) {
  return withQuery(step, (query) => {
    const xml = inflateRawSync(Buffer.from(query.get("SAMLRequest"), "base64")).toString();
    assert.notEqual(changed(xml), xml);
    query.set("SAMLRequest", deflateRawSync(changed(xml)).toString("base64"));
  });
}

function changedRelayState(step) {
  return withQuery(step, (query) => query.set("RelayState", "another"));
}

function unsignedRedirect(step) {
  return withQuery(step, (query) => {
    query.delete("SigAlg");
    query.delete("Signature");
  });
}

function withQuery(step, change) {
  const url = new URL(step.url);
  assert.ok(url.searchParams.has("Signature"));
  change(url.searchParams);
  return { ...step, url: url.href };
}

function changedPost(step) {
  return withXml(step, changed);
}

function unsignedPost(step) {
  return withXml(step, (xml) => xml.replace(/<ds:Signature [^]*<\/ds:Signature>/, ""));
}

function withXml(step, change) {
  const xml = Buffer.from(step.form.SAMLRequest, "base64").toString();
  assert.ok(xml.includes("<ds:Signature "));
  assert.notEqual(change(xml), xml);
  return { ...step, form: { ...step.form, SAMLRequest: Buffer.from(change(xml)).toString("base64") } };
}

// --- Encryption -----------------------------------------------------------------------------------------------------

const ENCRYPTED = { settings: { decrypt_assertions: true }, idp: { encrypt: true } };

async function encrypted(run) {
  await run.connect(ENCRYPTED);
  const responses = run.responsesIn(await run.signIn());
  assert.equal(responses.length, 1);
  assert.match(responses[0], /<(?:\w+:)?EncryptedAssertion\b/);
  assert.doesNotMatch(responses[0], /<(?:\w+:)?(?:Assertion|NameID|Attribute)\b/);
}

// --- Logout ---------------------------------------------------------------------------------------------------------

/** Logout messages are signed at both ends; what the identity provider verifies, it verifies of sign-ins too. */
const LOGOUT = { settings: { sign_requests: "always" }, idp: { wantSigned: true } };

async function logoutOurs(run, binding) {
  await run.connect({ binding, ...LOGOUT });
  const browser = await run.signIn();
  const signOut = async (options) => browser.submit(await browser.open(`${run.system.origin}/sso/sign-out`), {}, options);

  const { stopped } = await signOut({ stop: ({ url }) => new URL(url).origin === run.idp.origin });
  const change = binding === "POST" ? changedPost : changedRedirect;
  const refused = await browser.go(change(stopped), { from: run.system.origin });
  assert.equal(new URL(refused.url).origin, run.idp.origin, "a request that was changed is refused");
  await run.signIn(browser, { asked: false }); // so nobody was signed out there

  const other = browser.copy();
  const page = await signOut();
  if (!page.url.includes("/signed-out?")) assert.fail(await run.shown(page));
  assert.match(page.text, /<h1>You are signed out<\/h1>/);
  assertSent(browser, run.idp, "SAMLRequest", binding);
  await assertSignedOut(run, browser, other);
}

async function logoutIts(run, binding) {
  await run.connect({ binding, ...LOGOUT });
  await logOutThere(run, binding);
}

/** A sign-in, and a logout that begins at the identity provider; the browser that it happened in. */
async function logOutThere(run, binding) {
  const browser = await run.signIn();
  const other = browser.copy();
  const page = await browser.open(run.idp.logoutUrl({ binding: binding === "POST" ? "post" : "redirect" }));
  if (!run.peer.isSignedOutPage(page)) assert.fail(await run.shown(page));
  assertSent(browser, run.system, "SAMLRequest", binding);
  assertSent(browser, run.idp, "SAMLResponse", binding);
  await assertSignedOut(run, browser, other);
  return browser;
}

/** Whom an assertion and a logout request are about is encrypted, and nothing else. */
async function encryptedNameIds(run) {
  await run.connect({ settings: { decrypt_assertions: true, sign_requests: "always" }, idp: { encryptNameIds: true, wantSigned: true } });
  for (const binding of ["Redirect", "POST"]) {
    await run.useBinding(binding);
    const browser = await logOutThere(run, binding);
    const asked = messagesTo(browser, run.connection.service_provider.slo_url, "SAMLRequest");
    assert.equal(asked.length, 1);
    for (const xml of [...run.responsesIn(browser), ...asked]) {
      assert.match(xml, /<saml:EncryptedID>/);
      assert.doesNotMatch(xml, /<(?:\w+:)?(?:EncryptedAssertion|NameID)\b/);
    }
  }
}

/** All messages that the browser has brought to `place`, decoded. */
function messagesTo(browser, place, name) {
  return browser.trail.flatMap(({ url, form }) => {
    const value = form?.[name] ?? new URL(url).searchParams.get(name);
    if (!value || !url.startsWith(place)) return [];
    const octets = Buffer.from(value, "base64");
    return [(form?.[name] ? octets : inflateRawSync(octets)).toString()];
  });
}

/** The last message of this kind to `origin` came by this binding. */
function assertSent(browser, { origin }, name, binding) {
  const step = browser.trail.findLast(({ url, form }) => new URL(url).origin === origin && (form?.[name] ?? new URL(url).searchParams.get(name)));
  assert.equal(step?.method, binding === "POST" ? "POST" : "GET");
}

/** No browser is signed in here, nor is the user at the identity provider. */
async function assertSignedOut(run, ...browsers) {
  for (const browser of browsers) assert.equal((await browser.open(`${run.system.origin}/sso/session`)).status, 401);
  await run.signIn(browsers[0], { asked: true });
}

// --- Keys that change while users sign in ---------------------------------------------------------------------------

async function itsKeys(run) {
  await run.connect();
  const traffic = new Traffic(run);
  const { keys } = run.idp;
  const known = async () => (await run.api("GET", run.path)).identity_provider.signing_certificates.length;
  await traffic.round();
  await keys.publishNext();
  await run.saveMetadata();
  assert.equal(await known(), 2);
  await traffic.round();
  await keys.switch();
  await traffic.round();
  await keys.retireOld();
  await run.saveMetadata();
  assert.equal(await known(), 1);
  await traffic.round();
  await traffic.end();
}

async function ourKeys(run, binding) {
  await run.connect({ binding, settings: { sign_requests: "always" }, idp: { wantSigned: true } });
  const step = async (name) => run.api("POST", "/service-provider/keys/rotate", { step: name });
  const trusted = async () => {
    const xml = await run.ourMetadata();
    await run.idp.trust(xml);
    return xml.split('<md:KeyDescriptor use="signing">').length - 1;
  };
  // What a test that failed left half done is done first.
  let { next_step: next } = await run.api("GET", "/service-provider/keys");
  while (next !== "prepare") ({ next_step: next } = await step(next));
  await trusted();

  const traffic = new Traffic(run);
  await traffic.round();
  await step("prepare");
  assert.equal(await trusted(), 2);
  await traffic.round();
  await step("activate");
  await traffic.round();
  await step("retire");
  assert.equal(await trusted(), 1);
  await traffic.round();
  await traffic.end();
}

async function decryptionKeys(run) {
  await run.connect(ENCRYPTED);
  const traffic = new Traffic(run);
  const step = async (name) => run.api("POST", `${run.path}/decryption-keys/rotate`, { step: name });
  await traffic.round();
  await step("prepare");
  await traffic.round();
  await step("activate");
  await traffic.round();
  await run.idp.trust(await run.ourMetadata());
  await traffic.round();
  await step("retire");
  await traffic.round();
  await traffic.end();
}

// --- What metadata and steps say ------------------------------------------------------------------------------------

const certificatesIn = (xml) => [...xml.matchAll(/<(?:\w+:)?X509Certificate>([^<]+)</g)].map(([, base64]) => pemOf(base64));
const sha256Of = (pem) => new X509Certificate(pem).fingerprint256.replaceAll(":", "").toLowerCase();
const isRequest = (url, form) => form?.SAMLRequest !== undefined || new URL(url).searchParams.has("SAMLRequest");
