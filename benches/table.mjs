// Prints what scripts/bench measured: node table.mjs TIMES.jsonl FOLDER

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const [times, folder] = process.argv.slice(2);
const lines = readFileSync(times, "utf8").trim().split("\n").map((line) => JSON.parse(line));

/** One row for each peer and kind of work, with the fastest run for each file. */
const rows = new Map();
for (const { peer, version, work, file, us } of lines) {
  const key = `${peer}\t${work}`;
  if (!rows.has(key)) rows.set(key, { peer, version, work, best: {} });
  const { best } = rows.get(key);
  best[file] = Math.min(best[file] ?? Infinity, us);
}
const row = (work) => [...rows.values()].find((r) => r.peer === "edge-saml" && r.work === work);
const ours = row("full validation").best;
const bare = row("two bare RSA-2048 verifications").best.any;
const key = row("reading the key of a stored certificate").best.any;

const show = (us) => (us === undefined ? "" : us < 1000 ? `${us.toFixed(0)} µs` : `${(us / 1000).toFixed(2)} ms`);
const ratio = (us, file) => (us === undefined ? "" : `${(us / ours[file]).toFixed(2)}×`);
const size = (file) => `${(statSync(join(folder, `${file}.xml`)).size / 1000).toFixed(1)} KB`;

const head = ["", "", `small, ${size("small")}`, "÷ ours", `large, ${size("large")}`, "÷ ours"];
const body = [...rows.values()]
  .filter(({ best }) => best.small !== undefined)
  .map(({ peer, version, work, best }) => [
    `${peer} ${version}`, work, show(best.small), ratio(best.small, "small"), show(best.large), ratio(best.large, "large"),
  ]);
const widths = head.map((_, i) => Math.max(...[head, ...body].map((cells) => cells[i].length)));
const line = (cells) => `| ${cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(" | ")} |`;
console.log([line(head), line(widths.map((width, i) => (i < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`))), ...body.map(line)].join("\n"));

console.log(`
Two bare RSA-2048 verifications by the rsa crate: ${show(bare)}; our full validation of the small response is ${(ours.small / bare).toFixed(2)} times that.
Reading the key of a stored certificate, once for each sign-in and in none of the rows: ${show(key)}.`);
