// Two ways to use a page: with a pointer, and with a keyboard alone. A keyboard goes nowhere but by Tab, and its focus must be seen.

import assert from "node:assert/strict";

const TABS_LIMIT = 150;

export const pointer = {
  /** Presses a button, follows a link, opens what is folded. */
  press: (target) => target.click(),
  /** Puts `text` into a field, instead of what is there. */
  type: (target, text) => target.fill(text),
};

export const keyboard = {
  async press(target) {
    await tabTo(target);
    await target.page().keyboard.press("Enter");
  },
  async type(target, text) {
    await tabTo(target);
    await target.page().keyboard.press("Control+a");
    await target.page().keyboard.insertText(text);
  },
};

/** Moves the focus on with Tab until `target` has it: drawn around it, and on the screen. */
async function tabTo(target) {
  const page = target.page();
  await target.waitFor();
  await page.waitForLoadState("load");
  for (let step = 0; step < TABS_LIMIT; step += 1) {
    await page.keyboard.press("Tab");
    const seen = await target.evaluate((element) => {
      if (element !== element.ownerDocument.activeElement) return undefined;
      const box = element.getBoundingClientRect();
      return {
        outline: globalThis.getComputedStyle(element).outlineStyle,
        isOnScreen: box.bottom > 0 && box.top < globalThis.innerHeight,
      };
    });
    if (seen === undefined) continue;
    assert.deepEqual(seen, { outline: "solid", isOnScreen: true }, `the focus on ${target} is seen`);
    return;
  }
  assert.fail(`${target} cannot be reached with Tab`);
}

/** Nothing on the page is wider than the window. */
export async function assertFits(page) {
  await page.waitForLoadState("load"); // with its style sheet
  const { scrollWidth, innerWidth } = await page.evaluate(() => ({ scrollWidth: globalThis.document.documentElement.scrollWidth, innerWidth: globalThis.innerWidth }));
  assert.ok(scrollWidth <= innerWidth, `${page.url()}: ${scrollWidth} of ${innerWidth} px`);
}
