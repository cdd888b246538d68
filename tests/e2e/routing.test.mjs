// Where a sign-in leads: to subdomains by opt-in, to one of several connections by a choice, by an organization.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Browser, answerTo, assertRefused, begin, complete, connect, deliver, signIn, startSystem } from "./support.mjs";

const LOCAL_APP = "http://localhost:3000";

let system;
before(async () => {
  system = await startSystem({ worker: { vars: { ALLOWED_RETURN_ORIGINS: `https://app.example.com ${LOCAL_APP}` } } });
});
after(() => system?.stop());

const newBrowser = () => new Browser(system.origin);

describe("a sign-in", { concurrency: 4 }, () => {
  test("of a subdomain goes to its domain's connection, if that says so", async () => {
    const connection = await connect(system);
    const below = { ...connection, email: `ada@eu.${connection.domain}` };
    assert.equal((await newBrowser().post("/sso/sign-in", { email: below.email })).status, 422);
    const changed = await system.api("PATCH", connection.path, { match_subdomains: true });
    assert.deepEqual([changed.status, changed.body.match_subdomains], [200, true]);
    const { browser } = await signIn(system, below);
    assert.equal(JSON.parse((await browser.get("/sso/session")).text).user.email, below.email);

    const attempt = await begin(newBrowser(), connection);
    const evil = await answerTo(attempt, system, { user: { email: `ada@evil${connection.domain}` } });
    await assertRefused(system, connection, await deliver(attempt.browser, connection, evil), "email_domain_not_owned");
    assert.equal((await newBrowser().post("/sso/sign-in", { email: `ada@evil${connection.domain}` })).status, 422);
  });

  test("of a domain that several connections share goes where the user says", async () => {
    const shared = { domain: "shared.test", organization: "shared", share_domains: true };
    const second = await connect(system, { ...shared, name: "Staff <2>", sign_in_order: 2 });
    const first = await connect(system, { ...shared, name: "Partners", sign_in_order: 1 });
    const browser = newBrowser();
    const page = await browser.post("/sso/sign-in", { email: "ada@shared.test", return_to: "/reports" });
    assert.equal(page.status, 200);
    assert.deepEqual(page.setCookies, [], "nothing has begun");
    const buttons = [...page.text.matchAll(/<button type="submit" name="connection" value="([^"]*)" class="choice">([^<]*)</g)].map((m) => m.slice(1));
    assert.deepEqual(buttons, [[first.id, "Partners"], [second.id, "Staff &#60;2&#62;"]]);
    const fields = Object.fromEntries([...page.text.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map((m) => m.slice(1)));
    assert.deepEqual(fields, { return_to: "/reports", email: "ada@shared.test" });
    for (const connection of [second, first]) {
      const sent = await browser.post("/sso/sign-in", { ...fields, connection: connection.id });
      assert.equal(sent.status, 303);
    }
    const byLink = await newBrowser().get("/sso/sign-in?org=shared");
    assert.equal(byLink.text.match(/class="choice"/g).length, 2);
    const stranger = await system.api("POST", "/connections", { name: "X", provider: "okta", domains: ["shared.test"], share_domains: true, organization: "other" });
    assert.deepEqual([stranger.status, stranger.body.error.code], [409, "domain_taken"]);
    await system.api("POST", `${first.path}/disable`);
    const attempt = await begin(browser, second, { email: "ada@shared.test", returnTo: "/reports" });
    const done = await complete(browser, await deliver(browser, second, await answerTo(attempt, system)));
    assert.equal(done.location, "/reports");
  });

  test("leads back to an allowed origin and to no other", async () => {
    const connection = await connect(system);
    for (const [returnTo, target] of [
      ["https://app.example.com/home?tab=1#top", "https://app.example.com/home?tab=1#top"],
      [`${LOCAL_APP}/`, `${LOCAL_APP}/`],
      ["https://app.example.com@evil.example/", "/sso/sign-in"],
      ["https://app.example.com.evil.example/", "/sso/sign-in"],
      ["//app.example.com/", "/sso/sign-in"],
      ["https:\\\\app.example.com", "/sso/sign-in"],
      ["http://localhost:3001/", "/sso/sign-in"],
    ]) {
      const browser = newBrowser();
      const attempt = await begin(browser, connection, { returnTo });
      const done = await complete(browser, await deliver(browser, connection, await answerTo(attempt, system)));
      assert.equal(done.location, target, returnTo);
    }
  });

  test("of an organization with one connection goes straight on", async () => {
    const connection = await connect(system, { organization: "Größe & Söhne" });
    const link = `/sso/sign-in?org=${encodeURIComponent("Größe & Söhne")}`;
    const sent = await newBrowser().get(link);
    assert.equal(sent.status, 303);
    await system.api("POST", `${connection.path}/disable`);
    const [off, none] = [await newBrowser().get(link), await newBrowser().get("/sso/sign-in?org=nobody")];
    assert.deepEqual([off.status, off.text], [422, none.text]);
  });
});

test("domains that are everybody's are nobody's", async () => {
  const create = (domain) => system.api("POST", "/connections", { name: "X", provider: "okta", domains: [domain] });
  for (const [domain, code] of [["co.uk", "domain_public_suffix"], ["公司.cn", "domain_public_suffix"], ["Gmail.com", "domain_public_mail"]]) {
    const { status, body } = await create(domain);
    assert.deepEqual([status, body.error.code, body.error.field], [422, code, "domains"], domain);
  }
});
