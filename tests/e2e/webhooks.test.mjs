// Webhooks that the built Worker sends to a receiver on this machine. They are verified by the library of Standard Webhooks, and by
// the example of docs/webhooks.md as it stands there.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { makeCredentials } from "../../scripts/lib/demo-idp.mjs";
import { answerTo, assertRefused, begin, Browser, connect, deliver, signIn, startSystem } from "./support.mjs";

/** A receiver: gives its requests one after the other, and answers as `answer` says. */
async function startReceiver() {
  const arrived = [];
  const waiting = [];
  const receiver = { status: 200, headers: {} };
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const received = { method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() };
    response.writeHead(receiver.status, receiver.headers).end("{}");
    const take = waiting.shift();
    if (take) take(received);
    else arrived.push(received);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  receiver.url = `http://127.0.0.1:${server.address().port}/hooks`;
  receiver.next = () => (arrived.length > 0 ? Promise.resolve(arrived.shift()) : new Promise((resolve) => waiting.push(resolve)));
  receiver.stop = () => server.close();
  return receiver;
}

let system, receiver, verify;

before(async () => {
  system = await startSystem();
  receiver = await startReceiver();
  const page = await readFile(new URL("../../docs/webhooks.md", import.meta.url), "utf8");
  const [, example] = /```js\n([^]+?)```/.exec(page);
  ({ verify } = await import(`data:text/javascript,${encodeURIComponent(example)}`));
});
after(async () => {
  await system?.stop();
  receiver?.stop();
});

/** A webhook of its own for one test. */
async function hook({ api }, fields = {}) {
  const made = await api("POST", "/webhooks", { url: receiver.url, ...fields });
  assert.equal(made.status, 201, made.text);
  const { id, secret } = made.body;
  return { id, secret, path: `/webhooks/${id}` };
}

/** The next request, verified twice; what it says. */
async function received(secret) {
  const { method, url, headers, body } = await receiver.next();
  assert.deepEqual([method, url, headers["content-type"]], ["POST", "/hooks", "application/json"]);
  const event = new Webhook(secret).verify(body, headers);
  assert.deepEqual(verify(secret, headers, body), event);
  assert.throws(() => verify(secret, headers, `${body} `), /not signed/);
  assert.throws(() => verify(secret, { ...headers, "webhook-timestamp": "1" }, body), /too old/);
  return { id: headers["webhook-id"], event };
}

test("a change is told, and what was not taken is sent again", async () => {
  const { api } = system;
  const { secret, path } = await hook(system);
  receiver.status = 500;
  const created = await api("POST", "/connections", { name: "Acme", provider: "okta", domains: ["hooked.test"] });
  assert.equal(created.status, 201, created.text);
  const first = await received(secret);
  receiver.status = 200;
  const second = await received(secret);
  assert.deepEqual(second, first);
  assert.deepEqual([first.event.type, first.event.data.connection.id], ["connection.created", created.body.id]);

  // The answer is noted after it was given.
  const settled = async () => (await api("GET", `${path}/deliveries`)).body.deliveries[0];
  let delivery = await settled();
  while (delivery.state === "pending") delivery = await settled();
  assert.deepEqual([delivery.event, delivery.state, delivery.attempts, delivery.last_status], [first.id, "delivered", 2, 200]);

  // Once more, when somebody asks for it; and signed with both secrets while they are rotated.
  const rotated = await api("POST", `${path}/rotate-secret`);
  assert.equal((await api("POST", `${path}/deliveries/${first.id}/replay`)).status, 200);
  assert.deepEqual(await received(secret), first);
  assert.deepEqual((await api("POST", `${path}/replay`, { since: first.event.timestamp })).body, { replayed: 1 });
  assert.deepEqual(await received(rotated.body.secret), first);
  assert.equal((await api("DELETE", path)).status, 204);
});

test("sign-ins are told to those who ask for them", async () => {
  const { api } = system;
  const connection = await connect(system);
  const { secret, path } = await hook(system, { events: ["sign_in.succeeded", "sign_in.refused"], include_email: true });
  await signIn(system, connection);
  const { event } = await received(secret);
  assert.deepEqual([event.type, event.data.connection.id, event.data.email], ["sign_in.succeeded", connection.id, connection.email]);
  const log = (await api("GET", `${connection.path}/sign-ins`)).body;
  assert.equal(log.sign_ins[0].reference, event.data.reference);

  const browser = new Browser(system.origin);
  const attempt = await begin(browser, connection);
  const forged = await answerTo(attempt, system, makeCredentials());
  const answer = await deliver(browser, connection, forged, attempt.relayState);
  await assertRefused(system, connection, answer, "signature_key_unknown", { browser });
  const told = (await received(secret)).event;
  assert.deepEqual([told.type, told.data.code], ["sign_in.refused", "signature_key_unknown"]);
  assert.ok(answer.text.includes(`>${told.data.reference}<`), "the reference that the browser was shown");
  assert.equal(told.data.email, undefined);
  await api("DELETE", path);
});

test("a redirect is not followed", async () => {
  const { api } = system;
  const { secret, path } = await hook(system);
  receiver.status = 307;
  receiver.headers = { location: `${receiver.url}/elsewhere` };
  await api("POST", `${path}/test`);
  const { id, event } = await received(secret);
  assert.equal(event.type, "webhook.test");
  // The next request is the second attempt, at the same address.
  receiver.status = 204;
  receiver.headers = {};
  assert.equal((await received(secret)).id, id);
  await api("DELETE", path);
});

test("a webhook that is disabled is sent nothing until it is enabled again", async () => {
  const { api } = system;
  const { secret, path } = await hook(system);
  await api("PATCH", path, { enabled: false });
  const off = await api("POST", `${path}/test`);
  assert.deepEqual([off.status, off.body.error.code], [409, "webhook_disabled"]);
  await api("PATCH", path, { enabled: true });
  assert.equal((await api("POST", `${path}/test`)).body.state, "pending");
  assert.equal((await received(secret)).event.type, "webhook.test");
  await api("DELETE", path);
});
