// What scripts/run starts, as somebody tries it: sign in, sign out here and there, the same after a restart.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DOMAIN, startDemo } from "../../scripts/lib/demo.mjs";
import { makeCredentials } from "../../scripts/lib/demo-idp.mjs";
import { freePort } from "../../scripts/lib/worker.mjs";
import { Browser, adminToken, complete } from "./support.mjs";

const EMAIL = `ada@${DOMAIN}`;
const MOST_REDIRECTS = 20; // of browsers

let options, demo;
before(async () => {
  options = { port: await freePort(), persistTo: await mkdtemp(join(tmpdir(), "edge-saml-demo-")), adminToken, credentials: makeCredentials() };
  demo = await startDemo(options);
});
after(async () => {
  await demo?.stop();
  if (options) await rm(options.persistTo, { recursive: true, force: true });
});

const fieldOf = (html, name) => new RegExp(`name="${name}"\\s+value="([^"]*)"`).exec(html)?.[1];
const isSignedIn = async (browser) => (await browser.get("/sso/session")).status === 200;

async function signIn() {
  const browser = new Browser(demo.origin);
  const begun = await browser.post("/sso/sign-in", { email: EMAIL });
  assert.equal(begun.status, 303, begun.text);
  const picked = await fetch(demo.idp.ssoUrl, { method: "POST", body: new URLSearchParams([...new URL(begun.location).searchParams, ["user", EMAIL]]) });
  const page = await picked.text();
  const acs = /action="([^"]+)"/.exec(page)[1];
  await complete(browser, await browser.post(acs, { SAMLResponse: fieldOf(page, "SAMLResponse"), RelayState: "" }, { from: demo.idp.origin }));
  return browser;
}

/** Presses the button, and follows redirects as a browser does; the heading of the last page. */
async function signOut(browser) {
  let answer = await browser.post("/sso/sign-out", {});
  for (let count = 0; answer.location !== undefined; count += 1) {
    assert.ok(count < MOST_REDIRECTS, answer.location);
    const { origin } = new URL(answer.location, demo.origin);
    if (origin === demo.origin) answer = await browser.get(answer.location);
    else {
      const { status, headers } = await fetch(answer.location, { redirect: "manual" });
      assert.equal(status, 302);
      answer = { location: headers.get("location") };
    }
  }
  assert.equal(answer.status, 200);
  return /<h1>([^<]+)</.exec(answer.text)[1];
}

test("signing out ends the sessions here and there", async () => {
  const [browser, other] = [await signIn(), await signIn()];
  assert.equal(await signOut(browser), "You are signed out");
  assert.deepEqual([await isSignedIn(browser), await isSignedIn(other)], [false, false]);
});

test("also for somebody who has signed in again and again", async () => {
  let browser;
  for (let count = 0; count < 12; count += 1) browser = await signIn();
  assert.equal(await signOut(browser), "You are signed out");
});

test("also after a restart, when the identity provider knows of no session", async () => {
  const browser = await signIn();
  await demo.stop();
  demo = await startDemo(options);
  assert.ok(await isSignedIn(browser));
  assert.equal(await signOut(browser), "You are signed out");
  assert.ok(!(await isSignedIn(browser)));
  assert.equal(await signOut(await signIn()), "You are signed out");
});

test("a tile of the identity provider's start page begins a sign-in, and one without a page comes back either way", async () => {
  const start = await (await fetch(demo.idp.origin)).text();
  const pressed = await fetch(demo.idp.origin, { method: "POST", body: new URLSearchParams({ app: fieldOf(start, "app"), user: EMAIL }) });
  const page = await pressed.text();
  const browser = new Browser(demo.origin);
  const bounced = await browser.post(/action="([^"]+)"/.exec(page)[1], { SAMLResponse: fieldOf(page, "SAMLResponse") }, { from: demo.idp.origin });
  assert.equal(bounced.status, 303, bounced.text);
  const begun = await browser.get(bounced.location);
  assert.ok(begun.location?.startsWith(`${demo.idp.ssoUrl}?SAMLRequest=`), begun.text);

  const [cookie] = pressed.headers.get("set-cookie").split(";");
  for (const [headers, expected] of [[{}, false], [{ cookie }, true]]) {
    const silent = new Browser(demo.origin);
    const sent = await silent.get(`/sso/sign-in?email=${EMAIL}&passive=true&return_to=/home`);
    const answer = await (await fetch(sent.location, { headers })).text();
    const back = await silent.post(/action="([^"]+)"/.exec(answer)[1], { SAMLResponse: fieldOf(answer, "SAMLResponse"), RelayState: "" }, { from: demo.idp.origin });
    assert.equal(back.status, 303, back.text);
    if (expected) assert.equal((await complete(silent, back)).location, "/home");
    else assert.equal(back.location, "/home");
    assert.equal(await isSignedIn(silent), expected);
  }
});
