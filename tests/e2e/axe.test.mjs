// axe-core over every page in a real Chromium, in light and dark, wide and narrow: nothing serious may be found.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "../../scripts/lib/worker.mjs";
import { launchChromium, skip } from "./chromium.mjs";
import { Browser, DEFAULT_ENTITY_ID, adminToken, answerTo, assertRefused, begin, connect, deliver, signIn, startSystem } from "./support.mjs";

describe("axe-core", { skip }, () => {
  let system, chromium, axe, connection, link, fresh, given, hook, token, reference;
  before(async () => {
    [system, chromium, axe] = await Promise.all([startSystem(), launchChromium(), readFile(join(root, "node_modules/axe-core/axe.min.js"), "utf8")]);
    connection = await connect(system, { domain: "acme.test", decrypt_assertions: true });
    for (const step of ["prepare", "activate"]) await system.api("POST", `${connection.path}/decryption-keys/rotate`, { step });
    token = (await system.api("POST", "/tokens", { name: "ci", scopes: ["read"] })).body;
    // With a draft and a version of its own.
    await system.api("PATCH", `${connection.path}/draft`, { attribute_map: { groups: "crew" } });
    link = (await system.api("POST", `${connection.path}/setup-links`)).body.url;
    hook = (await system.api("POST", "/webhooks", { url: "http://localhost:1/hooks", description: "CRM" })).body;
    await system.api("POST", `/webhooks/${hook.id}/test`);
    // With a sign-in and a refusal, whose messages were captured.
    await system.api("POST", `${connection.path}/capture`, { minutes: 60 });
    await signIn(system, connection);
    const browser = new Browser(system.origin);
    const refused = await answerTo(await begin(browser, connection), system, { audience: "urn:elsewhere" });
    ({ reference } = await assertRefused(system, connection, await deliver(browser, connection, refused), "audience_mismatch"));
    given = (await system.api("POST", "/connections", { name: "Given", provider: "google", domains: ["given.test"] })).body;
    await system.api("POST", `/connections/${given.id}/metadata`, { url: system.idp.metadataUrl });
    fresh = (await system.api("POST", "/connections", { name: "Globex", provider: "google", domains: ["globex.test"] })).body;
  });
  after(() => Promise.all([system?.stop(), chromium?.close()]));

  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 375]) {
      test(`finds nothing serious in ${colorScheme} at ${width} px`, async () => {
        // The policy of the pages lets no foreign script in; what it is worth is tested elsewhere.
        const context = await chromium.newContext({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true, reducedMotion: "reduce" });
        try {
          const page = await context.newPage();
          const found = [];
          const judge = async (name) => {
            await page.waitForLoadState("load"); // with its style sheet
            await page.evaluate(() => globalThis.document.querySelectorAll("details").forEach((part) => {
              part.removeAttribute("name");
              part.open = true;
            }));
            await page.addScriptTag({ content: axe });
            const { violations } = await page.evaluate(() => globalThis.axe.run(globalThis.document, { resultTypes: ["violations"] }));
            for (const { id, impact, nodes } of violations) {
              if (impact === "serious" || impact === "critical") found.push(`${name}: ${id} (${impact}): ${nodes.map((node) => `${node.html} ${node.any[0]?.message ?? ""}`).join(" | ").slice(0, 600)}`);
            }
          };
          const open = async (path) => {
            await page.goto(system.origin + path);
            await judge(path);
          };
          await open("/sso/sign-in");
          await page.getByLabel("Work e-mail").fill("ada@nowhere.test");
          await page.keyboard.press("Enter");
          await page.getByRole("alert").waitFor();
          await judge("sign-in with an error");
          for (const path of ["/sso/sign-out", "/sso/nothing", "/sso/admin/sign-in"]) await open(path);
          await page.getByLabel("Admin token").fill("wrong");
          await page.keyboard.press("Enter");
          await page.getByRole("alert").waitFor();
          await judge("admin sign-in with an error");
          await page.getByLabel("Admin token").fill(adminToken);
          await page.keyboard.press("Enter");
          await page.getByRole("heading", { name: "Connections" }).waitFor();
          for (const path of dashboardPages()) await open(path);
          await page.goto(`${system.origin}/sso/admin/connections/${fresh.id}`);
          await page.getByLabel("Metadata XML").fill("<html>");
          await page.getByRole("button", { name: "Read & save" }).click();
          await page.getByRole("alert").waitFor();
          await judge("setup with a problem");
          await page.goto(`${system.origin}/sso/admin/connections/${given.id}`);
          await page.getByText("From metadata XML").click();
          await page.getByLabel("Metadata XML").fill(system.metadata.replaceAll(DEFAULT_ENTITY_ID, "urn:other"));
          await page.getByRole("button", { name: "Read & save" }).click();
          await page.getByRole("heading", { name: "What would change" }).waitFor();
          await judge("what would change");
          await page.goto(`${system.origin}/sso/admin/connections/${fresh.id}/settings`);
          await page.getByLabel("Add a domain").fill("nonsense");
          await page.keyboard.press("Enter");
          await page.getByRole("alert").waitFor();
          await judge("settings with an error");
          await page.goto(`${system.origin}/sso/admin/connections/${connection.id}/settings`);
          await page.getByRole("button", { name: "Drop the previous key" }).click();
          await page.getByRole("alert").waitFor();
          await judge("settings with a key to drop");
          await page.goto(`${system.origin}/sso/admin/tokens`);
          await page.getByRole("textbox", { name: "Name" }).fill(`${colorScheme} ${width}`);
          await page.getByLabel("Read", { exact: true }).uncheck();
          await page.getByRole("button", { name: "Make the token" }).click();
          await page.getByText("Choose at least one.").waitFor();
          await judge("tokens with an error");
          await page.getByLabel("Read", { exact: true }).check();
          await page.getByRole("button", { name: "Make the token" }).click();
          await page.getByRole("heading", { name: /is made$/ }).waitFor();
          await judge("tokens with one that was made");
          await page.goto(`${system.origin}/sso/admin/webhooks`);
          await page.getByLabel("Address").fill("https://10.0.0.1/x");
          await page.getByLabel("connection.created", { exact: true }).press("Space");
          await page.getByLabel("Address").fill("nonsense://");
          await page.getByRole("button", { name: "Add the webhook" }).click();
          await page.getByRole("alert").first().waitFor();
          await judge("webhooks with an error");
          await page.goto(`${system.origin}/sso/admin/webhooks`);
          await page.getByLabel("Address").fill("http://localhost:1/hooks");
          await page.getByRole("button", { name: "Add the webhook" }).click();
          await page.getByRole("heading", { name: "The secret" }).waitFor();
          await judge("a webhook's secret");
          await page.getByRole("button", { name: "Delete the webhook" }).click();
          await page.goto(`${system.origin}/sso/admin/transfer`);
          await page.locator("#import-document").fill(JSON.stringify({ format: "edge-saml/connections", version: 1, connections: [{ name: "A", provider: "okta", domains: ["a.test"] }, { name: "B", provider: "okta", domains: ["acme.test"] }] }));
          await page.getByRole("button", { name: "Check only" }).click();
          await page.getByText("Would be added").waitFor();
          await judge("a report of an import");
          for (const user of ["Ada", "Mallory"]) {
            await page.goto(link);
            await judge("setup link");
            await page.getByRole("button", { name: "Run the test" }).click();
            await page.getByText(user).first().click();
            await page.getByRole("heading", { name: /^The test/ }).waitFor();
            await judge(`setup link's test of ${user}`);
            const test = page.url().split("/").at(-1);
            await open(`/sso/admin/connections/${connection.id}/tests/${test}`);
          }
          await open("/sso/setup/nothing");
          assert.deepEqual(found, []);
        } finally {
          await context.close();
        }
      });
    }
  }

  function dashboardPages() {
    const pages = ["/sso/admin", "/sso/admin/nothing", "/sso/admin/connections/new", "/sso/admin/connections/new?provider=entra", "/sso/admin/certificates"];
    pages.push("/sso/admin/audit", `/sso/admin/audit?connection=${connection.id}&before=1`, "/sso/admin/tokens?done=revoke", `/sso/admin/tokens/${token.id}/revoke`);
    pages.push("/sso/admin/webhooks", `/sso/admin/webhooks/${hook.id}?done=test`, "/sso/admin/transfer");
    for (const id of [connection.id, fresh.id]) {
      const page = `/sso/admin/connections/${id}`;
      pages.push(`${page}?done=metadata`, `${page}/settings?done=domains`, `${page}/history?done=undo`, `${page}/sign-ins?done=start-capture`);
    }
    const log = `/sso/admin/connections/${connection.id}/sign-ins`;
    pages.push(`${log}/${reference}`, `${log}?q=x`, `${log}?q=nobody%40acme.test`);
    return pages;
  }
});
