// Times one validation in V8, whose engine workerd has too: node measure.mjs MODULE.wasm FOLDER SECONDS

import { readFileSync } from "node:fs";
import { join } from "node:path";

const [path, folder, seconds] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(path));
// The Worker's imports are there, but nothing that is measured calls them.
const imports = {};
for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
  if (kind !== "function") throw new Error(`${from}.${name} is a ${kind}`);
  imports[from] ??= {};
  imports[from][name] = () => { throw new Error(`${from}.${name} was called`); };
}
const { exports } = new WebAssembly.Instance(module, imports);

function fill(slot, octets) {
  const at = exports.reserve(slot, octets.length);
  new Uint8Array(exports.memory.buffer, at, octets.length).set(octets);
}

function report(file, work, run, expected) {
  const [times, begin] = [[], performance.now()];
  while (times.length < 20 || performance.now() - begin < Number(seconds) * 1000) {
    const start = performance.now();
    if (run() !== expected) throw new Error(`${file} is refused`);
    times.push(performance.now() - start);
  }
  const us = Math.min(...times) * 1000;
  console.log(JSON.stringify({ peer: "edge-saml, wasm", version: `Node ${process.versions.node}`, file, work, us }));
}

fill(1, readFileSync(join(folder, "facts.json")));
fill(2, readFileSync(join(folder, "idp.pem")));
exports.prepare(Math.floor(Date.now() / 1000));
for (const file of ["small", "large"]) {
  fill(0, readFileSync(join(folder, `${file}.xml`)));
  report(file, "full validation", exports.validate_response, 1);
}
report("any", "two bare RSA-2048 verifications", exports.two_bare_verifications, 0);
