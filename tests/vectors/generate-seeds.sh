#!/usr/bin/env bash
# Makes tests/vectors/accept and tests/vectors/seeds anew, by software that isn't ours: samlp, samlify, pysaml2, xmlsec1.
# Needs node, python3, openssl, xmlsec1, and the network once for samlify and pysaml2. Identifiers and signatures differ
# with every run; keys and times do not. The refused responses are edits of the accepted ones.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

npm install --silent --prefix "$work" samlify@2.13.1
python3 -m venv "$work/python"
"$work/python/bin/pip" install --quiet pysaml2==7.5.5 freezegun

node generate-seeds/samlp.mjs
node generate-seeds/samlify.mjs "$work/node_modules/samlify"
"$work/python/bin/python" generate-seeds/pysaml2.py
generate-seeds/xmlsec1.sh
"$work/python/bin/python" generate-seeds/rejected.py
