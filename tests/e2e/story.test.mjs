// The main job, whole, in a real Chromium: a vendor adds a connection, the customer's administrator sets it up with a link, a test
// fails and says why, a user signs in, and a change of what is live is tested beside it. Once with a pointer, once with a keyboard
// alone on a narrow screen. Skipped where no Chromium is installed.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { makeCredentials } from "../../scripts/lib/demo-idp.mjs";
import { launchChromium, skip, visit as visitPage } from "./chromium.mjs";
import { assertFits, keyboard, pointer } from "./hands.mjs";
import { adminToken, DEFAULT_ENTITY_ID, startSystem } from "./support.mjs";

const USERS = ["acme.test", "narrow.test"].map((domain) => ({ email: `ada@${domain}`, firstName: "Ada", lastName: `of ${domain}` }));

describe("the whole story", { skip }, () => {
  let system, chromium;
  /** What the customer's administrator typed as the audience, when that was something else than ours. */
  let audience;
  before(async () => {
    const overrides = (options) => ({ ...options, audience: audience ?? options.audience });
    [system, chromium] = await Promise.all([startSystem({ idp: { users: USERS, overrides } }), launchChromium()]);
  });
  after(() => Promise.all([system?.stop(), chromium?.close()]));

  for (const [how, options, hands, domain] of [
    ["with a pointer", {}, pointer, "acme.test"],
    ["by keyboard alone, at 375 px", { viewport: { width: 375, height: 667 } }, keyboard, "narrow.test"],
  ]) {
    test(`of a connection, ${how}`, async () => {
      /** Runs `steps(page)` in a browser profile of its own; every complaint of a page or of its policy fails it. */
      const visit = (path, steps) => visitPage(chromium, new URL(path, system.origin).href, { reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"], ...options }, steps);
      const heading = async (page, name) => {
        await page.getByRole("heading", { level: 1, name }).waitFor();
        await assertFits(page);
      };
      const press = (within, name) => hands.press(within.getByRole("button", { name, exact: true }).first());
      const follow = (within, name) => hands.press(within.getByRole("link", { name }).first());
      const type = (within, label, text) => hands.type(within.getByRole("textbox", { name: label, exact: true }), text);
      const pick = (page) => hands.press(page.getByRole("button", { name: `ada@${domain}` }));
      const said = (page, text) => page.getByText(text).first().waitFor();
      /** Presses a button that opens a tab, which `steps(tab)` then has. */
      const inNewTab = async (page, name, steps) => {
        const [tab] = await Promise.all([page.waitForEvent("popup"), press(page, name)]);
        await tab.bringToFront();
        await steps(tab);
        await tab.close();
        await page.bringToFront();
      };
      const copied = (page) => page.evaluate(() => globalThis.navigator.clipboard.readText());
      const userSignsIn = () => visit("/sso/sign-in?return_to=/sso/sign-in", async (user) => {
        await type(user, "Work e-mail", `ada@${domain}`);
        await user.keyboard.press("Enter");
        await pick(user);
        await heading(user, "You are signed in");
      });

      await visit("/sso/admin", async (vendor) => {
        // Adds the connection, which is off.
        await heading(vendor, "Sign in to the dashboard");
        await type(vendor, "Admin token", adminToken);
        await vendor.keyboard.press("Enter");
        await heading(vendor, "Connections");
        await follow(vendor, "Add connection");
        await heading(vendor, "Which identity provider does the customer have?");
        await follow(vendor, /^Okta/);
        await heading(vendor, "Add Okta Workforce");
        await type(vendor, "E-mail domains", domain);
        await type(vendor, /^Name/, `Acme at ${domain}`);
        await press(vendor, "Add connection");
        await heading(vendor, `Acme at ${domain}`);
        const setup = vendor.url().split("?")[0];
        const id = setup.split("/").at(-1);

        // Copies what the customer needs, in Okta's own words, and the e-mail with a link in it.
        await press(vendor, "Copy Single sign-on URL");
        assert.equal(await copied(vendor), `${system.origin}/sso/saml/${id}/acs`);
        await press(vendor, "Copy Audience URI (SP Entity ID)");
        assert.equal(await copied(vendor), `${system.origin}/sso/saml/${id}`);
        await press(vendor, "Make a setup link");
        await said(vendor, "The link is made.");
        const link = await vendor.locator("#setup-link [data-copy]").textContent();
        await press(vendor, "Copy the e-mail");
        await vendor.getByRole("button", { name: "Copy the e-mail", exact: true }).getByText("Copied").waitFor();
        const email = await copied(vendor);
        for (const part of [link, `${system.origin}/sso/saml/${id}/acs`, "Email address", "user.profile.email"]) assert.ok(email.includes(part), `${part}: ${email}`);

        // The customer's administrator does the rest alone, but copies the audience wrong.
        audience = "https://service.example/typed-by-hand";
        await visit(link, async (customer) => {
          await heading(customer, "Set up single sign-on with Okta Workforce");
          await type(customer, "Metadata URL", system.idp.metadataUrl);
          await press(customer, "Fetch & save");
          await said(customer, "Saved. Now run the test.");
          await said(customer, "Metadata read (done)");
          await press(customer, "Run the test");
          await pick(customer);
          await heading(customer, "The test failed");
          await said(customer, "audience_mismatch");
          await said(customer, "Copy our entity ID from the steps, letter for letter");
          const check = customer.getByRole("row").filter({ hasText: "https://service.example/typed-by-hand" });
          await check.getByText(`${system.origin}/sso/saml/${id}`).waitFor();
          audience = undefined;
          await press(customer, "Test again");
          await pick(customer);
          await heading(customer, "The test passed");
          await said(customer, "All is done on your side.");
        });

        // The vendor sees it, tests again and enables.
        await vendor.goto(setup);
        await said(vendor, "Test passed (done)");
        await inNewTab(vendor, "Test", async (tab) => {
          await pick(tab);
          await heading(tab, "The test passed");
          await said(tab, `ada@${domain}`);
          await press(tab, "Enable the connection");
          await said(tab, "Enabled. Everywhere within a minute");
        });
        await userSignsIn();

        // The log shows it, with what was checked.
        await vendor.goto(setup);
        await follow(vendor, "Sign-ins");
        const attempt = vendor.getByRole("row").filter({ hasText: `ada@${domain}` });
        await attempt.getByText("Signed in").waitFor();
        await assertFits(vendor);
        await hands.press(attempt.getByRole("link"));
        await heading(vendor, "Signed in");
        await said(vendor, "The response passed every check");

        // A change of what is live waits in a draft, whose test finds that its certificate is wrong. Users go on signing in.
        await vendor.goto(setup);
        await hands.press(vendor.locator("summary", { hasText: "By hand" }));
        await type(vendor, "Sign-on URL", `${system.idp.origin}/sso`);
        await type(vendor, "Entity ID", DEFAULT_ENTITY_ID);
        await type(vendor, "Signing certificates", makeCredentials().cert);
        await press(vendor.locator("#identity-provider"), "Save");
        await said(vendor, "Saved in the draft.");
        await inNewTab(vendor, "Test the draft", async (tab) => {
          await pick(tab);
          await heading(tab, "The test failed");
          await said(tab, "signature_key_unknown");
        });
        await userSignsIn();

        // Applied for a reason of its own, it can be undone.
        await vendor.reload();
        await hands.press(vendor.locator("#draft summary", { hasText: "Apply it without a test" }));
        await type(vendor.locator("#draft"), "Why no test is needed", "to see that it can be undone");
        await press(vendor, "Apply without a test");
        await said(vendor, "The draft is live");
        await follow(vendor, "History");
        await said(vendor, "to see that it can be undone");
        await press(vendor, "Undo the last change");
        await said(vendor, "Done: this configuration is live");
        await userSignsIn();
      });
    });
  }
});
