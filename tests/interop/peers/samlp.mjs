// samlp, Auth0's middleware for identity providers, with a small server of ours around it, in four shapes: what it signs,
// encrypts and sends is chosen as Okta, Entra ID, Google and an identity provider that always encrypts do.

import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import samlp from "samlp";
import { Keys, pemOf } from "./keys.mjs";
import { authenticate, inProcess, loginPages, loginRoute, startServer } from "./server.mjs";

const require = createRequire(import.meta.url);
const { version } = JSON.parse(readFileSync(require.resolve("samlp/package.json"), "utf8"));
const SessionParticipants = require("samlp/lib/sessionParticipants");

const BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-";
const CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
const FORMATS = { email: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", persistent: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" };
const XMLENC = { cbc: "http://www.w3.org/2001/04/xmlenc#aes256-cbc", gcm: "http://www.w3.org/2009/xmlenc11#aes256-gcm" };
const NO_READER = "it reads no metadata: it is told our URLs and certificates";
const NO_NAME_IDS = "it encrypts no NameIDs";

const okta = {
  id: "samlp-okta",
  name: "samlp, shaped like Okta",
  provider: "okta",
  notOffered: { ourMetadata: NO_READER, encryptedNameIds: NO_NAME_IDS },
  entityId: "http://www.okta.com/exk1interop",
  sign: { signResponse: true, signAssertion: true },
  nameIdFormat: FORMATS.email,
  attributes: ({ email, firstName, lastName }) => ({ "Email address": email, "First name": firstName, "Last name": lastName }),
  encryption: XMLENC.cbc,
};
const entra = {
  id: "samlp-entra",
  name: "samlp, shaped like Entra ID",
  provider: "entra",
  notOffered: { ourMetadata: NO_READER, encryptedNameIds: NO_NAME_IDS },
  entityId: "https://sts.windows.net/3f1c0d2e-0000-4000-8000-00000000abcd/",
  sign: { signResponse: false, signAssertion: true },
  nameIdFormat: FORMATS.persistent,
  attributes: ({ email, firstName, lastName }) => ({ [`${CLAIMS}/emailaddress`]: email, [`${CLAIMS}/givenname`]: firstName, [`${CLAIMS}/surname`]: lastName }),
  encryption: XMLENC.gcm,
};
const GOOGLE_LACKS = "Google Workspace has no such thing";
const google = {
  id: "samlp-google",
  name: "samlp, shaped like Google",
  provider: "google",
  notOffered: {
    ourMetadata: NO_READER,
    signedRedirect: GOOGLE_LACKS, signedPost: GOOGLE_LACKS, ourKeysRedirect: GOOGLE_LACKS, ourKeysPost: GOOGLE_LACKS,
    encrypted: GOOGLE_LACKS, decryptionKeys: GOOGLE_LACKS, encryptedNameIds: GOOGLE_LACKS,
    logoutOursRedirect: GOOGLE_LACKS, logoutOursPost: GOOGLE_LACKS, logoutItsRedirect: GOOGLE_LACKS, logoutItsPost: GOOGLE_LACKS,
  },
  entityId: "https://accounts.google.com/o/saml2?idpid=C0interop",
  sign: { signResponse: true, signAssertion: false },
  nameIdFormat: FORMATS.email,
  attributes: ({ firstName, lastName }) => ({ firstName, lastName }),
};
const encrypting = {
  ...okta,
  id: "samlp-encrypting",
  name: "samlp, always encrypting",
  provider: "custom",
  entityId: "https://idp.interop.test/idp/shibboleth",
  alwaysEncrypts: true,
  sign: { signResponse: true, signAssertion: false },
  nameIdFormat: FORMATS.persistent,
  attributes: ({ email, firstName, lastName }) => ({ "urn:oid:0.9.2342.19200300.100.1.3": email, "urn:oid:2.5.4.42": firstName, "urn:oid:2.5.4.4": lastName }),
};

export const shapes = [okta, entra, google, encrypting].map((shape) => ({
  ...shape,
  ...loginPages,
  missing: () => undefined,
  start: (options) => start(shape, options),
}));

async function start(shape, { users }) {
  const keys = new Keys();
  const settings = { encrypt: false, wantSigned: false };
  const offersLogout = !("logoutOursRedirect" in shape.notOffered);
  let sp;

  const server = await startServer({
    "/metadata": ({ url }) => ({ xml: metadata(url) }),
    "/login": loginRoute,
    "/sso": signIn,
    "/slo": (request) => logout(request),
    "/start": (request) => authenticate(request, { user: userOf }, (user) => respond(request, user)),
    "/sign-out": (request) => logout({ ...request, query: {}, form: {} }, request.query.binding),
  });
  const userOf = (email) => users.find((user) => user.email === email);

  /** samlp's metadata; while keys change, with the second certificate, which samlp's own metadata has no place for. */
  function metadata(url) {
    const [first, ...others] = keys.published.map(({ cert }) => metadataWith(cert, url));
    const [descriptor] = /<KeyDescriptor[^]*<\/KeyDescriptor>/.exec(first);
    const more = others.map((xml) => /<KeyDescriptor[^]*<\/KeyDescriptor>/.exec(xml)[0]);
    return first.replace(descriptor, [descriptor, ...more].join("\n"));
  }

  function metadataWith(cert, url) {
    let xml;
    const answer = samlp.metadata({
      issuer: shape.entityId, cert, redirectEndpointPath: "/sso", postEndpointPath: "/sso",
      logoutEndpointPaths: offersLogout ? { redirect: "/slo", post: "/slo" } : {},
      profileMapper: Object.assign(() => {}, { prototype: { metadata: [] } }),
    });
    answer({ headers: { host: url.host }, protocol: "http", originalUrl: url.pathname }, { set() {}, send: (text) => (xml = text) });
    return xml;
  }

  async function signIn(request) {
    const { forceAuthn, assertionConsumerServiceURL, issuer } = await parse(request);
    if (issuer !== sp.entityId || assertionConsumerServiceURL !== sp.acs) throw new Error("This service provider is not known.");
    return authenticate(request, { user: userOf, force: forceAuthn === "true" }, (user) => respond(request, user));
  }

  /** samlp reads the request; where signatures are wanted, samlp verifies it with one of our certificates. */
  async function parse({ method, query, form }) {
    const attempts = (settings.wantSigned ? sp.signing : [undefined]).map(
      (signingCert) =>
        new Promise((resolve, reject) => {
          samlp.parseRequest({ method, query, body: form }, signingCert ? { signingCert } : {}, (error, result) => (error ? reject(error) : resolve(result)));
        }),
    );
    return Promise.any(attempts).catch(({ errors }) => {
      throw errors[0];
    });
  }

  function respond({ method, query, form, session }, user) {
    session.index ??= `id${Date.now()}.${Math.floor(Math.random() * 1e9)}`;
    const nameId = shape.nameIdFormat === FORMATS.email ? user.email : `subject-of-${user.firstName}`;
    session.participants = new SessionParticipants([
      {
        serviceProviderId: sp.entityId, nameId, nameIdFormat: shape.nameIdFormat, sessionIndex: session.index,
        serviceProviderLogoutURL: sp.slo, cert: sp.signing[0],
      },
    ]);
    const middleware = samlp.auth({
      ...shape.sign,
      issuer: shape.entityId, key: keys.signing.key, cert: keys.signing.cert,
      audience: sp.entityId, destination: sp.acs, recipient: sp.acs, sessionIndex: session.index, lifetimeInSeconds: 300,
      authnContextClassRef: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
      getUserFromRequest: () => user,
      getPostURL: (audience, dom, req, done) => done(null, sp.acs),
      profileMapper: () => ({
        getClaims: () => shape.attributes(user),
        getNameIdentifier: () => ({ nameIdentifier: nameId, nameIdentifierFormat: shape.nameIdFormat }),
      }),
      ...((shape.alwaysEncrypts || settings.encrypt) && {
        encryptionCert: sp.encryption, encryptionPublicKey: createPublicKey(sp.encryption).export({ type: "spki", format: "pem" }),
        encryptionAlgorithm: shape.encryption, disallowEncryptionWithInsecureAlgorithm: false, warnOnInsecureEncryptionAlgorithm: false,
      }),
    });
    return run(middleware, { method, query, body: form });
  }

  /** A logout message that came, or the begin of a logout; samlp decides which and what follows. */
  function logout({ method, query, form, session }, binding = method === "POST" ? "post" : "redirect") {
    session.logout ??= new Map();
    const middleware = samlp.logout({
      issuer: shape.entityId, key: keys.signing.key, cert: keys.signing.cert, deflate: binding === "redirect",
      protocolBinding: BINDING + { post: "POST", redirect: "Redirect" }[binding],
      sessionParticipants: session.participants ?? new SessionParticipants([]),
      clearIdPSession: (done) => {
        delete session.user;
        done();
      },
      store: storeIn(session.logout),
    });
    return run(middleware, { method, query, body: form });
  }

  return {
    version,
    ...inProcess({ server, settings, keys }),
    async trust(xml) {
      sp = readOurs(xml);
    },
  };
}

/** What a person copies from our metadata into the forms of such an identity provider. */
function readOurs(xml) {
  const locationOf = (element) => new RegExp(`<md:${element}\\b[^>]*Location="([^"]+)"`).exec(xml)?.[1];
  const certificates = (use) =>
    [...xml.matchAll(new RegExp(`<md:KeyDescriptor use="${use}">[^]*?<ds:X509Certificate>([^<]+)<`, "g"))].map(([, base64]) => pemOf(base64));
  return {
    entityId: /entityID="([^"]+)"/.exec(xml)[1],
    acs: locationOf("AssertionConsumerService"),
    slo: locationOf("SingleLogoutService"),
    signing: certificates("signing"),
    encryption: certificates("encryption")[0],
  };
}

/** Runs an Express middleware; what it answers. */
function run(middleware, request) {
  return new Promise((resolve, reject) => {
    const response = {
      set() {},
      send: (content) => resolve(typeof content === "number" ? { status: content, html: `<h1>${content === 200 ? "Signed out everywhere" : "Refused"}</h1>` } : { html: content }),
      redirect: (url) => resolve({ redirect: url }),
    };
    middleware({ headers: {}, ...request }, response, (error) => reject(error ?? new Error("Nobody answered.")));
  });
}

/** samlp's store of a logout that goes on, in a map of the session's. */
function storeIn(map) {
  return {
    save(request, state, done) {
      const handle = crypto.randomUUID();
      map.set(handle, state);
      done(null, handle);
    },
    load(request, handle, options, done = options) {
      const state = map.get(handle);
      if (options.destroy) map.delete(handle);
      done(null, state);
    },
    update(request, handle, state, done) {
      map.set(handle, state);
      done(null, handle);
    },
  };
}
