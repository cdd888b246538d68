// Seeds by samlify, whose folder is the argument: the assertion or the message signed, from a template of its own.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { acs, ada, audience, issuer, now, request, writeAccepted } from "./common.mjs";

const samlify = createRequire(import.meta.url)(process.argv[2]);
const pem = (name) => readFileSync(new URL(`../keys/${name}.pem`, import.meta.url), "utf8");
const bare = (text) => text.replace(/-----[^-]+-----|\s/g, "");
samlify.setSchemaValidator({ validate: async () => "skipped" });

const post = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const authnStatement = `<saml:AuthnStatement AuthnInstant="${now}" SessionIndex="_session"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`;
const template = {
  // samlify has no AuthnStatement of its own, and escapes what replaces a tag.
  context: samlify.SamlLib.defaultLoginResponseTemplate.context.replace("{AuthnStatement}", authnStatement),
  attributes: [
    { name: "mail", valueTag: "mail", nameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:basic", valueXsiType: "xs:string" },
    { name: "givenName", valueTag: "first", nameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:basic", valueXsiType: "xs:string" },
    { name: "sn", valueTag: "last", nameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:basic", valueXsiType: "xs:string" },
  ],
};

async function respond(wantMessageSigned) {
  const idp = samlify.IdentityProvider({
    entityID: issuer, privateKey: pem("idp.key"), signingCert: bare(pem("idp.cert")), isAssertionEncrypted: false,
    requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    singleSignOnService: [{ Binding: post, Location: "https://idp.example/sso" }],
    nameIDFormat: ["urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"], loginResponseTemplate: template,
  });
  const sp = samlify.ServiceProvider({
    entityID: audience, wantMessageSigned, wantAssertionsSigned: true, assertionConsumerService: [{ Binding: post, Location: acs }],
  });
  const until = "2026-07-01T12:05:00.000Z";
  const fill = (xml) => {
    const id = `_${crypto.randomUUID()}`;
    return {
      id,
      context: samlify.SamlLib.replaceTagsByValue(xml, {
        ID: id, AssertionID: `_${crypto.randomUUID()}`, Destination: acs, Audience: audience, SubjectRecipient: acs,
        NameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", NameID: "ada-0001", Issuer: issuer, IssueInstant: now,
        ConditionsNotBefore: now, ConditionsNotOnOrAfter: until, SubjectConfirmationDataNotOnOrAfter: until,
        AssertionConsumerServiceURL: acs, EntityID: audience, InResponseTo: request,
        StatusCode: "urn:oasis:names:tc:SAML:2.0:status:Success", attrMail: ada.email, attrFirst: ada.firstName, attrLast: ada.lastName,
      }),
    };
  };
  const { context } = await idp.createLoginResponse(sp, { extract: { request: { id: request } } }, "post", ada, fill);
  return Buffer.from(context, "base64").toString("utf8");
}

const said = { name_id: "ada-0001", attributes: { mail: ada.email, givenName: ada.firstName, sn: ada.lastName } };
writeAccepted("samlify-assertion", await respond(false), said);
writeAccepted("samlify-both", await respond(true), said);
