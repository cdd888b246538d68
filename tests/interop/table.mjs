// The table of docs/interoperability.md, from what a run found.

/**
 * `features` of features.mjs; `results` are `{ name, version, cells }`, a cell by the ID of its feature: `"passed"`,
 * `"failed"` or `{ notOffered: reason }`.
 */
export function table(features, results) {
  const reasons = [];
  const cell = (found) => {
    if (found?.notOffered === undefined) return found ?? "not run";
    if (!reasons.includes(found.notOffered)) reasons.push(found.notOffered);
    return `not offered [${reasons.indexOf(found.notOffered) + 1}]`;
  };
  const row = (cells) => `| ${cells.join(" | ")} |`;
  const lines = [
    row(["", ...results.map(({ name }) => name)]),
    row(["---", ...results.map(() => "---")]),
    row(["version", ...results.map(({ version }) => version)]),
    ...features.map(({ id, title }) => row([title, ...results.map(({ cells }) => cell(cells[id]))])),
  ];
  const notes = reasons.map((reason, index) => `${index + 1}. ${reason[0].toUpperCase()}${reason.slice(1)}.`);
  return `${INTRODUCTION}\n${lines.join("\n")}\n\nNot offered:\n\n${notes.join("\n")}\n`;
}

const INTRODUCTION = `# Interoperability

Made by \`scripts/interop --write\` from a run of the built Worker against these identity providers (\`tests/interop\`); do not edit it by hand.
\`scripts/interop\` fails when a run finds something else than what is written here, versions included.

- SimpleSAMLphp is Debian's package, with its own pages. pysaml2, samlify and samlp are libraries: the login page and the
  session around them are ours, every SAML message is read, verified, made and signed by them.
- samlp takes four shapes: what is signed and encrypted, the NameID and the attributes are as those identity providers send them.
  These are not the products themselves.
- "Verifies our signature": the request as we sent it is accepted, and refused when a part of it is changed or its signature is taken out.
- "Logout": afterwards the user is signed in at neither end, in no window. Begun by us: a request that was changed is refused first.
- "Changes while users sign in": two people sign in without a pause, none of whose sign-ins fails, while the second certificate is added,
  the key is switched, and the first certificate is removed.
`;
