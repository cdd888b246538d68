// Takes the names of functions out of a wasm module: node strip-names.mjs MODULE.wasm
//
// They are for stack traces alone, and a twentieth of what is uploaded. A panic's message and place in the source are data
// and stay. wasm-opt could do it, but worker-build always tells it to keep them.

import { readFileSync, writeFileSync } from "node:fs";

const HEADER_BYTES = 8;
const CUSTOM = 0;

const [path] = process.argv.slice(2);
const module = readFileSync(path);

/** A number in LEB128 (WebAssembly Core 5.2.2), and where it ends. */
function number(at) {
  for (let value = 0, factor = 1; ; factor *= 128) {
    const byte = module[at++];
    value += (byte & 127) * factor;
    if (byte < 128) return [value, at];
  }
}

const kept = [module.subarray(0, HEADER_BYTES)];
for (let start = HEADER_BYTES; start < module.length; ) {
  const [size, content] = number(start + 1);
  const end = content + size;
  const [length, name] = number(content);
  const isNames = module[start] === CUSTOM && module.toString("utf8", name, name + length) === "name";
  if (!isNames) kept.push(module.subarray(start, end));
  start = end;
}
writeFileSync(path, Buffer.concat(kept));
