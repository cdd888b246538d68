// Seeds by samlp (Auth0's IdP middleware): Okta's style, prefixed, both or one of the two signed.
import { readFileSync } from "node:fs";
import { makeResponse } from "../../../scripts/lib/demo-idp.mjs";
import { acs, ada, audience, grace, issuer, now, request, writeAccepted, writeSeed } from "./common.mjs";

// samlp takes the Response's IssueInstant from the clock, whatever the options say.
const Clock = Date;
globalThis.Date = class extends Clock {
  constructor(...args) {
    super(...(args.length ? args : [now]));
  }
};

const key = (name) => ({
  key: readFileSync(new URL(`../keys/${name}.key.pem`, import.meta.url), "utf8"),
  cert: readFileSync(new URL(`../keys/${name}.cert.pem`, import.meta.url), "utf8"),
});

async function respond(user, options) {
  const attributes = { "Email address": user.email, "First name": user.firstName, "Last name": user.lastName, groups: ["staff", "admins"] };
  const response = await makeResponse({
    ...key("idp"), issuer, acs, audience, inResponseTo: request, user, attributes,
    now: new Date(now), lifetimeSeconds: 300, sessionIndex: "_session", ...options,
  });
  return [Buffer.from(response, "base64").toString("utf8"), { name_id: options?.nameId ?? user.email, attributes }];
}

writeAccepted("samlp-both", ...(await respond(ada)));
writeAccepted("samlp-assertion", ...(await respond(ada, { signResponse: false })));
writeAccepted("samlp-response", ...(await respond(ada, { signAssertion: false })));
writeAccepted("samlp-second-user", ...(await respond(grace, { signResponse: false })));
writeSeed("other-key", (await respond(ada, { ...key("other"), signResponse: false }))[0]);
