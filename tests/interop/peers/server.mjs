// What the identity providers that are libraries have in common when we put a server around them: pages to sign in by
// typing an address, and a session of the browser's, whose cookie comes along with messages from other sites. SAML is left to
// the libraries.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const COOKIE = "idp_session";
const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
export const escape = (text) => String(text).replace(/[&<>"]/g, (c) => escapes[c]);

/**
 * Starts a server on loopback. `routes` has, by path, functions from a request to an answer:
 *
 * - a request is `{ method, url, query, form, session, signedIn }`; `session` is an object that lives as long as the
 *   browser's cookie, `signedIn(session)` is where the login page goes on
 * - an answer is `{ redirect }`, `{ html }`, `{ xml }`, each with an optional `status`
 *
 * Resolves to `{ origin, stop() }`.
 */
export async function startServer(routes) {
  const sessions = new Map();
  const server = createServer(async (request, response) => {
    try {
      const url = new URL(request.url, `http://${request.headers.host}`);
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      let id = new RegExp(`${COOKIE}=([\\w-]+)`).exec(request.headers.cookie ?? "")?.[1];
      if (!sessions.has(id)) {
        id = randomBytes(16).toString("base64url");
        sessions.set(id, {});
        response.setHeader("set-cookie", `${COOKIE}=${id}; Path=/; HttpOnly; Secure; SameSite=None`);
      }
      const route = routes[url.pathname];
      const answer = route
        ? await route({ method: request.method, url, query: Object.fromEntries(url.searchParams), form, session: sessions.get(id) })
        : { status: 404, html: "Nothing is here." };
      send(response, answer);
    } catch (error) {
      send(response, { status: 400, html: `<h1>Refused</h1><p>${escape(error.message)}</p>` });
    }
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  return {
    origin: `http://localhost:${server.address().port}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, "close");
    },
  };
}

function send(response, { status = 200, redirect, html, xml }) {
  if (redirect !== undefined) response.writeHead(303, { location: redirect }).end();
  else if (xml !== undefined) response.writeHead(status, { "content-type": "application/samlmetadata+xml" }).end(xml);
  else response.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(`<!doctype html>\n${html}`);
}

/**
 * Signs the user of `request` in, by a login page when that is needed, and then goes on with `next(user)`.
 * The route `/login` must be `loginRoute`.
 */
export function authenticate({ session }, { force = false, user: userOf }, next) {
  if (session.user && !force) return next(session.user);
  session.pending = (email) => {
    const user = userOf(email);
    if (!user) throw new Error("Nobody has this address.");
    session.user = user;
    session.authenticatedAt = new Date();
    return next(user);
  };
  return { html: `<h1>Sign in</h1><form method="post" action="/login"><input type="email" name="login_email"><button>Sign in</button></form>` };
}

export function loginRoute({ session, form }) {
  const { pending } = session;
  delete session.pending;
  if (!pending) throw new Error("Nothing is waiting for a sign-in.");
  return pending(form.login_email);
}

/** A page whose form carries a SAML message by HTTP-POST. */
export function messagePage(action, fields) {
  const inputs = Object.entries(fields).filter(([, value]) => value !== undefined && value !== "");
  return {
    html: `<form method="post" action="${escape(action)}">${inputs
      .map(([name, value]) => `<input type="hidden" name="${name}" value="${escape(value)}">`)
      .join("")}<button>Continue</button></form><script>document.forms[0].submit()</script>`,
  };
}

/** What a person does at these login pages; the same for all of them. */
export const loginPages = {
  isLoginPage: (page) => page.status === 200 && page.text.includes('name="login_email"'),
  logIn: (browser, page, user) => browser.submit(page, { login_email: user.email }),
  isSignedOutPage: (page) => page.status === 200 && page.text.includes("<h1>Signed out everywhere</h1>"),
};

/** Where things are at these identity providers; the same for all of them. */
export const addresses = (origin) => ({
  origin,
  metadataUrl: `${origin}/metadata`,
  metadata: async () => (await fetch(`${origin}/metadata`)).text(),
  signInUrl: ({ relayState }) => `${origin}/start?${new URLSearchParams(relayState && { RelayState: relayState })}`,
  logoutUrl: ({ binding = "redirect" } = {}) => `${origin}/sign-out?binding=${binding}`,
});

/** What is the same for those that run in this process, with `settings` and `keys` that they read each time. */
export const inProcess = ({ server, settings, keys }) => ({
  ...addresses(server.origin),
  async configure(changes) {
    Object.assign(settings, { encrypt: false, wantSigned: false }, changes);
  },
  keys: { publishNext: async () => keys.publishNext(), switch: async () => keys.switch(), retireOld: async () => keys.retireOld() },
  output: () => "",
  stop: () => server.stop(),
});
