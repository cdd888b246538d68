// The dashboard's pages about metadata, on the built Worker in a real Chromium without scripts at 375 px: hosts that are down, slow,
// huge, redirect inward or answer with a page lose nothing; what would change is looked at first; what is held is approved; the
// calendar of certificates.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { makeCredentials } from "../../scripts/lib/demo-idp.mjs";
import { launchChromium, skip, visit as visitPage } from "./chromium.mjs";
import { Browser, DEFAULT_ENTITY_ID, adminToken, answerTo, begin, connect, deliver, signIn, startSystem } from "./support.mjs";

const MIB = 1024 * 1024;
const next = makeCredentials({ commonName: "next" });

describe("metadata in the dashboard", { skip }, () => {
  let system, chromium, server, url;
  const answers = new Map();
  before(async () => {
    server = createServer((incoming, response) => answers.get(incoming.url)(response));
    server.listen(0, "localhost");
    await once(server, "listening");
    url = `http://localhost:${server.address().port}`;
    [system, chromium] = await Promise.all([startSystem(), launchChromium()]);
  });
  after(async () => {
    server?.close();
    server?.closeAllConnections();
    await Promise.all([system?.stop(), chromium?.close()]);
  });

  const serve = (text) => (response) => response.end(text);
  const ours = () => system.metadata.replace(/<\?xml[^>]*\?>\s*/, "");
  const rotated = () => ours().replace(/(X509Certificate>)[^<]+/g, `$1${next.cert.replace(/-----[^-]+-----|\s/g, "")}`);

  /** Runs `steps(page)` as a vendor who is signed in. */
  const narrow = { javaScriptEnabled: false, reducedMotion: "reduce", viewport: { width: 375, height: 800 }, stepMs: 20_000 };
  const visit = (steps) => visitPage(chromium, `${system.origin}/sso/admin`, narrow, async (page) => {
    await page.getByLabel("Admin token").fill(adminToken);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1, name: "Connections" }).waitFor();
    await steps(page);
  });

  const fits = async (page) => {
    await page.waitForLoadState("load");
    const wide = await page.locator("body").evaluate((body) => body.ownerDocument.documentElement.scrollWidth);
    assert.ok(wide <= 375, `${page.url()}: ${wide} px`);
  };
  const shown = async ({ path }) => (await system.api("GET", path)).body;
  async function fetchAndSave(page, from) {
    const way = page.locator("details.way").filter({ hasText: "From a metadata URL" });
    if (await way.getAttribute("open") === null) await way.locator("summary").click();
    await way.locator("input[name=url]").fill(from);
    await way.getByRole("button", { name: "Fetch & save" }).click();
  }

  test("a host that fails ends in a clear state, with nothing lost", async () => {
    const created = (await system.api("POST", "/connections", { name: "Failing", provider: "okta", domains: ["failing.test"] })).body;
    const connection = { ...created, path: `/connections/${created.id}` };
    assert.equal((await system.api("POST", `${connection.path}/metadata`, { xml: system.metadata })).status, 200);
    const saved = await shown(connection);
    answers.set("/down", (response) => response.destroy());
    answers.set("/silent", () => {});
    answers.set("/large", serve(ours().padEnd(5 * MIB + 1)));
    answers.set("/inward", (response) => response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end());
    answers.set("/page", serve("<!doctype html><title>Sign in</title>"));
    await visit(async (page) => {
      for (const [path, words] of [
        ["/down", /cannot be reached/], ["/silent", /did not answer within 8 seconds/], ["/large", /more than 5 MiB/],
        ["/inward", /not a public https address/], ["/page", /web page|HTML/],
      ]) {
        await page.goto(`${system.origin}/sso/admin/connections/${connection.id}`);
        await fetchAndSave(page, url + path);
        const alert = page.locator("#identity-provider [role=alert]").first();
        await alert.waitFor();
        assert.match(await alert.innerText(), words, path);
        assert.equal(await page.locator("input[name=url]").inputValue(), url + path, "what was typed");
        assert.deepEqual(await shown(connection), saved, path);
        await fits(page);
      }
    });
  });

  test("what would change is looked at before it replaces anything", async () => {
    const created = (await system.api("POST", "/connections", { name: "Replaced", provider: "okta", domains: ["replaced.test"] })).body;
    const connection = { ...created, path: `/connections/${created.id}` };
    answers.set("/good", serve(ours()));
    answers.set("/other", serve(rotated().replaceAll(DEFAULT_ENTITY_ID, "urn:other")));
    await visit(async (page) => {
      await page.goto(`${system.origin}/sso/admin/connections/${connection.id}`);
      await fetchAndSave(page, `${url}/good`);
      await page.getByText("Saved. This is what was read").waitFor();
      await page.getByText("Not fetched again since it was saved.").waitFor();
      const saved = await shown(connection);
      await fetchAndSave(page, `${url}/other`);
      await page.getByRole("heading", { level: 1, name: "What would change" }).waitFor();
      for (const text of ["urn:other", "Added", "Removed"]) await page.getByText(text, { exact: true }).first().waitFor();
      await fits(page);
      assert.deepEqual(await shown(connection), saved);
      await page.getByRole("link", { name: "Leave it as it is" }).click();
      await page.getByRole("heading", { level: 1, name: "Replaced" }).waitFor();
      assert.deepEqual(await shown(connection), saved);
      await fetchAndSave(page, `${url}/other`);
      await page.getByRole("button", { name: "Replace the identity provider" }).click();
      await page.getByText("Saved. This is what was read").waitFor();
      assert.equal((await shown(connection)).identity_provider.entity_id, "urn:other");
    });
  });

  test("what no rotation looks like is approved by a button, and the calendar lists the new certificate", async () => {
    const connection = await connect(system);
    answers.set("/rotated", serve(ours()));
    assert.equal((await system.api("POST", `${connection.path}/metadata`, { url: `${url}/rotated` })).status, 200);
    answers.set("/rotated", serve(rotated()));
    const attempt = await begin(new Browser(system.origin), connection);
    const refused = await deliver(attempt.browser, connection, await answerTo(attempt, system, next), attempt.relayState);
    assert.equal(refused.status, 403, "what is held helps nobody");
    await visit(async (page) => {
      await page.goto(`${system.origin}/sso/admin/connections/${connection.id}`);
      await page.getByText("Waits for you", { exact: true }).last().waitFor();
      await page.getByText(/none of its signing certificates is known/).waitFor();
      await fits(page);
      await page.getByRole("button", { name: "Approve the change" }).click();
      await page.getByText("Approved. It is live everywhere within a minute.").waitFor();
      assert.equal(await page.getByText("Waits for you", { exact: true }).count(), 0);
      await signIn(system, connection, next);
      await page.getByRole("link", { name: "Certificates" }).click();
      await page.getByRole("heading", { level: 1, name: "Certificates" }).waitFor();
      for (const { sha256 } of (await shown(connection)).identity_provider.signing_certificates) await page.getByText(sha256).first().waitFor();
      await fits(page);
    });
  });
});
