// The keys of an identity provider while they change: first the old one signs and both are published, then the new one
// signs, then the old one is gone.

import { makeCredentials } from "../../../scripts/lib/demo-idp.mjs";

export class Keys {
  /** Each is `{ key, cert }`, PEM. */
  signing = makeCredentials({ commonName: "first" });
  next;
  old;

  /** What metadata lists. */
  get published() {
    return [this.signing, this.next, this.old].filter(Boolean);
  }

  publishNext() {
    this.next = makeCredentials({ commonName: "second" });
  }

  switch() {
    [this.signing, this.old, this.next] = [this.next, this.signing, undefined];
  }

  retireOld() {
    this.old = undefined;
  }
}

/** A certificate as metadata has it: base64 alone. */
export const base64Of = (pem) => pem.replace(/-----[^-]+-----|\s/g, "");

/** A certificate of metadata, as PEM. */
export const pemOf = (base64) => `-----BEGIN CERTIFICATE-----\n${base64.replace(/\s/g, "").match(/.{1,64}/g).join("\n")}\n-----END CERTIFICATE-----\n`;
