// A real Chromium, where one is installed.

import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const executablePath = findChromium();

/** Why tests in a browser are skipped, or false. */
export const skip = executablePath === undefined && "no Chromium is installed (Debian: apt-get install chromium), and CHROMIUM names none";

export async function launchChromium() {
  const { chromium } = await import("playwright-core");
  return chromium.launch({ executablePath, args: FLAGS });
}

/**
 * Runs `steps(page, context)` in a browser profile of its own that begins at `url`; every complaint of the page or of its policy fails
 * it. `options`: those of a browser context, and `stepMs`, how long a step may take.
 */
export async function visit(chromium, url, { stepMs = 15_000, ...options }, steps) {
  const context = await chromium.newContext(options);
  context.setDefaultTimeout(stepMs);
  try {
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(url);
    await steps(page, context);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = ["/usr/bin", ...(process.env.PATH ?? "").split(delimiter).filter(Boolean)];
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * What the page complains of from now on, as it grows: errors of its scripts, of its policy, of what it loads.
 * Left out is what Chromium notes of itself: that a page was answered with an error's status, which is asserted where it is meant,
 * and that a test was in the field before autofocus was.
 */
export function complaintsOf(page) {
  const complaints = [];
  const isNoted = /the server responded with a status of 4|^Autofocus processing was blocked/;
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() !== "log" && !isNoted.test(message.text())) complaints.push(message.text());
  });
  return complaints;
}
