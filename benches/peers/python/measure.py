"""Times python3-saml, and xmlsec (libxmlsec1) alone: measure.py FOLDER SECONDS

python3-saml validates as it does in a login, without the check against the XML schemas (wantXMLValidation is off).
Each run begins with the octets (base64 for python3-saml, which takes nothing else). Keys and settings are read once.
"""

import base64
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import xmlsec
from lxml import etree
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
facts = json.loads((folder / "facts.json").read_text())
pem = (folder / "idp.pem").read_text()

DS = "{http://www.w3.org/2000/09/xmldsig#}Signature"
ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion"


def report(peer, version, file, work, run):
    times, begin = [], time.perf_counter()
    while len(times) < 10 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    line = {"peer": peer, "version": version, "file": file, "work": work}
    print(json.dumps({**line, "us": min(times) * 1e6}))


settings = OneLogin_Saml2_Settings(
    {
        "strict": True,
        "sp": {"entityId": facts["audience"], "assertionConsumerService": {"url": facts["acs"]}},
        "idp": {
            "entityId": facts["issuer"],
            "singleSignOnService": {"url": "https://acme.okta.example/sso"},
            "x509cert": pem,
        },
        "security": {"wantXMLValidation": False, "wantAssertionsSigned": True, "wantMessagesSigned": True},
    }
)
url = urlsplit(facts["acs"])
request = {"https": "on", "http_host": url.netloc, "script_name": url.path, "get_data": {}, "post_data": {}}


def python3_saml(encoded):
    response = OneLogin_Saml2_Response(settings, encoded)
    if not response.is_valid(request, facts["in_response_to"]):
        raise SystemExit(f"python3-saml refuses: {response.get_error()}")
    response.get_attributes()
    return response.get_nameid()


key = xmlsec.Key.from_memory(pem, xmlsec.KeyFormat.CERT_PEM)


def signatures(octets):
    root = etree.fromstring(octets)
    for element in (root, root.find(ASSERTION)):
        xmlsec.tree.add_ids(element, ["ID"])
        context = xmlsec.SignatureContext()
        context.key = key
        context.verify(element.find(DS))


for file in ("small", "large"):
    octets = (folder / f"{file}.xml").read_bytes()
    encoded = base64.b64encode(octets).decode()
    if python3_saml(encoded) != facts["email"]:
        raise SystemExit("python3-saml found someone else")
    report("python3-saml", version("python3-saml"), file, "full validation", lambda: python3_saml(encoded))
    report("python-xmlsec", version("xmlsec"), file, "parse and signatures", lambda: signatures(octets))
