// Makes the two responses that scripts/bench measures with, and all that a service provider must know to accept them:
// node benches/make-responses.mjs FOLDER
//
// small.xml is written as Okta writes its responses, with three attributes; large.xml has 1,000. In both xmlsec1 signs
// the assertion, then the response, with RSA-2048 and SHA-256. They are valid for years.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCredentials } from "../scripts/lib/demo-idp.mjs";

const YEARS = 5;

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("Say into which folder.");
mkdirSync(folder, { recursive: true });

const base = "https://app.example.com/sso/saml/conn_abcdefghij234567klmn";
const facts = {
  issuer: "http://www.okta.com/exk1fcia6d6EMsf331d8",
  acs: `${base}/acs`,
  audience: base,
  in_response_to: "_4fee3b046395c4e751011e97f8900b52",
  email: "ada.lovelace@acme.example",
};
const instant = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
// Clocks may lag somewhat: nothing is of the future.
const [issued, until] = [instant(-60), instant(YEARS * 365 * 24 * 3600)];

const signature = (id) =>
  '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>' +
  '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>' +
  '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>' +
  `<ds:Reference URI="#${id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>` +
  '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces ' +
  'xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs"/></ds:Transform></ds:Transforms>' +
  '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>' +
  "<ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo></ds:Signature>";

const attribute = ([name, value]) =>
  `<saml2:Attribute Name="${name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified">` +
  '<saml2:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ' +
  `xsi:type="xs:string">${value}</saml2:AttributeValue></saml2:Attribute>`;

const issuer = (declaration) =>
  `<saml2:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity"${declaration}>${facts.issuer}</saml2:Issuer>`;

const saml2 = ' xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion"';
const response = (attributes) =>
  `<?xml version="1.0" encoding="UTF-8"?><saml2p:Response xmlns:saml2p="urn:oasis:names:tc:SAML:2.0:protocol" ` +
  `xmlns:xs="http://www.w3.org/2001/XMLSchema" Destination="${facts.acs}" ID="id1" InResponseTo="${facts.in_response_to}" ` +
  `IssueInstant="${issued}" Version="2.0">${issuer(saml2)}${signature("id1")}` +
  '<saml2p:Status><saml2p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></saml2p:Status>' +
  `<saml2:Assertion${saml2} xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="id2" IssueInstant="${issued}" Version="2.0">` +
  issuer("") + signature("id2") +
  '<saml2:Subject><saml2:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">' +
  `${facts.email}</saml2:NameID><saml2:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">` +
  `<saml2:SubjectConfirmationData InResponseTo="${facts.in_response_to}" NotOnOrAfter="${until}" Recipient="${facts.acs}"/>` +
  `</saml2:SubjectConfirmation></saml2:Subject><saml2:Conditions NotBefore="${issued}" NotOnOrAfter="${until}">` +
  `<saml2:AudienceRestriction><saml2:Audience>${facts.audience}</saml2:Audience></saml2:AudienceRestriction></saml2:Conditions>` +
  `<saml2:AuthnStatement AuthnInstant="${issued}" SessionIndex="${facts.in_response_to}"><saml2:AuthnContext>` +
  "<saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml2:AuthnContextClassRef>" +
  `</saml2:AuthnContext></saml2:AuthnStatement><saml2:AttributeStatement>${attributes.map(attribute).join("")}` +
  "</saml2:AttributeStatement></saml2:Assertion></saml2p:Response>";

/** Signs the element with this ID: xmlsec1 fills in the template of its signature. */
function sign(file, id) {
  const position = `/*[local-name()="Response"]${id === "id2" ? '/*[local-name()="Assertion"]' : ""}/*[local-name()="Signature"]`;
  const ids = ["Response", "Assertion"].flatMap((name) => ["--id-attr:ID", name]);
  const keys = ["--privkey-pem", `${join(folder, "key.pem")},${join(folder, "idp.pem")}`];
  execFileSync("xmlsec1", ["--sign", ...keys, ...ids, "--node-xpath", position, "--output", file, file], { stdio: "pipe" });
}

function write(name, attributes) {
  const file = join(folder, `${name}.xml`);
  writeFileSync(file, response(attributes));
  sign(file, "id2");
  sign(file, "id1");
  writeFileSync(file, readFileSync(file, "utf8").trimEnd());
}

const { key, cert } = makeCredentials();
writeFileSync(join(folder, "key.pem"), key, { mode: 0o600 });
writeFileSync(join(folder, "idp.pem"), cert);
const three = [["email", facts.email], ["firstName", "Ada"], ["lastName", "Lovelace"]];
const many = Array.from({ length: 997 }, (_, i) => [`attribute-${i}`, `value ${i} of the user`]);
write("small", three);
write("large", [...three, ...many]);
rmSync(join(folder, "key.pem"));
writeFileSync(join(folder, "facts.json"), `${JSON.stringify(facts, null, 2)}\n`);
