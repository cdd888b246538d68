// The dashboard in a real Chromium: the way of a vendor by keyboard, without JavaScript, at 375 px. Skipped where no Chromium is
// installed.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "../../scripts/lib/worker.mjs";
import { launchChromium, skip, visit as visitPage } from "./chromium.mjs";
import { assertFits } from "./hands.mjs";
import { Browser, adminToken, answerTo, begin, connect, deliver, signIn as userSignsIn, startSystem } from "./support.mjs";

describe("the dashboard in a browser", { skip }, () => {
  let system, chromium;
  before(async () => {
    [system, chromium] = await Promise.all([startSystem(), launchChromium()]);
  });
  after(() => Promise.all([system?.stop(), chromium?.close()]));

  /** Runs `steps(page)` in a fresh browser profile; every complaint of the page or of its policy fails it. */
  const visit = (options, steps) => visitPage(chromium, `${system.origin}/sso/admin`, { reducedMotion: "reduce", ...options }, steps);

  const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();
  const press = async (page, ...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };

  /** Moves the focus on with Tab until `name` has it, which must be seen. */
  async function tabTo(page, name) {
    await page.waitForLoadState("load");
    for (let step = 0; step < 80; step += 1) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const element = globalThis.document.activeElement;
        const box = element.getBoundingClientRect();
        return {
          name: element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent.trim() ?? element.textContent.trim(),
          outline: globalThis.getComputedStyle(element).outlineStyle,
          isSeen: box.bottom > 0 && box.top < globalThis.innerHeight,
        };
      });
      if (!focused.name.startsWith(name)) continue;
      assert.equal(focused.outline, "solid", `the focus on "${name}" is seen`);
      assert.ok(focused.isSeen, `"${name}" is on the screen`);
      return;
    }
    assert.fail(`"${name}" cannot be reached with Tab`);
  }

  async function signIn(page) {
    await heading(page, "Sign in to the dashboard");
    await page.waitForLoadState("load");
    await page.locator("#sign-in-token:focus").waitFor();
    await page.keyboard.type(adminToken);
    await press(page, "Enter");
    await heading(page, "Connections");
  }

  for (const [how, options, domain] of [
    ["by keyboard", {}, "keyboard.test"],
    ["by keyboard at 375 px", { viewport: { width: 375, height: 667 } }, "narrow.test"],
    ["without JavaScript", { javaScriptEnabled: false }, "plain.test"],
  ]) {
    test(`a vendor adds a connection ${how}`, async () => {
      await visit(options, async (page) => {
        if (options.javaScriptEnabled === false) {
          await page.getByLabel("Admin token").fill(adminToken);
          await press(page, "Enter");
          await page.getByRole("link", { name: "Add connection" }).click();
          await page.getByRole("link", { name: /^Okta/ }).click();
          await page.getByLabel("E-mail domains").fill(domain);
          await page.getByRole("button", { name: "Add connection" }).click();
          await page.getByRole("textbox", { name: "Metadata URL" }).fill(system.idp.metadataUrl);
          await page.getByRole("button", { name: "Fetch & save" }).click();
          await page.getByText("Saved. This is what was read").waitFor();
          await page.getByText("From metadata XML").click();
          await page.getByLabel("Metadata XML").fill("<html>");
          await page.getByRole("button", { name: "Read & save" }).click();
          await page.getByRole("alert").waitFor();
          assert.equal(await page.getByLabel("Metadata XML").inputValue(), "<html>");
          return;
        }
        await signIn(page);
        await assertFits(page);
        await tabTo(page, "Add connection");
        await press(page, "Enter");
        await heading(page, "Which identity provider does the customer have?");
        await assertFits(page);
        await tabTo(page, "Okta Workforce");
        await press(page, "Enter");
        await heading(page, "Add Okta Workforce");
        await tabTo(page, "E-mail domains");
        await page.keyboard.type("nonsense");
        await tabTo(page, "Add connection");
        await press(page, "Enter");
        await page.getByRole("alert").getByText("is no domain. Expected one such as acme.com.").waitFor();
        await assertFits(page);
        await page.locator("#new-domains:focus").waitFor();
        await press(page, "Control+a");
        await page.keyboard.type(domain);
        await tabTo(page, "Name");
        await page.keyboard.type(`Acme ${domain}`);
        await tabTo(page, "Add connection");
        await press(page, "Enter");
        await heading(page, `Acme ${domain}`);
        await assertFits(page);
        await tabTo(page, "Metadata URL");
        await page.keyboard.type(`${system.origin}/sso/nothing`);
        await press(page, "Enter");
        await page.getByRole("alert").getByText("The metadata URL answered with HTTP status 404").waitFor();
        await assertFits(page);
        await tabTo(page, "Metadata URL");
        await press(page, "Control+a");
        await page.keyboard.type(system.idp.metadataUrl);
        await press(page, "Enter");
        await page.getByText("Saved. This is what was read").waitFor();
        await assertFits(page);
        await page.goto(`${page.url().split("?")[0]}/settings`);
        await assertFits(page);
        await tabTo(page, "Add a domain");
        await page.keyboard.type(`more.${domain}`);
        await press(page, "Enter");
        await page.getByText("Saved. It is live everywhere within a minute.").waitFor();
        await page.getByRole("button", { name: `Remove more.${domain}` }).waitFor();
        await tabTo(page, "Type its name to delete it");
        await page.keyboard.type(`Acme ${domain}`);
        await press(page, "Enter");
        await page.getByText("The connection is deleted").waitFor();
      });
    });
  }

  test("screenshots are made", { skip: process.env.SCREENSHOTS !== "1" && "only with SCREENSHOTS=1" }, async () => {
    const folder = join(root, "docs/screenshots");
    await mkdir(folder, { recursive: true });
    // One that is in use, with a sign-in and a refusal; one that is being set up; two that wait for the customer.
    const used = await connect(system, { name: "Contoso", domain: "contoso.test", organization: "org_1007" });
    const northwind = { name: "Northwind Traders", provider: "okta", domains: ["northwind.test"], organization: "org_1042" };
    const connections = [used, (await system.api("POST", "/connections", northwind)).body];
    for (const [name, provider, domain, organization] of [["Globex", "entra", "globex.test", "org_1043"], ["Initech", "google", "initech.test", "org_1051"]]) {
      connections.push((await system.api("POST", "/connections", { name, provider, organization, domains: [domain] })).body);
    }
    for (let time = 0; time < 3; time += 1) await userSignsIn(system, used);
    const browser = new Browser(system.origin);
    await deliver(browser, used, await answerTo(await begin(browser, used), system, { audience: "urn:elsewhere" }));
    const [, { id }] = connections;
    await system.api("POST", `/connections/${id}/metadata`, { xml: system.metadata });
    const { url } = (await system.api("POST", `/connections/${id}/setup-links`)).body;
    for (const colorScheme of ["light", "dark"]) {
      await visit({ colorScheme, viewport: { width: 1120, height: 720 } }, async (page) => {
        await signIn(page);
        const take = async (name) => {
          await page.waitForLoadState("load");
          await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
        };
        await page.goto(`${system.origin}/sso/admin`);
        await take("connections");
        await page.goto(`${system.origin}/sso/admin/connections/${used.id}/sign-ins`);
        await take("sign-ins");
        await page.goto(`${system.origin}/sso/admin/connections/${id}`);
        await take("connection");
        const [tab] = await Promise.all([page.waitForEvent("popup"), page.getByRole("button", { name: "Test", exact: true }).click()]);
        await tab.getByText("Ada Lovelace").click();
        await heading(tab, "The test failed");
        await page.goto(tab.url());
        await tab.close();
        await take("test");
        await page.goto(url);
        await take("setup-link");
      });
    }
    for (const connection of connections) await system.api("DELETE", `/connections/${connection.id}`);
  });

  test("values and the e-mail are copied, and a file fills the field", async () => {
    await visit({}, async (page) => {
      await signIn(page);
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      const { body } = await system.api("POST", "/connections", { name: "Copied", provider: "google", domains: ["copied.test"] });
      await page.goto(`${system.origin}/sso/admin/connections/${body.id}`);
      await page.getByRole("button", { name: "Copy ACS URL" }).first().click();
      assert.equal(await page.evaluate(() => globalThis.navigator.clipboard.readText()), body.service_provider.acs_url);
      const copyEmail = page.getByRole("button", { name: "Copy the e-mail", exact: true });
      await copyEmail.click();
      await copyEmail.getByText("Copied").waitFor();
      const copied = await page.evaluate(async () => {
        const [item] = await globalThis.navigator.clipboard.read();
        const read = async (type) => (await item.getType(type)).text();
        return { html: await read("text/html"), text: await read("text/plain") };
      });
      assert.match(copied.html, /<table/);
      for (const part of [copied.html, copied.text]) assert.ok(part.includes(body.service_provider.acs_url), part);
      const file = { name: "idp.xml", mimeType: "text/xml", buffer: Buffer.from(`\ufeff${system.metadata}`, "utf16le") };
      await page.getByLabel("Or take it from a file").first().setInputFiles(file);
      await page.waitForFunction(() => globalThis.document.querySelector("#metadata-xml").value.length > 0);
      await page.getByRole("button", { name: "Read & save" }).click();
      await page.getByText("Saved. This is what was read").waitFor();
      await page.getByText(system.idp.metadataUrl.replace("/metadata", "/sso")).first().waitFor();
    });
  });

  test("a session that is over ends at the sign-in, and comes back to where it was", async () => {
    await visit({}, async (page) => {
      await signIn(page);
      await page.goto(`${system.origin}/sso/admin/connections/new?provider=entra`);
      await page.context().clearCookies();
      await page.getByLabel("E-mail domains").fill("over.test");
      await page.getByRole("button", { name: "Add connection" }).click();
      await heading(page, "Sign in to the dashboard");
      await page.getByLabel("Admin token").fill(adminToken);
      await press(page, "Enter");
      await heading(page, "Which identity provider does the customer have?");
      await page.getByRole("button", { name: "Sign out" }).click();
      await heading(page, "Sign in to the dashboard");
      assert.deepEqual(await page.context().cookies(), []);
    });
  });
});
