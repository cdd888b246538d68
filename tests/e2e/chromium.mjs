// A real Chromium, where one is installed.

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
