// Single logout for the demo identity provider, by samlp's own code. A user has one session here, whatever the browser; it
// is known by their NameID. Where they are signed in is known until this ends.

import { createRequire } from "node:module";
import { inflateRawSync } from "node:zlib";

const require = createRequire(import.meta.url);
const samlp = require("samlp");
const SessionParticipants = require("samlp/lib/sessionParticipants");

// All of a user's sessions end one after the other, and browsers follow twenty redirects and no more.
const MOST_SESSIONS = 5;

const BINDINGS = {
  post: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
  redirect: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
};

/**
 * Who is signed in where, and the single logout service.
 *
 * - `signedIn({ sp, acs, nameId, nameIdFormat, sessionIndex })` notes one session at a service provider, whose metadata is at
 *   its entity ID `sp` with `/metadata` behind it
 * - `answer({ query, body })` answers `/slo`: a logout message, or `?user=&binding=` to begin
 * - `idp.failLogout` makes it say that the logout was partial
 */
export function createLogout(idp) {
  const participants = new Map(); // by NameID
  const states = new Map();

  const store = {
    save: (_, state, done) => {
      const id = `state${states.size}`;
      states.set(id, state);
      done(null, id);
    },
    load: (_, id, ...rest) => rest.at(-1)(null, states.get(id)),
    update: (_, id, state, done) => {
      states.set(id, state);
      done();
    },
  };

  async function signedIn({ sp, acs, nameId, nameIdFormat, sessionIndex }) {
    const metadata = await (await fetch(`${sp}/metadata`)).text();
    const cert = /<ds:X509Certificate>([^<]+)</.exec(metadata)?.[1];
    const session = { serviceProviderId: sp, serviceProviderLogoutURL: acs.replace(/acs$/, "slo"), nameId, nameIdFormat, sessionIndex, cert };
    participants.set(nameId, [...(participants.get(nameId) ?? []), session].slice(-MOST_SESSIONS));
  }

  /** What a request says: `{ sp, nameId, nameIdFormat, sessionIndex }`. */
  function read({ query, body }) {
    const octets = Buffer.from(query.SAMLRequest ?? body.SAMLRequest, "base64");
    const xml = (query.SAMLRequest ? inflateRawSync(octets) : octets).toString();
    const [, nameIdFormat, nameId] = /<saml:NameID [^>]*Format="([^"]*)"[^>]*>([^<]+)</.exec(xml) ?? [];
    return { sp: /Issuer[^>]*>([^<]+)</.exec(xml)?.[1], nameId, nameIdFormat, sessionIndex: /SessionIndex>([^<]+)</.exec(xml)?.[1] };
  }

  /** Whom a message is about: a request says so, a response by the state that it brings back. */
  async function nameIdOf({ query, body }) {
    const { SAMLRequest, RelayState, user } = { ...query, ...body };
    if (user) return user;
    if (!SAMLRequest) return states.get(RelayState)?.nameId;
    const asked = read({ query, body });
    const isKnown = ({ serviceProviderId, sessionIndex }) => serviceProviderId === asked.sp && sessionIndex === asked.sessionIndex;
    // A session from before a restart: samlp answers for those alone that it is told of.
    if (asked.sp?.startsWith(`${idp.spOrigin}/`) && !participants.get(asked.nameId)?.some(isKnown)) await signedIn({ ...asked, acs: `${asked.sp}/acs` });
    return asked.nameId;
  }

  async function answer({ query, body }) {
    const sessions = participants.get(await nameIdOf({ query, body })) ?? [];
    const binding = BINDINGS[query.binding ?? (body.SAMLRequest || body.SAMLResponse ? "post" : "redirect")];
    for (const session of sessions) session.binding = binding;
    const service = samlp.logout({
      issuer: idp.entityId, key: idp.key, cert: idp.cert, deflate: true, protocolBinding: binding, store,
      sessionParticipants: new SessionParticipants(sessions),
      clearIdPSession: (done) => done(idp.failLogout ? new Error("asked to fail") : undefined),
    });
    return new Promise((resolve, reject) => {
      const html = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
      const response = {
        set() {},
        redirect: (location) => resolve({ status: 302, headers: { location }, body: "" }),
        send: (text) => resolve({ status: 200, headers: html, body: typeof text === "string" ? text : "Signed out everywhere." }),
      };
      service({ query, body }, response, (error) => reject(Object.assign(error ?? new Error("not answered"), { status: 400 })));
    });
  }

  return { signedIn, answer };
}
