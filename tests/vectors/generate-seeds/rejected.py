"""The stored refusals: one edit each of an accepted response. What is refused for how it was signed is made elsewhere."""

import json
import re
from pathlib import Path

VECTORS = Path(__file__).parent.parent
NOW = "2026-07-01T12:00:00Z"


def accepted(name):
    return (VECTORS / f"accept/{name}/response.xml").read_bytes().decode()


def write(name, response, now=NOW):
    folder = VECTORS / f"reject/{name}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "response.xml").write_bytes(response if isinstance(response, bytes) else response.encode())
    (folder / "case.json").write_text(json.dumps({"now": now, "reject": name.split("-")[0]}, indent=2) + "\n")


def once(text, old, new):
    assert old in text, old
    return text.replace(old, new, 1)


def part(text, start, end):
    at = text.index(start)
    return text[at : text.index(end, at) + len(end)]


okta, entra, samlp = accepted("okta-both"), accepted("entra-assertion"), accepted("samlp-assertion")
assertion = part(entra, "<Assertion ", "</Assertion>")
signature = part(entra, "<Signature ", "</Signature>")
bare = assertion.replace(signature, "")
evil = once(bare.replace(">ada", ">eve"), 'ID="_a0f1e2d3c-assertion"', 'ID="_evil"')

write("signature_bad_digest-other-name-id", once(okta, ">ada@acme.test</saml2:NameID>", ">eve@acme.test</saml2:NameID>"))
write("signature_bad_digest-response-attribute", once(okta, 'ID="id1000response" InResponseTo="_request"', 'ID="id1000response" InResponseTo="_other"'))
write("signature_invalid-new-digest", re.sub(r"<DigestValue>[^<]*", "<DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", entra))
write("signature_key_unknown-other-key", (VECTORS / "seeds/other-key.xml").read_text())
write("unsigned-stripped", entra.replace(signature, ""))
write("response_malformed-xsw3", once(entra, assertion, evil + assertion))
write("response_malformed-xsw4", once(entra, assertion, evil.replace("</Assertion>", assertion + "</Assertion>")))
write("response_malformed-xsw8", once(entra, assertion, once(evil, "<Subject>", once(signature, "</Signature>", f"<Object>{bare}</Object></Signature>") + "<Subject>")))
write("duplicate_id-twins", once(entra, assertion, evil.replace("_evil", "_a0f1e2d3c-assertion") + assertion))
write("signature_wrong_target-moved-to-response", once(entra.replace(signature, ""), "<samlp:Status>", f"{signature}<samlp:Status>"))
write("signature_wrong_target-evil-keeps-signature", once(entra, assertion, once(evil, "<Subject>", f"{signature}<Subject>")))
write("signature_multiple-twice", once(entra, signature, signature * 2))
write("signature_malformed-object", once(entra, "</Signature>", "<Object>anything</Object></Signature>"))
write("signature_alg_unsupported-hmac", once(entra, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"))
write("transform_forbidden-xpath", once(entra, '<Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>', '<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><XPath>0</XPath></Transform>'))
write("comment_forbidden-name-id", once(okta, ">ada@acme.test</saml2:NameID>", ">ada@acme.test<!-- -->.evil.example</saml2:NameID>"))
write("processing_instruction_forbidden-name-id", once(okta, ">ada@acme.test</saml2:NameID>", ">ada@acme.test<?x?>.evil.example</saml2:NameID>"))
write("doctype_forbidden-entity", once(samlp, "<samlp:Response", '<!DOCTYPE r [<!ENTITY e "x">]><samlp:Response'))
write("xml_not_wellformed-default-namespace-twice", once(entra, "<Conditions ", '<Conditions xmlns="urn:example:x" xmlns="urn:oasis:names:tc:SAML:2.0:assertion" '))
write("xml_not_wellformed-colon-xmlns", once(entra, "<Conditions ", '<Conditions p:xmlns="urn:example:x" '))
write("encoding_bad-utf-16", entra.encode("utf-16"))
write("expired-late", okta, "2026-07-01T12:08:00Z")
write("not_yet_valid-early", okta, "2026-07-01T11:00:00Z")
