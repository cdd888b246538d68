// A browser without a window, for several sites at once: it keeps cookies by site, follows redirects, and submits the
// forms that carry SAML messages, as their scripts or a person's click on "Continue" would. It stops at a page where a
// person has to do something.

import assert from "node:assert/strict";
import { newAddress, parseCookie } from "../e2e/support.mjs";

const ANSWER_LIMIT_MS = 30_000;
const MAX_STEPS = 30;

export class Browser {
  /** Every step since the browser was opened: `{ method, url, form, status }`, oldest first. */
  trail = [];
  #cookies = new Map(); // origin → name → { value, sameSite }
  #address = newAddress(); // as the Worker's platform would tell it: many people, each with limits of their own
  #check;

  /** `check(url, answer, method)` sees every answer. */
  constructor(check = () => {}) {
    this.#check = check;
  }

  /** Another browser that has the same cookies. */
  copy() {
    const other = new Browser(this.#check);
    other.#cookies = structuredClone(this.#cookies);
    return other;
  }

  /** Opens `url` as if typed, and goes on until a person has to act. */
  open(url) {
    return this.go({ method: "GET", url: String(url) });
  }

  /** Fills the form of `page` that has all of these fields, sends it, and goes on like `open`. `stop(step)` ends it before a step. */
  submit(page, fields = {}, { stop } = {}) {
    const names = Object.keys(fields);
    const form = formsOf(page.text).find(({ action, inputs }) => action !== undefined && names.every((name) => name in inputs));
    assert.ok(form, `a form with ${names.join(", ") || "anything"} at ${page.url}: ${page.text.slice(0, 2000)}`);
    return this.go(stepOf(form, page.url, fields), { from: page.url, stop });
  }

  /**
   * Takes one step, `{ method, url, form }`, and all that follow from it by themselves. Resolves to the page where it
   * ends, `{ url, status, headers, text }`, or to `{ stopped: step }`.
   */
  async go(step, { from, stop = () => false } = {}) {
    let crossSite = false;
    for (let count = 0; count < MAX_STEPS; count += 1) {
      if (stop(step)) return { stopped: step };
      crossSite ||= from !== undefined && new URL(from).origin !== new URL(step.url).origin;
      const page = await this.#send(step, from, crossSite);
      const next = nextStep(page);
      if (!next) return page;
      if (page.location === undefined) [from, crossSite] = [page.url, false];
      step = next;
    }
    throw new Error(`No end after ${MAX_STEPS} steps; the last was ${step.method} ${step.url}`);
  }

  async #send({ method, url, form }, from, crossSite) {
    const { origin } = new URL(url);
    const cookies = this.#cookies.get(origin) ?? new Map();
    const cookie = [...cookies]
      .filter(([, { sameSite }]) => !crossSite || sameSite === "none" || (method === "GET" && sameSite === "lax"))
      .map(([name, { value }]) => `${name}=${value}`)
      .join("; ");
    const response = await fetch(url, {
      method,
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      headers: {
        "cf-connecting-ip": this.#address,
        "sec-fetch-site": from === undefined ? "none" : crossSite ? "cross-site" : "same-origin",
        ...(from !== undefined && method === "POST" && { origin: new URL(from).origin }),
        ...(cookie && { cookie }),
      },
      body: method === "POST" ? new URLSearchParams(form) : undefined,
    });
    const page = {
      url,
      status: response.status,
      headers: Object.fromEntries(response.headers),
      location: response.headers.get("location") ?? undefined,
      text: await response.text(),
    };
    this.trail.push({ method, url, form, status: page.status });
    this.#check(url, page, method);
    for (const line of response.headers.getSetCookie()) {
      const { name, value, attributes } = parseCookie(line);
      const gone = attributes["max-age"] === "0" || Date.parse(attributes.expires) < Date.now();
      if (gone) cookies.delete(name);
      else cookies.set(name, { value, sameSite: attributes.samesite?.toLowerCase() ?? "lax" });
    }
    this.#cookies.set(origin, cookies);
    return page;
  }

  /** Forgets the cookies of one site. */
  forget(origin) {
    this.#cookies.delete(origin);
  }
}

/** What a browser does next by itself: a redirect, or a form that carries a SAML message. */
function nextStep(page) {
  if (page.location !== undefined) return { method: "GET", url: new URL(page.location, page.url).href };
  const form = formsOf(page.text).find(({ inputs }) => "SAMLRequest" in inputs || "SAMLResponse" in inputs);
  return form && stepOf(form, page.url, {});
}

function stepOf({ method, action, inputs }, base, fields) {
  const url = new URL(action || base, base);
  const form = { ...inputs, ...fields };
  if (method === "POST") return { method, url: url.href, form };
  url.search = new URLSearchParams(form).toString();
  return { method, url: url.href };
}

/** The forms of an HTML page: `{ method, action, inputs }`. Buttons count when they are the only one of their form. */
function formsOf(html) {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, head, content]) => {
    const { method = "get", action } = attributesOf(head);
    const inputs = {};
    for (const [, text] of content.matchAll(/<input\b([^>]*)>/gis)) {
      const { name, value = "", type } = attributesOf(text);
      if (name !== undefined && type !== "submit" && type !== "checkbox") inputs[name] = value;
    }
    const buttons = [...content.matchAll(/<(?:button|input(?=[^>]*type="submit"))\b([^>]*)>/gis)].map(([, text]) => attributesOf(text));
    if (buttons.length === 1 && buttons[0].name !== undefined) inputs[buttons[0].name] = buttons[0].value ?? "";
    return { method: method.toUpperCase(), action: action ?? "", inputs };
  });
}

function attributesOf(text) {
  const found = text.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
  return Object.fromEntries([...found].map(([, name, double, single]) => [name.toLowerCase(), unescape(double ?? single)]));
}

const entities = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescape(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) => {
    if (name !== undefined) return entities[name] ?? all;
    return String.fromCodePoint(hex !== undefined ? parseInt(hex, 16) : Number(decimal));
  });
}
