"""Seeds by pysaml2 (with xmlsec1 below it): its own prefixes; both, the assertion or the response signed."""

import json
import shutil
from pathlib import Path

from freezegun import freeze_time
from saml2 import BINDING_HTTP_POST, saml
from saml2.config import IdPConfig
from saml2.server import Server

NOW = "2026-07-01T12:00:00Z"
ISSUER = "http://www.okta.com/exk1test"
AUDIENCE = "https://sp.example/sso/saml/conn_abcdefghij234567klmn"
VECTORS = Path(__file__).parent.parent
METADATA = f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{AUDIENCE}">
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:AssertionConsumerService
Binding="{BINDING_HTTP_POST}" Location="{AUDIENCE}/acs" index="0"/></md:SPSSODescriptor></md:EntityDescriptor>"""

config = {
    "entityid": ISSUER,
    "key_file": str(VECTORS / "keys/idp.key.pem"),
    "cert_file": str(VECTORS / "keys/idp.cert.pem"),
    "xmlsec_binary": shutil.which("xmlsec1"),
    "metadata": {"inline": [METADATA]},
    "service": {
        "idp": {
            "endpoints": {"single_sign_on_service": [("https://idp.example/sso", BINDING_HTTP_POST)]},
            "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}},
        }
    },
}


def respond(server, **options):
    return str(
        server.create_authn_response(
            {"mail": ["ada@acme.test"], "givenName": ["Ada"], "sn": ["Lovelace"]},
            in_response_to="_request",
            destination=f"{AUDIENCE}/acs",
            sp_entity_id=AUDIENCE,
            name_id=saml.NameID(format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", text="ada-0001"),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_instant": 1782907200},
            **options,
        )
    )


def write(folder, response, expected):
    folder = VECTORS / folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "response.xml").write_text(response)
    (folder / "case.json").write_text(json.dumps({"now": NOW, **expected}, indent=2) + "\n")


ATTRIBUTES = {
    "urn:oid:0.9.2342.19200300.100.1.3": ["ada@acme.test"],
    "urn:oid:2.5.4.42": ["Ada"],
    "urn:oid:2.5.4.4": ["Lovelace"],
}
SHA256 = {
    "sign_alg": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "digest_alg": "http://www.w3.org/2001/04/xmlenc#sha256",
}
SIGNED = {
    "both": {"sign_response": True, "sign_assertion": True},
    "assertion": {"sign_response": False, "sign_assertion": True},
    "response": {"sign_response": True, "sign_assertion": False},
}

with freeze_time(NOW):
    server = Server(config=IdPConfig().load(config))
    for name, signed in SIGNED.items():
        accept = {"accept": {"name_id": "ada-0001", "attributes": ATTRIBUTES}}
        write(f"accept/pysaml2-{name}", respond(server, **signed, **SHA256), accept)
    # Left to itself it signs with SHA-1.
    write("reject/signature_alg_weak-pysaml2-default", respond(server, **SIGNED["both"]), {"reject": "signature_alg_weak"})
