// An identity provider shaped like Okta, for trying and testing: built on samlp (Auth0's IdP middleware).
// It asks for no password. Used by scripts/run and by the end-to-end tests; never deployed.

import { execFileSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { createLogout } from "./demo-idp-logout.mjs";
import { escaped, loginPage, messagePage, postPage, startPage } from "./demo-idp-pages.mjs";

const require = createRequire(import.meta.url);
const samlp = require("samlp");
const moment = createRequire(require.resolve("saml"))("moment"); // the clock of samlp's assertions

export const DEFAULT_ENTITY_ID = "http://www.okta.com/exk1demo0acme";
export const DEFAULT_USERS = [
  { email: "ada@acme.test", firstName: "Ada", lastName: "Lovelace" },
  { email: "grace@acme.test", firstName: "Grace", lastName: "Hopper" },
  { email: "mallory@other.test", firstName: "Mallory", lastName: "Elsewhere", note: "wrong domain: will be refused" },
];
const EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const BODY_LIMIT = 1024 * 1024;

/** A new RSA-2048 key and a self-signed certificate like Okta's, both PEM. Needs the openssl program. */
export function makeCredentials({ commonName = "demo0acme", bits = 2048, days = 3650 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "edge-saml-key-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = `/C=US/ST=California/L=San Francisco/O=Okta/OU=SSOProvider/CN=${commonName}`;
  try {
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", `rsa:${bits}`, "-nodes", "-sha256", "-days", String(days), "-subj", subject, "-keyout", key, "-out", cert],
      { stdio: "pipe" },
    );
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } catch (error) {
    if (error.code === "ENOENT") throw new Error("The openssl program is missing. Install it (Debian: apt-get install openssl).");
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A SAMLResponse in base64, made and signed by samlp's own code. Whatever is not given is as Okta does it.
 *
 * - `key`, `cert`: PEM; `acs`, `audience`, `inResponseTo`, `user` ({ email, firstName, lastName })
 * - `now` (Date) and `lifetimeSeconds` set every time in the assertion: in the past for an expired one
 * - `signResponse`, `signAssertion`: both on; `alter(xml)` changes the message after it was signed
 * - `destination`, `recipient`, `issuer`, `nameId`, `nameIdFormat`, `attributes` (name → value or values),
 *   `sessionIndex`, `statusCode`, `statusMessage`, `samlp` (any other option of samlp)
 */
export async function makeResponse(options) {
  const { acs, user, now = new Date(), alter = (xml) => xml } = options;
  const nameId = options.nameId ?? user.email;
  const attributes = options.attributes ?? {
    "Email address": user.email,
    "First name": user.firstName,
    "Last name": user.lastName,
  };
  const profile = () => ({
    getClaims: () => attributes,
    getNameIdentifier: () => ({ nameIdentifier: nameId, nameIdentifierFormat: options.nameIdFormat ?? EMAIL_FORMAT }),
  });
  const xml = await new Promise((resolve, reject) => {
    const clock = moment.now;
    moment.now = () => now.getTime();
    try {
      // samlp reads the clock before this call returns.
      samlp.getSamlResponse(
        {
          issuer: options.issuer ?? DEFAULT_ENTITY_ID,
          key: options.key,
          cert: options.cert,
          audience: options.audience,
          destination: options.destination ?? acs,
          recipient: options.recipient ?? acs,
          inResponseTo: options.inResponseTo,
          lifetimeInSeconds: options.lifetimeSeconds ?? 300,
          signResponse: options.signResponse ?? true,
          signAssertion: options.signAssertion ?? true,
          signatureAlgorithm: "rsa-sha256",
          digestAlgorithm: "sha256",
          sessionIndex: options.sessionIndex ?? `id${now.getTime()}.${Math.floor(Math.random() * 1e9)}`,
          authnContextClassRef: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
          profileMapper: profile,
          samlStatusCode: options.statusCode,
          samlStatusMessage: options.statusMessage,
          ...options.samlp,
        },
        user,
        (error, response) => (error ? reject(error) : resolve(response)),
      );
    } finally {
      moment.now = clock;
    }
  });
  return Buffer.from(alter(xml)).toString("base64");
}

/** What an AuthnRequest says: `{ id, issuer, assertionConsumerServiceURL, destination, forceAuthn, … }`. */
export function parseAuthnRequest(samlRequest) {
  return new Promise((resolve, reject) => {
    samlp.parseRequest({ method: "POST", query: {}, body: { SAMLRequest: samlRequest } }, {}, (error, request) =>
      error ? reject(error) : resolve(request),
    );
  });
}

/**
 * Starts the identity provider.
 *
 * - `port`: any free one by default; `host`: where it listens and what it calls itself; `entityId`, `users`, `key` and `cert`: as Okta's, made up when not given
 * - `spOrigin`: answers go to this origin only
 * - `overrides`: options of `makeResponse` to change, or a function from its options to changed ones
 * - `logout`: offers single logout, by `"redirect"`, `"post"` or both in a list
 *
 * Its start page has a tile for each user of each application: those of `addApp({ acs, audience, name })`, and those that have asked it for a sign-in.
 *
 * Resolves to `{ origin, port, entityId, metadataUrl, ssoUrl, sloUrl, key, cert, stop(), addApp(app), failLogout(whether) }`.
 */
export async function startDemoIdp({ port = 0, entityId = DEFAULT_ENTITY_ID, spOrigin, users = DEFAULT_USERS, key, cert, overrides, logout = [], host = "localhost" } = {}) {
  if (!spOrigin) throw new Error("startDemoIdp needs spOrigin.");
  if (!key || !cert) ({ key, cert } = makeCredentials());
  const idp = { entityId, spOrigin, users, key, cert, overrides, logoutBindings: [logout].flat(), failLogout: false, apps: new Map() };
  idp.logout = createLogout(idp);

  const server = createServer((request, response) => {
    answer(idp, request)
      .catch((error) => page(error.status ?? 500, messagePage("This request cannot be answered", error.message)))
      .then(({ status, headers, body }) => response.writeHead(status, headers).end(body));
  });
  server.listen(port, host);
  await once(server, "listening");
  port = server.address().port;
  const origin = `http://${host}:${port}`;
  idp.cookie = `demo_idp_${port}`; // browsers send those of one port to all
  return {
    origin, port, entityId, key, cert,
    metadataUrl: `${origin}/metadata`,
    ssoUrl: `${origin}/sso`,
    sloUrl: `${origin}/slo`,
    addApp: (app) => addApp(idp, app),
    failLogout: (whether) => (idp.failLogout = whether),
    async stop() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, "close");
    },
  };
}

async function answer(idp, request) {
  const url = new URL(request.url, `http://${request.headers.host ?? "localhost"}`);
  if (url.pathname === "/metadata" && request.method === "GET") return metadata(idp, url);
  if (url.pathname === "/" && request.method === "GET") return page(200, startPage({ users: idp.users, apps: [...idp.apps.values()] }));
  if (url.pathname === "/" && request.method === "POST") return openApp(idp, new URLSearchParams(await body(request)));
  const present = () => idp.users.find(({ email }) => (request.headers.cookie ?? "").split("; ").includes(`${idp.cookie}=${encodeURIComponent(email)}`));
  if (url.pathname === "/sso" && request.method === "GET") return sso(idp, url.searchParams, present());
  if (url.pathname === "/sso" && request.method === "POST") return sso(idp, new URLSearchParams(await body(request)), present());
  if (url.pathname === "/slo" && idp.logoutBindings.length > 0) {
    const posted = request.method === "POST" ? new URLSearchParams(await body(request)) : [];
    const answered = await idp.logout.answer({ query: Object.fromEntries(url.searchParams), body: Object.fromEntries(posted) });
    return { ...answered, headers: { ...answered.headers, "set-cookie": `${idp.cookie}=; Path=/; Max-Age=0` } };
  }
  return page(404, messagePage("Nothing is here", "This demo identity provider has a start page at /, /metadata and /sso."));
}

function addApp(idp, { acs, audience, name = audience }) {
  if (!idp.apps.has(acs)) idp.apps.set(acs, { acs, audience, name });
}

/** A tile of the start page: a response that answers no request. */
async function openApp(idp, form) {
  const app = idp.apps.get(form.get("app"));
  const user = idp.users.find(({ email }) => email === form.get("user"));
  if (!app || !user) throw refuse("There is no such tile.");
  return signedIn(idp, { acs: app.acs, audience: app.audience, user });
}

function metadata(idp, url) {
  let xml;
  const answerMetadata = samlp.metadata({
    issuer: idp.entityId,
    cert: idp.cert,
    redirectEndpointPath: "/sso",
    postEndpointPath: "/sso",
    logoutEndpointPaths: Object.fromEntries(idp.logoutBindings.map((name) => [name, "/slo"])),
    profileMapper: Object.assign(() => {}, { prototype: { metadata: [] } }),
  });
  answerMetadata(
    { headers: { host: url.host }, protocol: "http", originalUrl: url.pathname },
    { set() {}, send: (text) => (xml = text) },
  );
  return { status: 200, headers: { "content-type": "application/samlmetadata+xml" }, body: xml };
}

async function sso(idp, form, present) {
  const samlRequest = form.get("SAMLRequest") ?? "";
  const relayState = form.get("RelayState") ?? "";
  const request = await parseAuthnRequest(samlRequest).catch(() => undefined);
  if (!request?.id || !request.issuer) throw refuse("There is no SAML request that could be read.");
  const acs = URL.canParse(request.assertionConsumerServiceURL) && new URL(request.assertionConsumerServiceURL);
  if (!acs || acs.origin !== idp.spOrigin) throw refuse(`The answer would not go to ${idp.spOrigin}.`);

  addApp(idp, { acs: acs.href, audience: request.issuer });

  const isPassive = saysPassive(samlRequest);
  const user = isPassive ? present : idp.users.find((candidate) => candidate.email === form.get("user"));
  if (!user && isPassive) {
    const samlResponse = noPassive({ acs: acs.href, inResponseTo: request.id, issuer: idp.entityId });
    return page(200, postPage({ title: "Nobody is signed in", text: `${acs.host} asked without a page.`, acs: acs.href, samlResponse, relayState }));
  }
  if (!user) return page(200, loginPage({ users: idp.users, service: acs.host, samlRequest, relayState }));

  return signedIn(idp, { acs: acs.href, audience: request.issuer, inResponseTo: request.id, user }, { request, relayState });
}

/** The page that brings a response of `user` to the service, in answer to `request` or to none. */
async function signedIn(idp, answered, { request, relayState } = {}) {
  const { acs, audience, user } = answered;
  let options = {
    key: idp.key, cert: idp.cert, issuer: idp.entityId, ...answered,
    sessionIndex: `id${Date.now()}.${randomInt(1e9)}`, nameId: user.email, nameIdFormat: EMAIL_FORMAT,
  };
  const { overrides } = idp;
  options = typeof overrides === "function" ? await overrides(options, request) : { ...options, ...overrides };
  if (idp.logoutBindings.length > 0) await idp.logout.signedIn({ ...options, sp: audience });
  const text = `${user.email} continues to ${new URL(acs).host}.`;
  const answer = page(200, postPage({ title: "You are signed in", text, acs, samlResponse: await makeResponse(options), relayState }));
  answer.headers["set-cookie"] = `${idp.cookie}=${encodeURIComponent(user.email)}; Path=/; HttpOnly; SameSite=Lax`;
  return answer;
}

function saysPassive(samlRequest) {
  const octets = Buffer.from(samlRequest, "base64");
  let xml = octets;
  try {
    xml = inflateRawSync(octets);
  } catch {
    // By HTTP-POST it is not deflated.
  }
  return /\sIsPassive="(true|1)"/.test(xml);
}

/** What is answered without a page when somebody would have to pick a user first (SAML Core 3.2.2.2). Not signed, as by most. */
function noPassive({ acs, inResponseTo, issuer }) {
  const status = "urn:oasis:names:tc:SAML:2.0:status";
  const xml = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_${randomBytes(20).toString("hex")}" Version="2.0" IssueInstant="${new Date().toISOString()}" Destination="${escaped(acs)}" InResponseTo="${escaped(inResponseTo)}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${escaped(issuer)}</saml:Issuer><samlp:Status><samlp:StatusCode Value="${status}:Responder"><samlp:StatusCode Value="${status}:NoPassive"/></samlp:StatusCode></samlp:Status></samlp:Response>`;
  return Buffer.from(xml).toString("base64");
}

function refuse(message) {
  return Object.assign(new Error(message), { status: 400 });
}

function page(status, html) {
  return { status, headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" }, body: html };
}

async function body(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw Object.assign(new Error("The form is too large."), { status: 413 });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
