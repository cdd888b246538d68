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
