// Starts the built Worker in workerd (wrangler dev) and stops it with everything it started.
// Used by scripts/run and by the end-to-end tests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
const START_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 5_000;
const OUTPUT_LIMIT = 200_000;

/** True when nothing listens on `port` on this machine, by IPv4 or IPv6. */
export async function portIsFree(port) {
  for (const host of ["127.0.0.1", "::1"]) {
    const server = createServer();
    const result = await new Promise((resolve) => {
      server.once("error", (error) => resolve(error.code));
      server.listen(port, host, () => resolve("free"));
    });
    server.close();
    if (result !== "free" && result !== "EADDRNOTAVAIL" && result !== "EAFNOSUPPORT") return false;
  }
  return true;
}

/** The first free port from `first` on, or any free port when `first` is not given. */
export async function freePort(first) {
  if (first !== undefined) {
    for (let port = first; port < first + 100 && port < 65_536; port += 1) {
      if (await portIsFree(port)) return port;
    }
    throw new Error(`No free port from ${first} to ${first + 99}.`);
  }
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    if (await portIsFree(port)) return port;
  }
  throw new Error("No free port.");
}

/**
 * Starts the Worker and waits until it answers.
 *
 * - `port`: a free one by default
 * - `persistTo`: the folder for KV and Durable Objects; by default a temporary one, deleted by `stop()`
 * - `vars`: variables over those of wrangler.toml and the two that are always set here
 * - `adminToken`: the ADMIN_TOKEN secret; without it the Worker has none
 * - `unlimited`: whether nothing is counted, for what sends thousands of requests
 * - `readyStatus`: what `GET /sso/session` answers when it is ready; 503 for a Worker that is misconfigured on purpose
 *
 * Resolves to `{ origin, port, output(), stop(), kill() }`.
 */
export async function startWorker({ port, persistTo, vars = {}, adminToken, unlimited = false, readyStatus = 401 } = {}) {
  port ??= await freePort();
  const origin = `http://localhost:${port}`;
  const scratch = await mkdtemp(join(tmpdir(), "edge-saml-"));
  const state = persistTo ?? join(scratch, "state");
  await mkdir(state, { recursive: true });

  // Named explicitly, this file takes the place of .dev.vars; and a secret does not show in the process list.
  const secrets = join(scratch, "secrets.env");
  await writeFile(secrets, adminToken === undefined ? "" : `ADMIN_TOKEN="${adminToken}"\n`, { mode: 0o600 });

  const config = unlimited ? await configWithoutLimits(scratch) : join(root, "wrangler.toml");
  const allVars = { PUBLIC_ORIGIN: origin, DEVELOPMENT: "on", ...vars };
  const child = spawn(
    process.execPath,
    [
      wrangler, "dev", "--config", config, "--local", "--ip", "localhost", "--port", String(port), "--inspector-port", "0",
      "--persist-to", state, "--env-file", secrets, "--show-interactive-dev-session=false",
      ...Object.entries(allVars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
    ],
    {
      cwd: root,
      detached: true, // its own process group, so that stop() reaches all of its children
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        NO_COLOR: "1",
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_REGISTRY_PATH: join(scratch, "registry"),
        WRANGLER_LOG_PATH: join(scratch, "logs"),
      },
    },
  );

  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output = (output + text).slice(-OUTPUT_LIMIT);
    });
  }
  let ended;
  child.once("error", (error) => (ended = error.message));
  child.once("exit", (code, signal) => (ended ??= signal ?? `exit code ${code}`));

  // Also when this process ends without having called stop().
  const atExit = () => {
    signalGroup(child, "SIGKILL");
    rmSync(scratch, { recursive: true, force: true });
  };
  process.once("exit", atExit);
  let stopping;
  /** Ends it in the middle of whatever it does, as a crash would; what it has stored stays. */
  const kill = async () => {
    signalGroup(child, "SIGKILL");
    await stop();
  };
  const stop = () => (stopping ??= stopGroup(child, scratch).finally(() => process.off("exit", atExit)));

  try {
    await untilReady(origin, readyStatus, () => ended);
  } catch (error) {
    await stop();
    throw new Error(`The Worker did not start: ${error.message}\n${output.slice(-4000)}`);
  }
  return { origin, port, output: () => output, stop, kill };
}

/** Writes wrangler.toml without its limits, and without the build, which paths elsewhere would miss. */
async function configWithoutLimits(folder) {
  const sections = (await readFile(join(root, "wrangler.toml"), "utf8")).split(/^(?=\[)/m);
  const kept = sections.filter((section) => !/^\[(\[ratelimits\]|build)\]/.test(section));
  const path = join(folder, "wrangler.toml");
  await writeFile(path, kept.join("").replace('main = "', `main = "${root}`));
  return path;
}

async function untilReady(origin, readyStatus, ended) {
  const deadline = Date.now() + START_LIMIT_MS;
  let last = "no answer";
  while (Date.now() < deadline) {
    if (ended() !== undefined) throw new Error(`wrangler ended (${ended()}).`);
    try {
      const response = await fetch(`${origin}/sso/session`, { signal: AbortSignal.timeout(5_000) });
      await response.arrayBuffer();
      if (response.status === readyStatus) return;
      last = `GET /sso/session answered ${response.status}`;
    } catch (error) {
      last = error.cause?.code ?? error.message;
    }
    await sleep(50);
  }
  throw new Error(`not ready after ${START_LIMIT_MS / 1000} s (${last}).`);
}

function signalGroup(child, signal) {
  if (child.pid === undefined) return false;
  try {
    return process.kill(-child.pid, signal);
  } catch {
    return false; // nothing is left in the group
  }
}

async function stopGroup(child, scratch) {
  if (child.exitCode === null && child.signalCode === null && signalGroup(child, "SIGTERM")) {
    await Promise.race([once(child, "exit"), sleep(STOP_LIMIT_MS, undefined, { ref: false })]);
  }
  signalGroup(child, "SIGKILL"); // whatever outlived wrangler
  await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
}
