// Domains that are proven by a TXT record, which the built Worker asks a resolver of this machine for.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { connect, startSystem } from "./support.mjs";

/** The TXT records that the resolver has, by name. */
const records = new Map();
let system, resolver;

before(async () => {
  resolver = createServer((request, response) => {
    const { searchParams: query } = new URL(request.url, "http://localhost");
    const texts = query.get("type") === "TXT" ? (records.get(query.get("name")) ?? []) : [];
    response.writeHead(200, { "content-type": "application/dns-json" });
    response.end(JSON.stringify({ Status: texts.length > 0 ? 0 : 3, TC: false, Answer: texts.map((text) => ({ name: query.get("name"), type: 16, TTL: 60, data: JSON.stringify(text) })) }));
  }).listen(0, "127.0.0.1");
  await once(resolver, "listening");
  const url = `http://127.0.0.1:${resolver.address().port}/dns-query`;
  system = await startSystem({ worker: { vars: { DNS_RESOLVER: url, REQUIRE_DOMAIN_PROOF: "on" } } });
});
after(async () => {
  await system?.stop();
  resolver?.close();
});

test("a connection is enabled once its domain is proven, where the deployment demands it", async () => {
  const { api, metadata } = system;
  await assert.rejects(connect(system, { domain: "unproven.test" }), /409/);
  const created = await api("POST", "/connections", { name: "Acme", provider: "okta", domains: ["acme.test"] });
  const path = `/connections/${created.body.id}`;
  await api("POST", `${path}/metadata`, { xml: metadata });
  const enable = () => api("POST", `${path}/enable`, { override_reason: "a test of something else" });
  const refused = await enable();
  assert.deepEqual([refused.status, refused.body.error.code, refused.body.error.field], [409, "domain_unproven", "domains"]);
  assert.deepEqual(created.body.warnings.map(({ code }) => code), ["domain_unproven"]);
  const [{ record_name, record_value }] = created.body.domain_proofs;
  assert.equal(record_name, "_edge-saml.acme.test");

  const verify = async () => (await api("POST", `${path}/domains/acme.test/verify`)).body;
  assert.equal((await verify()).state, "unproven");
  records.set(record_name, ["something else", record_value]);
  assert.deepEqual([(await verify()).state, (await api("GET", `${path}/domains`)).body.domains[0].state], ["proven", "proven"]);
  assert.equal((await enable()).status, 200);
  records.clear();
  const lost = await verify();
  assert.deepEqual([lost.state, lost.problem], ["lost", "there is no TXT record at _edge-saml.acme.test"]);
  assert.equal((await api("GET", path)).body.state, "enabled", "sign-ins go on");
});
