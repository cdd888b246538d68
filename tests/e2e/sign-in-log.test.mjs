// The sign-in log, as the vendor reads it by the API: every attempt a timeline, each refusal explained.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { makeCredentials } from "../../scripts/lib/demo-idp.mjs";
import { Browser, SESSION_COOKIE, answerTo, assertRefused, begin, connect, deliver, signIn, startSystem } from "./support.mjs";

let system;
before(async () => {
  system = await startSystem();
});
after(() => system?.stop());

async function log(connection, query = {}) {
  const answer = await system.api("GET", `${connection.path}/sign-ins?${new URLSearchParams(query)}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

const steps = ({ events }) => events.map(({ step }) => step);

describe("the sign-in log", { concurrency: 4 }, () => {
  test("has a good sign-in from the request to the session", async () => {
    const connection = await connect(system);
    const { browser, attempt } = await signIn(system, connection);
    const { sign_ins: attempts, next_before: next } = await log(connection);
    assert.deepEqual([attempts.length, next], [1, null]);
    const [{ outcome, standing, email, seconds_to_answer, seconds_to_end, explanation }] = attempts;
    assert.deepEqual([outcome, standing, email, explanation], ["signed_in", "vouched", connection.email, null]);
    assert.deepEqual(steps(attempts[0]), ["request_sent", "response_accepted", "signed_in"]);
    for (const seconds of [seconds_to_answer, seconds_to_end]) assert.ok(seconds >= 0 && seconds < 60, seconds);
    const all = JSON.stringify(attempts);
    for (const secret of [browser.cookies.get(SESSION_COOKIE), attempt.relayState, "Lovelace"]) assert.ok(!all.includes(secret));
  });

  test("explains a refusal to whoever has the reference or the address", async () => {
    const connection = await connect(system);
    const browser = new Browser(system.origin);
    const response = await answerTo(await begin(browser, connection), system, { audience: "urn:elsewhere" });
    const { reference, wanted, got, verified } = await assertRefused(system, connection, await deliver(browser, connection, response), "audience_mismatch");
    assert.deepEqual([wanted, got, verified], [connection.service_provider.entity_id, "urn:elsewhere", true]);
    for (const query of [{ reference: reference.toUpperCase() }, { email: connection.email.toUpperCase() }]) {
      const { sign_ins: [attempt] } = await log(connection, query);
      assert.equal(attempt.reference, reference);
      assert.deepEqual([attempt.outcome, attempt.code, attempt.explanation.who], ["refused", "audience_mismatch", "customer"]);
      assert.match(attempt.explanation.steps, /Audience URI/);
    }
    assert.deepEqual(await log(connection, { reference: "00000-00000" }), { sign_ins: [], next_before: null });
  });

  test("marks what may be anybody's, and a good answer outweighs it", async () => {
    const connection = await connect(system);
    const browser = new Browser(system.origin);
    const attempt = await begin(browser, connection);
    const forged = await answerTo(attempt, system, makeCredentials({ commonName: "stranger" }));
    const refusal = await assertRefused(system, connection, await deliver(browser, connection, forged), "signature_key_unknown");
    assert.equal(refusal.verified, false);
    const exchanged = await deliver(browser, connection, await answerTo(attempt, system));
    assert.equal((await browser.get(exchanged.location)).status, 303);
    await assertRefused(system, connection, await deliver(browser, connection, forged), "signature_key_unknown");
    const { sign_ins: attempts } = await log(connection);
    assert.deepEqual(attempts.map(({ reference, outcome, code }) => [reference, outcome, code]), [[refusal.reference, "signed_in", null]]);
    assert.deepEqual(steps(attempts[0]), ["request_sent", "response_refused", "response_accepted", "signed_in", "response_refused"]);
  });

  test("is turned page by page, and bounded for noise", async () => {
    const connection = await connect(system);
    await signIn(system, connection);
    const noise = Buffer.from("<nonsense/>").toString("base64");
    for (let left = 210; left > 0; left -= 10) {
      await Promise.all(Array.from({ length: 10 }, () => deliver(new Browser(system.origin), connection, noise)));
    }
    const attempts = [];
    for (let next = {}; next.before !== null; ) {
      const page = await log(connection, { limit: 90, ...next });
      attempts.push(...page.sign_ins);
      next = { before: page.next_before };
    }
    assert.deepEqual(attempts.map(({ standing }) => standing), [...Array(200).fill("unverified"), "vouched"]);
    assert.equal(new Set(attempts.map(({ reference }) => reference)).size, 201);
    assert.equal((await system.api("GET", `${connection.path}/sign-ins?limit=101`)).status, 422);
  });

  test("has messages as they came, while that is switched on", async () => {
    const connection = await connect(system);
    const switched = await system.api("POST", `${connection.path}/capture`, { minutes: 5 });
    assert.equal(switched.status, 200);
    assert.ok(Date.parse(switched.body.until) > Date.now());
    const browser = new Browser(system.origin);
    const attempt = await begin(browser, connection);
    const brought = [await answerTo(attempt, system, { audience: "urn:elsewhere" }), await answerTo(attempt, system)];
    const { reference } = await assertRefused(system, connection, await deliver(browser, connection, brought[0]), "audience_mismatch");
    assert.equal((await browser.get((await deliver(browser, connection, brought[1])).location)).status, 303);
    const path = `${connection.path}/sign-ins/${reference}/messages`;
    const { messages } = (await system.api("GET", path)).body;
    assert.deepEqual(messages.map(({ message }) => message), brought);
    assert.equal((await system.api("DELETE", `${connection.path}/capture`)).status, 204);
    assert.deepEqual((await system.api("GET", path)).body, { messages: [] });
    assert.deepEqual((await system.api("GET", `${connection.path}/capture`)).body, { until: null, kept: 0 });
  });
});
