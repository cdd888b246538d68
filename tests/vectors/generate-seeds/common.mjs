// What all seeds have in common, and where they go.
import { mkdirSync, writeFileSync } from "node:fs";

export const now = "2026-07-01T12:00:00Z";
export const issuer = "http://www.okta.com/exk1test";
export const audience = "https://sp.example/sso/saml/conn_abcdefghij234567klmn";
export const acs = `${audience}/acs`;
export const request = "_request";
export const ada = { email: "ada@acme.test", firstName: "Ada", lastName: "Lovelace" };
export const grace = { email: "grace@acme.test", firstName: "Grace", lastName: "Hopper" };

const vectors = new URL("..", import.meta.url);

/** A response that must be accepted, and what its identity provider was told to say. */
export function writeAccepted(name, xml, { name_id, attributes }) {
  const folder = new URL(`accept/${name}/`, vectors);
  mkdirSync(folder, { recursive: true });
  const lists = Object.fromEntries(Object.entries(attributes).map(([name, values]) => [name, [values].flat()]));
  writeFileSync(new URL("response.xml", folder), xml);
  writeFileSync(new URL("case.json", folder), `${JSON.stringify({ now, accept: { name_id, attributes: lists } }, null, 2)}\n`);
}

/** A signed message that is no sign-in of its own. */
export function writeSeed(name, xml) {
  const folder = new URL("seeds/", vectors);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${name}.xml`, folder), xml);
}
