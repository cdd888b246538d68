// The steps that features are made of: a connection between both ends, and a sign-in through it.

import assert from "node:assert/strict";
import { assertWellMade } from "../e2e/support.mjs";
import { Browser } from "./browser.mjs";

/** One feature with one identity provider: `system` is `{ origin, api, output() }`, `peer` of peers.mjs, `idp` what it started. */
export class Run {
  constructor({ system, peer, idp, user }) {
    Object.assign(this, { system, peer, idp, user, path: undefined });
  }

  newBrowser() {
    return new Browser((url, answer, method) => {
      if (new URL(url).origin === this.system.origin) assertWellMade(answer, method);
    });
  }

  async api(method, path, body, status = 200) {
    const answer = await this.system.api(method, path, body);
    assert.equal(answer.status, status, answer.text);
    return answer.body;
  }

  /**
   * A connection with these settings, and each end told about the other: by metadata as it is, or with `binding` as one
   * end has it that knows no other. `idp` is for the identity provider's `configure`.
   */
  async connect({ settings = {}, binding, idp = {} } = {}) {
    const { peer } = this;
    const domain = this.user.email.split("@")[1];
    const description = { name: peer.name, provider: peer.provider, domains: [domain], decrypt_assertions: peer.alwaysEncrypts === true };
    this.connection = await this.api("POST", "/connections", { ...description, ...settings }, 201);
    this.path = `/connections/${this.connection.id}`;
    await this.idp.configure(idp);
    await this.useBinding(binding);
    await this.api("POST", `${this.path}/enable`, { override_reason: "the sign-in that follows is the test" });
  }

  /** Tells each end about the other, as `connect` does. */
  async useBinding(binding) {
    await this.saveMetadata(binding);
    await this.idp.trust(onlyBinding(await this.ourMetadata(), binding));
  }

  /** Saves the identity provider's metadata as it is now, as a vendor does: by URL, or else pasted. */
  async saveMetadata(binding) {
    const isPasted = binding !== undefined || this.peer.provider === "google"; // Google has no URL for it
    const from = isPasted ? { xml: onlyBinding(await this.idp.metadata(), binding) } : { url: this.idp.metadataUrl };
    return this.api("POST", `${this.path}/metadata`, from);
  }

  async ourMetadata() {
    const response = await fetch(this.connection.service_provider.metadata_url);
    assert.equal(response.status, 200);
    return response.text();
  }

  /** Types the address on our sign-in page; options as for `Browser.submit`. */
  async begin(browser, options) {
    const page = await browser.open(`${this.system.origin}/sso/sign-in?return_to=%2Fsso%2Fsession`);
    return browser.submit(page, { email: this.user.email }, options);
  }

  /** A whole sign-in; `asked`: whether the identity provider must show its login page, or must not. */
  async signIn(browser = this.newBrowser(), { asked = true } = {}) {
    const page = await this.logInIf(asked, browser, await this.begin(browser));
    await this.assertSignedIn(page);
    return browser;
  }

  async logInIf(asked, browser, page) {
    const isLoginPage = this.peer.isLoginPage(page);
    if (isLoginPage !== asked) assert.fail(`${asked ? "" : "no "}login page was expected: ${await this.shown(page)}`);
    return asked ? this.peer.logIn(browser, page, this.user) : page;
  }

  /** The browser came to where it was going, and is signed in as the user. */
  async assertSignedIn(page) {
    if (page.url !== `${this.system.origin}/sso/session` || page.status !== 200) assert.fail(await this.shown(page));
    const { user, connection } = JSON.parse(page.text);
    const { email, firstName, lastName } = this.user;
    assert.deepEqual([user.email, user.first_name, user.last_name, connection], [email, firstName, lastName, this.connection.id]);
  }

  /** A page as a failed test shows it, with what we refused and what both ends logged. */
  async shown({ url, status, text }) {
    const words = text.replace(/<(style|script|head)\b[^]*?<\/\1>|<[^>]*>/g, " ").replace(/\s+/g, " ").slice(0, 1000);
    const { sign_ins } = await this.api("GET", `${this.path}/sign-ins`);
    const reasons = refused(sign_ins).map(({ code, detail }) => `refused as ${code}: ${detail}`);
    return [`${status} ${url}`, words, ...reasons, this.system.output().slice(-1000), this.idp.output().slice(-1000)].join("\n");
  }

  /** How many responses the browser has brought us, decoded. */
  responsesIn(browser) {
    return browser.trail
      .filter(({ url, form }) => url === this.connection.service_provider.acs_url && form?.SAMLResponse)
      .map(({ form }) => Buffer.from(form.SAMLResponse, "base64").toString());
  }

  /** Removes the connection, which must have refused nothing. */
  async end() {
    const { sign_ins } = await this.api("GET", `${this.path}/sign-ins`);
    await this.remove();
    assert.deepEqual(refused(sign_ins), []);
  }

  async remove() {
    if (this.path === undefined) return;
    await this.api("DELETE", this.path, undefined, 204);
    this.path = undefined;
  }
}

/** What was refused in these attempts of the sign-in log. */
function refused(attempts) {
  return attempts.flatMap(({ events }) => events).filter(({ code }) => code !== null);
}

/** Metadata that says no other binding of requests and of logout messages than this one, if any. */
function onlyBinding(xml, binding) {
  if (binding === undefined) return xml;
  const other = `bindings:HTTP-${binding === "POST" ? "Redirect" : "POST"}"`;
  const endpoints = /<(?:\w+:)?Single(?:SignOn|Logout)Service\b[^>]*?(?:\/>|><\/[\w:]+>)\s*/g;
  return xml.replace(endpoints, (element) => (element.includes(other) ? "" : element));
}
