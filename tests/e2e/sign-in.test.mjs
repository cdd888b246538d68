// A whole sign-in through samlp's identity provider against the built Worker, and every way in which it is refused:
// with its exact code, and with nobody signed in.

import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { inflateRawSync } from "node:zlib";
import { makeCredentials } from "../../scripts/lib/demo-idp.mjs";
import {
  BROWSER_COOKIE, Browser, SESSION_COOKIE, answerTo, apiOf, assertNobody, assertRefused, begin, complete, connect, deliver, parseCookie,
  refusalsOf, signIn, startSystem, UNTESTED,
} from "./support.mjs";

const MINUTE = 60_000;
const UNKNOWN_CONNECTION = "conn_aaaaaaaaaaaaaaaaaaaa";

let system, stranger;
before(async () => {
  system = await startSystem();
  stranger = makeCredentials({ commonName: "stranger" });
});
after(() => system?.stop());

const newBrowser = () => new Browser(system.origin);
const decode = (samlResponse) => Buffer.from(samlResponse, "base64").toString();
const encode = (xml) => Buffer.from(xml).toString("base64");
const textOf = (html, name) => html.match(new RegExp(`name="${name}" value="([^"]*)"`))?.[1];

describe("a good sign-in", { concurrency: 4 }, () => {
  test("from the sign-in page through the identity provider's pages to a session, and out again", async () => {
    const { api, idp, origin } = system;
    const created = await api("POST", "/connections", { name: "Acme", provider: "okta", domains: ["acme.test"] });
    const { id, service_provider: sp } = created.body;
    await api("POST", `/connections/${id}/metadata`, { url: idp.metadataUrl });
    await api("POST", `/connections/${id}/enable`, UNTESTED);
    const browser = newBrowser();

    // The sign-in page keeps where the user was going.
    const page = await browser.get("/sso/sign-in?return_to=%2Fdashboard%3Ftab%3Done");
    assert.equal(page.status, 200);
    assert.equal(textOf(page.text, "return_to"), "/dashboard?tab=one");
    await assertNobody(browser);

    // The e-mail's domain decides; the browser goes to the identity provider with a request.
    const begun = await browser.post("/sso/sign-in", { email: " Ada@ACME.test ", return_to: "/dashboard?tab=one" });
    assert.equal(begun.status, 303);
    const url = new URL(begun.location);
    assert.equal(url.origin + url.pathname, idp.ssoUrl);
    assert.deepEqual([...url.searchParams.keys()], ["SAMLRequest", "RelayState"]);
    assert.match(url.searchParams.get("RelayState"), /^[\w-]{43}$/);
    const xml = inflateRawSync(Buffer.from(url.searchParams.get("SAMLRequest"), "base64")).toString();
    const [, root, issuer] = /^<samlp:AuthnRequest ([^>]*)><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">([^<]*)<\/saml:Issuer><\/samlp:AuthnRequest>$/.exec(xml);
    const { ID, IssueInstant, ...rest } = Object.fromEntries([...root.matchAll(/([\w:]+)="([^"]*)"/g)].map((m) => m.slice(1)));
    assert.match(ID, /^_[0-9a-f]{40}$/);
    assert.ok(Math.abs(Date.parse(IssueInstant) - Date.now()) < MINUTE, IssueInstant);
    assert.deepEqual(rest, {
      "xmlns:samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
      Version: "2.0",
      Destination: idp.ssoUrl,
      AssertionConsumerServiceURL: `${origin}/sso/saml/${id}/acs`,
      ProtocolBinding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
    });
    assert.equal(issuer, `${origin}/sso/saml/${id}`);
    assert.deepEqual([sp.entity_id, sp.acs_url], [issuer, rest.AssertionConsumerServiceURL]);
    assertHostCookie(begun, BROWSER_COOKIE, /^[\w-]{43}$/, 24 * 60 * 60);

    // At the identity provider Ada is picked; its page posts the response to us, cross-site.
    const picked = await fetch(idp.ssoUrl, { method: "POST", body: new URLSearchParams([...url.searchParams, ["user", "ada@acme.test"]]) });
    const idpPage = await picked.text();
    assert.ok(idpPage.includes(`action="${sp.acs_url}"`));
    const form = { SAMLResponse: textOf(idpPage, "SAMLResponse"), RelayState: textOf(idpPage, "RelayState") };
    const exchanged = await browser.post(sp.acs_url, form, { from: idp.origin });
    assert.equal(exchanged.status, 303);
    assert.match(exchanged.location, new RegExp(`^/sso/saml/${id}/complete\\?ticket=[\\w-]{43}$`));
    assert.deepEqual(exchanged.setCookies, [], "the cross-site POST itself signs nobody in");
    await assertNobody(browser);

    // Our own GET, with the browser's cookie, makes the session.
    const completed = await browser.get(exchanged.location);
    assert.equal(completed.status, 303);
    assert.equal(completed.location, "/dashboard?tab=one");
    assertHostCookie(completed, SESSION_COOKIE, new RegExp(`^${id}\\.[\\w-]{43}$`), 7 * 24 * 60 * 60);

    const { user, ...session } = JSON.parse((await browser.get("/sso/session")).text);
    assert.deepEqual(
      { ...user, id: user.id.slice(0, 4) },
      { id: "usr_", email: "ada@acme.test", first_name: "Ada", last_name: "Lovelace", groups: [] },
    );
    assert.equal(session.connection, id);
    assert.equal(Date.parse(session.expires_at) - Date.parse(session.signed_in_at), 7 * 24 * 60 * MINUTE);
    assert.ok((await browser.get("/sso/sign-in")).text.includes("ada@acme.test"));
    const again = await browser.get("/sso/sign-in?return_to=%2Fdashboard%3Ftab%3Done");
    assert.equal(again.status, 200, "nobody is sent on by itself");
    assert.ok(again.text.includes('href="/dashboard?tab=one" autofocus>Continue as ada@acme.test</a>'), again.text);

    // Signing out ends the session itself, not only this browser's cookie.
    const copy = newBrowser();
    copy.cookies = new Map(browser.cookies);
    assert.equal((await copy.get("/sso/session")).status, 200);
    assert.equal((await browser.get("/sso/sign-out")).status, 200);
    assert.equal((await browser.get("/sso/session")).status, 200, "a GET only asks");
    const out = await browser.post("/sso/sign-out", {});
    assert.deepEqual([out.status, out.location], [303, "/sso/sign-in"]);
    await assertNobody(browser);
    assert.equal((await copy.get("/sso/session")).status, 401);
    assert.deepEqual(await refusalsOf(system, { path: `/connections/${id}` }), []);
  });

  test("is also begun by a link that names the address or the connection", async () => {
    const connection = await connect(system);
    for (const query of [{ email: connection.email }, { connection: connection.id }]) {
      const answer = await newBrowser().get(`/sso/sign-in?${new URLSearchParams(query)}`);
      assert.equal(answer.status, 303);
      assert.ok(answer.location.startsWith(`${system.idp.ssoUrl}?SAMLRequest=`), answer.location);
    }
  });

  test("returns to a path of our own and to nowhere else", async () => {
    const connection = await connect(system);
    for (const [wanted, granted] of [
      ["/a?b=c#d", "/a?b=c#d"],
      [undefined, "/sso/sign-in"],
      ...["https://evil.example/", "//evil.example/", "/\\evil.example/", "/\t/evil.example", "javascript:alert(1)", "/./\\/evil.example"].map(
        (evil) => [evil, "/sso/sign-in"],
      ),
    ]) {
      const browser = newBrowser();
      const attempt = await begin(browser, connection, { returnTo: wanted });
      const completed = await complete(browser, await deliver(browser, connection, await answerTo(attempt, system)));
      assert.equal(completed.location, granted, String(wanted));
    }
  });

  test("holds with the response or the assertion signed alone", async () => {
    const connection = await connect(system);
    await signIn(system, connection, { signResponse: false });
    await signIn(system, connection, { signAssertion: false });
  });

  test("gives one user the same id every time, and two users two", async () => {
    const connection = await connect(system);
    const idOf = async (options) => {
      const { browser } = await signIn(system, connection, options);
      return JSON.parse((await browser.get("/sso/session")).text).user.id;
    };
    const ada = await idOf({});
    assert.equal(await idOf({}), ada);
    assert.notEqual(await idOf({ nameId: `grace@${connection.domain}` }), ada);
  });

  test("replaces the session that the browser had", async () => {
    const connection = await connect(system);
    const { browser } = await signIn(system, connection);
    const first = browser.cookies.get(SESSION_COOKIE);
    await signIn(system, connection, { browser });
    assert.notEqual(browser.cookies.get(SESSION_COOKIE), first);
  });

  test("can go on in several tabs of one browser", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const tabs = [await begin(browser, connection, { returnTo: "/one" }), await begin(browser, connection, { returnTo: "/two" })];
    for (const [tab, path] of [[tabs[1], "/two"], [tabs[0], "/one"]]) {
      const completed = await complete(browser, await deliver(browser, connection, await answerTo(tab, system)));
      assert.equal(completed.location, path);
    }
  });
});

describe("a genuinely signed response is refused", { concurrency: 4 }, () => {
  // Each is signed by samlp with the right key; `options` say what it got wrong.
  for (const { name, options, code, settings } of [
    { name: "for another audience", options: { audience: "urn:elsewhere" }, code: "audience_mismatch" },
    { name: "for another recipient", options: { recipient: "https://elsewhere.example/acs" }, code: "recipient_mismatch" },
    { name: "for another destination", options: { destination: "https://elsewhere.example/acs" }, code: "destination_mismatch" },
    { name: "by another issuer", options: { issuer: "http://www.okta.com/exkelsewhere" }, code: "issuer_mismatch" },
    { name: "when it has expired", options: { now: new Date(Date.now() - 30 * MINUTE), lifetimeSeconds: 300 }, code: "expired" },
    { name: "when it is not valid yet", options: { now: new Date(Date.now() + 10 * MINUTE) }, code: "not_yet_valid" },
    { name: "to a request that nobody made", options: { inResponseTo: "_0123456789" }, code: "in_response_to_unknown" },
    { name: "to no request at all, where that is switched off", settings: { idp_initiated: "off" }, options: { inResponseTo: undefined }, code: "unsolicited_not_allowed" },
    { name: "for an e-mail of another domain", options: { user: user("mallory@other.test") }, code: "email_domain_not_owned" },
    { name: "for an e-mail of a subdomain", options: { user: user("ada@sub.acme.test") }, code: "email_domain_not_owned" },
    {
      name: "without an e-mail",
      options: { attributes: { "First name": "Ada" }, nameId: "00u42", nameIdFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" },
      code: "email_missing",
    },
    { name: "with two different e-mails", options: { attributes: { email: ["ada@acme.test", "eve@acme.test"] } }, code: "email_not_an_address" },
    { name: "with a look-alike e-mail", options: { attributes: { email: "аda@acme.test" } }, code: "email_not_an_address" },
    {
      name: "with a NameID that changes every time",
      options: { nameIdFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient" },
      code: "nameid_transient_as_key",
    },
    { name: "with SHA-1", options: { samlp: { signatureAlgorithm: "rsa-sha1", digestAlgorithm: "sha1" } }, code: "signature_alg_weak" },
  ]) {
    test(name, async () => {
      const connection = await connect(system);
      if (settings) assert.equal((await system.api("PATCH", connection.path, settings)).status, 200);
      const browser = newBrowser();
      const attempt = await begin(browser, connection);
      const answer = await deliver(browser, connection, await answerTo(attempt, system, options));
      await assertRefused(system, connection, answer, code, { browser });
      // The request itself is still good: a right answer to it signs in.
      await complete(browser, await deliver(browser, connection, await answerTo(attempt, system)));
    });
  }

  test("to a request of another connection, whose key is the same", async () => {
    const [ours, theirs] = [await connect(system), await connect(system)];
    const browser = newBrowser();
    const attempt = await begin(browser, theirs);
    const response = await answerTo({ ...attempt, connection: ours }, system, { acs: ours.acs, audience: ours.service_provider.entity_id });
    await assertRefused(system, ours, await deliver(browser, ours, response), "in_response_to_unknown", { browser });
  });

  test("at another connection's address than the one it is for", async () => {
    const [ours, theirs] = [await connect(system), await connect(system)];
    const browser = newBrowser();
    const response = await answerTo(await begin(browser, theirs), system);
    await assertRefused(system, ours, await deliver(browser, ours, response), "destination_mismatch", { browser });
  });

  test("when its key is not the connection's, though KeyInfo brings a certificate for it", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const response = await answerTo(await begin(browser, connection), system, stranger);
    assert.ok(decode(response).includes(base64Of(stranger.cert)));
    await assertRefused(system, connection, await deliver(browser, connection, response), "signature_key_unknown", { browser });
  });

  test("when its key is not the connection's, though KeyInfo brings the connection's certificate", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const response = await answerTo(await begin(browser, connection), system, { key: stranger.key });
    await assertRefused(system, connection, await deliver(browser, connection, response), "signature_invalid", { browser });
  });

  test("when its key was replaced meanwhile; the new key is accepted", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const attempt = await begin(browser, connection);
    const signedByOld = await answerTo(attempt, system);
    const metadata = system.metadata.replace(base64Of(system.idp.cert), base64Of(stranger.cert));
    assert.equal((await system.api("POST", `${connection.path}/metadata`, { xml: metadata })).status, 200);
    await assertRefused(system, connection, await deliver(browser, connection, signedByOld), "signature_key_unknown", { browser });
    await complete(browser, await deliver(browser, connection, await answerTo(attempt, system, stranger)));
  });

  test("when its assertion is encrypted, which this connection cannot read", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const encryptionPublicKey = createPublicKey(stranger.cert).export({ type: "spki", format: "pem" });
    const response = await answerTo(await begin(browser, connection), system, { samlp: { encryptionCert: stranger.cert, encryptionPublicKey } });
    assert.ok(decode(response).includes("EncryptedAssertion"));
    await assertRefused(system, connection, await deliver(browser, connection, response), "encrypted_unexpected", { browser });
  });
});

describe("a response is refused that was changed after it was signed", { concurrency: 4 }, () => {
  const evil = (xml, email) => xml.replaceAll(/ada@c\d+\.acme\.test/g, email);
  const assertionOf = (xml) => /<saml:Assertion [^]*<\/saml:Assertion>/.exec(xml)[0];
  const withoutSignatures = (xml) => xml.replaceAll(/<Signature [^]*?<\/Signature>/g, "");
  /** An unsigned assertion for somebody else, made of the signed one. */
  const forged = (xml) => withoutSignatures(evil(assertionOf(xml), "eve@acme.test")).replace(/ID="_[^"]*"/, 'ID="_evil"');
  const assertionSigned = { signResponse: false };

  for (const { name, options = {}, alter, code, status = 403 } of [
    { name: "an attribute", alter: (xml) => xml.replace("Lovelace", "Byron"), code: "signature_bad_digest" },
    { name: "an attribute, with the assertion signed alone", options: assertionSigned, alter: (xml) => xml.replace("Lovelace", "Byron"), code: "signature_bad_digest" },
    { name: "the e-mail", alter: (xml) => evil(xml, "eve@acme.test"), code: "signature_bad_digest" },
    { name: "the signed digest", alter: (xml) => xml.replace(/<DigestValue>./, (found) => `${found.slice(0, -1)}${found.endsWith("A") ? "B" : "A"}`), code: "signature_invalid" },
    { name: "both signatures, taken away", alter: withoutSignatures, code: "unsigned" },
    { name: "the assertion's signature, taken away", options: assertionSigned, alter: withoutSignatures, code: "unsigned" },
    { name: "the response's key, so that the assertion's alone would hold", alter: (xml) => xml.replace(/<SignatureValue>[^<]{8}/, "<SignatureValue>AAAAAAAA"), code: "signature_invalid" },
    { name: "a document type", alter: (xml) => `<!DOCTYPE samlp:Response [<!ENTITY x "y">]>${xml}`, code: "doctype_forbidden", status: 400 },
    { name: "a comment inside the NameID", alter: (xml) => xml.replace(/(<saml:NameID[^>]*>ada@)/, "$1<!---->"), code: "comment_forbidden", status: 400 },
    { name: "a processing instruction", alter: (xml) => xml.replace("<saml:Subject>", "<?x y?><saml:Subject>"), code: "processing_instruction_forbidden", status: 400 },
    { name: "a forged assertion before the signed one", options: assertionSigned, alter: (xml) => xml.replace("<saml:Assertion", `${forged(xml)}<saml:Assertion`), code: "response_malformed", status: 400 },
    { name: "a forged assertion after the signed one", options: assertionSigned, alter: (xml) => xml.replace("</saml:Assertion>", `</saml:Assertion>${forged(xml)}`), code: "response_malformed", status: 400 },
    {
      name: "a forged assertion in its place, the signed one wrapped in Extensions",
      options: assertionSigned,
      alter: (xml) => xml.replace(assertionOf(xml), forged(xml)).replace("<samlp:Status>", `<samlp:Extensions>${assertionOf(xml)}</samlp:Extensions><samlp:Status>`),
      code: "response_malformed",
      status: 400,
    },
    {
      name: "a forged assertion that holds the signed one in its signature's Object",
      options: assertionSigned,
      alter(xml) {
        const signature = /<Signature [^]*?<\/Signature>/.exec(xml)[0];
        const wrapping = signature.replace("</Signature>", `<Object>${assertionOf(xml)}</Object></Signature>`);
        return xml.replace(assertionOf(xml), forged(xml).replace("</saml:Issuer>", `</saml:Issuer>${wrapping}`));
      },
      code: "response_malformed",
      status: 400,
    },
    {
      name: "a forged assertion with the signed one's ID beside it",
      options: assertionSigned,
      alter: (xml) => xml.replace("<saml:Assertion", `${forged(xml).replace("_evil", /<saml:Assertion[^>]* ID="([^"]*)"/.exec(xml)[1])}<saml:Assertion`),
      code: "duplicate_id",
      status: 400,
    },
    { name: "a second signature", alter: (xml) => xml.replace("<samlp:Status>", `${/<Signature [^]*?<\/Signature>/.exec(xml)[0]}<samlp:Status>`), code: "signature_multiple" },
    {
      name: "a forged encrypted assertion in its place",
      options: { signResponse: false },
      alter: (xml) => xml.replace(assertionOf(xml), '<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><x/></saml:EncryptedAssertion>'),
      code: "encrypted_unexpected",
    },
    {
      name: "an error status of the identity provider",
      alter: (xml) =>
        xml.replace(assertionOf(xml), "").replace(/<samlp:StatusCode[^>]*>/, statusOf("Responder", "RequestDenied")),
      code: "idp_request_denied",
    },
    { name: "an error status beside a signed assertion", options: assertionSigned, alter: (xml) => xml.replace(/<samlp:StatusCode[^>]*>/, statusOf("Requester", "AuthnFailed")), code: "idp_authn_failed" },
    { name: "half of it, cut off", alter: (xml) => xml.slice(0, xml.length / 2), code: "xml_not_wellformed", status: 400 },
  ]) {
    test(name, async () => {
      const connection = await connect(system);
      const browser = newBrowser();
      const attempt = await begin(browser, connection);
      const good = decode(await answerTo(attempt, system, options));
      const changed = alter(good);
      assert.notEqual(changed, good);
      await assertRefused(system, connection, await deliver(browser, connection, encode(changed)), code, { browser, status });
      // As it was signed, it is accepted: what was refused is the change.
      await complete(browser, await deliver(browser, connection, encode(good)));
    });
  }
});

describe("once only", { concurrency: 4 }, () => {
  test("an assertion is worth something to the browser that asked for it alone, and nothing once that has signed out", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const response = await answerTo(await begin(browser, connection), system);
    await complete(browser, await deliver(browser, connection, response));
    await browser.post("/sso/sign-out", {});
    await assertRefused(system, connection, await deliver(browser, connection, response), "assertion_reused", { browser });
    const another = await answerTo(await begin(browser, connection), system);
    await complete(browser, await deliver(browser, connection, another));
    const other = newBrowser();
    await begin(other, connection);
    const taken = await deliver(other, connection, another);
    assert.equal(taken.status, 303, taken.text);
    await assertRefused(system, connection, await other.get(taken.location), "browser_mismatch", { browser: other });
  });

  test("of many deliveries at once, four are taken for clicks of the same user", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const response = await answerTo(await begin(browser, connection), system);
    const answers = await Promise.all(Array.from({ length: 8 }, () => deliver(newBrowser(), connection, response)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(4).fill(303), ...Array(4).fill(403)]);
    const refusals = await refusalsOf(system, connection);
    assert.deepEqual(refusals.map(({ code }) => code), Array(4).fill("assertion_reused"));
    await complete(browser, answers.find(({ status }) => status === 303));
  });

  test("a request is answered by one assertion, not by a second", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const attempt = await begin(browser, connection);
    const [first, second] = [await answerTo(attempt, system), await answerTo(attempt, system)];
    const exchanged = await deliver(browser, connection, first);
    await assertRefused(system, connection, await deliver(browser, connection, second), "request_already_answered", { browser });
    await complete(browser, exchanged);
  });

  test("a ticket gives one session", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const exchanged = await deliver(browser, connection, await answerTo(await begin(browser, connection), system));
    const copy = newBrowser();
    copy.cookies = new Map(browser.cookies);
    await complete(browser, exchanged);
    await assertRefused(system, connection, await copy.get(exchanged.location), "in_response_to_unknown", { browser: copy });
  });
});

describe("the browser that began", () => {
  test("alone can complete: not another browser, and not one without a cookie", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const [another, garbled] = [newBrowser(), newBrowser()];
    await begin(another, connection);
    garbled.cookies.set(BROWSER_COOKIE, "junk");
    for (const stranger of [another, newBrowser(), garbled]) {
      const response = await answerTo(await begin(browser, connection), system);
      const [first, second] = [await deliver(browser, connection, response), await deliver(browser, connection, response)];
      await assertRefused(system, connection, await stranger.get(first.location), "browser_mismatch", { browser: stranger });
      // Nor can it itself any more.
      await assertRefused(system, connection, await browser.get(second.location), "in_response_to_unknown", { browser });
    }
    await complete(browser, await deliver(browser, connection, await answerTo(await begin(browser, connection), system)));
  });
});

describe("a connection", { concurrency: 4 }, () => {
  test("that is disabled starts no sign-in, and does not show that it exists", async () => {
    const connection = await connect(system);
    await system.api("POST", `${connection.path}/disable`);
    const pageFor = async (email) => {
      const answer = await newBrowser().post("/sso/sign-in", { email, return_to: "/x" });
      assert.equal(answer.status, 422);
      assert.deepEqual([answer.location, answer.setCookies], [undefined, []]);
      assert.ok(answer.text.includes(`value="${email}"`));
      return { headers: answer.headers, text: answer.text.replace(email, "") };
    };
    assert.deepEqual(await pageFor(connection.email), await pageFor(`ada@un${connection.domain}`));
    const byId = await newBrowser().get(`/sso/sign-in?connection=${connection.id}`);
    const unknown = await newBrowser().get(`/sso/sign-in?connection=${UNKNOWN_CONNECTION}`);
    assert.deepEqual([byId.status, byId.text], [422, unknown.text]);
  });

  test("that is disabled accepts no response, even one that was signed while it was enabled", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const response = await answerTo(await begin(browser, connection), system);
    await system.api("POST", `${connection.path}/disable`);
    await assertRefused(system, connection, await deliver(browser, connection, response), "connection_disabled", { browser });
    await system.api("POST", `${connection.path}/enable`, UNTESTED);
    await complete(browser, await deliver(browser, connection, response));
  });

  test("that is disabled completes no sign-in that was on its way", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const exchanged = await deliver(browser, connection, await answerTo(await begin(browser, connection), system));
    await system.api("POST", `${connection.path}/disable`);
    await assertRefused(system, connection, await browser.get(exchanged.location), "connection_disabled", { browser });
  });

  test("that does not exist is answered with 404, and nothing is kept of it", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const response = await answerTo(await begin(browser, connection), system);
    const acs = connection.acs.replace(connection.id, UNKNOWN_CONNECTION);
    const answer = await deliver(browser, { acs }, response);
    assert.equal(answer.status, 404);
    await assertNobody(browser);
    const refusals = await system.api("GET", `/connections/${UNKNOWN_CONNECTION}/sign-ins`);
    assert.deepEqual([refusals.status, refusals.body.error.code], [404, "connection_unknown"]);
    assert.deepEqual(await refusalsOf(system, connection), []);
    assert.equal((await browser.get(`/sso/saml/${UNKNOWN_CONNECTION}/complete?ticket=${"A".repeat(43)}`)).status, 404);
  });

  test("that is deleted accepts no response and ends its sessions", async () => {
    const connection = await connect(system);
    const { browser } = await signIn(system, connection);
    const another = newBrowser();
    const response = await answerTo(await begin(another, connection), system);
    assert.equal((await system.api("DELETE", connection.path)).status, 204);
    assert.equal((await deliver(another, connection, response)).status, 404);
    await assertNobody(another);
    assert.equal((await browser.get("/sso/session")).status, 401);
  });

  test("whose domain is taken away signs that domain's users in no more", async () => {
    const connection = await connect(system);
    const browser = newBrowser();
    const attempt = await begin(browser, connection);
    await system.api("PATCH", connection.path, { domains: [`new.${connection.domain}`] });
    await assertRefused(system, connection, await deliver(browser, connection, await answerTo(attempt, system)), "email_domain_not_owned", { browser });
    assert.equal((await newBrowser().post("/sso/sign-in", { email: connection.email })).status, 422);
  });
});

test("a refusal tells the vendor what was expected and found, and never an address or a NameID", async () => {
  const connection = await connect(system);
  const browser = newBrowser();
  const response = await answerTo(await begin(browser, connection), system, { audience: "urn:elsewhere" });
  const { detail, at } = await assertRefused(system, connection, await deliver(browser, connection, response), "audience_mismatch");
  assert.equal(detail, `Audience: expected ${connection.service_provider.entity_id}, found urn:elsewhere`);
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < MINUTE);
  const other = await answerTo(await begin(browser, connection), system, { user: user("mallory@other.test") });
  const refusal = await assertRefused(system, connection, await deliver(browser, connection, other), "email_domain_not_owned");
  assert.ok(refusal.detail.includes("other.test") && !JSON.stringify(refusal).includes("mallory"));
  const log = system.worker.output();
  assert.ok(log.includes(refusal.reference) && log.includes("email_domain_not_owned"));
  for (const secret of ["mallory", browser.cookies.get(BROWSER_COOKIE), response.slice(0, 40)]) assert.ok(!log.includes(secret), secret);
  const stranger = await apiOf(system.origin, "wrong")("GET", `${connection.path}/sign-ins`);
  assert.equal(stranger.status, 401);
});

function user(email) {
  return { email, firstName: "Mallory", lastName: "Elsewhere" };
}

function statusOf(top, second) {
  const value = (name) => `Value="urn:oasis:names:tc:SAML:2.0:status:${name}"`;
  return `<samlp:StatusCode ${value(top)}><samlp:StatusCode ${value(second)}/></samlp:StatusCode>`;
}

function base64Of(pem) {
  return pem.replace(/-----[^-]+-----|\s/g, "");
}

/** Asserts that `answer` sets exactly this cookie, as one that only this host gets, over TLS, out of reach of scripts. */
function assertHostCookie(answer, name, value, maxAge) {
  assert.equal(answer.setCookies.length, 1);
  const cookie = parseCookie(answer.setCookies[0]);
  assert.equal(cookie.name, name);
  assert.match(cookie.value, value);
  const { "max-age": age, ...attributes } = cookie.attributes;
  assert.deepEqual(attributes, { httponly: "", secure: "", samesite: "Lax", path: "/" });
  assert.ok(Number(age) > maxAge - 60 && Number(age) <= maxAge, `Max-Age ${age}`);
}
