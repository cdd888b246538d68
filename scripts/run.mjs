// Starts the Worker, the demo identity provider and a connection between them; ends them all on Ctrl-C.
// Run by scripts/run, which has built the Worker.

import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DOMAIN, startDemo } from "./lib/demo.mjs";
import { makeCredentials } from "./lib/demo-idp.mjs";
import { freePort, portIsFree, root } from "./lib/worker.mjs";

let demo;

async function main() {
  const port = await choosePort(process.argv[2] ?? process.env.PORT);
  const adminToken = await readAdminToken();
  const credentials = await readCredentials();
  console.error("== starting workerd (a few seconds)");
  demo = await startDemo({ port, adminToken, credentials, persistTo: await stateFolder() });
  const { origin, idp } = demo;

  console.log(`
edge-saml runs. Sign in:

  open         ${origin}/sso/sign-in
  e-mail       ada@${DOMAIN}
  then pick    Ada Lovelace at the demo identity provider (${idp.origin})
  sign out     ${origin}/sso/sign-out   (there too)

  dashboard    ${origin}/sso/admin
  admin API    ${origin}/sso/api/v1/connections
  token        ${adminToken}   (for both)

  from there   ${idp.origin}   (tiles that begin a sign-in at the identity provider)
  no page      ${origin}/sso/sign-in?email=ada@${DOMAIN}&passive=true&return_to=/sso/session   (works after a sign-in)

  for a second connection: metadata URL ${idp.metadataUrl}, domain other.test, sign in as mallory@other.test

Ctrl-C ends everything.`);
}

async function choosePort(wanted) {
  if (wanted === undefined || wanted === "") return freePort(8787);
  const port = Number(wanted);
  if (!Number.isInteger(port) || port < 1 || port > 65_534) throw new Error(`"${wanted}" is not a port.`);
  if (!(await portIsFree(port))) throw new Error(`Port ${port} is taken. Give another one: scripts/run PORT`);
  return port;
}

/** Where the demo keeps its state: another folder when the tables were changed since, as nothing carries rows from one to the other. */
async function stateFolder() {
  const tables = createHash("sha256");
  const folder = join(root, "src/app");
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".rs"));
  for (const name of files.sort()) {
    const text = await readFile(join(folder, name), "utf8");
    for (const [table] of text.matchAll(/"CREATE TABLE [^"]*"/g)) tables.update(table);
  }
  return join(root, ".wrangler/state", tables.digest("hex").slice(0, 12));
}

/** ADMIN_TOKEN from .dev.vars, where it is written at the first run so that it stays the same. */
async function readAdminToken() {
  const file = join(root, ".dev.vars");
  const text = await readFile(file, "utf8").catch(() => "");
  const found = /^ADMIN_TOKEN\s*=\s*"?([^"\r\n]+?)"?\s*$/m.exec(text);
  if (found) return found[1];
  const token = randomBytes(24).toString("base64url");
  const before = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  await writeFile(file, `${before}ADMIN_TOKEN="${token}"\n`, { mode: 0o600 });
  return token;
}

/** The demo identity provider's key and certificate, made at the first run. */
async function readCredentials() {
  const folder = join(root, ".tools/demo-idp");
  const files = [join(folder, "key.pem"), join(folder, "cert.pem")];
  try {
    const [key, cert] = await Promise.all(files.map((file) => readFile(file, "utf8")));
    return { key, cert };
  } catch {
    const { key, cert } = makeCredentials();
    await mkdir(folder, { recursive: true });
    await writeFile(files[0], key, { mode: 0o600 });
    await writeFile(files[1], cert);
    return { key, cert };
  }
}

let ending = false;
async function end(code) {
  if (ending) return;
  ending = true;
  await demo?.stop().catch(() => {});
  process.exit(code);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(0));
main().catch((error) => {
  console.error(`scripts/run: ${error.message}`);
  end(1);
});
