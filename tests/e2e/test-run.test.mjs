// A connection from its first test to its first user, and back to what it was before, at the built Worker.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { makeCredentials, parseAuthnRequest } from "../../scripts/lib/demo-idp.mjs";
import { Browser, answerTo, assertNobody, connect, deliver, signIn, startSystem } from "./support.mjs";

let system;
before(async () => {
  system = await startSystem();
});
after(() => system?.stop());

let domains = 0;

/** A connection with the demo identity provider, which is not enabled. */
async function addConnection() {
  const domain = `t${(domains += 1)}.acme.test`;
  const { status, body } = await system.api("POST", "/connections", { name: "Acme", provider: "okta", domains: [domain] });
  assert.equal(status, 201);
  const path = `/connections/${body.id}`;
  assert.equal((await system.api("POST", `${path}/metadata`, { xml: system.metadata })).status, 200);
  return { ...body, path, domain, email: `ada@${domain}`, acs: body.service_provider.acs_url };
}

/** Begins a test, sends the browser off with it and delivers what the identity provider answers; the test with its report. */
async function runTest(connection, { configuration = "live", ...options } = {}) {
  const browser = new Browser(system.origin);
  const begun = await system.api("POST", `${connection.path}/tests`, { configuration });
  assert.equal(begun.status, 201, begun.text);
  const sent = await browser.get(begun.body.url);
  assert.equal(sent.status, 303, sent.text);
  const query = new URL(sent.location).searchParams;
  const request = await parseAuthnRequest(query.get("SAMLRequest"));
  assert.equal(request.id, begun.body.id);
  const response = await answerTo({ connection, request }, system, options);
  const answered = await deliver(browser, connection, response, query.get("RelayState"));
  assert.deepEqual([answered.status, answered.location], [303, `/sso/admin/connections/${connection.id}/tests/${begun.body.id}`]);
  await assertNobody(browser);
  return (await system.api("GET", `${connection.path}/tests/${begun.body.id}`)).body;
}

describe("a test run", () => {
  test("shows what is wrong, then passes, and then the connection can be enabled", async () => {
    const connection = await addConnection();
    const refused = await system.api("POST", `${connection.path}/enable`);
    assert.deepEqual([refused.status, refused.body.error.code], [409, "test_required"]);

    const failed = await runTest(connection, { audience: "urn:example:old" });
    assert.deepEqual([failed.state, failed.code], ["failed", "audience_mismatch"]);
    const audience = failed.report.checks.find(({ rule }) => rule === "audience");
    assert.deepEqual(audience, { rule: "audience", result: "failed", wanted: connection.service_provider.entity_id, got: "urn:example:old" });
    assert.match(failed.report.explanation.steps, /Audience URI/);
    assert.equal((await system.api("POST", `${connection.path}/enable`)).status, 409);

    const passed = await runTest(connection);
    assert.equal(passed.state, "passed", JSON.stringify(passed.report));
    assert.ok(passed.report.checks.every(({ result }) => result === "passed"));
    assert.ok(Math.abs(passed.report.clock_drift_seconds) < 60);
    const enabled = await system.api("POST", `${connection.path}/enable`);
    assert.deepEqual([enabled.status, enabled.body.state, enabled.body.test.required], [200, "enabled", false]);
    await signIn(system, connection);
  });

  test("of a live connection leaves its users alone", async () => {
    const connection = await connect(system);
    const { browser } = await signIn(system, connection);
    assert.equal((await runTest(connection)).state, "passed");
    assert.equal((await browser.get("/sso/session")).status, 200);
    await signIn(system, connection);
  });
});

describe("versions", () => {
  test("are had again, and the audit log tells of it", async () => {
    const connection = await connect(system);
    await system.api("PATCH", connection.path, { domains: [`other.${connection.domain}`], name: "Other" });
    const restored = await system.api("POST", `${connection.path}/versions/3/restore`);
    assert.deepEqual([restored.status, restored.body.name, restored.body.domains], [200, connection.name, [connection.domain]]);
    await signIn(system, connection);
    const { versions } = (await system.api("GET", `${connection.path}/versions`)).body;
    assert.deepEqual(versions.map(({ generation }) => generation), [5, 4, 3, 2, 1]);
    const { entries } = (await system.api("GET", `/audit?connection=${connection.id}&limit=1`)).body;
    assert.deepEqual([entries[0].change, entries[0].actor], ["Restored version 3", "token ADMIN_TOKEN"]);
  });
});

describe("a draft", () => {
  test("is refused by its test while users go on signing in, then fixed, applied and undone", async () => {
    const connection = await connect(system);
    const { cert } = makeCredentials({ commonName: "wrong" });
    const certificate = cert.replace(/-----[A-Z ]+-----|\s/g, "");
    const wrong = system.metadata.replace(/(<(?:\w+:)?X509Certificate>)[^<]+/g, `$1${certificate}`);
    const drafted = await system.api("POST", `${connection.path}/draft/metadata`, { xml: wrong });
    assert.deepEqual([drafted.status, drafted.body.diff.map(({ field }) => field)], [200, ["identity_provider.certificates"]]);
    const failed = await runTest(connection, { configuration: "draft" });
    assert.deepEqual([failed.state, failed.code], ["failed", "signature_key_unknown"]);
    const refused = await system.api("POST", `${connection.path}/draft/apply`);
    assert.deepEqual([refused.status, refused.body.error.code], [409, "test_required"]);
    await signIn(system, connection);

    assert.equal((await system.api("POST", `${connection.path}/draft/metadata`, { xml: system.metadata })).status, 200);
    assert.equal((await system.api("PATCH", `${connection.path}/draft`, { name: "Acme, once more", require_signed_response: true })).status, 200);
    assert.equal((await runTest(connection, { configuration: "draft" })).state, "passed");
    const applied = await system.api("POST", `${connection.path}/draft/apply`);
    assert.deepEqual([applied.status, applied.body.name, applied.body.generation], [200, "Acme, once more", 4]);
    await signIn(system, connection);
    const undone = await system.api("POST", `${connection.path}/undo`);
    assert.deepEqual([undone.status, undone.body.name, undone.body.require_signed_response], [200, connection.name, false]);
    assert.equal((await system.api("GET", `${connection.path}/draft`)).status, 404);
    await signIn(system, connection);
  });
});
