// Makes cli/: responses by samlp, a logout message by xmlsec1, one in a query by Node, something encrypted by xmlsec1.
// Run with Node after scripts/setup; needs the openssl and xmlsec1 programs. Signatures differ from run to run only where
// samlp makes up IDs.

import { execFileSync } from "node:child_process";
import { createSign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { makeResponse } from "../../scripts/lib/demo-idp.mjs";

const here = (name) => new URL(name, import.meta.url).pathname;
const write = (name, text) => writeFileSync(here(`cli/${name}`), text);
const key = readFileSync(here("keys/idp.key.pem"), "utf8");
const cert = readFileSync(here("keys/idp.cert.pem"), "utf8");
const samlp = createRequire(import.meta.url)("samlp");

const base = {
  key, cert,
  acs: "https://sp.example/sso/saml/conn_abcdefghij234567klmn/acs",
  audience: "https://sp.example/sso/saml/conn_abcdefghij234567klmn",
  inResponseTo: "_request",
  now: new Date("2026-07-01T12:00:00Z"),
  sessionIndex: "_session",
  user: { email: "ada@acme.test", firstName: "Ada", lastName: "Lovelace" },
  attributes: {
    "Last name": "Lovelace",
    "First name": "Ada",
    "Email address": "ada@acme.test",
    groups: ["Zoologists", "Analysts"],
  },
};

const response = await makeResponse(base);
const xml = Buffer.from(response, "base64");
write("response.xml", xml);
write("response.base64", response.replace(/.{76}/g, "$&\n") + "\n");
write("response.deflated.base64", deflateRawSync(xml).toString("base64") + "\n");
const save = async (name, options) => write(name, Buffer.from(await makeResponse({ ...base, ...options }), "base64"));
await save("response-unsolicited.xml", { inResponseTo: undefined });
await save("response-assertion-signed.xml", { signResponse: false });
await save("response-sha1.xml", { samlp: { signatureAlgorithm: "rsa-sha1", digestAlgorithm: "sha1" } });
await save("response-no-email.xml", { nameId: "u-17", attributes: { department: "Engines" } });
await save("response-denied.xml", {
  samlp: { samlStatusCode: "urn:oasis:names:tc:SAML:2.0:status:Responder" },
});

samlp.metadata({
  issuer: "http://www.okta.com/exk1demo0acme", cert,
  redirectEndpointPath: "/sso", postEndpointPath: "/sso", logoutEndpointPaths: { redirect: "/slo" },
  profileMapper: Object.assign(() => {}, { prototype: { metadata: [] } }),
})(
  { headers: { host: "acme.okta.example" }, protocol: "https", originalUrl: "/metadata" },
  { set() {}, send: (text) => write("metadata.xml", text) },
);

const logout = (signature) => `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" \
xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_logout" Version="2.0" IssueInstant="2026-07-01T12:00:00Z" \
Destination="https://sp.example/slo" NotOnOrAfter="2026-07-01T12:05:00Z">\
<saml:Issuer>http://www.okta.com/exk1demo0acme</saml:Issuer>${signature}\
<saml:NameID>ada@acme.test</saml:NameID><samlp:SessionIndex>_session</samlp:SessionIndex></samlp:LogoutRequest>`;
const ds = "http://www.w3.org/2000/09/xmldsig#";
const template = `<ds:Signature xmlns:ds="${ds}"><ds:SignedInfo><ds:CanonicalizationMethod \
Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod \
Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#_logout"><ds:Transforms><ds:Transform \
Algorithm="${ds}enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>\
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
<ds:SignatureValue/></ds:Signature>`;
const encrypted = `<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod \
Algorithm="http://www.w3.org/2009/xmlenc11#aes128-gcm"/><KeyInfo xmlns="${ds}"><EncryptedKey \
xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/>\
<CipherData><CipherValue/></CipherData></EncryptedKey></KeyInfo><CipherData><CipherValue/></CipherData></EncryptedData>`;

const folder = mkdtempSync(join(tmpdir(), "edge-saml-vectors-"));
const at = (name) => join(folder, name);
try {
  writeFileSync(at("logout.xml"), logout(template));
  execFileSync("xmlsec1", ["--sign", "--privkey-pem", here("keys/idp.key.pem"), "--id-attr:ID",
    "urn:oasis:names:tc:SAML:2.0:protocol:LogoutRequest", "--output", at("signed.xml"), at("logout.xml")]);
  const signed = readFileSync(at("signed.xml"), "utf8");
  write("logout-request.xml", signed);
  write("logout-request.base64", Buffer.from(signed).toString("base64") + "\n");
  write("logout-request-unsigned.xml", logout(""));

  const publicKey = execFileSync("openssl", ["x509", "-in", here("keys/idp.cert.pem"), "-noout", "-pubkey"]);
  write("idp.pub.pem", publicKey);
  writeFileSync(at("template.xml"), encrypted);
  writeFileSync(at("plain.bin"), "what was hidden\n");
  execFileSync("xmlsec1", ["--encrypt", "--pubkey-pem", here("cli/idp.pub.pem"), "--session-key", "aes-128",
    "--binary-data", at("plain.bin"), "--output", at("encrypted.xml"), at("template.xml")]);
  write("encrypted.xml", readFileSync(at("encrypted.xml")));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

// .NET writes escapes in lower case; the signature covers them as they are.
const escaped = (text) => encodeURIComponent(text).replace(/%../g, (escape) => escape.toLowerCase());
const parameters = [
  ["SAMLRequest", deflateRawSync(Buffer.from(logout(""))).toString("base64")],
  ["RelayState", "a/b c"],
  ["SigAlg", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"],
];
const query = parameters.map(([name, value]) => `${name}=${escaped(value)}`).join("&");
const signature = createSign("RSA-SHA256").update(query).sign(key, "base64");
write("logout-request.query", `${query}&Signature=${escaped(signature)}\n`);
