// Whatever arrives at any route gets a calm answer in the 400s and changes nothing: no 5xx, no panic, no hang. And the
// caps of src/limits.rs, each at its value and one past it, in the real wasm build.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect as tcpConnect } from "node:net";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  Browser, answerTo, adminToken, assertNobody, assertRefused, assertWellMade, begin, complete, connect, deliver, request, signIn, startSystem,
} from "./support.mjs";

const MIB = 1024 * 1024;
const FORM = "application/x-www-form-urlencoded";
const UNKNOWN_ID = "conn_aaaaaaaaaaaaaaaaaaaa";
const HANG_MS = 20_000;

let system, connection;
before(async () => {
  system = await startSystem();
  connection = await connect(system);
});
after(() => system?.stop());

const acsOf = (id = connection.id) => `/sso/saml/${id}/acs`;
const send = (path, options = {}) => request(system.origin + path, options);
const form = (fields) => ({ method: "POST", headers: { "content-type": FORM }, body: String(fields) });
const withToken = (headers = {}) => ({ authorization: `Bearer ${adminToken}`, ...headers });

/** Asserts that an answer refuses in the 400s, with a page or, where programs ask, with JSON. */
function assertRefusedCalmly(answer, path, name = path) {
  assert.ok(answer.status >= 400 && answer.status < 500, `${name}: ${answer.status}`);
  assertWellMade(answer);
  const isForPrograms = path.startsWith("/sso/api/") || (path === "/sso/session" && answer.status !== 405);
  assert.equal(answer.headers["content-type"], isForPrograms ? "application/json" : "text/html; charset=utf-8", name);
  assert.deepEqual([answer.setCookies, answer.headers.location], [[], undefined], name);
}

/** After each group the Worker must still do its work, with nothing changed. */
const stillWorks = (groupName) =>
  test(`a good sign-in still works after ${groupName}`, async () => {
    await signIn(system, connection);
    const { body } = await system.api("GET", "/connections");
    assert.deepEqual(body.connections.map(({ id, generation, state }) => ({ id, generation, state })), [{ id: connection.id, generation: 3, state: "enabled" }]);
    assert.ok(!/panic|hung/i.test(system.worker.output()), "the Worker's log tells of no panic");
  });

/** Each route with its methods. */
const routes = () => [
  { path: "/sso/sign-in", methods: "GET, HEAD, POST" },
  { path: "/sso/sign-out", methods: "GET, HEAD, POST" },
  { path: "/sso/session", methods: "GET, HEAD" },
  { path: "/sso/style.css", methods: "GET, HEAD" },
  { path: acsOf(), methods: "POST" },
  { path: `/sso/saml/${connection.id}/complete`, methods: "GET, POST" },
  { path: `/sso/saml/${connection.id}/metadata`, methods: "GET, HEAD" },
  { path: "/sso/api/v1/connections", methods: "GET, HEAD, POST" },
  { path: `/sso/api/v1/connections/${connection.id}`, methods: "GET, HEAD, PATCH, DELETE" },
  { path: `/sso/api/v1/connections/${connection.id}/enable`, methods: "POST" },
  { path: `/sso/api/v1/connections/${connection.id}/disable`, methods: "POST" },
  { path: `/sso/api/v1/connections/${connection.id}/metadata`, methods: "GET, HEAD, POST" },
  { path: `/sso/api/v1/connections/${connection.id}/held-metadata`, methods: "GET, HEAD, DELETE" },
  { path: `/sso/api/v1/connections/${connection.id}/held-metadata/approve`, methods: "POST" },
  { path: `/sso/api/v1/connections/${connection.id}/sign-ins`, methods: "GET, HEAD" },
  { path: `/sso/api/v1/connections/${connection.id}/sign-ins/00000-00000/messages`, methods: "GET, HEAD" },
  { path: `/sso/api/v1/connections/${connection.id}/capture`, methods: "GET, HEAD, POST, DELETE" },
  { path: `/sso/api/v1/connections/${connection.id}/tests`, methods: "GET, HEAD, POST" },
  { path: `/sso/api/v1/connections/${connection.id}/versions`, methods: "GET, HEAD" },
  { path: `/sso/api/v1/connections/${connection.id}/draft`, methods: "GET, HEAD, PATCH, DELETE" },
  { path: `/sso/api/v1/connections/${connection.id}/draft/apply`, methods: "POST" },
  { path: `/sso/api/v1/connections/${connection.id}/undo`, methods: "POST" },
  { path: `/sso/api/v1/audit`, methods: "GET, HEAD" },
  { path: `/sso/api/v1/certificates`, methods: "GET, HEAD" },
  { path: `/sso/api/v1/export`, methods: "GET, HEAD" },
  { path: `/sso/api/v1/import`, methods: "POST" },
  { path: `/sso/api/v1/webhooks`, methods: "GET, HEAD, POST" },
  { path: `/sso/saml/${connection.id}/test`, methods: "GET" },
];

describe("methods", () => {
  test("that a route does not have are answered with 405 and the ones it has", async () => {
    for (const { path, methods } of routes()) {
      for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE", "SEARCH"]) {
        if (methods.split(", ").includes(method)) continue;
        const answer = await raw(`${method} ${path} HTTP/1.1\r\n${hostLine()}Authorization: Bearer ${adminToken}\r\nContent-Length: 0\r\n\r\n`);
        assert.deepEqual([answer.status, answer.headers.allow], [405, methods], `${method} ${path}`);
        assertWellMade(answer, method);
        if (method !== "HEAD") assertRefusedCalmly(answer, path, `${method} ${path}`);
      }
    }
  });

  test("that no server knows never reach the Worker", async () => {
    const answer = await raw(`FROBNICATE /sso/sign-in HTTP/1.1\r\n${hostLine()}\r\n`);
    assert.equal(answer.status, 501);
  });

  test("of HEAD are answered like GET, without a body", async () => {
    for (const path of ["/sso/sign-in", "/sso/style.css", `/sso/saml/${connection.id}/metadata`]) {
      const [head, get] = [await send(path, { method: "HEAD" }), await send(path)];
      assert.deepEqual([head.status, head.headers["content-type"], head.text], [200, get.headers["content-type"], ""]);
    }
  });

  stillWorks("wrong methods");
});

describe("paths", () => {
  test("that lead nowhere are answered with 404", async () => {
    for (const path of [
      "/", "/sso", "/sso/", "/sso/sign-in/", "//sso/sign-in", "/SSO/sign-in", "/sso/%73ign-in", "/sso/sign-in%00", "/sso/sign-in%2F", "/sso/%zz", "/%",
      "/sso/%c0%ae%c0%ae/sign-in", "/sso/saml", "/sso/saml/", `/sso/saml/${connection.id}`, `/sso/saml/${connection.id}/`, `/sso/saml/${connection.id}/acs/`,
      `/sso/saml/${connection.id.toUpperCase()}/acs`, `/sso/saml/${connection.id}%00/acs`, `/sso/saml/${connection.id}x/acs`, "/sso/saml/conn_/acs",
      "/sso/saml/__proto__/metadata", "/sso/saml/..%2f..%2fapi/metadata", `/sso/saml/${"a".repeat(10_000)}/metadata`, `/sso/saml/${UNKNOWN_ID}/metadata`,
      "/favicon.ico", "/robots.txt", "/.env", "/sso/administrator", "/sso/setup/x", "/sso/jwks.json", "/cdn-cgi/x", `/${"x/".repeat(5_000)}`,
    ]) {
      const answer = await send(path);
      assert.equal(answer.status, 404, path);
      assertRefusedCalmly(answer, path);
      // What could be our metadata or a setup link is read alone.
      const isRead = path === `/sso/saml/${UNKNOWN_ID}/metadata` || path === "/sso/setup/x";
      assert.equal((await send(path, form("a=b"))).status, isRead ? 405 : 404, path);
    }
  });

  test("of the API that lead nowhere are answered with 404 for those who may ask, and with 401 for others", async () => {
    for (const path of ["", "/", "/v1", "/v1/", "/v1/connection", "/v1/connections/", "/v1/connections/x", `/v1/connections/${connection.id}/x`, "/v2/connections", "/v1/%00", "/v1/openapi.yaml"]) {
      const [known, unknown] = [await send(`/sso/api${path}`, { headers: withToken() }), await send(`/sso/api${path}`)];
      if (path === "") {
        assert.deepEqual([known.status, unknown.status], [404, 404]);
        continue;
      }
      assert.deepEqual([known.status, JSON.parse(known.text).error.code], [404, "not_found"], path);
      assert.deepEqual([unknown.status, JSON.parse(unknown.text).error.code], [401, "unauthorized"], path);
    }
    for (const [method, action] of [["GET", ""], ["PATCH", ""], ["DELETE", ""], ["POST", "/enable"], ["POST", "/disable"], ["POST", "/metadata"], ["GET", "/sign-ins"], ["GET", "/capture"], ["GET", "/tests"], ["GET", "/versions"], ["POST", "/versions/1/restore"]]) {
      const body = action === "/enable" ? undefined : { PATCH: {}, POST: { xml: "<x/>" } }[method];
      const answer = await system.api(method, `/connections/${UNKNOWN_ID}${action}`, body);
      assert.deepEqual([answer.status, answer.body.error.code], [404, "connection_unknown"], `${method} ${action}`);
    }
  });

  test("that are no URLs are refused by the server itself", async () => {
    for (const target of ["/sso/sign-in?email=a\0b", "/sso/\xff\xfe", "\\sso\\sign-in", `/sso/sign-in?${"a".repeat(70_000)}`]) {
      const { status } = await raw(`GET ${target} HTTP/1.1\r\n${hostLine()}\r\n`);
      assert.ok(status === 400 || status === 414, `${JSON.stringify(target.slice(0, 40))}: ${status}`);
    }
  });

  stillWorks("wrong paths");
});

describe("queries", () => {
  test("that are strange are read calmly", async () => {
    const evil = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for (const [query, status] of [
      ["email=%zz%00%ff", 422], ["email=%00", 422], ["email=%ed%a0%80@acme.test", 422], ["email=a%0d%0ab@acme.test", 422], [`email=${"a".repeat(30_000)}@acme.test`, 422],
      [`email=${evil}`, 422], [`connection=${evil}`, 422], ["connection=%00", 422], ["email=ada@xn--", 422], ["email=ada@[127.0.0.1]", 422], ["email=ada@localhost", 422],
      ["email=a@b.test&email=c@d.test", 400], ["return_to=/a&return_to=/b", 400], ["connection=&connection=", 400],
      [`return_to=${evil}`, 200], ["return_to=%00%ff%zz", 200], ["%&&&==%zz=1", 200], ["?????", 200], [`${"a=b&".repeat(5_000)}`, 200], ["SAMLResponse=x", 200],
    ]) {
      const answer = await send(`/sso/sign-in?${query}`);
      assert.equal(answer.status, status, query.slice(0, 100));
      assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
      assert.ok(!answer.text.includes("<script>") && !answer.text.includes("\0"), query.slice(0, 100));
      assert.deepEqual([answer.location, answer.setCookies], [undefined, []], query);
    }
  });

  test("that complete nothing are refused", async () => {
    const complete = `/sso/saml/${connection.id}/complete`;
    for (const query of ["", "?", "?ticket", "?ticket=", "?ticket=junk", `?ticket=${"A".repeat(44)}`, `?ticket=${"A".repeat(43)}&ticket=${"A".repeat(43)}`, "?ticket=%00%ff%zz", `?ticket=${"A".repeat(30_000)}`]) {
      const answer = await send(complete + query);
      assert.equal(answer.status, 400, query.slice(0, 60));
      assertRefusedCalmly(answer, complete, query.slice(0, 60));
    }
    await assertRefused(system, connection, await send(`${complete}?ticket=${"A".repeat(43)}`), "in_response_to_unknown");
  });

  test("do not bring a response to the assertion consumer service", async () => {
    const browser = new Browser(system.origin);
    const response = await answerTo(await begin(browser, connection), system);
    const query = new URLSearchParams({ SAMLResponse: response });
    await assertRefused(system, connection, await send(`${acsOf()}?SAMLResponse=x`, form(query)), "form_malformed", { status: 400 });
    assert.equal((await send(`${acsOf()}?${query}`)).status, 405);
    await assertRefused(system, connection, await send(`${acsOf()}?${query}`, form("")), "form_malformed", { status: 400 });
    await assertNobody(browser);
    await complete(browser, await deliver(browser, connection, response));
  });

  stillWorks("strange queries");
});

describe("headers", () => {
  test("with cookies that are not ours, repeated or garbage sign nobody in", async () => {
    const { browser } = await signIn(system, connection);
    const session = `__Host-sso_session=${browser.cookies.get("__Host-sso_session")}`;
    assert.equal((await send("/sso/session", { headers: { cookie: session } })).status, 200);
    for (const cookie of [
      `${session}; ${session}`, `${session}; __Host-sso_session=x`, "__Host-sso_session", "__Host-sso_session=", "__Host-sso_session=.", `__Host-sso_session=${connection.id}.`,
      `__Host-sso_session=${connection.id}.${"A".repeat(43)}`, `__Host-sso_session=${UNKNOWN_ID}.${"A".repeat(43)}`, session.replace("__Host-", ""), session.replace("__Host-", "__host-"),
      `${session}x`, `"${session}"`, session.replace("=", "=\""), ";;;===;;; =", "\xff\xfe=1", `a=${"b".repeat(12_000)}`, `__Host-sso_session=${"%00".repeat(100)}`,
    ]) {
      const answer = await send("/sso/session", { headers: { cookie } });
      assert.equal(answer.status, 401, cookie.slice(0, 100));
      assertRefusedCalmly(answer, "/sso/session", cookie.slice(0, 100));
      assert.equal((await send("/sso/sign-in", { headers: { cookie } })).status, 200);
    }
  });

  test("that say that a form comes from another site stop it", async () => {
    const { browser } = await signIn(system, connection);
    const cookie = [...browser.cookies].map((pair) => pair.join("=")).join("; ");
    for (const headers of [
      { "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, { "sec-fetch-site": "junk" }, { "sec-fetch-site": "cross-site", origin: system.origin },
      { origin: "https://evil.example" }, { origin: "null" }, { origin: `${system.origin}.evil.example` },
    ]) {
      for (const path of ["/sso/sign-in", "/sso/sign-out"]) {
        const answer = await plainPost(path, { "content-type": FORM, cookie, ...headers }, `email=${connection.email}`);
        assert.equal(answer.status, 403, `${path} ${JSON.stringify(headers)}`);
        assertRefusedCalmly(answer, path);
        assert.equal(answer.headers.location, undefined);
      }
    }
    assert.equal((await browser.get("/sso/session")).status, 200, "nobody was signed out");
    for (const headers of [{}, { origin: system.origin }, { "sec-fetch-site": "same-origin" }, { "sec-fetch-site": "none" }]) {
      assert.equal((await plainPost("/sso/sign-in", { "content-type": FORM, ...headers }, `email=${connection.email}`)).status, 303);
    }
  });

  test("with another host change no URL that is handed out", async () => {
    for (const host of ["evil.example", "localhost", `evil.example:${system.worker.port}`]) {
      const { status, text } = await raw(`GET /sso/saml/${connection.id}/metadata HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nConnection: close\r\n\r\n`);
      assert.equal(status, 200);
      assert.ok(text.includes(`"${connection.acs}"`) && !text.includes("evil"), host);
    }
  });

  stillWorks("strange headers");
});

describe("bodies", () => {
  const contentTypes = [undefined, "", "text/plain", "multipart/form-data; boundary=x", "application/json", "application/xml", "junk", `${FORM}x`, "application/\u00ff"];

  test("of a wrong content type are refused with 415", async () => {
    for (const type of contentTypes) {
      const headers = type === undefined ? {} : { "content-type": type };
      for (const path of ["/sso/sign-in", acsOf()]) {
        const answer = await plainPost(path, headers, `email=${connection.email}&SAMLResponse=x`);
        assert.equal(answer.status, 415, `${path} ${type}`);
        assertRefusedCalmly(answer, path, `${path} ${type}`);
      }
      if (type === "application/json") continue;
      for (const path of ["/sso/api/v1/connections", `/sso/api/v1/connections/${connection.id}/metadata`]) {
        const answer = await plainPost(path, withToken(headers), "{}");
        assert.deepEqual([answer.status, JSON.parse(answer.text).error.code], [415, "unsupported_media_type"], `${path} ${type}`);
      }
    }
    const charset = await plainPost("/sso/sign-in", { "content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8" }, `email=${connection.email}`);
    assert.equal(charset.status, 303);
  });

  test("of a sign-in form that are strange lead nowhere", async () => {
    for (const [body, status] of [
      ["", 422], ["email=", 422], ["email=+", 422], ["email", 422], ["junk", 422], ["email=ada", 422], ["email=@", 422], ["email=%00%ff%zz", 422], [Buffer.from([0, 255, 254, 61, 38]), 422], [gzipSync("email=a@b.test"), 422],
      [`email=${connection.email}&email=${connection.email}`, 400], [`email=${connection.email}&return_to=/a&return_to=/b`, 400], ["connection=x&connection=y", 400],
      [`email=${"a".repeat(10_000)}`, 422], [`email=ada%40${"a.".repeat(5_000)}test`, 422], ["a=b&".repeat(4_000), 422], [`email=ada%40${"a.".repeat(10_000)}test`, 413], [`EMAIL=${connection.email}`, 422],
    ]) {
      const answer = await send("/sso/sign-in", { method: "POST", headers: { "content-type": FORM }, body });
      assert.equal(answer.status, status, String(body).slice(0, 60));
      assertRefusedCalmly(answer, "/sso/sign-in", String(body).slice(0, 60));
    }
  });

  test("of the assertion consumer service that are no response are refused with their code", async () => {
    const utf16 = Buffer.from('<?xml version="1.0" encoding="UTF-16"?><x/>', "utf16le");
    const field = (bytes) => new URLSearchParams({ SAMLResponse: Buffer.from(bytes).toString("base64") });
    for (const { body, code, status = 400 } of [
      { body: "", code: "acs_empty_post" },
      { body: "SAMLResponse=", code: "acs_empty_post" },
      { body: "SAMLResponse=+%0A", code: "acs_empty_post" },
      { body: "samlresponse=x", code: "acs_empty_post" },
      { body: "RelayState=x", code: "acs_empty_post" },
      { body: "SAMLResponse=a&SAMLResponse=a", code: "form_malformed" },
      { body: "SAMLResponse=a&RelayState=a&RelayState=b", code: "form_malformed" },
      { body: "SAMLResponse=a&SAMLRequest=a", code: "form_malformed" },
      { body: "SAMLResponse=!!!!", code: "base64_bad" },
      { body: "SAMLResponse=a", code: "base64_bad" },
      { body: "SAMLResponse=%00%ff", code: "base64_bad" },
      { body: "SAMLResponse=PHg_Lz4-", code: "base64_bad" },
      { body: `SAMLResponse=PHgvPg==&RelayState=${"r".repeat(2_049)}`, code: "relaystate_not_allowed" },
      { body: field(""), code: "acs_empty_post" },
      { body: field("<"), code: "xml_not_wellformed" },
      { body: field("not XML"), code: "xml_not_wellformed" },
      { body: field("<x>"), code: "xml_not_wellformed" },
      { body: field("<x/><y/>"), code: "xml_not_wellformed" },
      { body: field("<x>&nbsp;</x>"), code: "xml_not_wellformed" },
      { body: field("<x>\0</x>"), code: "xml_not_wellformed" },
      { body: field("<p:x/>"), code: "xml_not_wellformed" },
      { body: field('<!DOCTYPE x SYSTEM "http://evil.example/"><x/>'), code: "doctype_forbidden" },
      { body: field('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'), code: "doctype_forbidden" },
      { body: field("<x/><!-- -->"), code: "comment_forbidden" },
      { body: field("<x ID='a'><y ID='a'/></x>"), code: "duplicate_id" },
      { body: field(utf16), code: "xml_not_wellformed" },
      { body: field([0xff, 0xfe, ...utf16]), code: "encoding_bad" },
      { body: field([0x3c, 0x78, 0x3e, 0xff, 0x3c, 0x2f, 0x78, 0x3e]), code: "encoding_bad" },
      { body: field('<?xml version="1.0" encoding="ISO-8859-1"?><x/>'), code: "encoding_bad" },
      { body: field(gzipSync("<x/>")), code: "encoding_bad" },
      { body: field("<x/>"), code: "response_malformed" },
      { body: field("<html><body>Hello</body></html>"), code: "response_malformed" },
      { body: field('<Response xmlns="urn:oasis:names:tc:SAML:1.0:protocol"/>'), code: "response_malformed" },
      { body: field('<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" Version="1.1"/>'), code: "response_malformed" },
      { body: field('<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" Version="2.0"/>'), code: "response_malformed" },
    ]) {
      const answer = await send(acsOf(), form(body));
      await assertRefused(system, connection, answer, code, { status });
    }
    assert.equal((await send(acsOf(UNKNOWN_ID), form("SAMLResponse=x"))).status, 404);
  });

  test("of the API that are not its JSON are refused with their code", async () => {
    const good = { name: "x", provider: "okta", domains: ["x.test"] };
    const no = [400, "invalid_json"];
    const other = [422, "invalid_field"];
    for (const [expected, ...bodies] of [
      [no, "", "{", "\0", "{}{}", `${"[".repeat(10_000)}`, `{"a":${"[".repeat(60_000)}`, '{"extra":1', '{"extra":1}}', Buffer.from([0xff, 0xfe]), gzipSync(JSON.stringify(good))],
      [other, "[]", "null", "1", '"x"', "{}", JSON.stringify({ ...good, extra: 1 }), '{"name":"a","name":"b"}', JSON.stringify({ ...good, domains: "x.test" })],
      [other, JSON.stringify({ ...good, provider: "nobody" }), JSON.stringify({ ...good, name: null })],
    ]) {
      for (const body of bodies) {
        const answer = await plainPost("/sso/api/v1/connections", withToken({ "content-type": "application/json" }), body);
        assert.deepEqual([answer.status, JSON.parse(answer.text).error.code], expected, String(body).slice(0, 60));
      }
    }
  });

  test("that compress themselves are not unpacked", async () => {
    const headers = { "content-type": FORM, "content-encoding": "gzip" };
    assert.equal((await plainPost("/sso/sign-in", headers, gzipSync(`email=${connection.email}`))).status, 422);
    await assertRefused(system, connection, await plainPost(acsOf(), headers, gzipSync("SAMLResponse=PHgvPg==")), "acs_empty_post", { status: 400 });
  });

  // `wrangler dev` drains what a Worker leaves unread, so an announced body has to be sent whole here.
  test("that are too large are refused, before they end when they do not say how long they are", async () => {
    for (const [path, headers, cap] of [
      ["/sso/sign-in", { "content-type": FORM }, 16 * 1024],
      ["/sso/sign-out", { "content-type": FORM }, 16 * 1024],
      [acsOf(), { "content-type": FORM }, MIB],
      [acsOf(UNKNOWN_ID), { "content-type": FORM }, MIB],
      ["/sso/api/v1/connections", withToken({ "content-type": "application/json" }), 64 * 1024],
      [`/sso/api/v1/connections/${connection.id}/metadata`, withToken({ "content-type": "application/json" }), 6 * MIB],
    ]) {
      for (const answer of [
        await stream(path, headers, cap + 1, { isEndless: true }),
        await stream(path, { ...headers, "content-length": cap + 1 }, cap + 1),
      ]) {
        assert.equal(answer.status, 413, path);
        assertRefusedCalmly(answer, path);
      }
    }
  });

  test("are not even measured where the token does not allow the call", async () => {
    const { token } = (await system.api("POST", "/tokens", { name: "reader", scopes: ["read"] })).body;
    for (const [authorization, status] of [[`Bearer sso_${"A".repeat(43)}`, 401], [`Bearer ${token}`, 403]]) {
      const headers = { authorization, "content-type": "application/json" };
      assert.equal((await stream("/sso/api/v1/connections", headers, 64 * 1024 + 1)).status, status);
    }
  });

  test("of 100 MB are refused", async () => {
    for (const path of ["/sso/sign-in", acsOf()]) {
      // How much is sent before the refusal arrives is the development server's affair: it drains what the Worker leaves.
      const { received } = await flood(path, 100 * MIB);
      // A server that hangs up may take its answer with it; the development server says in its own words that it did.
      assert.match(received, /^(HTTP\/1\.1 413 |$)|Network connection lost/);
    }
  });

  test("of a false length do no harm", async () => {
    const post = (length, body) => `POST /sso/sign-in HTTP/1.1\r\n${hostLine()}Content-Type: ${FORM}\r\nContent-Length: ${length}\r\n\r\n${body}`;
    for (const length of ["abc", "-1", "1e3", "99999999999999999999"]) {
      assert.equal((await raw(post(length, "email=a"))).status, 400, length);
    }
    // One that is too short: what follows is no request of its own after `Connection: close`.
    assert.equal((await raw(post(6, `email=${connection.email}`))).status, 422);
    // One that is too long, and then nothing: the connection ends without an answer.
    await raw(post(1_000, "email=a"), { end: true });
  });

  stillWorks("strange bodies");
});

describe("caps", () => {
  let base;
  const countOf = (xml, pattern) => xml.match(pattern).length;

  /** A good response with something in its `Extensions`, which no signature covers. */
  async function withExtensions(content) {
    const browser = new Browser(system.origin);
    const attempt = await begin(browser, connection);
    base = Buffer.from(await answerTo(attempt, system, { signResponse: false }), "base64").toString();
    const extended = base.replace("<samlp:Status>", `<samlp:Extensions>${content}</samlp:Extensions><samlp:Status>`);
    return { browser, attempt, extended };
  }

  /** Sends a response that holds `make(base, n)` in its `Extensions`. */
  async function deliverWith(make) {
    const { browser, extended } = await withExtensions("");
    const xml = extended.replace("<samlp:Extensions>", `<samlp:Extensions>${make(extended)}`);
    return { browser, answer: await deliver(browser, connection, Buffer.from(xml).toString("base64")) };
  }

  const open = /<[A-Za-z]/g;
  const names = (n) => Array.from({ length: n }, (_, i) => i);
  for (const { what, cap, make } of [
    { what: "elements inside each other", cap: 64, make: (_, n) => `${"<x>".repeat(n - 2)}${"</x>".repeat(n - 2)}` },
    { what: "elements", cap: 20_000, make: (xml, n) => "<x/>".repeat(n - countOf(xml, open)) },
    { what: "attributes of one element", cap: 64, make: (_, n) => `<x ${names(n).map((i) => `a${i}=""`).join(" ")}/>` },
    { what: "namespace declarations of one element", cap: 32, make: (_, n) => `<x ${names(n).map((i) => `xmlns:n${i}="urn:n"`).join(" ")}/>` },
    { what: "namespace declarations", cap: 8_192, make: (xml, n) => '<x xmlns:n="urn:n"/>'.repeat(n - countOf(xml, /xmlns/g)) },
    {
      what: "prefixes in scope",
      cap: 48,
      make(_, n) {
        const [outer, inner] = [names(20), names(n - 20 - PREFIXES_AROUND)].map((list, level) => list.map((i) => `xmlns:n${level}_${i}="urn:n"`).join(" "));
        return `<x ${outer}><x ${inner}/></x>`;
      },
    },
    { what: "< characters", cap: 48_000, make: (xml, n) => `<x><![CDATA[${"<".repeat(n - countOf(xml, /</g) - 3)}]]></x>` },
    { what: "= characters", cap: 48_000, make: (xml, n) => `<x>${"=".repeat(n - countOf(xml, /=/g))}</x>` },
    { what: "octets of a name", cap: 256, make: (_, n) => `<${"x".repeat(n)}/>` },
  ]) {
    test(`${cap} ${what} pass, one more does not`, async () => {
      const at = await deliverWith((xml) => make(xml, cap));
      await complete(at.browser, at.answer);
      const past = await deliverWith((xml) => make(xml, cap + 1));
      await assertRefused(system, connection, past.answer, "too_large", { browser: past.browser, status: 413 });
    });
  }

  test("512 KiB of a message pass, one octet more does not", async () => {
    for (const [size, code] of [[512 * 1024, undefined], [512 * 1024 + 1, "too_large"]]) {
      const { browser, extended } = await withExtensions("");
      const padded = Buffer.from(extended.padEnd(extended.length + size - Buffer.byteLength(extended)));
      assert.equal(padded.length, size);
      const answer = await deliver(browser, connection, padded.toString("base64"));
      if (code === undefined) await complete(browser, answer);
      else await assertRefused(system, connection, answer, code, { browser, status: 413 });
    }
  });

  test("1 MiB of a form passes, one octet more does not", async () => {
    for (const [size, expected] of [[MIB, 303], [MIB + 1, 413]]) {
      const { browser, extended } = await withExtensions("");
      const fields = `${new URLSearchParams({ SAMLResponse: Buffer.from(extended).toString("base64") })}&padding=`;
      const answer = await browser.post(connection.acs, fields.padEnd(size, "x"), { from: "https://acme.okta.example" });
      assert.equal(answer.status, expected);
    }
  });

  test("1 MiB of a form passes in pieces of unknown length, one octet more does not", async () => {
    for (const [size, expected] of [[MIB, 400], [MIB + 1, 413]]) {
      assert.equal((await stream(acsOf(), { "content-type": FORM }, size)).status, expected);
    }
  });

  test("2,048 octets of RelayState pass", async () => {
    const { browser, extended } = await withExtensions("");
    await complete(browser, await deliver(browser, connection, Buffer.from(extended).toString("base64"), "r".repeat(2_048)));
  });

  test("5 MiB of metadata pass, one octet more does not, nor does a call of more than 64 KiB or 6 MiB", async () => {
    const { body: own } = await system.api("POST", "/connections", { name: "Large", provider: "custom", domains: ["large.test"] });
    const path = `/connections/${own.id}`;
    const padded = (size) => ({ xml: system.metadata.padEnd(size) });
    assert.equal((await system.api("POST", `${path}/metadata`, padded(5 * MIB))).status, 200);
    const past = await system.api("POST", `${path}/metadata`, padded(5 * MIB + 1));
    assert.deepEqual([past.status, past.body.error.code], [422, "too_large"]);
    const call = (method, at, body, size) => send(`/sso/api/v1${at}`, { method, headers: withToken({ "content-type": "application/json" }), body: JSON.stringify(body).padEnd(size) });
    assert.equal((await call("PATCH", path, { name: "Renamed" }, 64 * 1024)).status, 200);
    for (const refused of [await call("PATCH", path, { name: "Renamed" }, 64 * 1024 + 1), await call("POST", `${path}/metadata`, { xml: system.metadata }, 6 * MIB + 1)]) {
      assert.deepEqual([refused.status, JSON.parse(refused.text).error.code], [413, "too_large"]);
    }
    assert.equal((await system.api("DELETE", path)).status, 204);
  });

  stillWorks("large messages");
});

/** `samlp`. */
const PREFIXES_AROUND = 1;

const hostLine = () => `Host: localhost:${system.worker.port}\r\nConnection: close\r\n`;

/** Sends octets as they are; resolves to the answer's parts once the server closes. With `end`, hangs up after sending. */
async function raw(octets, { end = false } = {}) {
  const socket = tcpConnect(system.worker.port, "localhost");
  socket.setTimeout(HANG_MS, () => socket.destroy(new Error("no answer in time")));
  if (end) socket.end(Buffer.from(octets, "latin1"));
  else socket.write(Buffer.from(octets, "latin1"));
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  const [head, ...rest] = Buffer.concat(chunks).toString("latin1").split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
  const body = rest.join("\r\n\r\n");
  const text = headers["transfer-encoding"] === "chunked" ? unchunked(body) : body;
  return { status: Number(first.split(" ")[1]), headers, setCookies: [], text: Buffer.from(text, "latin1").toString() };
}

function unchunked(body) {
  const size = parseInt(body, 16);
  if (!(size > 0)) return "";
  const start = body.indexOf("\r\n") + 2;
  return body.slice(start, start + size) + unchunked(body.slice(start + size + 2));
}

/** A POST with these headers and no others. */
async function plainPost(path, headers, body) {
  const outgoing = httpRequest(new URL(path, system.origin), { method: "POST", headers: { ...headers, "content-length": Buffer.byteLength(body) }, signal: AbortSignal.timeout(HANG_MS) });
  outgoing.end(body);
  return readAnswer(outgoing);
}

/** A POST of `size` octets, in chunked encoding unless the headers say a length. When it is endless, more seems to follow. */
async function stream(path, headers, size, { isEndless = false } = {}) {
  const outgoing = httpRequest(new URL(path, system.origin), { method: "POST", headers, signal: AbortSignal.timeout(HANG_MS) });
  const answer = readAnswer(outgoing);
  outgoing.flushHeaders();
  if (size > 0) outgoing.write(Buffer.alloc(size, "x"));
  if (!isEndless) outgoing.end();
  try {
    return await answer;
  } finally {
    outgoing.on("error", () => {}).destroy();
  }
}

/** Sends a form of `size` octets in pieces until the server hangs up; resolves to how many it took and what it said. */
async function flood(path, size) {
  const socket = tcpConnect(system.worker.port, "localhost");
  socket.setTimeout(HANG_MS, () => socket.destroy());
  const closed = new Promise((resolve) => socket.on("error", () => {}).once("close", resolve));
  let [sent, received] = [0, ""];
  socket.on("data", (octets) => (received += octets));
  socket.write(`POST ${path} HTTP/1.1\r\n${hostLine()}Content-Type: ${FORM}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const piece = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  const sendMore = () => {
    if (sent >= size || socket.destroyed) return;
    sent += 0x10000;
    socket.write(piece, sendMore);
  };
  sendMore();
  await closed;
  return { sent, received };
}

async function readAnswer(outgoing) {
  const [incoming] = await once(outgoing, "response");
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  return { status: incoming.statusCode, headers, setCookies: incoming.headers["set-cookie"] ?? [], text: Buffer.concat(chunks).toString() };
}
