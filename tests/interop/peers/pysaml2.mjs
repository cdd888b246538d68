// pysaml2's identity provider, run by Python in a virtual environment that scripts/interop makes (pysaml2_idp.py has the
// pages). Signatures are made and verified by the xmlsec1 program.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "../../../scripts/lib/worker.mjs";
import { Keys } from "./keys.mjs";
import { addresses, loginPages } from "./server.mjs";

const python = join(root, ".tools/interop/pysaml2/bin/python");
const script = fileURLToPath(new URL("pysaml2_idp.py", import.meta.url));
const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));

export const name = "pysaml2";
export const id = "pysaml2";
export const provider = "custom";
const ENCRYPTS_WEAKLY = "it encrypts by Triple DES alone, which we refuse";
export const notOffered = { encrypted: ENCRYPTS_WEAKLY, decryptionKeys: ENCRYPTS_WEAKLY, encryptedNameIds: "it encrypts no NameIDs" };
export const { isLoginPage, logIn, isSignedOutPage } = loginPages;

/** What is missing on this machine, as a sentence; undefined when nothing is. */
export function missing() {
  try {
    execFileSync("xmlsec1", ["--version"], { stdio: "ignore" });
  } catch {
    return "xmlsec1 is missing. Install it (Debian: apt-get install --no-install-recommends xmlsec1).";
  }
  return existsSync(python) ? undefined : "pysaml2 is missing. scripts/interop installs it; it needs Python with venv (Debian: apt-get install --no-install-recommends python3-venv).";
}

export async function start({ users }) {
  const keys = new Keys();
  const child = spawn(python, [script, JSON.stringify(users)], { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (output = (output + text).slice(-20_000)));
  child.stdout.setEncoding("utf8");
  const ended = once(child, "exit");
  const [line] = await Promise.race([
    once(child.stdout, "data"),
    ended.then(() => {
      throw new Error(`pysaml2's identity provider did not start: ${output}`);
    }),
  ]);
  const origin = `http://localhost:${Number(line)}`;

  const control = async (changes) => {
    const response = await fetch(`${origin}/control`, { method: "POST", body: JSON.stringify(changes) });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}\n${output}`);
  };
  const useKeys = () => control({ keys: { signing: keys.signing.key, published: keys.published.map(({ cert }) => cert) } });
  await useKeys();

  return {
    version: /^pysaml2==(.+)$/m.exec(readFileSync(requirements, "utf8"))[1],
    ...addresses(origin),
    trust: (metadata) => control({ metadata }),
    configure: ({ encrypt = false, wantSigned = false }) => control({ encrypt, wantSigned }),
    keys: {
      publishNext: async () => (keys.publishNext(), useKeys()),
      switch: async () => (keys.switch(), useKeys()),
      retireOld: async () => (keys.retireOld(), useKeys()),
    },
    output: () => output,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
