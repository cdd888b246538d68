// The service provider's keys and what they sign, against software that we did not write: samlp, samlify, xmlsec1 and
// OpenSSL check the requests of the built Worker with nothing but its metadata, before, during and after a rotation.

import assert from "node:assert/strict";
import { X509Certificate, verify } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import samlify from "samlify";
import samlp from "samlp";
import { inflateRawSync } from "node:zlib";
import { startWorker } from "../../scripts/lib/worker.mjs";
import { assertValid, isMissing, run, schemaIsMissing } from "./programs.mjs";
import { Browser, adminToken, answerTo, apiOf, complete, connect, deliver, pem, startSystem } from "./support.mjs";

const RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

// samlify wants to be told that messages are checked by someone; here by xmllint, where it is installed.
samlify.setSchemaValidator({ validate: async () => "checked elsewhere" });

let system, folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-saml-signed-"));
  system = await startSystem();
});
after(async () => {
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

// --- What an identity provider does with a request ------------------------------------------------------------------

/** Our metadata, as an identity provider fetches it, with its signing certificates in PEM. */
async function metadataOf(connection) {
  const response = await fetch(connection.service_provider.metadata_url);
  assert.equal(response.status, 200);
  const xml = await response.text();
  const certificates = [...xml.matchAll(/<ds:X509Certificate>([^<]+)</g)].map(([, base64]) => pem(base64));
  return { xml, certificates, signed: /AuthnRequestsSigned="(\w+)"/.exec(xml)[1] };
}

/** Starts a sign-in; what the browser is told to do next, by either binding. */
async function begin(connection, browser = new Browser(system.origin)) {
  const answer = await browser.post("/sso/sign-in", { email: connection.email });
  const attempt = { browser, connection, query: {}, body: {} };
  if (answer.status === 303) {
    attempt.url = new URL(answer.location);
    attempt.query = Object.fromEntries(attempt.url.searchParams);
    attempt.xml = inflateRawSync(Buffer.from(attempt.query.SAMLRequest, "base64")).toString();
  } else {
    assert.equal(answer.status, 200, answer.text);
    attempt.url = new URL(/<form method="post" action="([^"]+)"/.exec(answer.text)[1]);
    for (const name of ["SAMLRequest", "RelayState"]) attempt.body[name] = new RegExp(`name="${name}" value="([^"]+)"`).exec(answer.text)[1];
    attempt.xml = Buffer.from(attempt.body.SAMLRequest, "base64").toString();
  }
  return attempt;
}

/** samlp reads and checks a request with one certificate; without a good signature it throws. */
function samlpReads({ query, body }, signingCert) {
  return new Promise((resolve, reject) => {
    samlp.parseRequest({ method: body.SAMLRequest ? "POST" : "GET", query, body }, { signingCert }, (error, request) => (error ? reject(error) : resolve(request)));
  });
}

/** samlify's identity provider, which wants signed requests, reads one with our metadata. */
async function samlifyReads({ url, query, body }, metadata) {
  const idp = samlify.IdentityProvider({
    entityID: system.idp.entityId,
    wantAuthnRequestsSigned: true,
    signingCert: system.idp.cert,
    singleSignOnService: [{ Binding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", Location: system.idp.ssoUrl }],
  });
  const sp = samlify.ServiceProvider({ metadata });
  const octetString = url.search.slice(url.search.indexOf("SAMLRequest=")).replace(/&Signature=.*$/, "");
  const binding = body.SAMLRequest ? "post" : "redirect";
  return (await idp.parseLoginRequest(sp, binding, { query, body, octetString })).extract.request;
}

/** The request's signature holds with one of the certificates; the request as samlp reads it. */
async function accepted(attempt, certificates) {
  const results = await Promise.allSettled(certificates.map((certificate) => samlpReads(attempt, certificate)));
  const good = results.filter(({ status }) => status === "fulfilled");
  assert.equal(good.length, 1, results.map(({ reason }) => reason?.message).join("; "));
  return good[0].value;
}

/** A whole sign-in through an identity provider that knows `certificates`. */
async function signIn(connection, certificates) {
  const attempt = await begin(connection);
  const request = await accepted(attempt, certificates);
  await complete(attempt.browser, await deliver(attempt.browser, connection, await answerTo({ connection, request }, system)));
  return attempt;
}

async function patch(connection, body) {
  const answer = await system.api("PATCH", connection.path, body);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

/** A connection whose identity provider has only this binding. */
async function connectBy(binding, settings) {
  const other = binding === "POST" ? "Redirect" : "POST";
  const metadata = system.metadata.replaceAll(`bindings:HTTP-${other}`, "bindings:SOAP");
  const connection = await connect({ ...system, metadata });
  await patch(connection, settings);
  return connection;
}

// --- Requests -------------------------------------------------------------------------------------------------------

describe("a signed request", () => {
  test("by HTTP-Redirect is accepted by samlp, samlify and OpenSSL, and signs in", async () => {
    const connection = await connectBy("Redirect", { sign_requests: "always" });
    const { xml, certificates, signed } = await metadataOf(connection);
    assert.deepEqual([certificates.length, signed], [1, "true"]);
    const attempt = await signIn(connection, certificates);
    assert.deepEqual(Object.keys(attempt.query), ["SAMLRequest", "RelayState", "SigAlg", "Signature"]);
    assert.equal(attempt.query.SigAlg, RSA_SHA256);
    assert.equal((await samlifyReads(attempt, xml)).id, / ID="([^"]+)"/.exec(attempt.xml)[1]);

    const [octets] = attempt.url.search.slice(1).split("&Signature=");
    const { publicKey } = new X509Certificate(certificates[0]);
    const signature = Buffer.from(attempt.query.Signature, "base64");
    assert.ok(verify("sha256", Buffer.from(octets), publicKey, signature));
    await assert.rejects(samlifyReads({ ...attempt, url: new URL(attempt.url.href.replace("RelayState=", "RelayState=x")) }, xml), /SIGNATURE/i);
    await assert.rejects(samlpReads({ ...attempt, query: { ...attempt.query, RelayState: "x" } }, certificates[0]), /Signature check/);
  });

  test("by HTTP-POST is accepted by samlp, samlify and xmlsec1, and signs in", async (t) => {
    const connection = await connectBy("POST", {
      sign_requests: "always", force_authn: true, login_hint: "subject_name_id",
      name_id_format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
      requested_authn_context: ["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"],
    });
    const { xml, certificates } = await metadataOf(connection);
    const attempt = await signIn(connection, certificates);
    assert.equal(attempt.url.search, "");
    await samlifyReads(attempt, xml);
    const altered = { ...attempt, body: { SAMLRequest: Buffer.from(attempt.xml.replace('ForceAuthn="true"', 'ForceAuthn="0"')).toString("base64") } };
    await assert.rejects(samlpReads(altered, certificates[0]), /Signature check/);
    await assert.rejects(samlifyReads(altered, xml), /SIGNATURE/i);
    await t.test("xmlsec1", { skip: (await isMissing("xmlsec1")) && "xmlsec1 is not installed" }, async () => {
      await writeFile(join(folder, "sp.pem"), certificates[0]);
      await writeFile(join(folder, "request.xml"), attempt.xml);
      await run("xmlsec1", ["--verify", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest", "--enabled-key-data", "rsa", "--pubkey-cert-pem", "sp.pem", "request.xml"], { cwd: folder });
    });
    await t.test("the schema", { skip: await schemaIsMissing() }, () => assertValid(attempt.xml, "saml-schema-protocol-2.0.xsd"));
  });

  test("is sent when the identity provider's metadata asks for it, and not otherwise", async () => {
    const connection = await connect(system);
    assert.ok(!("Signature" in (await begin(connection)).query));
    assert.deepEqual((await metadataOf(connection)).certificates, []);
    const wanting = system.metadata.replace("<IDPSSODescriptor ", '<IDPSSODescriptor WantAuthnRequestsSigned="true" ');
    const saved = await system.api("POST", `${connection.path}/metadata`, { xml: wanting });
    assert.equal(saved.body.identity_provider.wants_requests_signed, true, saved.text);
    await signIn(connection, (await metadataOf(connection)).certificates);
    await patch(connection, { sign_requests: "never" });
    assert.ok(!("Signature" in (await begin(connection)).query));
  });

  test("takes the login hint along outside of its signature", async () => {
    const connection = await connectBy("Redirect", { sign_requests: "always", login_hint: "login_hint_parameter", provider: "entra" });
    const attempt = await begin(connection);
    assert.equal(attempt.query.login_hint, connection.email);
    await accepted(attempt, (await metadataOf(connection)).certificates);
  });
});

// --- Metadata -------------------------------------------------------------------------------------------------------

describe("the service provider's metadata", () => {
  test("is valid, with and without keys", async (t) => {
    const [plain, signing] = await Promise.all([connect(system), connectBy("POST", { sign_requests: "always" })]);
    const documents = [(await metadataOf(plain)).xml, (await metadataOf(signing)).xml];
    for (const xml of documents) {
      const sp = samlify.ServiceProvider({ metadata: xml }).entityMeta;
      assert.equal(sp.isAuthnRequestSigned(), xml.includes("KeyDescriptor"));
      assert.equal(sp.getAssertionConsumerService("post"), (xml === documents[0] ? plain : signing).acs);
    }
    await t.test("by the OASIS schema", { skip: await schemaIsMissing() }, async () => {
      for (const xml of documents) await assertValid(xml, "saml-schema-metadata-2.0.xsd");
      await assert.rejects(assertValid(documents[0].replace("md:AssertionConsumerService", "md:Nothing"), "saml-schema-metadata-2.0.xsd"));
    });
  });
});

// --- Keys -----------------------------------------------------------------------------------------------------------

describe("the service provider's keys", () => {
  test("are rotated while users sign in", async () => {
    const connection = await connectBy("Redirect", { sign_requests: "always" });
    const step = async (name) => {
      const answer = await system.api("POST", "/service-provider/keys/rotate", { step: name });
      assert.equal(answer.status, 200, answer.text);
      return answer.body;
    };
    const known = async () => (await metadataOf(connection)).certificates;
    const sha256 = (certificate) => new X509Certificate(certificate).fingerprint256.replaceAll(":", "").toLowerCase();

    const first = (await system.api("GET", "/service-provider/keys")).body;
    assert.deepEqual([first.keys.length, first.keys[0].state, first.next_step], [1, "current", "prepare"]);
    const old = await known();
    assert.deepEqual(old.map(sha256), [first.keys[0].sha256]);
    await signIn(connection, old);

    assert.equal((await step("prepare")).next_step, "activate");
    await signIn(connection, old);
    const both = await known();
    assert.equal(both.length, 2);

    const activated = await step("activate");
    assert.deepEqual(activated.keys.map((key) => key.state), ["current", "previous"]);
    assert.deepEqual(activated.keys.map((key) => key.sha256), both.map(sha256).reverse());
    const attempt = await signIn(connection, both);
    await assert.rejects(samlpReads(attempt, old[0]), /Signature check/, "the new key signs");
    const repeated = await system.api("POST", "/service-provider/keys/rotate", { step: "activate" });
    assert.deepEqual([repeated.status, repeated.body.error.code], [409, "rotation_step"]);

    assert.equal((await step("retire")).next_step, "prepare");
    const last = await known();
    assert.deepEqual(last, [both[1]]);
    await signIn(connection, last);
    for (const wrong of [{}, { step: "begin" }, { step: "retire", now: true }]) {
      assert.equal((await system.api("POST", "/service-provider/keys/rotate", wrong)).status, 422);
    }
  });

  test("outlive the Worker, and their certificate says what it should", async () => {
    const persistTo = join(folder, "state");
    const connectionOf = async (worker) => {
      const api = apiOf(worker.origin);
      return (await api("GET", "/service-provider/keys")).body.keys[0];
    };
    const keys = [];
    for (let start = 0; start < 2; start += 1) {
      const worker = await startWorker({ adminToken, persistTo });
      try {
        keys.push(await connectionOf(worker));
        assert.doesNotMatch(worker.output(), /PRIVATE|MII[A-Za-z0-9+/]{100}/, "no key in the log");
      } finally {
        await worker.stop();
      }
    }
    assert.deepEqual(keys[0], keys[1]);
    const certificate = new X509Certificate(pem(keys[0].certificate));
    assert.equal(certificate.subject, "CN=edge-saml service provider");
    assert.equal(certificate.publicKey.asymmetricKeyDetails.modulusLength, 2048);
    assert.ok(certificate.verify(certificate.publicKey), "it is signed by its own key");
    assert.equal(certificate.ca, false);
    const years = (Date.parse(certificate.validTo) - Date.now()) / (365.25 * 24 * 3_600_000);
    assert.ok(years > 9.9 && years < 10.1, certificate.validTo);
    assert.equal(new Date(certificate.validTo).toISOString().replace(".000", ""), keys[0].not_after);
  });
});
