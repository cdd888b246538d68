// Metadata that is fetched again, by the cron trigger and because of an unknown key, on the built Worker: what comes of new
// keys, and of hosts that are down, slow, huge, redirect inward or answer with a page.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { makeCredentials } from "../../scripts/lib/demo-idp.mjs";
import { freePort, startWorker } from "../../scripts/lib/worker.mjs";
import { Browser, adminToken, answerTo, assertRefused, begin, complete, connect, deliver, signIn, startSystem } from "./support.mjs";

const MIB = 1024 * 1024;
const state = await mkdtemp(join(tmpdir(), "edge-saml-refresh-"));
const port = await freePort();
const next = makeCredentials({ commonName: "next" });
const base64 = (pem) => pem.replace(/-----[^-]+-----|\s/g, "");

let system, server, url;
/** What is answered at each path; metadata unless told otherwise. */
const answers = new Map();

before(async () => {
  server = createServer((incoming, response) => answers.get(incoming.url)(response));
  server.listen(0, "localhost");
  await once(server, "listening");
  url = `http://localhost:${server.address().port}`;
  system = await startSystem({ worker: { port, persistTo: state }, idp: { spOrigin: `http://localhost:${port}` } });
});
after(async () => {
  server?.close();
  server?.closeAllConnections();
  await system?.worker.stop();
  await system?.stop();
  await rm(state, { recursive: true, force: true });
});

const serve = (text) => (response) => response.end(text);
const ours = () => system.metadata.replace(/<\?xml[^>]*\?>\s*/, "");
/** The metadata with another certificate beside its own, or in its place. */
function rotated({ keep }) {
  const [, key] = /(<(?:\w+:)?KeyDescriptor[^]*?KeyDescriptor>)/.exec(ours());
  const added = key.replace(/(X509Certificate>)[^<]+/, `$1${base64(next.cert)}`);
  return ours().replace(key, keep ? key + added : added);
}

/** A connection whose metadata is at `path`. */
async function follow(path) {
  answers.set(path, serve(ours()));
  const connection = await connect(system);
  const saved = await system.api("POST", `${connection.path}/metadata`, { url: url + path });
  assert.equal(saved.status, 200, saved.text);
  return connection;
}

const shown = async ({ path }) => (await system.api("GET", path)).body;
const refresh = async ({ path }) => (await system.api("GET", `${path}/metadata`)).body.refresh;

/** Lets a day pass for the registry, as its clock cannot be set: it is stopped, told that all is due, and started again. */
async function letADayPass() {
  await system.worker.stop();
  const [folder] = (await readdir(join(state, "v3/do"))).filter((name) => name.endsWith("-Registry"));
  const files = (await readdir(join(state, "v3/do", folder))).filter((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite");
  for (const file of files) {
    const database = new DatabaseSync(join(state, "v3/do", folder, file));
    database.exec("UPDATE refreshes SET next_at = 0");
    database.close();
  }
  system.worker = await startWorker({ port, persistTo: state, adminToken });
}

async function runSchedule() {
  const response = await fetch(`${system.origin}/cdn-cgi/local/scheduled`, { signal: AbortSignal.timeout(60_000) });
  assert.equal(response.status, 200, await response.text());
}

test("the cron trigger adds new keys, holds what no rotation looks like, and tells of every host that fails", async () => {
  const followed = new Map();
  for (const path of ["/new-key", "/all-keys", "/missing", "/down", "/silent", "/large", "/inward", "/page"]) followed.set(path, await follow(path));
  const before = new Map();
  for (const [path, connection] of followed) before.set(path, await shown(connection));
  answers.set("/new-key", serve(rotated({ keep: true })));
  answers.set("/all-keys", serve(rotated({ keep: false })));
  answers.set("/missing", (response) => response.writeHead(404).end());
  answers.set("/down", (response) => response.destroy());
  answers.set("/silent", () => {});
  answers.set("/large", serve(ours().padEnd(5 * MIB + 1)));
  answers.set("/inward", (response) => response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end());
  answers.set("/page", serve("<!doctype html><title>Sign in</title>"));
  await runSchedule();
  assert.equal((await refresh(followed.get("/new-key"))).attempted_at, null, "not before its day is over");
  await letADayPass();
  await runSchedule();

  for (const [path, code] of [
    ["/missing", "fetch_http_status"], ["/down", "fetch_tls"], ["/silent", "fetch_timeout"], ["/large", "fetch_too_large"],
    ["/inward", "fetch_private_address"], ["/page", "html_instead_of_xml"],
  ]) {
    const { attempted_at, succeeded_at, error } = await refresh(followed.get(path));
    assert.deepEqual([attempted_at !== null, succeeded_at, error?.code], [true, null, code], path);
    assert.deepEqual(await shown(followed.get(path)), before.get(path), "nothing is lost");
  }
  const added = await shown(followed.get("/new-key"));
  assert.equal(added.identity_provider.signing_certificates.length, 2);
  assert.equal(added.generation, before.get("/new-key").generation + 1);
  await signIn(system, followed.get("/new-key"), next);
  await signIn(system, followed.get("/new-key"));
  await signIn(system, followed.get("/page"));

  const replaced = followed.get("/all-keys");
  assert.deepEqual(await shown(replaced), before.get("/all-keys"));
  assert.equal((await refresh(replaced)).waits_for_approval, true);
  const held = await system.api("GET", `${replaced.path}/held-metadata`);
  assert.deepEqual(held.body.reasons, ["all_keys_changed"]);
  const approved = await system.api("POST", `${replaced.path}/held-metadata/approve`, { version: held.body.version });
  assert.equal(approved.status, 200, approved.text);
  await signIn(system, replaced, next);
});

test("an unknown key is fetched in the middle of a sign-in, once for all who come together", async () => {
  const connection = await follow("/rotated");
  let fetched = 0;
  answers.set("/rotated", (response) => {
    fetched += 1;
    response.end(rotated({ keep: true }));
  });
  await signIn(system, connection);
  assert.equal(fetched, 0);
  const attempt = await begin(new Browser(system.origin), connection);
  await complete(attempt.browser, await deliver(attempt.browser, connection, await answerTo(attempt, system, next), attempt.relayState));
  assert.equal(fetched, 1);
  await signIn(system, connection, next);

  const stranger = makeCredentials({ commonName: "stranger" });
  const refusals = await Promise.all([1, 2, 3].map(async () => {
    const attempt = await begin(new Browser(system.origin), connection);
    return deliver(attempt.browser, connection, await answerTo(attempt, system, stranger), attempt.relayState);
  }));
  assert.deepEqual(refusals.map(({ status }) => status), [403, 403, 403]);
  const last = await begin(new Browser(system.origin), connection);
  const answer = await deliver(last.browser, connection, await answerTo(last, system, stranger), last.relayState);
  await assertRefused(system, connection, answer, "signature_key_unknown", last);
  assert.equal(fetched, 1);
});
