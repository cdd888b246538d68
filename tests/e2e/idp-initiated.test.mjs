// Responses that answer no request, signed by samlp: what a click on a tile at the identity provider sends.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Browser, answerTo, assertNobody, assertRefused, begin, connect, deliver, startSystem, unsolicited } from "./support.mjs";

let system;
before(async () => {
  system = await startSystem();
});
after(() => system?.stop());

const set = async (connection, settings) => assert.equal((await system.api("PATCH", connection.path, settings)).status, 200);

describe("a response that nobody asked for", { concurrency: 4 }, () => {
  test("begins a sign-in of ours, and no more", async () => {
    const connection = await connect(system);
    const browser = new Browser(system.origin);
    const answer = await deliver(browser, connection, await unsolicited(connection, system));
    assert.equal(answer.status, 303, answer.text);
    assert.equal(new URL(answer.location, system.origin).pathname, "/sso/sign-in");
    const begun = await browser.get(answer.location);
    assert.equal(begun.status, 303, begun.text);
    assert.ok(new URL(begun.location).searchParams.get("SAMLRequest"));
    await assertNobody(browser);
  });

  test("is refused where it is switched off", async () => {
    const connection = await connect(system);
    await set(connection, { idp_initiated: "off" });
    const browser = new Browser(system.origin);
    const answer = await deliver(browser, connection, await unsolicited(connection, system));
    await assertRefused(system, connection, answer, "unsolicited_not_allowed", { browser });
  });

  test("signs in where it may, once the user has said so", async () => {
    const connection = await connect(system);
    await set(connection, { idp_initiated: "direct", relay_state_targets: ["/reports/"] });
    const browser = new Browser(system.origin);
    const response = await unsolicited(connection, system);
    const answer = await deliver(browser, connection, response, `${system.origin}/reports/7`);
    assert.equal(answer.status, 303, answer.text);
    const question = await browser.get(answer.location);
    assert.equal(question.status, 200);
    assert.ok(question.text.includes(`<strong>${connection.email}</strong>`), question.text);
    await assertNobody(browser);
    const ticket = new URL(answer.location, system.origin).searchParams.get("ticket");
    const action = `/sso/saml/${connection.id}/complete`;
    const foreign = await browser.post(action, { ticket }, { from: "https://evil.example" });
    assert.equal(foreign.status, 403);
    const done = await browser.post(action, { ticket });
    assert.deepEqual([done.status, done.location], [303, "/reports/7"]);
    assert.equal((await browser.get("/sso/session")).status, 200);
    await assertRefused(system, connection, await deliver(new Browser(system.origin), connection, response), "assertion_reused");
  });

  test("signs nobody in who was not asked", async () => {
    const connection = await connect(system);
    await set(connection, { idp_initiated: "direct" });
    const action = `/sso/saml/${connection.id}/complete`;
    const [browser, stranger] = [new Browser(system.origin), new Browser(system.origin)];
    const { location } = await deliver(browser, connection, await unsolicited(connection, system));
    const ticket = new URL(location, system.origin).searchParams.get("ticket");
    assert.equal((await browser.get(location)).status, 200);
    assert.ok(browser.cookies.get("__Host-sso_browser"));
    await assertRefused(system, connection, await stranger.post(action, { ticket }), "browser_mismatch", { browser: stranger });
    await assertRefused(system, connection, await browser.post(action, { ticket }), "in_response_to_unknown", { browser });
  });

  test("leads nowhere by its RelayState that is not allowed", async () => {
    const connection = await connect(system);
    const browser = new Browser(system.origin);
    const answer = await deliver(browser, connection, await unsolicited(connection, system), "https://evil.example/");
    await assertRefused(system, connection, answer, "relaystate_not_allowed", { browser, status: 400 });
  });
});

test("the same browser may post a response twice", async () => {
  const connection = await connect(system);
  const browser = new Browser(system.origin);
  const response = await answerTo(await begin(browser, connection, { returnTo: "/reports" }), system);
  const [first, second] = [await deliver(browser, connection, response), await deliver(browser, connection, response)];
  assert.deepEqual([first.status, second.status], [303, 303]);
  const done = await browser.get(second.location);
  assert.deepEqual([done.status, done.location], [303, "/reports"]);
  const stranger = new Browser(system.origin);
  await assertRefused(system, connection, await stranger.get(first.location), "browser_mismatch", { browser: stranger });
  assert.equal((await browser.get("/sso/session")).status, 200);
});
