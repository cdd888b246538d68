// Runs scripts/mutants: one edit after the other in a worktree of the present commit, each with the tests that must fail.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { guards } from "./guards.mjs";

const wanted = process.argv.slice(2);
const chosen = guards.filter((guard) => wanted.length === 0 || wanted.some((word) => guard.what.includes(word)));
const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "edge-saml-mutants-"));
const copy = join(folder, "copy");
const git = (...args) => execFileSync("git", ["-C", root, ...args], { stdio: "pipe" });
const target = process.env.MUTANTS_TARGET_DIR ?? join(root, "target/mutants");

/** The exit status of the tests that `tests` names: `lib NAME` or `it NAME`. */
function run(tests) {
  const [kind, ...filter] = tests.split(" ");
  const args = ["test", "--locked", "--quiet", ...(kind === "lib" ? ["--lib"] : ["--test", "it"]), "--", ...filter];
  const env = { ...process.env, CARGO_TARGET_DIR: target, CARGO_PROFILE_DEV_DEBUG: "0", RUST_BACKTRACE: "0", MUTATION_COUNT: "20000" };
  return spawnSync("cargo", args, { cwd: copy, env, encoding: "utf8" });
}

/** What became of the guard: killed, survived, or why it could not be tried. */
function attempt({ file, from, to, tests }) {
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  if (text.split(from).length !== 2) return `stale: its text stands ${text.split(from).length - 1} times in ${file}`;
  writeFileSync(path, text.replace(from, () => to));
  try {
    const { status, stdout, stderr } = run(tests);
    if (status === 0) return "survived";
    if (/could not compile/.test(stderr)) return `does not compile: ${stderr.match(/^error.*$/m)?.[0]}`;
    return /test result: FAILED|panicked/.test(stdout + stderr) ? "killed" : `failed otherwise: ${stderr.slice(-500)}`;
  } finally {
    writeFileSync(path, text);
  }
}

try {
  git("worktree", "add", "--detach", copy, "HEAD");
  // Every test that is named passes while the guards are there, and exists.
  for (const tests of new Set(chosen.map((guard) => guard.tests))) {
    const { status, stdout, stderr } = run(tests);
    if (status !== 0 || !/test result: ok\. [1-9]/.test(stdout)) throw new Error(`${tests} does not pass as it is: ${stdout}${stderr}`);
  }
  const results = { killed: 0, other: 0 };
  for (const guard of chosen) {
    const result = attempt(guard);
    results[result === "killed" ? "killed" : "other"] += 1;
    console.log(`${result === "killed" ? "killed  " : "NOT KILLED"} ${guard.what} (${guard.tests})${result === "killed" ? "" : `: ${result}`}`);
  }
  console.log(`${results.killed} of ${chosen.length} guards cannot be taken away unnoticed`);
  process.exitCode = results.other === 0 ? 0 : 1;
} finally {
  try {
    git("worktree", "remove", "--force", copy);
  } catch {}
  rmSync(folder, { recursive: true, force: true });
}
