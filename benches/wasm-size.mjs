// Prints how much code of each crate is in a wasm module: node wasm-size.mjs MODULE.wasm
//
// The module must have the names of its functions, so it is the compiler's output, before wasm-bindgen and wasm-opt.

import { readFileSync } from "node:fs";

const CRATES_SHOWN = 15;
const named = readFileSync(process.argv[2]);
const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`;

/** Reads the binary format (WebAssembly Core 5): sections of a kind, a size and a content. */
class Reader {
  constructor(octets, at = 0) { Object.assign(this, { octets, at }); }
  byte() { return this.octets[this.at++]; }
  number() {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }
  text() {
    const length = this.number();
    this.at += length;
    return this.octets.toString("utf8", this.at - length, this.at);
  }
  limits() { if (this.byte() & 1) this.number(); this.number(); }
}

const CUSTOM = 0, IMPORTS = 2, CODE = 10;
const names = new Map();
const bodies = [];
let imported = 0;
for (const reader = new Reader(named, 8); reader.at < named.length; ) {
  const kind = reader.byte();
  const size = reader.number();
  const end = reader.at + size;
  if (kind === IMPORTS) {
    for (let count = reader.number(); count > 0; count--) {
      reader.text(); reader.text();
      const what = reader.byte();
      if (what === 0) { imported++; reader.number(); }
      else if (what === 1) { reader.byte(); reader.limits(); }
      else if (what === 2) reader.limits();
      else reader.at += 2;
    }
  } else if (kind === CODE) {
    for (let count = reader.number(); count > 0; count--) {
      const length = reader.number();
      bodies.push(length);
      reader.at += length;
    }
  } else if (kind === CUSTOM && reader.text() === "name") {
    while (reader.at < end) {
      const part = reader.byte();
      const length = reader.number();
      const next = reader.at + length;
      if (part === 1) for (let count = reader.number(); count > 0; count--) names.set(reader.number(), reader.text());
      reader.at = next;
    }
  }
  reader.at = end;
}

/** The crate of a function: `_ZN9edge_saml3app…` is edge_saml, `_ZN86_$LT$serde_json..de..Deserializer…` serde_json. */
function crateOf(name) {
  const [, length, path] = /^_ZN(\d+)(.*)$/.exec(name) ?? [];
  if (path === undefined) return "other";
  const first = path.slice(0, Number(length));
  return /^(?:_?\$(?:LT|RF|LP|u\d+)\$|dyn |mut |_)*([A-Za-z]\w*)/.exec(first)?.[1] ?? "other";
}
const crates = new Map();
bodies.forEach((length, i) => {
  const crate = crateOf(names.get(imported + i) ?? "");
  crates.set(crate, (crates.get(crate) ?? 0) + length);
});
const sorted = [...crates].sort(([, a], [, b]) => b - a);
console.log(`code before wasm-opt: ${kib(bodies.reduce((sum, length) => sum + length, 0))}, of which (generic code counts where it was written)`);
for (const [crate, length] of sorted.slice(0, CRATES_SHOWN)) console.log(`${kib(length).padStart(9)}  ${crate}`);
