// The identity providers that the Worker is tested against. Each is a module (or, for samlp, a shape) with the same
// interface:
//
// - `id`, `name`; `provider`: the preset of its connection; `alwaysEncrypts`: whether it encrypts assertions unasked
// - `notOffered`: by the ID of a feature (features.mjs), why it does not have it
// - `missing()`: a sentence about what this machine lacks to run it, or undefined
// - `isLoginPage(page)`, `logIn(browser, page, user)`: its login page, and what a person does there; `isSignedOutPage(page)`:
//   where a logout that began at it ends when it went well
// - `start({ users })`: runs it with these users, `{ email, firstName, lastName }`, and resolves to
//   - `version`, `origin`, `metadataUrl`, `metadata()`: its own metadata, XML
//   - `trust(xml)`: loads our metadata, in place of what it had
//   - `configure({ encrypt, encryptNameIds, wantSigned })`: encrypts assertions, or NameIDs; refuses requests without a good
//     signature. All off unless given
//   - `keys`: `publishNext()`, `switch()`, `retireOld()`: the steps of a change of its key
//   - `signInUrl({ entityId, relayState })`, `logoutUrl({ binding })`: where a sign-in or a logout begins at it;
//     `binding` is `redirect` or `post`
//   - `output()`: what it logged; `stop()`

import * as pysaml2 from "./peers/pysaml2.mjs";
import * as samlify from "./peers/samlify.mjs";
import { shapes } from "./peers/samlp.mjs";
import * as simplesamlphp from "./peers/simplesamlphp.mjs";

const peers = [simplesamlphp, pysaml2, samlify, ...shapes];

const names = (process.env.INTEROP_PEERS ?? "").split(/\s+/).filter(Boolean);
for (const name of names) {
  if (!peers.some(({ id }) => id === name)) throw new Error(`There is no "${name}" among ${peers.map(({ id }) => id).join(", ")}.`);
}

/** Whether all are to run: the variable INTEROP_PEERS names none by ID. */
export const areAll = names.length === 0;

/** Those that are to run. */
export const chosenPeers = areAll ? peers : peers.filter(({ id }) => names.includes(id));
