// The sign-in log in the dashboard, in a real Chromium: somebody signs in and is seen to. Skipped where no Chromium is installed.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launchChromium, skip, visit as visitPage } from "./chromium.mjs";
import { assertFits } from "./hands.mjs";
import { Browser, adminToken, answerTo, assertRefused, begin, connect, deliver, signIn, startSystem } from "./support.mjs";

describe("the sign-ins in a browser", { skip }, () => {
  let system, chromium;
  before(async () => {
    [system, chromium] = await Promise.all([startSystem(), launchChromium()]);
  });
  after(() => Promise.all([system?.stop(), chromium?.close()]));

  /** Runs `steps(page)` in a fresh browser that is signed in to the dashboard; every complaint of the page fails it. */
  const visit = (options, steps) => visitPage(chromium, `${system.origin}/sso/admin`, { reducedMotion: "reduce", stepMs: 20_000, ...options }, async (page, context) => {
    await page.getByLabel("Admin token").fill(adminToken);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Connections" }).waitFor();
    await steps(page, context);
  });

  /** Somebody whose response is refused; what the log says of it. */
  async function refuse(connection) {
    const browser = new Browser(system.origin);
    const response = await answerTo(await begin(browser, connection), system, { audience: "urn:elsewhere" });
    return assertRefused(system, connection, await deliver(browser, connection, response), "audience_mismatch");
  }

  test("somebody signs in, and the page that is open shows it by itself", async () => {
    const connection = await connect(system);
    await visit({}, async (page) => {
      await page.goto(`${system.origin}/sso/admin/connections/${connection.id}/sign-ins`);
      await page.getByRole("heading", { name: "No sign-ins yet" }).waitFor();
      await signIn(system, connection);
      await page.getByRole("row", { name: /Signed in/ }).waitFor();
      assert.equal(await page.getByText(connection.email).count(), 1);

      const live = page.getByRole("button", { name: /^Live/ });
      await live.click();
      await page.getByRole("button", { name: /^Stopped/ }).waitFor();
      await page.getByRole("row", { name: /Signed in/ }).getByRole("link").click();
      await page.getByRole("heading", { level: 1, name: "Signed in" }).waitFor();
      await page.getByText("The response passed every check").waitFor();
    });
  });

  for (const [how, options] of [["with scripts", {}], ["without JavaScript", { javaScriptEnabled: false }]]) {
    test(`a refusal is found by its reference, explained, and its message read, ${how}`, async () => {
      const connection = await connect(system);
      const log = `${system.origin}/sso/admin/connections/${connection.id}/sign-ins`;
      await visit({ acceptDownloads: true, ...options }, async (page) => {
        await page.goto(log);
        await page.getByLabel("For").selectOption("10 minutes");
        await page.getByRole("button", { name: "Capture messages" }).click();
        await page.getByText("On: what comes from now on is kept").waitFor();
        await signIn(system, connection);
        const { reference } = await refuse(connection);

        await page.goto(log);
        await page.getByLabel("Reference or e-mail address").fill(reference.toUpperCase());
        await page.keyboard.press("Enter");
        await page.getByRole("row", { name: /Refused audience_mismatch/ }).waitFor();
        assert.equal(await page.getByRole("row").count(), 2);
        await page.getByRole("row", { name: /Refused/ }).getByRole("link").click();
        await page.getByRole("heading", { level: 1, name: "Signing in was refused" }).waitFor();
        await page.getByText("administrator has to act").waitFor();
        await page.getByText("urn:elsewhere").first().waitFor();
        const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download response 1" }).click()]);
        assert.equal(download.suggestedFilename(), `response-${reference}-1.xml`);
        await page.getByText("Show response 1").click();
        assert.match(await page.getByRole("region", { name: "Response 1" }).textContent(), /^<.*urn:elsewhere/s);
        if (options.javaScriptEnabled !== false) await page.getByRole("button", { name: "Copy response 1" }).waitFor();

        await page.goto(log);
        await page.getByRole("button", { name: "Stop, and delete what was captured" }).click();
        await page.getByText("Off, and what was captured is deleted.").waitFor();

        await page.goto(`${system.origin}/sso/admin`);
        const row = page.getByRole("row").filter({ hasText: connection.domain });
        await row.getByText("just now").or(row.getByText("minute")).first().waitFor();
        await row.getByText("1 refused in 24 h").waitFor();
      });
    });
  }

  test("its pages fit", async () => {
    const connection = await connect(system);
    await system.api("POST", `${connection.path}/capture`, { minutes: 60 });
    for (let n = 0; n < 3; n += 1) await signIn(system, connection);
    await begin(new Browser(system.origin), connection);
    await deliver(new Browser(system.origin), connection, Buffer.from("<noise/>").toString("base64"));
    const { reference } = await refuse(connection);
    const at = `/sso/admin/connections/${connection.id}`;
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [1280, 375]) {
        await visit({ colorScheme, viewport: { width, height: 900 } }, async (page) => {
          for (const path of ["/sso/admin", `${at}/sign-ins`, `${at}/sign-ins?q=nobody%40acme.test`, `${at}/sign-ins?q=x`, `${at}/sign-ins/${reference}`, `${at}#sign-ins`]) {
            await page.goto(system.origin + path);
            await assertFits(page);
          }
        });
      }
    }
  });
});
