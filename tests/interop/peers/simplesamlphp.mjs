// SimpleSAMLphp as Debian packages it, run by PHP's built-in web server, with its own login page (exampleauth:UserPass).
// Its configuration is a folder of ours, read anew at every request; our metadata is loaded by its own XML source.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../scripts/lib/worker.mjs";
import { Keys } from "./keys.mjs";

const PACKAGE = "/usr/share/simplesamlphp";
const PASSWORD = "only for this run";
const START_LIMIT_MS = 20_000;

export const name = "SimpleSAMLphp";
export const id = "simplesamlphp";
export const provider = "custom";
export const notOffered = {};

/** The login page that it has itself: an address and a password. */
export const isLoginPage = (page) => page.status === 200 && page.text.includes('name="password"');
export const logIn = (browser, page, user) => browser.submit(page, { username: user.email, password: PASSWORD });
export const isSignedOutPage = (page) => page.status === 200 && page.text.includes("You have been logged out");

export async function start({ users }) {
  const folder = await mkdtemp(join(tmpdir(), "edge-saml-ssp-"));
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const keys = new Keys();
  const settings = {};

  // PHP reads while this writes: a file is there whole, or as it was.
  const write = async (file, text) => {
    const path = join(folder, file);
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  const configure = async () => {
    for (const [file, pair] of Object.entries({ current: keys.signing, new: keys.next ?? keys.old })) {
      if (!pair) continue;
      await write(`cert/${file}.key`, pair.key);
      await write(`cert/${file}.crt`, pair.cert);
    }
    await write("metadata/saml20-idp-hosted.php", hosted(origin, keys, settings));
  };
  for (const part of ["cert", "log", "data", "temp", "sessions", "metadata"]) await mkdir(join(folder, part));
  await write("config.php", config(origin, folder, []));
  await write("authsources.php", authsources(users));
  await write("acl.php", "<?php $config = [];");
  for (const set of ["saml20-idp-remote", "saml20-sp-hosted"]) await write(`metadata/${set}.php`, "<?php\n");
  await configure();

  // PHP keeps what it has compiled, and would look for a change every two seconds only.
  const options = ["-d", "display_errors=0", "-d", "opcache.revalidate_freq=0"];
  const server = spawn("php", [...options, "-S", `localhost:${port}`, "-t", join(PACKAGE, "www")], {
    env: { ...process.env, SIMPLESAMLPHP_CONFIG_DIR: folder, PHP_CLI_SERVER_WORKERS: "2" },
    detached: true, // its own process group, so that its workers end with it
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  server.stderr.setEncoding("utf8").on("data", (text) => (output = (output + text).slice(-20_000)));
  const end = (signal) => {
    try {
      process.kill(-server.pid, signal);
    } catch {
      // it has ended
    }
  };
  const atExit = () => end("SIGKILL");
  process.once("exit", atExit);

  const metadataUrl = `${origin}/saml2/idp/metadata.php`;
  const stop = async () => {
    const ended = server.exitCode === null && server.signalCode === null ? once(server, "exit") : undefined;
    end("SIGTERM");
    await ended;
    process.off("exit", atExit);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(metadataUrl, () => server.exitCode);
  } catch (error) {
    await stop();
    throw new Error(`SimpleSAMLphp did not start: ${error.message}\n${output}`);
  }

  return {
    version: versionOf(),
    origin,
    metadataUrl,
    async metadata() {
      const response = await fetch(metadataUrl);
      if (!response.ok) throw new Error(`${metadataUrl} answered ${response.status}: ${await response.text()}`);
      return response.text();
    },
    async trust(metadata) {
      await write("metadata/sp.xml", metadata);
      await write("config.php", config(origin, folder, [{ type: "xml", file: join(folder, "metadata/sp.xml") }]));
    },
    async configure(changes) {
      Object.assign(settings, { encrypt: false, encryptNameIds: false, wantSigned: false }, changes);
      await configure();
    },
    keys: {
      publishNext: async () => (keys.publishNext(), configure()),
      switch: async () => (keys.switch(), configure()),
      retireOld: async () => (keys.retireOld(), configure()),
    },
    signInUrl: ({ entityId, relayState }) =>
      `${origin}/saml2/idp/SSOService.php?${new URLSearchParams({ spentityid: entityId, ...(relayState && { RelayState: relayState }) })}`,
    logoutUrl: () => `${origin}/saml2/idp/initSLO.php?${new URLSearchParams({ RelayState: `${origin}/logout.php` })}`,
    output: () => output,
    stop,
  };
}

function versionOf() {
  const source = readFileSync(join(PACKAGE, "lib/SimpleSAML/Configuration.php"), "utf8");
  return /VERSION = '([^']+)'/.exec(source)[1];
}

/** What is missing on this machine, as a sentence; undefined when nothing is. */
export function missing() {
  try {
    execFileSync("php", ["--version"], { stdio: "ignore" });
  } catch {
    return "PHP is missing. Install it (Debian: apt-get install --no-install-recommends php-cli php-xml).";
  }
  if (!existsSync(PACKAGE)) return "SimpleSAMLphp is missing. Install it (Debian: apt-get install --no-install-recommends simplesamlphp).";
  return undefined;
}

async function untilReady(url, ended) {
  const deadline = Date.now() + START_LIMIT_MS;
  let last;
  while (Date.now() < deadline) {
    if (ended() !== null) throw new Error(`php ended with ${ended()}`);
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      const text = await response.text();
      if (text.includes("<md:EntityDescriptor")) return;
      last = `${response.status}: ${text.slice(0, 4_000)}`;
      break;
    } catch (error) {
      last = error.cause?.code ?? error.message;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url}: ${last}`);
}

// --- Its configuration ----------------------------------------------------------------------------------------------

/** A value as PHP source. */
function php(value) {
  if (value === null) return "null";
  if (typeof value === "string") return `'${value.replace(/['\\]/g, "\\$&")}'`;
  if (Array.isArray(value)) return `[${value.map(php).join(", ")}]`;
  if (typeof value === "object") return `[${Object.entries(value).map(([key, item]) => `${php(key)} => ${php(item)}`).join(", ")}]`;
  return String(value);
}

function config(origin, folder, sources) {
  return `<?php\n$config = ${php({
    baseurlpath: `${origin}/`,
    certdir: `${folder}/cert/`,
    loggingdir: `${folder}/log/`,
    datadir: `${folder}/data/`,
    tempdir: `${folder}/temp`,
    metadatadir: `${folder}/metadata`,
    "metadata.sources": [{ type: "flatfile", directory: `${folder}/metadata` }, ...sources],
    secretsalt: "one of our own, which it insists on",
    "auth.adminpassword": PASSWORD,
    timezone: "UTC",
    "logging.handler": "stderr",
    "logging.level": 4,
    debug: { saml: false, backtraces: false, validatexml: false },
    showerrors: true,
    errorreporting: false,
    "enable.saml20-idp": true,
    "module.enable": { exampleauth: true, core: true, saml: true },
    "store.type": "phpsession",
    "session.phpsession.savepath": `${folder}/sessions`,
    "session.cookie.secure": false,
    "session.cookie.samesite": "None",
    "language.cookie.secure": false,
    "trusted.url.domains": [new URL(origin).host],
    production: true,
  })};\n`;
}

function authsources(users) {
  const entries = users.map(({ email, firstName, lastName }) => [
    `${email}:${PASSWORD}`,
    { uid: [email.split("@")[0]], mail: [email], givenName: [firstName], sn: [lastName] },
  ]);
  return `<?php\n$config = ${php({
    admin: ["core:AdminPassword"],
    users: { 0: "exampleauth:UserPass", ...Object.fromEntries(entries) },
  }).replace("'0' =>", "0 =>")};\n`;
}

function hosted(origin, keys, { encrypt = false, encryptNameIds = false, wantSigned = false }) {
  const redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
  const post = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
  return `<?php\n$metadata[${php(`${origin}/idp`)}] = ${php({
    host: "__DEFAULT__",
    privatekey: "current.key",
    certificate: "current.crt",
    ...(keys.published.length > 1 && { new_privatekey: "new.key", new_certificate: "new.crt" }),
    auth: "users",
    SingleSignOnServiceBinding: [redirect, post],
    SingleLogoutServiceBinding: [redirect, post],
    NameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "simplesaml.nameidattribute": "uid",
    "signature.algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "sign.logout": true,
    "assertion.encryption": encrypt,
    "nameid.encryption": encryptNameIds,
    "validate.authnrequest": wantSigned,
    "sign.authnrequest": wantSigned,
    "validate.logout": true,
  })};\n`;
}
