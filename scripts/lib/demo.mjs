// What scripts/run shows: the Worker, the demo identity provider, and a connection between them.

import { startDemoIdp } from "./demo-idp.mjs";
import { freePort, startWorker } from "./worker.mjs";

/** Whose users the demo identity provider has. */
export const DOMAIN = "acme.test";

/**
 * Starts all of it. `credentials` are the identity provider's `{ key, cert }`; `port`, `persistTo` and `adminToken` are as for
 * `startWorker`. Resolves to `{ origin, idp, stop() }`.
 */
export async function startDemo({ port, persistTo, adminToken, credentials }) {
  const running = [];
  const stop = () => Promise.all(running.reverse().map((part) => part.stop()));
  try {
    const origin = `http://localhost:${port}`;
    const idp = await startDemoIdp({ port: await freePort(port + 1), spOrigin: origin, logout: ["redirect", "post"], ...credentials });
    running.push(idp);
    running.push(await startWorker({ port, persistTo, adminToken }));
    const { name, service_provider: sp } = await connect(`${origin}/sso/api/v1`, adminToken, idp.metadataUrl);
    idp.addApp({ acs: sp.acs_url, audience: sp.entity_id, name });
    return { origin, idp, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Adds the connection as a vendor would, or takes the one from an earlier run; reads the metadata anew. Resolves to it. */
async function connect(api, token, metadataUrl) {
  const call = async (method, path, body) => {
    const response = await fetch(api + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`);
    return JSON.parse(text);
  };
  const { connections } = await call("GET", "/connections");
  const connection =
    connections.find(({ domains }) => domains.includes(DOMAIN)) ??
    (await call("POST", "/connections", { name: "Acme", provider: "okta", domains: [DOMAIN], organization: "acme" }));
  await call("POST", `/connections/${connection.id}/metadata`, { url: metadataUrl });
  return call("POST", `/connections/${connection.id}/enable`, { override_reason: "the demo: its first sign-in is the test" });
}
