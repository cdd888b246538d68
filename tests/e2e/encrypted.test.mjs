// Encrypted assertions through the built Worker, whose WebCrypto holds the private keys. samlp encrypts with xml-encryption, and
// where it does not know how, OpenSSL does; both know nothing but our metadata.

import assert from "node:assert/strict";
import { X509Certificate, constants, createCipheriv, publicEncrypt, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import samlify from "samlify";
import { makeCredentials } from "../../scripts/lib/demo-idp.mjs";
import { startWorker } from "../../scripts/lib/worker.mjs";
import { assertValid, schemaIsMissing } from "./programs.mjs";
import { Browser, adminToken, answerTo, apiOf, assertRefused, begin, complete, connect, deliver, pem, startSystem } from "./support.mjs";

const XENC = "http://www.w3.org/2001/04/xmlenc#";
const XENC11 = "http://www.w3.org/2009/xmlenc11#";
const DS = "http://www.w3.org/2000/09/xmldsig#";

let system, folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-saml-encrypted-"));
  system = await startSystem();
});
after(async () => {
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

// --- What an identity provider does ---------------------------------------------------------------------------------

/** A connection that decrypts. */
async function connectDecrypting() {
  const connection = await connect(system);
  await patch(connection, { decrypt_assertions: true });
  return connection;
}

async function patch(connection, body) {
  const answer = await system.api("PATCH", connection.path, body);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

/** Our metadata, and the certificates for encryption in it. */
async function metadataOf(connection) {
  const xml = await (await fetch(connection.service_provider.metadata_url)).text();
  const descriptors = [...xml.matchAll(/<md:KeyDescriptor use="encryption">([^]*?)<\/md:KeyDescriptor>/g)];
  return { xml, certificates: descriptors.map(([, inner]) => pem(/<ds:X509Certificate>([^<]+)</.exec(inner)[1])) };
}

async function announced(connection) {
  const { certificates } = await metadataOf(connection);
  assert.equal(certificates.length, 1);
  return certificates[0];
}

/** Options for `answerTo` that let samlp encrypt to a certificate. */
function encryptTo(certificate, { algorithm = `${XENC11}aes256-gcm`, ...options } = {}) {
  return {
    ...options,
    samlp: {
      encryptionCert: certificate,
      encryptionPublicKey: new X509Certificate(certificate).publicKey.export({ type: "spki", format: "pem" }),
      encryptionAlgorithm: algorithm,
      disallowEncryptionWithInsecureAlgorithm: false,
      warnOnInsecureEncryptionAlgorithm: false,
    },
  };
}

/** Options for `answerTo` that let OpenSSL encrypt, by RSA-OAEP with this hash for the label and the mask. */
function encryptByOpenSsl(certificate, { transport, digest = "", mask = "", hash, label }) {
  const encrypt = (assertion) => {
    const [key, iv] = [randomBytes(16), randomBytes(12)];
    const cipher = createCipheriv("aes-128-gcm", key, iv);
    const ciphertext = Buffer.concat([iv, cipher.update(assertion), cipher.final(), cipher.getAuthTag()]);
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const wrapped = publicEncrypt({ key: certificate, padding, oaepHash: hash, ...(label && { oaepLabel: Buffer.from(label) }) }, key);
    const value = (octets) => `<e:CipherData><e:CipherValue>${octets.toString("base64")}</e:CipherValue></e:CipherData>`;
    const children = [
      label && `<e:OAEPparams>${Buffer.from(label).toString("base64")}</e:OAEPparams>`,
      digest && `<DigestMethod xmlns="${DS}" Algorithm="${digest}"/>`,
      mask && `<MGF xmlns="${XENC11}" Algorithm="${mask}"/>`,
    ];
    const method = `<e:EncryptionMethod Algorithm="${transport}">${children.filter(Boolean).join("")}</e:EncryptionMethod>`;
    return `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><e:EncryptedData xmlns:e="${XENC}" Type="${XENC}Element">\
<e:EncryptionMethod Algorithm="${XENC11}aes128-gcm"/><KeyInfo xmlns="${DS}"><e:EncryptedKey>${method}${value(wrapped)}</e:EncryptedKey></KeyInfo>\
${value(ciphertext)}</e:EncryptedData></saml:EncryptedAssertion>`;
  };
  return { signResponse: false, alter: (xml) => xml.replace(/<saml:Assertion [^]*<\/saml:Assertion>/, encrypt) };
}

/** Answers a fresh sign-in; what the Worker says to it. */
async function answer(connection, options) {
  const browser = new Browser(system.origin);
  const response = await answerTo(await begin(browser, connection), system, options);
  assert.match(Buffer.from(response, "base64").toString(), /EncryptedAssertion/);
  return { browser, exchanged: await deliver(browser, connection, response) };
}

async function signIn(connection, options) {
  const { browser, exchanged } = await answer(connection, options);
  await complete(browser, exchanged);
}

/** Asserts that it is refused; the page without its reference. */
async function refused(connection, options, code) {
  const { browser, exchanged } = await answer(connection, options);
  const { reference } = await assertRefused(system, connection, exchanged, code, { browser });
  return exchanged.text.replaceAll(reference, "");
}

// --- Responses ------------------------------------------------------------------------------------------------------

describe("an encrypted assertion", () => {
  test("signs in, signed inside, outside or both, by AES-GCM", async () => {
    const connection = await connectDecrypting();
    const certificate = await announced(connection);
    await signIn(connection, encryptTo(certificate, { signResponse: false }));
    await signIn(connection, encryptTo(certificate, { signAssertion: false }));
    await signIn(connection, encryptTo(certificate));
    await signIn(connection, encryptTo(certificate, { algorithm: `${XENC11}aes128-gcm` }));
  });

  test("by AES-CBC only in a signed response", async () => {
    const connection = await connectDecrypting();
    const certificate = await announced(connection);
    for (const algorithm of [`${XENC}aes128-cbc`, `${XENC}aes256-cbc`]) {
      await signIn(connection, encryptTo(certificate, { algorithm, signAssertion: false }));
      await signIn(connection, encryptTo(certificate, { algorithm }));
      await refused(connection, encryptTo(certificate, { algorithm, signResponse: false }), "encrypted_alg_refused");
    }
  });

  test("proves nothing by being encrypted", async () => {
    const connection = await connectDecrypting();
    const certificate = await announced(connection);
    await refused(connection, encryptTo(certificate, { signResponse: false, signAssertion: false }), "unsigned");
    await refused(connection, encryptTo(certificate, { signResponse: false, ...makeCredentials() }), "signature_key_unknown");
  });

  test("by every RSA-OAEP that WebCrypto can undo, and no other", async () => {
    const connection = await connectDecrypting();
    const certificate = await announced(connection);
    const [older, newer] = [`${XENC}rsa-oaep-mgf1p`, `${XENC11}rsa-oaep`];
    const [sha1, sha256] = [`${DS}sha1`, `${XENC}sha256`];
    const [mask1, mask256] = [`${XENC11}mgf1sha1`, `${XENC11}mgf1sha256`];
    for (const good of [
      { transport: older, hash: "sha1" },
      { transport: older, hash: "sha1", digest: sha1, label: "a label" },
      { transport: newer, hash: "sha1", digest: sha1, mask: mask1 },
      { transport: newer, hash: "sha256", digest: sha256, mask: mask256 },
      { transport: newer, hash: "sha256", digest: sha256, mask: mask256, label: "a label" },
    ]) {
      await signIn(connection, encryptByOpenSsl(certificate, good));
    }
    for (const mixed of [
      { transport: older, hash: "sha256", digest: sha256 },
      { transport: newer, hash: "sha256", digest: sha256 },
      { transport: newer, hash: "sha256", digest: sha1, mask: mask256 },
      { transport: newer, hash: "sha512", digest: `${XENC}sha512`, mask: `${XENC11}mgf1sha512` },
    ]) {
      await refused(connection, encryptByOpenSsl(certificate, mixed), "encrypted_alg_refused");
    }
  });

  test("that cannot be decrypted is refused in one way", async () => {
    const [connection, other] = [await connectDecrypting(), await connectDecrypting()];
    const certificate = await announced(connection);
    const otherCertificate = await announced(other);
    assert.notEqual(certificate, otherCertificate);
    await signIn(other, encryptTo(otherCertificate));
    // The last octet of the wrapped key, or of the content's tag, changed.
    const flip = (nth) => (xml) => {
      const base64 = [...xml.matchAll(/CipherValue>([^<]+)</g)][nth][1];
      const octets = Buffer.from(base64, "base64");
      octets[octets.length - 1] ^= 1;
      return xml.replace(base64, octets.toString("base64"));
    };
    const sealed = encryptTo(certificate, { signResponse: false });
    const pages = [
      await refused(connection, encryptTo(makeCredentials().cert), "decryption_failed"),
      await refused(connection, encryptTo(otherCertificate), "decryption_failed"),
      await refused(connection, encryptTo(otherCertificate, { signResponse: false }), "decryption_failed"),
      await refused(connection, encryptByOpenSsl(certificate, { transport: `${XENC}rsa-oaep-mgf1p`, hash: "sha256" }), "decryption_failed"),
      await refused(connection, { ...sealed, alter: flip(0) }, "decryption_failed"),
      await refused(connection, { ...sealed, alter: flip(1) }, "decryption_failed"),
    ];
    assert.equal(new Set(pages).size, 1, "the browser cannot tell them apart");
    await signIn(connection, encryptTo(certificate));
  });

  test("is refused where decryption is off", async () => {
    const connection = await connect(system);
    assert.deepEqual((await metadataOf(connection)).certificates, []);
    assert.deepEqual((await system.api("GET", `${connection.path}/decryption-keys`)).body, { keys: [], next_step: null });
    await patch(connection, { decrypt_assertions: true });
    const certificate = await announced(connection);
    await signIn(connection, encryptTo(certificate));
    await patch(connection, { decrypt_assertions: false });
    assert.deepEqual((await metadataOf(connection)).certificates, []);
    await refused(connection, encryptTo(certificate), "encrypted_unexpected");
  });
});

// --- Keys -----------------------------------------------------------------------------------------------------------

describe("the keys of a connection", () => {
  test("are rotated while users sign in", async () => {
    const connection = await connectDecrypting();
    const step = async (name) => {
      const rotated = await system.api("POST", `${connection.path}/decryption-keys/rotate`, { step: name });
      assert.equal(rotated.status, 200, rotated.text);
      return rotated.body;
    };
    const sha256 = (certificate) => new X509Certificate(certificate).fingerprint256.replaceAll(":", "").toLowerCase();
    const old = await announced(connection);

    const prepared = await step("prepare");
    assert.deepEqual(prepared.keys.map((key) => key.state), ["current", "next"]);
    assert.equal(await announced(connection), old);
    const fresh = pem(prepared.keys[1].certificate);
    await signIn(connection, encryptTo(old));
    await signIn(connection, encryptTo(fresh, { signResponse: false }));

    const activated = await step("activate");
    assert.deepEqual(activated.keys.map((key) => [key.state, key.sha256]), [["current", sha256(fresh)], ["previous", sha256(old)]]);
    assert.equal(await announced(connection), fresh);
    await signIn(connection, encryptTo(old));
    await signIn(connection, encryptTo(fresh));
    const repeated = await system.api("POST", `${connection.path}/decryption-keys/rotate`, { step: "activate" });
    assert.deepEqual([repeated.status, repeated.body.error.code], [409, "rotation_step"]);

    assert.equal((await step("retire")).next_step, "prepare");
    await signIn(connection, encryptTo(fresh));
    await refused(connection, encryptTo(old), "decryption_failed");
    for (const wrong of [{}, { step: "begin" }, { step: "retire", now: true }]) {
      assert.equal((await system.api("POST", `${connection.path}/decryption-keys/rotate`, wrong)).status, 422);
    }
  });

  test("outlive the Worker, and none is in its log", async () => {
    const persistTo = join(folder, "state");
    const seen = [];
    for (let start = 0; start < 2; start += 1) {
      const worker = await startWorker({ adminToken, persistTo });
      try {
        const api = apiOf(worker.origin);
        if (start === 0) {
          const created = await api("POST", "/connections", { name: "Acme", provider: "okta", domains: ["acme.test"], decrypt_assertions: true });
          assert.equal(created.status, 201, created.text);
        }
        const [{ id }] = (await api("GET", "/connections")).body.connections;
        seen.push((await api("GET", `/connections/${id}/decryption-keys`)).body);
        assert.doesNotMatch(worker.output(), /PRIVATE|MII[A-Za-z0-9+/]{100}/, "no key in the log");
      } finally {
        await worker.stop();
      }
    }
    assert.deepEqual(seen[0], seen[1]);
    const certificate = new X509Certificate(pem(seen[0].keys[0].certificate));
    assert.equal(certificate.publicKey.asymmetricKeyDetails.modulusLength, 2048);
    assert.ok(certificate.verify(certificate.publicKey), "it is signed by its own key");
  });
});

// --- Metadata -------------------------------------------------------------------------------------------------------

describe("metadata with a key for encryption", () => {
  test("is valid, alone and beside a key that signs", async (t) => {
    const connection = await connectDecrypting();
    const alone = await metadataOf(connection);
    await patch(connection, { sign_requests: "always" });
    const both = await metadataOf(connection);
    assert.deepEqual(both.certificates, alone.certificates);
    for (const { xml, certificates } of [alone, both]) {
      const sp = samlify.ServiceProvider({ metadata: xml }).entityMeta;
      assert.equal(pem(sp.getX509Certificate("encryption")), certificates[0]);
    }
    assert.notEqual(pem(samlify.ServiceProvider({ metadata: both.xml }).entityMeta.getX509Certificate("signing")), both.certificates[0]);
    await t.test("by the OASIS schema", { skip: await schemaIsMissing() }, async () => {
      for (const { xml } of [alone, both]) await assertValid(xml, "saml-schema-metadata-2.0.xsd");
    });
  });
});
