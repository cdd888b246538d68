// Runs schemathesis against the built Worker in workerd: calls made up from openapi.json, good and bad ones, and what must
// be true of each answer. Usage: node tests/schemathesis/run.mjs PATH-OF-SCHEMATHESIS
//
// Three rounds: one on a connection and a token that exist, without deleting them; one of deletions; one in which calls follow each
// other as their answers suggest.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCredentials, startDemoIdp } from "../../scripts/lib/demo-idp.mjs";
import { freePort, startWorker } from "../../scripts/lib/worker.mjs";

const [schemathesis] = process.argv.slice(2);
const SEED = "20260701";
const EXAMPLES = "50";
const adminToken = randomBytes(24).toString("base64url");
const port = await freePort();
const idp = await startDemoIdp({ spOrigin: `http://localhost:${port}`, ...makeCredentials() });
const worker = await startWorker({ port, adminToken, unlimited: true });
const folder = await mkdtemp(join(tmpdir(), "edge-saml-schemathesis-"));

async function api(method, path, body) {
  const response = await fetch(`${worker.origin}/sso/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? undefined : response.json();
}

/** A connection that decrypts, with an identity provider, a draft, a test and a setup link, and a token: what a path may name. */
async function prepare(domain) {
  const connection = await api("POST", "/connections", { name: "Acme", provider: "okta", domains: [domain], decrypt_assertions: true });
  await api("POST", `/connections/${connection.id}/metadata`, { xml: await (await fetch(idp.metadataUrl)).text() });
  await api("PATCH", `/connections/${connection.id}/draft`, { name: "Acme Inc." });
  const test = await api("POST", `/connections/${connection.id}/tests`, { configuration: "draft" });
  const link = await api("POST", `/connections/${connection.id}/setup-links`);
  const token = await api("POST", "/tokens", { name: domain, scopes: ["read"] });
  return { connection: connection.id, domain, generation: 1, link: link.id, test: test.id, token: token.id };
}

/** One round; resolves to whether everything held. */
async function round(name, options, parameters) {
  console.log(`\n== schemathesis: ${name}`);
  const config = join(folder, `${name.replaceAll(" ", "-")}.toml`);
  // A body may be as its schema says and still be refused for what it means: an unknown public suffix, XML that is no metadata.
  await writeFile(
    config,
    [
      `headers = { Authorization = "Bearer ${adminToken}" }`,
      `parameters = { ${Object.entries(parameters).map(([key, value]) => `"path.${key}" = "${value}"`).join(", ")} }`,
      "[checks]",
      "positive_data_acceptance.expected-statuses = [200, 201, 202, 204, 401, 403, 404, 409, 412, 422]",
      "negative_data_rejection.expected-statuses = [400, 401, 403, 404, 409, 412, 413, 415, 422, 501]",
      "",
    ].join("\n"),
  );
  const child = spawn(
    schemathesis,
    [
      "--config-file", config, "run", `${worker.origin}/sso/api/v1/openapi.json`, "--checks", "all", "--seed", SEED, "--workers", "1",
      "--max-examples", EXAMPLES, "--request-timeout", "20", "--no-color", "--continue-on-failure", "--warnings", "off", ...options,
    ],
    { stdio: "inherit", cwd: folder },
  );
  const [code] = await once(child, "exit");
  return code === 0;
}

let passed = false;
try {
  const deletions = "DELETE";
  const rounds = [
    ["on what exists", ["--exclude-method", deletions, "--phases", "examples,coverage,fuzzing"], await prepare("kept.test")],
    ["deletions", ["--include-method", deletions, "--phases", "coverage,fuzzing"], await prepare("deleted.test")],
    ["calls that follow each other", ["--phases", "stateful"], {}],
  ];
  passed = true;
  for (const [name, options, parameters] of rounds) passed = (await round(name, options, parameters)) && passed;
} finally {
  await Promise.all([worker.stop(), idp.stop(), rm(folder, { recursive: true })]);
}
process.exitCode = passed ? 0 : 1;
