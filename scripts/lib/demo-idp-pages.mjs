// The HTML pages of the demo identity provider. They work without JavaScript and by keyboard.

const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => escapes[c]);

/** A template whose values are escaped, except those that are themselves results of `html`. */
function html(strings, ...values) {
  const text = (value) =>
    Array.isArray(value) ? value.map(text).join("") : value?.html ?? escaped(value);
  return { html: String.raw({ raw: strings }, ...values.map(text)) };
}

const style = { html: `
  :root { color-scheme: light dark; --ink: #1d1d21; --dim: #5d5d66; --paper: #f4f4f2; --card: #fff; --line: #d9d9de; --mark: #1f5fbf; }
  @media (prefers-color-scheme: dark) { :root { --ink: #ececf0; --dim: #a3a3ad; --paper: #17171a; --card: #222227; --line: #3a3a42; --mark: #8ab4f8; } }
  * { box-sizing: border-box; }
  body { margin: 0; padding: 2rem 1rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
  main { max-width: 26rem; margin: 6vh auto 0; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
  h2 { margin: 1.5rem 0 .6rem; font-size: 1rem; overflow-wrap: anywhere; }
  h1 { margin: 0 0 .5rem; font-size: 1.35rem; line-height: 1.25; text-wrap: balance; }
  p { margin: 0 0 1.25rem; color: var(--dim); overflow-wrap: anywhere; }
  .brand { margin: 0 0 1.5rem; font-size: .85rem; font-weight: 600; color: var(--mark); }
  ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .6rem; }
  button { width: 100%; padding: .7rem 1rem; text-align: left; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .5rem; cursor: pointer; }
  button:hover { border-color: var(--mark); }
  button:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
  button strong, button span { display: block; overflow-wrap: anywhere; }
  button span { color: var(--dim); font-size: .9rem; }
  button.primary { text-align: center; font-weight: 600; background: var(--mark); border-color: var(--mark); color: var(--card); }
` };

function document(title, content) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<p class="brand">Demo identity provider</p>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`.html;
}

export function loginPage({ users, service, samlRequest, relayState }) {
  return document("Sign in", html`<p>Pick who you are. No password is asked: this is a demo. You continue to ${service}.</p>
<form method="post" action="/sso">
<input type="hidden" name="SAMLRequest" value="${samlRequest}">
<input type="hidden" name="RelayState" value="${relayState}">
<ul>
${users.map((user) => html`<li><button name="user" value="${user.email}"><strong>${user.firstName} ${user.lastName}</strong><span>${user.email}${user.note ? ` (${user.note})` : ""}</span></button></li>
`)}</ul>
</form>`);
}

export function startPage({ users, apps }) {
  if (apps.length === 0) return messagePage("Your applications", "There is none yet. Begin a sign-in there, and it gets its tiles here.");
  return document("Your applications", html`<p>Each tile opens an application without being asked to: a sign-in that the identity provider begins.</p>
${apps.map(({ acs, name }) => html`<h2>${name}</h2>
<form method="post" action="/">
<input type="hidden" name="app" value="${acs}">
<ul>
${users.map((user) => html`<li><button name="user" value="${user.email}"><strong>Open the app as ${user.firstName}</strong><span>${user.email}${user.note ? ` (${user.note})` : ""}</span></button></li>
`)}</ul>
</form>
`)}`);
}

/** The form that brings `samlResponse` to the service; without a `relayState` it has none. */
export function postPage({ title, text, acs, samlResponse, relayState }) {
  return document(title, html`<p>${text}</p>
<form method="post" action="${acs}">
<input type="hidden" name="SAMLResponse" value="${samlResponse}">
${relayState === undefined ? "" : html`<input type="hidden" name="RelayState" value="${relayState}">
`}<button class="primary">Continue</button>
</form>
<script>document.forms[0].submit()</script>`);
}

export function messagePage(title, message) {
  return document(title, html`<p>${message}</p>`);
}
