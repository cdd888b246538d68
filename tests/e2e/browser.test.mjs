// The pages in a real Chromium: by keyboard alone, without JavaScript, on a small screen. Skipped where no Chromium is
// installed. With SCREENSHOTS=1, the pictures in docs/screenshots are made anew.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "../../scripts/lib/worker.mjs";
import { launchChromium, skip, visit as visitPage } from "./chromium.mjs";
import { assertFits } from "./hands.mjs";
import { connect, startSystem, unsolicited } from "./support.mjs";

describe("in a browser", { skip }, () => {
  let system, chromium;
  before(async () => {
    [system, chromium] = await Promise.all([startSystem(), launchChromium()]);
    await connect(system, { domain: "acme.test" });
  });
  after(() => Promise.all([system?.stop(), chromium?.close()]));

  /** Runs `steps(page)` in a fresh browser profile; every complaint of the page or of its policy fails it. */
  const visit = (options, steps) => visitPage(chromium, `${system.origin}/sso/sign-in`, options, steps);

  const press = async (page, ...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  /** Once the page is whole: its style sheet is there, and its autofocus, which comes a moment later. */
  const hasFocus = async (page) => {
    await page.waitForLoadState("load");
    await page.locator(":focus").waitFor();
  };
  const heading = async (page, text) => page.getByRole("heading", { level: 1, name: text }).waitFor();

  /** The focused element's visible name; asserts that it shows that it has the focus. */
  async function focused(page) {
    await hasFocus(page);
    const { name, outline, isSeen } = await page.evaluate(() => {
      const element = globalThis.document.activeElement;
      const style = globalThis.getComputedStyle(element);
      const box = element.getBoundingClientRect();
      return {
        name: element.labels?.[0]?.textContent ?? element.textContent.trim(),
        outline: `${style.outlineStyle} ${style.outlineWidth}`,
        isSeen: box.top >= 0 && box.left >= 0 && box.bottom <= globalThis.innerHeight && box.right <= globalThis.innerWidth,
      };
    });
    assert.equal(outline, "solid 3px", `the focus on "${name}" is seen`);
    assert.ok(isSeen, `"${name}" is on the screen`);
    return name;
  }

  /** From the sign-in page to the identity provider's list of users. */
  async function typeEmail(page, email = "ada@acme.test") {
    assert.equal(await focused(page), "Work e-mail");
    await page.keyboard.type(email);
    await press(page, "Enter");
  }

  async function signInAsAda(page) {
    await typeEmail(page);
    await heading(page, "Sign in");
    await page.getByText("Demo identity provider").waitFor();
    await press(page, "Tab");
    assert.match(await focused(page), /^Ada Lovelace/);
    await press(page, "Enter");
    await page.waitForURL(`${system.origin}/sso/sign-in`);
    await heading(page, "You are signed in");
    await page.getByText("ada@acme.test").waitFor();
  }

  /** To a refusal: at the identity provider, somebody whose address is of another domain. */
  async function beRefused(page) {
    await typeEmail(page);
    await page.getByText("Demo identity provider").waitFor();
    await press(page, "Tab", "Tab", "Tab");
    assert.match(await focused(page), /^Mallory/);
    await press(page, "Enter");
    await heading(page, "We could not sign you in");
  }

  test("Ada signs in and out by keyboard", async () => {
    await visit({}, async (page) => {
      assert.equal(await focused(page), "Work e-mail");
      await press(page, "Tab");
      assert.equal(await focused(page), "Continue");
      await press(page, "Shift+Tab");
      await signInAsAda(page);
      // Browsers keep those of all ports together, the identity provider's too.
      const cookies = (await page.context().cookies()).filter(({ name }) => !name.startsWith("demo_idp_"));
      const flags = cookies.map(({ name, httpOnly, secure, sameSite, path, domain }) => ({ name, httpOnly, secure, sameSite, path, domain }));
      const expected = (name) => ({ name, httpOnly: true, secure: true, sameSite: "Lax", path: "/", domain: "localhost" });
      assert.deepEqual(flags.sort((a, b) => (a.name < b.name ? -1 : 1)), [expected("__Host-sso_browser"), expected("__Host-sso_session")]);
      assert.equal(await page.evaluate(() => globalThis.document.cookie), "");

      assert.equal(await focused(page), "Sign out");
      await press(page, "Enter");
      await heading(page, "Sign in");
      assert.equal((await page.request.get(`${system.origin}/sso/session`)).status(), 401);
    });
  });

  test("Ada signs in and out without JavaScript", async () => {
    await visit({ javaScriptEnabled: false }, async (page) => {
      await hasFocus(page);
      await page.keyboard.type("ada@acme.test");
      await press(page, "Enter");
      await page.getByText("Demo identity provider").waitFor();
      await press(page, "Tab", "Enter");
      await page.getByRole("button", { name: "Continue" }).waitFor();
      await press(page, "Tab", "Enter");
      await page.waitForURL(`${system.origin}/sso/sign-in`);
      await page.getByText("ada@acme.test").waitFor();
      await hasFocus(page);
      await press(page, "Enter");
      await page.getByLabel("Work e-mail").waitFor();
    });
  });

  test("a wrong address is said beside the field, which keeps the address and the focus", async () => {
    await visit({}, async (page) => {
      for (const [typed, message] of [["ada", /^Enter an e-mail address/], ["ada@unknown.test", /^There is no single sign-on/]]) {
        await page.getByLabel("Work e-mail").fill("");
        await typeEmail(page, typed);
        const alert = page.getByRole("alert");
        await alert.getByText(message).waitFor();
        const field = page.getByLabel("Work e-mail");
        assert.equal(await field.inputValue(), typed);
        assert.equal(await field.getAttribute("aria-invalid"), "true");
        assert.equal(await field.getAttribute("aria-describedby"), await alert.getAttribute("id"));
        assert.equal(await focused(page), "Work e-mail");
        assert.equal(await page.title(), `Error: Sign in to ${new URL(system.origin).host}`);
      }
      await page.getByLabel("Work e-mail").fill("");
      await signInAsAda(page);
    });
  });

  test("a refusal shows a reference and a way on", async () => {
    await visit({}, async (page) => {
      await beRefused(page);
      assert.match(await page.locator("dd [data-copy]").textContent(), /^[a-z0-9]{5}-[a-z0-9]{5}$/);
      await page.getByRole("button", { name: "Copy the reference" }).waitFor();
      await press(page, "Tab", "Tab");
      assert.equal(await focused(page), "Try again");
      await press(page, "Enter");
      await heading(page, "Sign in");
      await signInAsAda(page);
    });
  });

  test("one of several ways to sign in is chosen by keyboard, with or without JavaScript, on a small screen too", async () => {
    const shared = { domain: "two.test", organization: "two", share_domains: true };
    for (const name of ["Staff", "Partners ".repeat(11)]) await connect(system, { ...shared, name });
    for (const javaScriptEnabled of [true, false]) {
      await visit({ javaScriptEnabled, colorScheme: javaScriptEnabled ? "light" : "dark", viewport: { width: 320, height: 667 } }, async (page) => {
        await hasFocus(page);
        await page.keyboard.type("ada@two.test");
        await press(page, "Enter");
        await heading(page, "Choose how to sign in");
        await page.getByText("There is more than one way to sign in for ada@two.test.").waitFor();
        await page.waitForLoadState("load");
        for (const selector of ["h1", ".lead", "button.choice"]) {
          const ratio = await contrast(page.locator(selector).first());
          assert.ok(ratio >= 4.5, `${selector}: ${ratio.toFixed(2)}`);
        }
        await assertFits(page);
        await press(page, "Tab", "Tab", "Tab");
        assert.equal(await focused(page), "Use another e-mail address");
        await press(page, "Shift+Tab", "Shift+Tab");
        assert.equal(await focused(page), "Staff");
        await press(page, "Enter");
        await page.getByText("Demo identity provider").waitFor();
        assert.ok(page.url().includes("SAMLRequest="));
      });
    }
  });

  test("a click at the identity provider is asked about before it signs in", async () => {
    const { connections } = (await system.api("GET", "/connections")).body;
    const { id, service_provider } = connections.find(({ domains }) => domains.includes("acme.test"));
    const direct = await system.api("PATCH", `/connections/${id}`, { idp_initiated: "direct" });
    assert.equal(direct.status, 200);
    try {
      await visit({}, async (page) => {
        const response = await unsolicited({ service_provider, email: "ada@acme.test" }, system);
        await page.goto(system.idp.origin);
        await page.evaluate(([action, value]) => {
          const form = globalThis.document.createElement("form");
          Object.assign(form, { method: "post", action });
          const field = globalThis.document.createElement("input");
          Object.assign(field, { name: "SAMLResponse", value, type: "hidden" });
          form.append(field);
          globalThis.document.body.append(form);
          form.submit();
        }, [service_provider.acs_url, response]);
        await heading(page, "Sign in?");
        if (process.env.CONFIRM_SHOT) await page.screenshot({ path: process.env.CONFIRM_SHOT });
        assert.equal(await focused(page), "Continue");
        await press(page, "Enter");
        await heading(page, "You are signed in");
      });
    } finally {
      await system.api("PATCH", `/connections/${id}`, { idp_initiated: "bounce" });
    }
  });

  test("no page is wider than a small screen, nor than one that is zoomed in", async () => {
    for (const width of [375, 320]) {
      await visit({ viewport: { width, height: 667 } }, async (page) => {
        await assertFits(page);
        await typeEmail(page, `${"long".repeat(16)}@${"very-long-domain-name.".repeat(8)}test`);
        await page.getByRole("alert").waitFor();
        await assertFits(page);
        await page.goto(`${system.origin}/sso/nothing`);
        await assertFits(page);
        await page.goto(`${system.origin}/sso/sign-out`);
        await assertFits(page);
        await page.goto(`${system.origin}/sso/sign-in`);
        await beRefused(page);
        await assertFits(page);
        await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
        const copy = page.getByRole("button", { name: "Copy the reference" });
        await copy.waitFor();
        await press(page, "Tab", "Enter");
        await copy.getByText("Copied").waitFor();
        const copied = await page.evaluate(() => globalThis.navigator.clipboard.readText());
        assert.equal(copied, await page.locator("[data-copy]").textContent());
        await press(page, "Tab", "Enter");
        await heading(page, "Sign in");
        await signInAsAda(page);
        await assertFits(page);
      });
    }
  });

  test("text and controls stand out, in light and in dark", async () => {
    for (const colorScheme of ["light", "dark"]) {
      await visit({ colorScheme }, async (page) => {
        await typeEmail(page, "ada");
        await page.getByRole("alert").waitFor();
        await hasFocus(page);
        for (const [selector, least] of [["h1", 4.5], [".lead", 4.5], ["label", 4.5], [".error", 4.5], ["button", 4.5], ["input", 4.5]]) {
          const ratio = await contrast(page.locator(selector).locator("visible=true").first());
          assert.ok(ratio >= least, `${selector} in ${colorScheme}: ${ratio.toFixed(2)}`);
        }
      });
    }
  });

  test("screenshots are made", { skip: process.env.SCREENSHOTS !== "1" && "only with SCREENSHOTS=1" }, async () => {
    const folder = join(root, "docs/screenshots");
    await mkdir(folder, { recursive: true });
    for (const colorScheme of ["light", "dark"]) {
      await visit({ colorScheme, viewport: { width: 960, height: 600 } }, async (page) => {
        const take = (name) => page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
        assert.equal(await focused(page), "Work e-mail");
        await page.keyboard.type("ada@acme.test");
        await take("sign-in");
        await press(page, "Enter");
        await page.getByText("Demo identity provider").waitFor();
        await take("idp");
        await page.goto(`${system.origin}/sso/sign-in`);
        await beRefused(page);
        await page.getByRole("button", { name: "Copy the reference" }).waitFor();
        await take("refused");
        await press(page, "Tab", "Tab", "Enter");
        await heading(page, "Sign in");
        await signInAsAda(page);
        await take("signed-in");
      });
    }
  });
});

/** The contrast between an element's text and the nearest ground behind it (WCAG 2.2, 1.4.3). */
function contrast(locator) {
  return locator.evaluate((element) => {
    const luminance = (color) => {
      const [r, g, b] = color.match(/[\d.]+/g).map((part) => {
        const value = Number(part) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    let ground = element;
    const colorOf = (node) => globalThis.getComputedStyle(node).backgroundColor;
    while (/^rgba\(.*, 0\)$/.test(colorOf(ground))) ground = ground.parentElement;
    const [dark, light] = [luminance(globalThis.getComputedStyle(element).color), luminance(colorOf(ground))].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  });
}
