// samlify's identity provider with a small server of ours around it: it reads and verifies what we send with our
// metadata alone, and makes and signs what we get.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import samlify from "samlify";
import { Keys } from "./keys.mjs";
import { authenticate, inProcess, loginPages, loginRoute, messagePage, startServer } from "./server.mjs";

const { version } = JSON.parse(readFileSync(createRequire(import.meta.url).resolve("samlify/package.json"), "utf8"));
const BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-";
const EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const AUTHN_CONTEXT = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

// samlify's own template, with the statement about the sign-in that it leaves to whoever uses it.
const RESPONSE_TEMPLATE = samlify.SamlLib.defaultLoginResponseTemplate.context.replace(
  "{AuthnStatement}",
  `<saml:AuthnStatement AuthnInstant="{AuthnInstant}" SessionIndex="{SessionIndex}"><saml:AuthnContext><saml:AuthnContextClassRef>${AUTHN_CONTEXT}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`,
);
const ATTRIBUTES = [["mail", "email"], ["givenName", "firstName"], ["sn", "lastName"]].map(([name, valueTag]) => ({
  name, valueTag, nameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:basic", valueXsiType: "xs:string",
}));

// samlify wants to be told that messages are checked against a schema; those that we send are, in tests/e2e.
samlify.setSchemaValidator({ validate: async () => "checked elsewhere" });

export const name = "samlify";
export const id = "samlify";
export const provider = "custom";
export const notOffered = {
  encryptedNameIds: "it encrypts no NameIDs",
  forceAuthn: "it does not read ForceAuthn",
  ourKeysRedirect: "it verifies HTTP-Redirect with one certificate alone",
};
export const missing = () => undefined;
export const { isLoginPage, logIn, isSignedOutPage } = loginPages;

export async function start({ users }) {
  const keys = new Keys();
  const settings = { encrypt: false, wantSigned: false };
  let sp;

  const server = await startServer({
    "/metadata": () => ({ xml: idp(keys.published.map(({ cert }) => cert)).getMetadata() }),
    "/login": loginRoute,
    "/sso": signIn,
    "/slo": signOut,
    "/start": (request) => authenticate(request, { user: userOf }, (user) => respond(request.session, user, null, request.query.RelayState)),
    "/sign-out": startSignOut,
  });
  const { origin } = server;

  function idp(signingCert = keys.signing.cert) {
    return samlify.IdentityProvider({
      entityID: `${origin}/idp`,
      privateKey: keys.signing.key,
      signingCert,
      wantAuthnRequestsSigned: settings.wantSigned,
      wantLogoutRequestSigned: true,
      wantLogoutResponseSigned: true,
      isAssertionEncrypted: settings.encrypt,
      nameIDFormat: [EMAIL_FORMAT],
      singleSignOnService: [{ Binding: `${BINDING}Redirect`, Location: `${origin}/sso` }, { Binding: `${BINDING}POST`, Location: `${origin}/sso` }],
      singleLogoutService: [{ Binding: `${BINDING}Redirect`, Location: `${origin}/slo` }, { Binding: `${BINDING}POST`, Location: `${origin}/slo` }],
      loginResponseTemplate: { context: RESPONSE_TEMPLATE, attributes: ATTRIBUTES },
    });
  }

  const userOf = (email) => users.find((user) => user.email === email);

  async function signIn(request) {
    const parsed = await idp().parseLoginRequest(sp, ...received(request));
    const relayState = { ...request.query, ...request.form }.RelayState;
    return authenticate(request, { user: userOf }, (user) => respond(request.session, user, parsed, relayState));
  }

  async function respond(session, user, parsed, relayState) {
    session.index ??= `_s${Math.random().toString(36).slice(2)}`;
    const now = new Date();
    const soon = new Date(now.getTime() + 5 * 60_000).toISOString();
    const acs = sp.entityMeta.getAssertionConsumerService("post");
    const inResponseTo = parsed?.extract.request.id;
    const fill = (template) => {
      const id = `_${crypto.randomUUID()}`;
      const tags = {
        ID: id, AssertionID: `_${crypto.randomUUID()}`, Destination: acs, SubjectRecipient: acs, Audience: sp.entityMeta.getEntityID(),
        Issuer: `${origin}/idp`, IssueInstant: now.toISOString(), StatusCode: samlify.Constants.StatusCode.Success,
        ConditionsNotBefore: now.toISOString(), ConditionsNotOnOrAfter: soon, SubjectConfirmationDataNotOnOrAfter: soon,
        NameIDFormat: EMAIL_FORMAT, NameID: user.email, InResponseTo: inResponseTo,
        AuthnInstant: session.authenticatedAt.toISOString(), SessionIndex: session.index,
        attrEmail: user.email, attrFirstName: user.firstName, attrLastName: user.lastName,
      };
      return { id, context: samlify.SamlLib.replaceTagsByValue(template, tags) };
    };
    const { context } = await idp().createLoginResponse(sp, parsed ?? {}, "post", user, { customTagReplacement: fill, encryptThenSign: settings.encrypt });
    return messagePage(acs, { SAMLResponse: context, RelayState: relayState });
  }

  /** A LogoutRequest of ours, or our answer to one of its own. */
  async function signOut(request) {
    const { session } = request;
    const fields = { ...request.query, ...request.form };
    if (fields.SAMLResponse !== undefined) {
      const { extract } = await idp().parseLogoutResponse(sp, ...received(request));
      if (extract.response.inResponseTo !== session.asked) throw new Error("This answers nothing that was asked.");
      return { html: "<h1>Signed out everywhere</h1>" };
    }
    const parsed = await idp().parseLogoutRequest(sp, ...received(request));
    if (parsed.extract.nameID !== session.user?.email) throw new Error("This is not who is signed in.");
    delete session.user;
    return sent(idp().createLogoutResponse(sp, parsed, bindingOf(request), { relayState: fields.RelayState }));
  }

  function startSignOut({ session, query }) {
    const { user, index } = session;
    delete session.user;
    const message = idp().createLogoutRequest(sp, query.binding, { logoutNameID: user.email, sessionIndex: index }, { relayState: "out" });
    session.asked = message.id;
    return sent(message);
  }

  const sent = ({ context, entityEndpoint, type, relayState }) =>
    entityEndpoint === undefined ? { redirect: context } : messagePage(entityEndpoint, { [type]: context, RelayState: relayState });

  return {
    version,
    ...inProcess({ server, settings, keys }),
    async trust(metadata) {
      sp = samlify.ServiceProvider({ metadata, wantMessageSigned: true, wantLogoutRequestSigned: true, wantLogoutResponseSigned: true });
    },
  };
}

const bindingOf = ({ method }) => (method === "POST" ? "post" : "redirect");

/** What came, as samlify wants it: by which binding, and for HTTP-Redirect the octets that were signed. */
function received(request) {
  const { url, query, form } = request;
  const octetString = url.search.slice(1).replace(/&Signature=.*$/, "");
  return [bindingOf(request), { query, body: form, octetString }];
}
