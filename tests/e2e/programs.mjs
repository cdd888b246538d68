// Programs of the machine that some tests use where they are installed: xmllint with the OASIS schemas, xmlsec1.

import { execFile } from "node:child_process";
import { accessSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const SCHEMAS = "/usr/share/xml/opensaml";
const BASE_SCHEMAS = "/usr/share/xml/xmltooling";

export const run = promisify(execFile);

export function isMissing(program) {
  return run(program, ["--version"]).then(() => false, (error) => error.code === "ENOENT");
}

/** Why documents cannot be checked against a schema on this machine; `false` when they can. */
export async function schemaIsMissing() {
  try {
    accessSync(SCHEMAS);
    accessSync(BASE_SCHEMAS);
  } catch {
    return "the schemas are not installed (Debian: opensaml-schemas xmltooling-schemas)";
  }
  return (await isMissing("xmllint")) && "xmllint is not installed (Debian: libxml2-utils)";
}

/** Checks a document against an OASIS schema; those that it imports from the web are taken from this machine. */
export async function assertValid(xml, schema) {
  const imports = {
    "http://www.w3.org/TR/2002/REC-xmldsig-core-20020212/xmldsig-core-schema.xsd": "xmldsig-core-schema.xsd",
    "http://www.w3.org/TR/2002/REC-xmlenc-core-20021210/xenc-schema.xsd": "xenc-schema.xsd",
    "http://www.w3.org/2001/xml.xsd": "xml.xsd",
  };
  const entries = Object.entries(imports).map(([systemId, file]) => `<system systemId="${systemId}" uri="${BASE_SCHEMAS}/${file}"/>`);
  const folder = await mkdtemp(join(tmpdir(), "edge-saml-schema-"));
  try {
    const [catalog, document] = [join(folder, "catalog.xml"), join(folder, "document.xml")];
    await writeFile(catalog, `<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">${entries.join("")}</catalog>`);
    await writeFile(document, xml);
    await run("xmllint", ["--nonet", "--noout", "--schema", join(SCHEMAS, schema), document], { env: { ...process.env, XML_CATALOG_FILES: catalog } });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
