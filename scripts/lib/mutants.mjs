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

/** Runs the tests of one kind, `lib` or `it`, that match one of the filters. */
function run(kind, filters) {
  // Without optimisation of this package alone, as it is compiled anew each time.
  const config = ["--config", 'profile.dev.package."edge-saml".opt-level=0'];
  const args = ["test", "--locked", ...config, ...(kind === "lib" ? ["--lib"] : ["--test", "it"]), "--", ...filters];
  const env = { ...process.env, CARGO_TARGET_DIR: target, CARGO_PROFILE_DEV_DEBUG: "0", RUST_BACKTRACE: "0" };
  return spawnSync("cargo", args, { cwd: copy, env, encoding: "utf8" });
}

/** What became of the guard: killed, survived, or why it could not be tried. */
function attempt({ edits, tests }) {
  const before = new Map();
  for (const { file, from, to } of edits) {
    const text = readFileSync(join(copy, file), "utf8");
    if (!before.has(file)) before.set(file, text);
    const count = text.split(from).length - 1;
    if (count === 1) writeFileSync(join(copy, file), text.replace(from, () => to));
    else return restore(before), `stale: its text stands ${count} times in ${file}`;
  }
  const [kind, filter] = tests.split(" ");
  const { status, stdout, stderr } = run(kind, [filter]);
  restore(before);
  if (status === 0) return "survived";
  if (/could not compile/.test(stderr)) return `does not compile: ${stderr.match(/^error.*$/m)?.[0]}`;
  return /test result: FAILED|panicked/.test(stdout + stderr) ? "killed" : `failed otherwise: ${stderr.slice(-500)}`;
}

function restore(before) {
  for (const [file, text] of before) writeFileSync(join(copy, file), text);
}

try {
  git("worktree", "add", "--detach", copy, "HEAD");
  // Every test that is named is there, and passes while the guards are there too.
  for (const kind of ["lib", "it"]) {
    const filters = [...new Set(chosen.map((guard) => guard.tests.split(" ")).filter(([other]) => other === kind).map(([, filter]) => filter))];
    if (filters.length === 0) continue;
    const { status, stdout, stderr } = run(kind, filters);
    const passed = [...stdout.matchAll(/^test (\S+) \.\.\. ok$/gm)].map(([, name]) => name);
    const missing = filters.filter((filter) => !passed.some((name) => name.includes(filter)));
    if (status !== 0 || missing.length > 0) throw new Error(`these do not pass as it is: ${missing}\n${stdout}${stderr}`);
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
