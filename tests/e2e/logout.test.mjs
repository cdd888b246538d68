// Single logout through samlp's identity provider against the built Worker: from here and from there, by both bindings, by
// HTTP and in a real browser. samlp checks our signatures with nothing but our metadata.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inflateRawSync } from "node:zlib";
import { complaintsOf, launchChromium, skip } from "./chromium.mjs";
import { assertValid, schemaIsMissing } from "./programs.mjs";
import { Browser, SESSION_COOKIE, assertRefused, complete, connect, refusalsOf, startSystem } from "./support.mjs";

const MOST_STEPS = 12;
const BINDINGS = ["redirect", "post"];

const users = [];
let system;
before(async () => {
  system = await startSystem({ idp: { users, logout: BINDINGS } });
});
after(() => system?.stop());

// --- Steps ----------------------------------------------------------------------------------------------------------

/** A connection whose identity provider offers logout by this binding alone, with one user of its own. */
async function connectBy(binding) {
  const other = binding === "post" ? "Redirect" : "POST";
  const service = new RegExp(`<SingleLogoutService Binding="[^"]*HTTP-${other}"[^>]*>`);
  const connection = await connect({ ...system, metadata: system.metadata.replace(service, "") });
  users.push({ email: connection.email, firstName: "Ada", lastName: "Lovelace" });
  return connection;
}

const textOf = (html, name) => html.match(new RegExp(`name="${name}"\\s+value="([^"]*)"`))?.[1];

/** A sign-in through the identity provider's own pages, so that it knows the session. */
async function signIn(connection) {
  const browser = new Browser(system.origin);
  const begun = await browser.post("/sso/sign-in", { email: connection.email });
  assert.equal(begun.status, 303, begun.text);
  const query = new URL(begun.location).searchParams;
  const picked = await fetch(system.idp.ssoUrl, { method: "POST", body: new URLSearchParams([...query, ["user", connection.email]]) });
  const page = await picked.text();
  const form = { SAMLResponse: textOf(page, "SAMLResponse"), RelayState: textOf(page, "RelayState") };
  await complete(browser, await browser.post(connection.acs, form, { from: system.idp.origin }));
  return browser;
}

/** One request of the browser's, to us or to the identity provider; a GET keeps the cookies that a redirect keeps. */
async function send(browser, url, form, from) {
  if (url.origin === system.origin) return form ? browser.post(url.href, form, { from }) : browser.get(url.href);
  const response = await fetch(url, { redirect: "manual", ...(form && { method: "POST", body: new URLSearchParams(form) }) });
  return { status: response.status, location: response.headers.get("location") ?? undefined, text: await response.text() };
}

/** Follows redirects and forms that send themselves, to the page at which they end. Notes the messages on the way. */
async function follow(browser, answer, at) {
  const messages = [];
  let here = new URL(at);
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const action = /<form method="post"[^>]* action="([^"]+)"/.exec(answer.text)?.[1]?.replaceAll("&#38;", "&").replaceAll("&amp;", "&");
    const name = ["SAMLRequest", "SAMLResponse"].find((field) => textOf(answer.text, field) !== undefined);
    if (!answer.location && !name) return { messages, page: answer };
    const url = new URL(answer.location ?? action, here);
    const form = answer.location ? undefined : { [name]: textOf(answer.text, name), RelayState: textOf(answer.text, "RelayState") ?? "" };
    messages.push(...messagesIn(url, form));
    answer = await send(browser, url, form, here.origin);
    here = url;
  }
  throw new Error(`no end after ${MOST_STEPS} steps: ${JSON.stringify(messages)}`);
}

/** What passes by, as `[to us?, parameter, how, XML]`. */
function messagesIn(url, form) {
  const found = ["SAMLRequest", "SAMLResponse"].flatMap((name) => {
    const value = form?.[name] ?? url.searchParams.get(name);
    if (!value) return [];
    const octets = Buffer.from(value, "base64");
    return [{ to: url.origin === system.origin ? "us" : "idp", name, by: form ? "post" : "redirect", xml: (form ? octets : inflateRawSync(octets)).toString() }];
  });
  return found;
}

const summary = (messages) => messages.map(({ to, name, by }) => `${name} to ${to} by ${by}`);
const isSignedIn = async (browser) => (await browser.get("/sso/session")).status === 200;
const heading = ({ text }) => /<h1>([^<]+)</.exec(text)?.[1];

// --- By HTTP --------------------------------------------------------------------------------------------------------

for (const by of BINDINGS) {
  describe(`single logout by HTTP-${by}`, () => {
    test("from here ends this session, the user's others, and the one there", async (t) => {
      const connection = await connectBy(by);
      const [here, elsewhere] = [await signIn(connection), await signIn(connection)];
      const copy = new Browser(system.origin);
      copy.cookies = new Map(here.cookies);

      const out = await here.post("/sso/sign-out", {});
      assert.equal(here.cookies.get(SESSION_COOKIE), undefined);
      assert.ok(!(await isSignedIn(copy)), "the session is ended before the identity provider hears of it");
      assert.ok(await isSignedIn(elsewhere));
      const { messages, page } = await follow(here, out, `${system.origin}/sso/sign-out`);
      // samlp ends the other session before it answers, and checks our answer to that too.
      assert.deepEqual(summary(messages), [`SAMLRequest to idp by ${by}`, `SAMLRequest to us by ${by}`, `SAMLResponse to idp by ${by}`, `SAMLResponse to us by ${by}`]);
      assert.deepEqual([page.status, heading(page)], [200, "You are signed out"]);
      assert.ok(!(await isSignedIn(elsewhere)));
      assert.deepEqual(await refusalsOf(system, connection), []);
      const ours = messages.filter(({ to }) => to === "idp").map(({ xml }) => xml);
      await t.test("the schema", { skip: await schemaIsMissing() }, async () => {
        for (const xml of ours) await assertValid(xml, "saml-schema-protocol-2.0.xsd");
      });
    });

    test("from there ends all sessions of the user and nobody else's", async () => {
      const connection = await connectBy(by);
      const other = await connectBy(by);
      const [one, two, stranger] = [await signIn(connection), await signIn(connection), await signIn(other)];
      const start = new URL(`${system.idp.sloUrl}?${new URLSearchParams({ user: connection.email, binding: by })}`);
      const { messages, page } = await follow(new Browser(system.origin), { location: start.href, text: "" }, start);
      assert.deepEqual(summary(messages), [1, 2].flatMap(() => [`SAMLRequest to us by ${by}`, `SAMLResponse to idp by ${by}`]));
      assert.deepEqual([page.status, page.text], [200, "Signed out everywhere."]);
      assert.deepEqual([await isSignedIn(one), await isSignedIn(two), await isSignedIn(stranger)], [false, false, true]);
      const { sign_ins } = (await system.api("GET", `${connection.path}/sign-ins?outcome=signed_out`)).body;
      assert.deepEqual(sign_ins.map(({ events }) => events.map(({ sessions }) => sessions)), [[1], [1]]);
    });

    test("that did not reach everyone says so", async () => {
      const connection = await connectBy(by);
      const browser = await signIn(connection);
      system.idp.failLogout(true);
      try {
        const { page } = await follow(browser, await browser.post("/sso/sign-out", {}), system.origin);
        assert.deepEqual([page.status, heading(page)], [200, "You are signed out here"]);
        assert.deepEqual((await refusalsOf(system, connection)).map(({ step }) => step), ["logout_failed"]);
      } finally {
        system.idp.failLogout(false);
      }
      assert.ok(!(await isSignedIn(browser)));
    });
  });
}

describe("the single logout service", () => {
  test("sends what samlp checks with the key in our metadata", async () => {
    const connection = await connectBy("redirect");
    const out = await (await signIn(connection)).post("/sso/sign-out", {});
    const altered = new URL(out.location);
    altered.searchParams.set("RelayState", "x");
    const refused = await send(undefined, altered);
    assert.deepEqual([refused.status, /Signature check errors/.test(refused.text)], [400, true], refused.text);
    assert.equal((await send(undefined, new URL(out.location))).status, 302);
  });

  test("refuses what is not signed, altered, or not for it", async () => {
    const connection = await connectBy("redirect");
    const browser = await signIn(connection);
    const start = `${system.idp.sloUrl}?${new URLSearchParams({ user: connection.email, binding: "redirect" })}`;
    const { location } = await send(new Browser(system.origin), new URL(start));
    const query = new URL(location).search;
    const slo = (text) => new Browser(system.origin).get(`${connection.service_provider.slo_url}${text}`);
    const refused = async (text, code, status) => assertRefused(system, connection, await slo(text), code, { status });
    await refused(query.replace(/&SigAlg=.*/, ""), "unsigned");
    await refused(query.replace("RelayState=", "RelayState=x"), "signature_invalid");
    await refused(`${query}&SAMLResponse=x`, "form_malformed", 400);
    await refused(query.replace("SAMLRequest=", "%53AMLRequest="), "form_malformed", 400);
    await refused("", "form_malformed", 400);
    const other = await connectBy("redirect");
    const elsewhere = await new Browser(system.origin).get(`${other.service_provider.slo_url}${query}`);
    await assertRefused(system, other, elsewhere, "destination_mismatch");
    assert.ok(await isSignedIn(browser));
    assert.equal((await slo(query)).status, 303);
    assert.ok(!(await isSignedIn(browser)));
  });

  test("stands in our metadata, which is valid, with the key that samlp checks", async (t) => {
    const connection = await connectBy("redirect");
    const xml = await (await fetch(connection.service_provider.metadata_url)).text();
    assert.equal(xml.split(`Location="${connection.service_provider.slo_url}"`).length, 3);
    assert.ok(xml.includes("<ds:X509Certificate>") && xml.includes('AuthnRequestsSigned="false"'));
    await t.test("the schema", { skip: await schemaIsMissing() }, () => assertValid(xml, "saml-schema-metadata-2.0.xsd"));
  });

  test("is left alone by those who want to sign out here only", async () => {
    const connection = await connectBy("redirect");
    const [browser, other] = [await signIn(connection), await signIn(connection)];
    const out = await browser.post("/sso/sign-out", { local: "true" });
    assert.deepEqual([out.status, out.location], [303, "/sso/sign-in"]);
    assert.deepEqual([await isSignedIn(browser), await isSignedIn(other)], [false, true]);
  });
});

// --- In a browser ---------------------------------------------------------------------------------------------------

describe("in a browser, with the identity provider on another site", { skip }, () => {
  let there, chromium;
  before(async () => {
    [there, chromium] = await Promise.all([startSystem({ idp: { host: "127.0.0.1", logout: BINDINGS } }), launchChromium()]);
    const byPost = there.metadata.replace(/<SingleLogoutService Binding="[^"]*HTTP-Redirect"[^>]*>/, "");
    await connect(there, { domain: "acme.test" });
    await connect({ ...there, metadata: byPost }, { domain: "other.test" });
  });
  after(() => Promise.all([there?.stop(), chromium?.close()]));

  for (const [by, email, name] of [["redirect", "ada@acme.test", "Ada"], ["post", "mallory@other.test", "Mallory"]]) {
    test(`signing out by HTTP-${by} ends at a page that says so, and the identity provider can end a session too`, async () => {
      const context = await chromium.newContext();
      try {
        const page = await context.newPage();
        const complaints = complaintsOf(page);
        page.setDefaultTimeout(15_000);
        const isSignedIn = async () => (await page.request.get(`${there.origin}/sso/session`)).ok();
        const signIn = async () => {
          await page.goto(`${there.origin}/sso/sign-in`);
          await page.getByLabel("Work e-mail").fill(email);
          await page.keyboard.press("Enter");
          await page.getByRole("button", { name: new RegExp(`^${name}`) }).click();
          await page.getByRole("heading", { name: "You are signed in" }).waitFor();
          await page.waitForURL(`${there.origin}/sso/sign-in`);
          assert.ok(await isSignedIn());
        };
        await signIn();
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.getByRole("heading", { level: 1, name: "You are signed out", exact: true }).waitFor();
        assert.match(page.url(), /\/signed-out\?request=_[0-9a-f]{40}$/);
        assert.ok(!(await isSignedIn()));

        await signIn();
        await page.goto(`${there.idp.sloUrl}?${new URLSearchParams({ user: email, binding: by })}`);
        await page.getByText("Signed out everywhere.").waitFor();
        assert.ok(!(await isSignedIn()));
        assert.deepEqual(complaints, []);
      } finally {
        await context.close();
      }
    });
  }
});
