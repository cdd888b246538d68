// Times node-saml and samlify: node measure.mjs FOLDER SECONDS
//
// Each run begins with base64, which both expect, and ends with the identity. Settings and keys are read once. samlify is
// told to skip the check against the XML schemas, for which it needs another package; node-saml has none.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// The packages are installed into a folder of their own, not beside this file.
const packages = new URL("../../../.tools/bench/node/", import.meta.url).pathname;
const require = createRequire(join(packages, "package.json"));
const version = (name) => JSON.parse(readFileSync(join(packages, "node_modules", name, "package.json"), "utf8")).version;

const [folder, seconds] = [process.argv[2], Number(process.argv[3])];
const read = (name) => readFileSync(join(folder, name), "utf8");
const facts = JSON.parse(read("facts.json"));
const pem = read("idp.pem");

async function report(peer, file, run) {
  const [times, begin] = [[], performance.now()];
  while (times.length < 10 || performance.now() - begin < seconds * 1000) {
    const start = performance.now();
    const email = await run();
    times.push(performance.now() - start);
    if (email !== facts.email) throw new Error(`${peer} found ${email}`);
  }
  const us = Math.min(...times) * 1000;
  console.log(JSON.stringify({ peer, version: `${version(peer)}, Node ${process.versions.node}`, file, work: "full validation", us }));
}

const { SAML } = require("@node-saml/node-saml");
const nodeSaml = new SAML({
  callbackUrl: facts.acs,
  entryPoint: "https://acme.okta.example/sso",
  issuer: facts.audience,
  audience: facts.audience,
  idpCert: pem,
  idpIssuer: facts.issuer,
  wantAuthnResponseSigned: true,
  wantAssertionsSigned: true,
  // The same response comes again and again, so nothing can be forgotten after its first use.
  validateInResponseTo: "never",
});

const samlify = require("samlify");
samlify.setSchemaValidator({ validate: () => Promise.resolve("skipped") });
const idp = samlify.IdentityProvider({
  entityID: facts.issuer,
  signingCert: pem,
  wantAuthnRequestsSigned: false,
  singleSignOnService: [{ Binding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", Location: "https://acme.okta.example/sso" }],
});
const sp = samlify.ServiceProvider({
  entityID: facts.audience,
  wantAssertionsSigned: true,
  wantMessageSigned: true,
  assertionConsumerService: [{ Binding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", Location: facts.acs }],
});

for (const file of ["small", "large"]) {
  const SAMLResponse = readFileSync(join(folder, `${file}.xml`)).toString("base64");
  await report("@node-saml/node-saml", file, async () => (await nodeSaml.validatePostResponseAsync({ SAMLResponse })).profile.nameID);
  await report("samlify", file, async () => (await sp.parseLoginResponse(idp, "post", { body: { SAMLResponse } })).extract.nameID);
}
