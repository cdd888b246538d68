// The admin API against the built Worker: what a vendor's program does, who may do it, and every way in which metadata
// cannot be read. Also Workers that are configured otherwise.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { after, before, describe, test } from "node:test";
import { makeCredentials } from "../../scripts/lib/demo-idp.mjs";
import { startWorker } from "../../scripts/lib/worker.mjs";
import { Browser, DEFAULT_ENTITY_ID, adminToken, apiOf, connect, request, startSystem, UNTESTED } from "./support.mjs";

const MIB = 1024 * 1024;
const UNKNOWN = "/connections/conn_aaaaaaaaaaaaaaaaaaaa";

let system, api, closed, misconfigured, deployed;
before(async () => {
  [system, closed, misconfigured, deployed] = await Promise.all([
    startSystem(),
    startWorker(),
    startWorker({ adminToken, vars: { PUBLIC_ORIGIN: "" }, readyStatus: 503 }),
    startWorker({ adminToken, vars: { DEVELOPMENT: "", PUBLIC_ORIGIN: "https://sso.example.com", DNS_RESOLVER: "https://localhost:1/" } }),
  ]);
  ({ api } = system);
});
after(() => Promise.all([system, closed, misconfigured, deployed].map((part) => part?.stop())));

let domains = 0;
const newDomain = () => `d${(domains += 1)}.test`;
const create = (body) => api("POST", "/connections", { name: "Test", provider: "okta", domains: [newDomain()], ...body });
const newPath = async () => `/connections/${(await create()).body.id}`;

/** Asserts an error's status and code; its shape is checked for every answer. */
function assertError({ status, body }, expectedStatus, code, message) {
  assert.deepEqual([status, body.error.code], [expectedStatus, code], body.error.message);
  if (message) assert.match(body.error.message, message);
}

describe("connections", { concurrency: 4 }, () => {
  test("are created disabled, and shown with what the identity provider has to know", async () => {
    const domain = newDomain();
    const created = await create({ name: " Acme ", domains: [domain, domain.toUpperCase()], organization: "org_1" });
    assert.equal(created.status, 201);
    const { id, created_at, updated_at, domain_proofs, ...rest } = created.body;
    const [{ record_value, ...proof }, ...others] = domain_proofs;
    assert.match(record_value, /^edge-saml-verification=[\w-]{43}$/);
    const unproven = { domain, state: "unproven", record_type: "TXT", record_name: `_edge-saml.${domain}`, proven_at: null, checked_at: null, problem: null };
    assert.deepEqual([proof, others], [unproven, []]);
    assert.match(id, /^conn_[a-z2-7]{20}$/);
    assert.equal(created_at, updated_at);
    assert.ok(Math.abs(Date.parse(created_at) - Date.now()) < 60_000);
    const entityId = `${system.origin}/sso/saml/${id}`;
    assert.deepEqual(rest, {
      name: "Acme",
      provider: "okta",
      state: "disabled",
      domains: [domain],
      organization: "org_1",
      sign_requests: "auto",
      force_authn: false,
      requested_authn_context: [],
      name_id_format: null,
      login_hint: "off",
      request_lifetime_minutes: 60,
      idp_initiated: "bounce",
      relay_state_targets: [],
      require_signed_assertion: false,
      require_signed_response: false,
      sha1_exception: null,
      attribute_map: { email: null, first_name: null, last_name: null, groups: null },
      required_attributes: [],
      require_typed_email: false,
      just_in_time_sign_up: true,
      decrypt_assertions: false,
      match_subdomains: false,
      share_domains: false,
      sign_in_order: 100,
      service_provider: { entity_id: entityId, acs_url: `${entityId}/acs`, metadata_url: `${entityId}/metadata`, slo_url: `${entityId}/slo` },
      session_hours: 168,
      session_idle_hours: 24,
      user_key: null,
      identity_provider: null,
      warnings: [],
      test: { required: true, last_passed_at: null, last_result: null },
      generation: 1,
    });
    assert.deepEqual((await api("GET", `/connections/${id}`)).body, created.body);
    const { connections } = (await api("GET", "/connections")).body;
    assert.deepEqual(connections.find((c) => c.id === id), created.body);

    const metadata = await request(`${entityId}/metadata`);
    assert.equal(metadata.headers["content-type"], "application/samlmetadata+xml");
    assert.ok(metadata.text.includes(`entityID="${entityId}"`) && metadata.text.includes(`Location="${entityId}/acs"`), metadata.text);
  });

  test("are listed in the order of their making", async () => {
    const ids = [];
    for (let i = 0; i < 3; i += 1) ids.push((await create()).body.id);
    const { connections } = (await api("GET", "/connections")).body;
    assert.deepEqual(connections.map(({ id }) => id).filter((id) => ids.includes(id)), ids);
  });

  test("are changed field by field", async () => {
    const path = await newPath();
    const [domain, before] = [newDomain(), (await api("GET", path)).body];
    const changed = await api("PATCH", path, { name: "New", provider: "entra", domains: [domain], organization: "o", sp_entity_id: "urn:old:sp" });
    assert.equal(changed.status, 200);
    const expected = { name: "New", provider: "entra", domains: [domain], organization: "o", generation: before.generation + 1 };
    for (const [field, value] of Object.entries(expected)) assert.deepEqual(changed.body[field], value, field);
    assert.equal(changed.body.service_provider.entity_id, "urn:old:sp");
    assert.deepEqual((await api("PATCH", path, {})).body, changed.body, "nothing given, nothing changed");
    const cleared = (await api("PATCH", path, { organization: null, sp_entity_id: null })).body;
    assert.deepEqual([cleared.organization, cleared.service_provider, cleared.name], [null, before.service_provider, "New"]);
  });

  test("are refused with a field that is wrong, unknown or missing", async () => {
    const path = await newPath();
    for (const [body, message] of [
      [{ name: "" }, /^name: /], [{ name: " " }, /^name: /], [{ name: "x".repeat(101) }, /^name: /], [{ name: "a\nb" }, /^name: /],
      [{ organization: "" }, /^organization: /], [{ sp_entity_id: "two\nlines" }, /^sp_entity_id: /], [{ sp_entity_id: "" }, /^sp_entity_id: /],
      [{ domains: [] }, /^domains: /], [{ domains: ["localhost"] }, /^domains: /], [{ domains: ["a@b.test"] }, /^domains: /], [{ domains: ["*.b.test"] }, /^domains: /],
      [{ domains: ["10.0.0.1"] }, /^domains: /], [{ domains: ["-a.test"] }, /^domains: /], [{ domains: ["a..test"] }, /^domains: /], [{ domains: ["http://a.test"] }, /^domains: /],
      [{ domains: Array.from({ length: 101 }, newDomain) }, /^domains: /],
    ]) {
      assertError(await create(body), 422, "invalid_field", message);
      assertError(await api("PATCH", path, body), 422, "invalid_field", message);
    }
    for (const body of [{ nane: "x" }, { state: "enabled" }, { id: "conn_aaaaaaaaaaaaaaaaaaaa" }, { generation: 7 }, { provider: "nobody" }, { domains: "a.test" }]) {
      const [field] = Object.keys(body);
      for (const answer of [await create(body), await api("PATCH", path, body)]) {
        assertError(answer, 422, "invalid_field", new RegExp(`^${field}: `));
        assert.equal(answer.body.error.field, field);
      }
    }
    for (const missing of ["name", "provider", "domains"]) {
      const body = { name: "Test", provider: "okta", domains: [newDomain()] };
      delete body[missing];
      assertError(await api("POST", "/connections", body), 422, "invalid_field", new RegExp(`^${missing}: missing\\.$`));
    }
    assert.equal((await create({ domains: Array.from({ length: 100 }, newDomain), name: "x".repeat(100) })).status, 201);
  });

  test("keep their domains as A-labels, and find users who type them in Unicode", async () => {
    const connection = await connect(system, { domain: "BÜCHER.example" });
    assert.deepEqual((await api("GET", connection.path)).body.domains, ["xn--bcher-kva.example"]);
    for (const email of ["ada@bücher.example", "ada@Bücher.example", "ada@xn--bcher-kva.example", "ada@bu\u0308cher.example"]) {
      assert.equal((await new Browser(system.origin).post("/sso/sign-in", { email })).status, 303, email);
    }
    assertError(await create({ domains: ["xn--bcher-kva.example"] }), 409, "domain_taken");
  });

  test("claim a domain each for themselves", async () => {
    const domain = newDomain();
    const owner = `/connections/${(await create({ domains: [newDomain(), domain] })).body.id}`;
    const other = await newPath();
    assertError(await create({ domains: [domain] }), 409, "domain_taken", new RegExp(domain.replace(".", "\\.")));
    assertError(await api("PATCH", other, { domains: [newDomain(), domain] }), 409, "domain_taken");
    await api("PATCH", owner, { domains: [newDomain()] });
    assert.equal((await api("PATCH", other, { domains: [domain] })).status, 200, "it was given up");
    assertError(await api("PATCH", owner, { domains: [domain] }), 409, "domain_taken");
    assert.equal((await api("DELETE", other)).status, 204);
    assert.equal((await api("PATCH", owner, { domains: [domain] })).status, 200, "it was freed");
  });

  test("that claim one domain at once: one gets it", async () => {
    const domain = newDomain();
    const answers = await Promise.all(Array.from({ length: 6 }, () => create({ domains: [newDomain(), domain] })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409]);
    const { connections } = (await api("GET", "/connections")).body;
    assert.equal(connections.filter((c) => c.domains.includes(domain)).length, 1, "the others left nothing");
  });

  test("that are deleted are gone", async () => {
    const connection = await connect(system);
    const deleted = await api("DELETE", connection.path);
    assert.deepEqual([deleted.status, deleted.text], [204, ""]);
    for (const method of ["GET", "DELETE", "PATCH"]) {
      assertError(await api(method, connection.path, method === "PATCH" ? {} : undefined), 404, "connection_unknown");
    }
    assert.ok(!(await api("GET", "/connections")).body.connections.some(({ id }) => id === connection.id));
    assert.equal((await request(`${system.origin}/sso/saml/${connection.id}/metadata`)).status, 404);
    assert.equal((await new Browser(system.origin).post("/sso/sign-in", { email: connection.email })).status, 422);
  });

  test("are enabled once they have an identity provider, and disabled at any time", async () => {
    const path = await newPath();
    assertError(await api("POST", `${path}/enable`), 409, "connection_incomplete");
    assert.equal((await api("POST", `${path}/disable`)).body.state, "disabled");
    await api("POST", `${path}/metadata`, { xml: system.metadata });
    assertError(await api("POST", `${path}/enable`), 409, "test_required");
    assertError(await api("POST", `${path}/enable`, { override_reason: "" }), 422, "invalid_field");
    assert.equal((await api("POST", `${path}/enable`, UNTESTED)).body.state, "enabled");
    const again = await api("POST", `${path}/enable`);
    assert.deepEqual([again.status, again.body.generation], [200, 3], "enabling twice changes nothing");
    assert.equal((await api("POST", `${path}/disable`)).body.state, "disabled");
  });

  test("that do not exist are answered with 404", async () => {
    for (const [method, action, body] of [["GET", ""], ["PATCH", "", {}], ["DELETE", ""], ["POST", "/enable"], ["POST", "/disable"], ["POST", "/metadata", { xml: "x" }], ["GET", "/sign-ins"]]) {
      assertError(await api(method, UNKNOWN + action, body), 404, "connection_unknown");
    }
    assertError(await api("GET", "/nothing"), 404, "not_found");
  });
});

describe("the token", () => {
  const ask = (authorization, path = "/connections") =>
    request(`${system.origin}/sso/api/v1${path}`, { headers: authorization === undefined ? {} : { authorization } });

  test("opens the API, and nothing else does", async () => {
    for (const good of [`Bearer ${adminToken}`, `bearer ${adminToken}`, `BEARER  ${adminToken}`]) assert.equal((await ask(good)).status, 200, good);
    for (const bad of [
      undefined, "Bearer", "Bearer ", `Bearer ${adminToken}x`, `Bearer ${adminToken.slice(0, -1)}`, `Bearer ${adminToken.slice(0, 1)}`, `Bearer x${adminToken}`,
      `Bearer ${adminToken.toUpperCase()}`, `Bearer ${adminToken} ${adminToken}`, `Bearer ${adminToken}, Bearer ${adminToken}`, `Basic ${adminToken}`,
      `Basic ${Buffer.from(`admin:${adminToken}`).toString("base64")}`, adminToken, `Token ${adminToken}`, "Bearer undefined", "Bearer null",
    ]) {
      for (const path of ["/connections", UNKNOWN, "/nothing"]) {
        const answer = await ask(bad, path);
        assert.deepEqual([answer.status, JSON.parse(answer.text).error.code, answer.headers["www-authenticate"]], [401, "unauthorized", "Bearer"], bad);
      }
    }
    const inQuery = await request(`${system.origin}/sso/api/v1/connections?access_token=${adminToken}&token=${adminToken}`, { headers: { cookie: `token=${adminToken}` } });
    assert.equal(inQuery.status, 401);
  });

  test("that a deployment does not have opens nothing", async () => {
    for (const token of ["", "undefined", "null", adminToken]) {
      assertError(await apiOf(closed.origin, token)("GET", "/connections"), 401, "api_closed");
      assertError(await apiOf(closed.origin, token)("POST", "/connections", {}), 401, "api_closed");
    }
    assert.equal((await request(`${closed.origin}/sso/sign-in`)).status, 200);
  });
});

describe("tokens", () => {
  test("open what their scopes allow, until they are revoked", async () => {
    const made = await api("POST", "/tokens", { name: "ci", scopes: ["read"] });
    assert.equal(made.status, 201);
    const { token, ...shown } = made.body;
    assert.match(token, /^sso_[A-Za-z0-9_-]{43}$/);
    const asCi = apiOf(system.origin, token);
    assert.equal((await asCi("GET", "/connections")).status, 200);
    assertError(await asCi("POST", "/connections", { name: "Test", provider: "okta", domains: [newDomain()] }), 403, "insufficient_scope", /write/);
    assertError(await asCi("GET", "/tokens"), 403, "insufficient_scope", /tokens/);
    const { tokens } = (await api("GET", "/tokens")).body;
    const used = tokens.find(({ id }) => id === shown.id);
    assert.ok(Math.abs(Date.parse(used.last_used_at) - Date.now()) < 60_000);
    assert.deepEqual({ ...used, last_used_at: null }, shown);
    assert.equal((await api("DELETE", `/tokens/${shown.id}`)).status, 204);
    assertError(await asCi("GET", "/connections"), 401, "unauthorized");
  });
});

describe("calls", () => {
  const call = async (method, path, headers, body) => {
    const answer = await request(`${system.origin}/sso/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, ...(body && { "content-type": "application/json" }), ...headers },
      body: body && JSON.stringify(body),
    });
    return { ...answer, body: answer.text && JSON.parse(answer.text) };
  };

  test("change the version that was seen, or nothing", async () => {
    const path = await newPath();
    const { headers } = await call("GET", path);
    const [first, second] = await Promise.all(["One", "Two"].map((name) => call("PATCH", path, { "if-match": headers.etag }, { name })));
    const [won, lost] = first.status === 200 ? [first, second] : [second, first];
    assert.equal(won.status, 200);
    assertError(lost, 412, "precondition_failed");
    assert.notEqual(won.headers.etag, headers.etag);
    assert.deepEqual((await call("GET", path)).body, won.body);
    assertError(await call("DELETE", path, { "if-match": headers.etag }), 412, "precondition_failed");
    assert.equal((await call("DELETE", path, { "if-match": won.headers.etag })).status, 204);
  });

  test("list in pages, by domain and by organization", async () => {
    const [organization, domain] = ["pages & more", newDomain()];
    const ids = [];
    for (const own of [newDomain(), domain, newDomain()]) ids.push((await create({ domains: [own], organization })).body.id);
    const found = [];
    const query = new URLSearchParams({ organization, limit: "2" });
    for (let cursor = ""; cursor !== null; ) {
      const page = (await call("GET", `/connections?${query}`)).body;
      found.push(page.connections.map(({ id }) => id));
      cursor = page.next_cursor;
      query.set("cursor", cursor);
    }
    assert.deepEqual(found, [ids.slice(0, 2), ids.slice(2)]);
    const byDomain = (await call("GET", `/connections?domain=${domain}`)).body;
    assert.deepEqual(byDomain.connections.map(({ id }) => id), [ids[1]]);
    assertError(await call("GET", "/connections?organisation=x"), 400, "invalid_query");
  });

  test("are described for everybody", async () => {
    const answer = await request(`${system.origin}/sso/api/v1/openapi.json`);
    assert.deepEqual([answer.status, answer.headers["content-type"]], [200, "application/json"]);
    const { openapi, paths } = JSON.parse(answer.text);
    assert.deepEqual([openapi, Object.keys(paths["/connections"])], ["3.1.0", ["get", "post"]]);
  });

  test("that are repeated with their key create once", async () => {
    const [key, body] = [{ "idempotency-key": "one and the same" }, { name: "Once", provider: "okta", domains: [newDomain()] }];
    const [first, second] = await Promise.all([call("POST", "/connections", key, body), call("POST", "/connections", key, body)]);
    assert.deepEqual([first.status, second.status], [201, 201]);
    assert.deepEqual(second.body, first.body);
    assertError(await call("POST", "/connections", key, { ...body, name: "Twice" }), 422, "idempotency_key_reused");
    assertError(await call("POST", "/connections", {}, body), 409, "domain_taken");
  });

  test("that come too often from one address are put off, there alone", async () => {
    const ask = (address, path, options) => request(`${system.origin}${path}`, { ...options, headers: { "cf-connecting-ip": address } });
    // Counts begin anew with each minute of the clock, so that what comes within one is twice the limit at the most.
    const floodUntilLimited = async (limit, ...request) => {
      for (let sent = 0; sent <= 2 * limit; sent += 20) {
        const answers = await Promise.all(Array.from({ length: 20 }, () => ask(...request)));
        const limited = answers.find(({ status }) => status === 429);
        if (limited) return { sent, ...limited };
      }
      return assert.fail(`${2 * limit} requests were not too many`);
    };
    const wrong = await floodUntilLimited(20, "192.0.2.1", "/sso/api/v1/connections");
    assert.deepEqual([JSON.parse(wrong.text).error.code, wrong.headers["retry-after"]], ["rate_limited", "60"]);
    assert.equal((await ask("192.0.2.2", "/sso/api/v1/connections")).status, 401);
    const acs = "/sso/saml/conn_aaaaaaaaaaaaaaaaaaaa/acs";
    const message = await floodUntilLimited(600, "2001:db8::1", acs, { method: "POST", body: new URLSearchParams({ SAMLResponse: "" }) });
    assert.ok(message.sent >= 580, "not before the limit");
    assert.match(message.text, /<h1>Please wait a minute<\/h1>/);
    assert.equal(message.headers["retry-after"], "60");
    const elsewhere = await ask("2001:db8:0:1::1", acs, { method: "POST", body: new URLSearchParams({ SAMLResponse: "" }) });
    assert.notEqual(elsewhere.status, 429);
  });
});

describe("metadata", { concurrency: 4 }, () => {
  test("is read from XML and from a URL to the same end", async () => {
    const path = await newPath();
    const fromXml = await api("POST", `${path}/metadata`, { xml: system.metadata });
    assert.equal(fromXml.status, 200);
    const certificate = new X509Certificate(system.idp.cert);
    const { metadata_url, signing_certificates, ...rest } = fromXml.body.identity_provider;
    assert.equal(metadata_url, null);
    assert.deepEqual(rest, {
      entity_id: DEFAULT_ENTITY_ID,
      single_sign_on: [{ binding: "redirect", url: system.idp.ssoUrl }, { binding: "post", url: system.idp.ssoUrl }],
      single_logout: [],
      wants_requests_signed: false,
    });
    const [{ sha256, subject, not_before, not_after }] = signing_certificates;
    const hex = (text) => text.replaceAll(":", "").toLowerCase();
    assert.equal(hex(sha256), hex(certificate.fingerprint256));
    assert.match(subject, /CN=demo0acme/);
    assert.deepEqual([Date.parse(not_before), Date.parse(not_after)], [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]);

    const fromUrl = await api("POST", `${path}/metadata`, { url: system.idp.metadataUrl });
    assert.deepEqual(fromUrl.body.identity_provider, { ...fromXml.body.identity_provider, metadata_url: system.idp.metadataUrl });
  });

  test("is asked for by exactly one of url and xml", async () => {
    const path = `${await newPath()}/metadata`;
    for (const body of [{}, { url: system.idp.metadataUrl, xml: system.metadata }]) assertError(await api("POST", path, body), 422, "invalid_field", /^url: /);
    for (const url of ["", "x", "ftp://a.test/", "http://a.test/", "https://u:p@a.test/", "https://a.test/#x", "javascript:alert(1)", "file:///etc/passwd", "data:text/xml,<x/>", `https://a.test/${"a".repeat(2_048)}`]) {
      assertError(await api("POST", path, { url }), 422, "invalid_field", /^url: /);
    }
    for (const body of [{ url: 1 }, { xml: ["x"] }, { xml: "x", extra: 1 }]) assertError(await api("POST", path, body), 422, "invalid_field", /^(url|xml|extra): /);
  });

  const entity = (role, id = "urn:idp") => `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${id}">${role}</EntityDescriptor>`;
  const several = (...entities) => `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">${entities.join("")}</EntitiesDescriptor>`;
  const withoutDeclaration = () => system.metadata.replace(/^<\?xml[^>]*\?>\s*/, "");
  const certificate = () => /<[^<]*X509Certificate[^>]*>[^<]*/.exec(system.metadata)[0].replace(/^<[^>]*>/, "");
  for (const { name, xml, code } of [
    { name: "an HTML page", xml: () => "<!doctype html><html><body>Sign in</body></html>", code: "html_instead_of_xml" },
    { name: "an HTML page that is XML", xml: () => '<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>', code: "html_instead_of_xml" },
    { name: "no XML", xml: () => "metadata", code: "xml_not_wellformed" },
    { name: "nothing", xml: () => "", code: "xml_not_wellformed" },
    { name: "half of it", xml: () => system.metadata.slice(0, system.metadata.length / 2), code: "xml_not_wellformed" },
    { name: "a document type", xml: () => `<!DOCTYPE x [<!ENTITY a "b">]>${withoutDeclaration()}`, code: "doctype_forbidden" },
    { name: "other XML", xml: () => "<rss/>", code: "metadata_malformed" },
    { name: "an entity without a role", xml: () => entity(""), code: "no_idp_role" },
    { name: "a SAML 1.1 identity provider", xml: () => entity('<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol"/>'), code: "no_idp_role" },
    { name: "a service provider's", xml: () => entity('<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>'), code: "is_sp_metadata" },
    { name: "several identity providers'", xml: () => several(withoutDeclaration(), withoutDeclaration().replace(DEFAULT_ENTITY_ID, "urn:other")), code: "several_entities" },
    { name: "no certificate", xml: () => system.metadata.replace(/<KeyDescriptor[^]*<\/KeyDescriptor>/, ""), code: "no_signing_key" },
    { name: "a certificate for encryption only", xml: () => system.metadata.replace(/use="signing"/, 'use="encryption"'), code: "no_signing_key" },
    { name: "a weak key", xml: () => system.metadata.replace(certificate(), base64Of(makeCredentials({ bits: 1024 }).cert)), code: "key_weak" },
    { name: "a certificate that is none", xml: () => system.metadata.replace(certificate(), "AAAA"), code: "key_weak" },
    { name: "no endpoint", xml: () => system.metadata.replaceAll(/<SingleSignOnService[^>]*>/g, ""), code: "no_sso_endpoint" },
    { name: "an endpoint that is no web address", xml: () => system.metadata.replaceAll(system.idp.ssoUrl, "javascript:alert(1)"), code: "no_sso_endpoint" },
    { name: "an endpoint without TLS", xml: () => system.metadata.replaceAll(system.idp.ssoUrl, "http://idp.example/sso"), code: "no_sso_endpoint" },
  ]) {
    test(`is refused when it is, or has, ${name}`, async () => {
      const path = await newPath();
      const text = xml();
      assert.notEqual(text, system.metadata);
      assertError(await api("POST", `${path}/metadata`, { xml: text }), 422, code);
      assert.equal((await api("GET", path)).body.identity_provider, null, "nothing was saved");
    });
  }

  test("of several identity providers is taken with the entity ID of one", async () => {
    const path = await newPath();
    const xml = several(withoutDeclaration(), several(withoutDeclaration().replace(DEFAULT_ENTITY_ID, "urn:other")));
    assertError(await api("POST", `${path}/metadata`, { xml }), 422, "several_entities", new RegExp(`found several: ${DEFAULT_ENTITY_ID}, urn:other\\.$`));
    assertError(await api("POST", `${path}/metadata`, { xml, entity_id: "urn:third" }), 422, "no_idp_role");
    const chosen = await api("POST", `${path}/metadata`, { xml, entity_id: "urn:other" });
    assert.deepEqual([chosen.status, chosen.body.identity_provider.entity_id], [200, "urn:other"]);
  });

  test("of another identity provider is held back, unless that is to be replaced", async () => {
    const connection = await connect(system);
    const before = (await api("GET", connection.path)).body;
    const xml = system.metadata.replace(DEFAULT_ENTITY_ID, "urn:other");
    const held = await api("POST", `${connection.path}/metadata`, { xml });
    assertError(held, 409, "entity_changed", new RegExp(`${DEFAULT_ENTITY_ID}, the metadata describes urn:other\\.`));
    assert.deepEqual((await api("GET", connection.path)).body, before, "nothing was changed");
    const replaced = await api("POST", `${connection.path}/metadata`, { xml, replace_entity: true });
    assert.deepEqual([replaced.status, replaced.body.identity_provider.entity_id], [200, "urn:other"]);
    assertError(await api("POST", `${connection.path}/metadata`, { url: system.idp.metadataUrl }), 409, "entity_changed");
  });

  test("that is about to end, or has, is saved with warnings", async () => {
    const path = await newPath();
    const { cert } = makeCredentials({ days: 29 });
    const xml = system.metadata.replace(certificate(), base64Of(cert)).replace("entityID=", 'validUntil="2020-01-01T00:00:00Z" entityID=');
    const saved = await api("POST", `${path}/metadata`, { xml });
    assert.deepEqual([saved.status, saved.body.warnings.map(({ code }) => code)], [200, ["certificate_expires_soon", "metadata_expired"]]);
    assert.equal(saved.body.warnings[1].message, "The metadata was valid until 2020-01-01T00:00:00Z; it is still used.");
    assert.deepEqual((await api("GET", path)).body, saved.body);
    assert.deepEqual((await api("POST", `${path}/metadata`, { xml: system.metadata })).body.warnings, []);
  });
});

describe("a metadata URL", { concurrency: 4 }, () => {
  let server, tlsServer, url;
  const utf16 = (encoding) => Buffer.from(`\uFEFF${system.metadata.replace(/^<\?xml[^>]*\?>\s*|^/, `<?xml version="1.0" encoding="${encoding}"?>`)}`, "utf16le");
  const answers = {
    "/utf16": (response) => response.end(utf16("utf-16")),
    "/mixed": (response) => response.end(utf16("utf-8")),
    "/words": (response) => response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("Please sign in<br>"),
    "/good": (response) => response.end(system.metadata),
    "/missing": (response) => response.writeHead(404).end("no"),
    "/failing": (response) => response.writeHead(500).end("no"),
    "/empty": (response) => response.writeHead(204).end(),
    "/unauthorized": (response) => response.writeHead(401, { "www-authenticate": "Basic" }).end(),
    "/page": (response) => response.end("<!DOCTYPE html><title>Sign in</title>"),
    "/loop": redirect("/loop"),
    "/1": redirect("/good"),
    "/2": redirect("/1"),
    "/3": redirect("/2"),
    "/4": redirect("/3"),
    "/nowhere": redirect("http://192.0.2.1/metadata"),
    "/file": redirect("file:///etc/passwd"),
    "/junk": redirect("http://["),
    "/blank": (response) => response.writeHead(302).end(),
    "/exact": (response) => response.end(system.metadata.padEnd(5 * MIB)),
    "/large": (response) => response.end(system.metadata.padEnd(5 * MIB + 1)),
    "/endless": (response) => {
      const piece = Buffer.alloc(MIB, " ");
      const more = () => response.destroyed || response.write(piece, more);
      more();
    },
    "/silent": () => {},
    "/stalling": (response) => response.write("<EntityDescriptor"),
    "/broken": (response) => response.writeHead(200, { "content-length": 1_000 }).write("<", () => response.destroy()),
  };
  function redirect(location) {
    return (response) => response.writeHead(302, { location }).end();
  }

  before(async () => {
    server = createServer((incoming, response) => answers[incoming.url](response));
    server.listen(0, "localhost");
    await once(server, "listening");
    url = `http://localhost:${server.address().port}`;
    tlsServer = createTlsServer(makeCredentials({ commonName: "localhost" }), (_, response) => response.end(system.metadata));
    tlsServer.listen(0, "localhost");
    await once(tlsServer, "listening");
  });
  after(() => {
    for (const each of [server, tlsServer]) {
      each.close();
      each.closeAllConnections();
    }
  });

  const fetchAndSave = async (from) => api("POST", `${await newPath()}/metadata`, { url: from });

  test("that redirects up to three times is followed, and kept as it was given", async () => {
    for (const path of ["/good", "/utf16", "/1", "/2", "/3", "/exact"]) {
      const { status, body } = await fetchAndSave(url + path);
      assert.deepEqual([status, body.identity_provider?.metadata_url], [200, url + path]);
    }
  });

  for (const [path, code] of [
    ["/missing", "fetch_http_status"], ["/failing", "fetch_http_status"], ["/empty", "fetch_http_status"], ["/unauthorized", "fetch_http_status"], ["/blank", "fetch_http_status"],
    ["/page", "html_instead_of_xml"], ["/words", "html_instead_of_xml"], ["/mixed", "encoding_bad"],
    ["/loop", "fetch_redirects"], ["/4", "fetch_redirects"],
    ["/nowhere", "fetch_private_address"], ["/file", "fetch_private_address"], ["/junk", "fetch_private_address"],
    ["/large", "fetch_too_large"], ["/endless", "fetch_too_large"],
    ["/broken", "fetch_tls"],
  ]) {
    test(`that is ${path.slice(1)} is refused with ${code}`, async () => assertError(await fetchAndSave(url + path), 422, code));
  }

  test("where nothing listens is refused with fetch_tls", async () => {
    const unused = createServer();
    unused.listen(0, "localhost");
    await once(unused, "listening");
    const { port } = unused.address();
    unused.close();
    await once(unused, "close");
    assertError(await fetchAndSave(`http://localhost:${port}/`), 422, "fetch_tls");
  });

  test("with a certificate that nobody vouches for is refused, as one where nothing answers", async () => {
    assertError(await fetchAndSave(`https://localhost:${tlsServer.address().port}/`), 422, "fetch_tls", /publicly trusted/);
  });

  test("that does not answer, or not to the end, is given up after eight seconds", async () => {
    const started = Date.now();
    const slow = await Promise.all(["/silent", "/stalling"].map((path) => fetchAndSave(url + path)));
    for (const answer of slow) assertError(answer, 422, "fetch_timeout", /8 seconds/);
    assert.ok(Date.now() - started < 14_000);
  });

  test("that cannot be used leaves the connection as it was", async () => {
    const connection = await connect(system);
    const before = (await api("GET", connection.path)).body;
    assertError(await api("POST", `${connection.path}/metadata`, { url: `${url}/missing` }), 422, "fetch_http_status");
    assert.deepEqual((await api("GET", connection.path)).body, before);
  });

  test("at a deployment has to be public and https", async () => {
    const call = apiOf(deployed.origin);
    const created = await call("POST", "/connections", { name: "Test", provider: "okta", domains: ["a.test"] });
    assert.equal(created.body.service_provider.acs_url, `https://sso.example.com/sso/saml/${created.body.id}/acs`);
    const path = `/connections/${created.body.id}/metadata`;
    for (const address of [
      `${url}/good`, "http://127.0.0.1/", "https://localhost/", "https://localhost./", "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/",
      "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://0.0.0.0/", "https://[fe80::1]/", "https://[fc00::1]/",
      "https://metadata.google.internal/", "https://printer.local/", "https://intranet/",
    ]) {
      assertError(await call("POST", path, { url: address }), 422, "fetch_private_address");
    }
    // Nothing answers there, so nothing is known of the host, and it is not fetched.
    assertError(await call("POST", path, { url: "https://idp.example/metadata" }), 422, "fetch_dns", /resolver cannot be reached/);
    assertError(await call("POST", path, { xml: system.metadata }), 422, "no_sso_endpoint");
    const https = system.metadata.replaceAll(system.idp.ssoUrl, "https://idp.example/sso");
    assert.equal((await call("POST", path, { xml: https })).status, 200);
  });
});

test("a Worker without PUBLIC_ORIGIN says so on every route", async () => {
  for (const [method, path] of [["GET", "/"], ["GET", "/sso/sign-in"], ["POST", "/sso/sign-in"], ["GET", "/sso/session"], ["GET", "/sso/style.css"], ["POST", `/sso/saml/${UNKNOWN.slice(13)}/acs`], ["GET", "/sso/api/v1/connections"]]) {
    const answer = await request(misconfigured.origin + path, { method, headers: { authorization: `Bearer ${adminToken}` } });
    assert.deepEqual([answer.status, answer.headers["content-type"]], [503, "text/plain; charset=utf-8"], path);
    assert.match(answer.text, /^Single sign-on is not set up yet\. PUBLIC_ORIGIN must be /);
  }
});

function base64Of(pem) {
  return pem.replace(/-----[^-]+-----|\s/g, "");
}
