// The built Worker in workerd against identity providers that we did not write, over HTTP on loopback: every feature
// (features.mjs) with every identity provider (peers.mjs). Run by scripts/interop. At the end the table in
// docs/interoperability.md is compared with what ran.
//
// INTEROP_PEERS: IDs of the identity providers to run, separated by spaces; all, and the table, when it is not set.
// INTEROP_WRITE=1: writes the table instead of comparing it.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root, startWorker } from "../../scripts/lib/worker.mjs";
import { adminToken, apiOf } from "../e2e/support.mjs";
import { features } from "./features.mjs";
import { areAll, chosenPeers } from "./peers.mjs";
import { Run } from "./run.mjs";
import { table } from "./table.mjs";

const TABLE = join(root, "docs/interoperability.md");

let worker;
let system;
const results = [];

before(async () => {
  worker = await startWorker({ adminToken });
  system = { origin: worker.origin, api: apiOf(worker.origin), output: worker.output };
});
after(() => worker?.stop());

for (const peer of chosenPeers) {
  describe(peer.name, () => {
    const user = { email: `ada@${peer.id}.test`, firstName: "Ada", lastName: "Lovelace" };
    const result = { name: peer.name, version: undefined, cells: {} };
    let idp;
    before(async () => {
      idp = await peer.start({ users: [user] });
      result.version = idp.version;
      results.push(result);
    });
    after(() => idp?.stop());

    for (const feature of features) {
      const reason = peer.notOffered[feature.id];
      test(feature.title, { skip: reason && `not offered: ${reason}` }, async () => {
        result.cells[feature.id] = "failed";
        const run = new Run({ system, peer, idp, user });
        try {
          await feature.run(run);
          await run.end();
        } finally {
          await run.remove();
        }
        result.cells[feature.id] = "passed";
      });
      if (reason) result.cells[feature.id] = { notOffered: reason };
    }
  });
}

test("docs/interoperability.md says what ran", { skip: !areAll && "not all identity providers ran" }, async () => {
  for (const { name, cells } of results) assert.ok(!Object.values(cells).includes("failed"), `${name} has a failed cell`);
  const now = table(features, results);
  if (process.env.INTEROP_WRITE) await writeFile(TABLE, now);
  assert.equal(await readFile(TABLE, "utf8"), now, "the table is not what ran: make it anew with scripts/interop --write");
});
