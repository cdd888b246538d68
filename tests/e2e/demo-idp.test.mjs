// The demo identity provider itself: what the other end-to-end tests rest on.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { makeCredentials, makeResponse, startDemoIdp } from "../../scripts/lib/demo-idp.mjs";

const require = createRequire(createRequire(import.meta.url).resolve("samlp"));
const { SignedXml, xpath } = require("xml-crypto");
const { DOMParser } = require("@auth0/xmldom");

const SP = "http://localhost:8787";
const ACS = `${SP}/sso/saml/c1/acs`;
const USER = { email: "ada@acme.test", firstName: "Ada", lastName: "Lovelace" };

let idp;
before(async () => {
  idp = await startDemoIdp({ spOrigin: SP });
});
after(() => idp?.stop());

function authnRequest(acs = ACS, { isPassive = false } = {}) {
  const xml = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r1" Version="2.0" IsPassive="${isPassive}" AssertionConsumerServiceURL="${acs}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${SP}/sso/saml/c1</saml:Issuer></samlp:AuthnRequest>`;
  return deflateRawSync(xml).toString("base64");
}

/** The local names of the parents of all signatures, each of which must verify with `cert`. */
function verifiedParents(xml, cert) {
  const document = new DOMParser().parseFromString(xml);
  return xpath(document, "//*[local-name(.)='Signature']").map((signature) => {
    const verifier = new SignedXml();
    verifier.keyInfoProvider = { getKey: () => cert };
    verifier.loadSignature(signature);
    assert.ok(verifier.checkSignature(xml), verifier.validationErrors.join("; "));
    return signature.parentNode.localName;
  });
}

test("response and assertion are both signed, and say what was asked for", async () => {
  const options = { key: idp.key, cert: idp.cert, acs: ACS, audience: `${SP}/sso/saml/c1`, inResponseTo: "_r1", user: USER };
  const now = new Date("2026-01-02T03:04:05.678Z");
  const xml = Buffer.from(await makeResponse({ ...options, now, lifetimeSeconds: 60 }), "base64").toString();
  assert.deepEqual(verifiedParents(xml, idp.cert), ["Response", "Assertion"]);
  for (const part of [
    `Destination="${ACS}"`, `Recipient="${ACS}"`, 'InResponseTo="_r1"', `<saml:Audience>${SP}/sso/saml/c1</saml:Audience>`,
    'NotBefore="2026-01-02T03:04:05.678Z"', 'NotOnOrAfter="2026-01-02T03:05:05.678Z"', "SessionIndex=",
    'Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">ada@acme.test<',
    'Name="Email address"', 'Name="First name"', 'Name="Last name"',
  ]) assert.ok(xml.includes(part), part);

  const unsigned = await makeResponse({ ...options, signResponse: false, signAssertion: false });
  assert.deepEqual(verifiedParents(Buffer.from(unsigned, "base64").toString(), idp.cert), []);
  const altered = await makeResponse({ ...options, alter: (text) => text.replace("Lovelace", "Byron") });
  assert.throws(() => verifiedParents(Buffer.from(altered, "base64").toString(), idp.cert));
});

test("metadata names the endpoints and the certificate", async () => {
  const xml = await (await fetch(idp.metadataUrl)).text();
  const pem = idp.cert.replace(/-----[^-]+-----|\s/g, "");
  for (const part of [idp.entityId, pem, `HTTP-Redirect" Location="${idp.ssoUrl}"`, `HTTP-POST" Location="${idp.ssoUrl}"`]) {
    assert.ok(xml.includes(part), part);
  }
});

test("a person picks a user and continues to the service", async () => {
  const query = new URLSearchParams({ SAMLRequest: authnRequest(), RelayState: 'a"<b>' });
  const login = await fetch(`${idp.ssoUrl}?${query}`);
  assert.equal(login.status, 200);
  const html = await login.text();
  assert.ok(html.includes('value="ada@acme.test"') && html.includes("a&quot;&lt;b&gt;"));

  query.set("user", "ada@acme.test");
  const answer = await (await fetch(idp.ssoUrl, { method: "POST", body: query })).text();
  assert.ok(answer.includes(`action="${ACS}"`) && answer.includes("Continue</button>") && answer.includes("a&quot;&lt;b&gt;"));
  const xml = Buffer.from(/name="SAMLResponse" value="([^"]+)"/.exec(answer)[1], "base64").toString();
  assert.deepEqual(verifiedParents(xml, idp.cert), ["Response", "Assertion"]);
});

const responseIn = (html) => Buffer.from(/name="SAMLResponse" value="([^"]+)"/.exec(html)[1], "base64").toString();

test("a tile of the start page opens an application without being asked to", async () => {
  const own = await startDemoIdp({ spOrigin: SP, key: idp.key, cert: idp.cert });
  try {
    assert.ok((await (await fetch(own.origin)).text()).includes("There is none yet."));
    own.addApp({ acs: ACS, audience: `${SP}/sso/saml/c1`, name: "Acme <1>" });
    const start = await (await fetch(own.origin)).text();
    for (const part of ["Acme &lt;1&gt;", `name="app" value="${ACS}"`, "Open the app as Ada", "Open the app as Mallory"]) assert.ok(start.includes(part), part);
    const press = (form) => fetch(`${own.origin}/`, { method: "POST", body: new URLSearchParams(form) });
    const html = await (await press({ app: ACS, user: "ada@acme.test" })).text();
    assert.ok(html.includes(`action="${ACS}"`) && !html.includes("RelayState"));
    const xml = responseIn(html);
    assert.deepEqual(verifiedParents(xml, idp.cert), ["Response", "Assertion"]);
    assert.ok(!xml.includes("InResponseTo") && xml.includes(`<saml:Audience>${SP}/sso/saml/c1</saml:Audience>`));
    for (const form of [{ app: "https://evil.example/acs", user: "ada@acme.test" }, { app: ACS, user: "nobody" }]) assert.equal((await press(form)).status, 400);
    // Who asks for a sign-in gets tiles too.
    const query = new URLSearchParams({ SAMLRequest: authnRequest(`${SP}/sso/saml/c2/acs`) });
    await fetch(`${own.ssoUrl}?${query}`);
    assert.ok((await (await fetch(own.origin)).text()).includes(`value="${SP}/sso/saml/c2/acs"`));
  } finally {
    await own.stop();
  }
});

test("who asks without a page is answered without one", async () => {
  const query = new URLSearchParams({ SAMLRequest: authnRequest(ACS, { isPassive: true }), RelayState: "r" });
  const ask = async (cookie = "") => responseIn(await (await fetch(`${idp.ssoUrl}?${query}`, { headers: { cookie } })).text());
  const none = await ask();
  assert.ok(none.includes('status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:NoPassive"/>') && none.includes('InResponseTo="_r1"'), none);

  const form = new URLSearchParams({ SAMLRequest: authnRequest(), user: "grace@acme.test" });
  const picked = await fetch(idp.ssoUrl, { method: "POST", body: form });
  const [cookie] = picked.headers.get("set-cookie").split(";");
  assert.ok((await ask(cookie)).includes(">grace@acme.test<"));
  assert.ok((await ask(cookie.replace("grace", "nobody"))).includes("NoPassive"));
});

test("bad requests are refused, and answers go to the service only", async () => {
  const ask = (query) => fetch(`${idp.ssoUrl}?${new URLSearchParams(query)}`);
  for (const query of [{}, { SAMLRequest: "junk" }, { SAMLRequest: authnRequest("https://evil.example/acs") }]) {
    assert.equal((await ask(query)).status, 400);
  }
  assert.equal((await fetch(`${idp.origin}/other`)).status, 404);
  assert.equal((await fetch(idp.ssoUrl, { method: "POST", body: "x".repeat(1024 * 1024 + 1) })).status, 413);
});

test("each identity provider can have its own key and its own answers", async () => {
  const own = makeCredentials({ commonName: "own" });
  const other = await startDemoIdp({ spOrigin: SP, ...own, overrides: { audience: "urn:elsewhere" } });
  try {
    const form = new URLSearchParams({ SAMLRequest: authnRequest(), user: "ada@acme.test" });
    const answer = await (await fetch(other.ssoUrl, { method: "POST", body: form })).text();
    const xml = Buffer.from(/name="SAMLResponse" value="([^"]+)"/.exec(answer)[1], "base64").toString();
    assert.deepEqual(verifiedParents(xml, own.cert), ["Response", "Assertion"]);
    assert.ok(xml.includes("<saml:Audience>urn:elsewhere</saml:Audience>"));
  } finally {
    await other.stop();
  }
});
