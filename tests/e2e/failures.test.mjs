// What fails half-way: a Worker that ends in the middle of a change. It is there wholly or not at all, and what is there
// reaches everyone by itself.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { startWorker } from "../../scripts/lib/worker.mjs";
import { Browser, UNTESTED, adminToken, connect, request, signIn, startSystem } from "./support.mjs";

const PUBLISHED_WITHIN_MS = 30_000;

let system, persistTo;
before(async () => {
  persistTo = await mkdtemp(join(tmpdir(), "edge-saml-failures-"));
  system = await startSystem({ worker: { persistTo } });
});
after(async () => {
  await Promise.all([system?.stop(), system?.worker.stop()]);
  await rm(persistTo, { recursive: true, force: true, maxRetries: 5 });
});

/** Ends the Worker while it may be at work, and starts it anew on what it has stored. */
async function crash() {
  await system.worker.kill();
  system.worker = await startWorker({ port: system.worker.port, persistTo, adminToken });
}

/** Resolves once sign-in leads addresses of `domain` to an identity provider. */
async function untilLed(domain) {
  const deadline = Date.now() + PUBLISHED_WITHIN_MS;
  for (;;) {
    const { status } = await new Browser(system.origin).post("/sso/sign-in", { email: `ada@${domain}` });
    if (status === 303) return;
    assert.ok(Date.now() < deadline, `${domain} leads nowhere`);
    await pause(200);
  }
}

describe("a Worker that ends in the middle of a change", () => {
  for (const milliseconds of [0, 5, 20]) {
    test(`${milliseconds} ms after it was asked for it`, async () => {
      const connection = await connect(system);
      const before = (await system.api("GET", connection.path)).body;
      const wanted = [`new.${connection.domain}`];
      // Nobody waits for the answer, which may never come.
      system.api("PATCH", connection.path, { domains: wanted, name: "Changed" }).catch(() => undefined);
      await pause(milliseconds);
      await crash();

      const now = (await system.api("GET", connection.path)).body;
      const isChanged = now.generation !== before.generation;
      if (isChanged) assert.deepEqual([now.generation, now.name, now.domains], [before.generation + 1, "Changed", wanted]);
      else assert.deepEqual(now, before);
      const { versions } = (await system.api("GET", `${connection.path}/versions`)).body;
      assert.equal(versions[0].generation, now.generation);
      const { entries } = (await system.api("GET", `/audit?connection=${connection.id}`)).body;
      assert.equal(entries.length, versions.length);

      await untilLed(now.domains[0]);
      await signIn(system, { ...connection, domain: now.domains[0], email: `ada@${now.domains[0]}` });
      if (isChanged) {
        const { status } = await new Browser(system.origin).post("/sso/sign-in", { email: connection.email });
        assert.equal(status, 422, "the domain that it had leads nowhere any more");
      }
    });
  }

  for (const milliseconds of [0, 5, 20]) {
    test(`${milliseconds} ms after a draft was to take its connection's place`, async () => {
      const connection = await connect(system);
      const before = (await system.api("GET", connection.path)).body;
      const wanted = [`new.${connection.domain}`];
      assert.equal((await system.api("PATCH", `${connection.path}/draft`, { domains: wanted, name: "Drafted" })).status, 200);
      system.api("POST", `${connection.path}/draft/apply`, UNTESTED).catch(() => undefined);
      await pause(milliseconds);
      await crash();

      const now = (await system.api("GET", connection.path)).body;
      const draft = await system.api("GET", `${connection.path}/draft`);
      if (now.generation === before.generation) {
        assert.deepEqual(now, before);
        assert.deepEqual([draft.status, draft.body.connection.domains], [200, wanted], "the draft is still there");
        assert.equal((await system.api("POST", `${connection.path}/draft/apply`, UNTESTED)).body.name, "Drafted");
      } else {
        assert.deepEqual([now.generation, now.name, now.domains], [before.generation + 1, "Drafted", wanted]);
        assert.equal(draft.status, 404, "there is none any more");
      }
      await untilLed(wanted[0]);
    });
  }
});

test("an import of more than is published at once reaches everyone by itself", async () => {
  const connections = Array.from({ length: 200 }, (_, n) => ({ name: `Imported ${n}`, provider: "okta", domains: [`imported${n}.test`] }));
  const document = { format: "edge-saml/connections", version: 1, connections };
  const { status, body } = await system.api("POST", "/import", document);
  assert.ok([200, 202].includes(status), JSON.stringify(body).slice(0, 500));
  const deadline = Date.now() + PUBLISHED_WITHIN_MS;
  for (const { id, result } of body.connections) {
    assert.equal(result, "created");
    // Our metadata is made of what is published alone.
    while ((await request(`${system.origin}/sso/saml/${id}/metadata`)).status !== 200) {
      assert.ok(Date.now() < deadline, `${id} is known nowhere`);
      await pause(200);
    }
  }
  const after = await system.api("POST", "/connections", { name: "After", provider: "okta", domains: ["after-import.test"] });
  assert.equal(after.status, 201, "nothing is left to be published");
});
