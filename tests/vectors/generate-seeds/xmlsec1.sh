#!/usr/bin/env bash
# Seeds by xmlsec1 on templates written here: the styles of Entra, ADFS, Keycloak and Okta, line ends, and other messages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

now=2026-07-01T12:00:00Z until=2026-07-01T12:05:00Z
issuer=http://www.okta.com/exk1test
audience=https://sp.example/sso/saml/conn_abcdefghij234567klmn
acs=$audience/acs
dsig='http://www.w3.org/2000/09/xmldsig#'
saml=urn:oasis:names:tc:SAML:2.0:assertion
samlp=urn:oasis:names:tc:SAML:2.0:protocol
md=urn:oasis:names:tc:SAML:2.0:metadata
exclusive='http://www.w3.org/2001/10/xml-exc-c14n#'
inclusive='http://www.w3.org/TR/2001/REC-xml-c14n-20010315'

# signature ID [PREFIX] [C14N] [INSIDE-C14N] [HASH]: a template; with PREFIX "" in the default namespace.
signature() {
  local id=$1 p=${2-ds:} c14n=${3:-$exclusive} inside=${4-} hash=${5:-sha256}
  local xmlns=xmlns${p:+:${p%:}}
  local digest=http://www.w3.org/2001/04/xmlenc#$hash
  [[ $hash == sha384 ]] && digest=http://www.w3.org/2001/04/xmldsig-more#sha384
  printf '%s' "<${p}Signature $xmlns=\"$dsig\"><${p}SignedInfo><${p}CanonicalizationMethod Algorithm=\"$c14n\"/><${p}SignatureMethod" \
    " Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-$hash\"/><${p}Reference URI=\"#$id\"><${p}Transforms><${p}Transform" \
    " Algorithm=\"${dsig}enveloped-signature\"/><${p}Transform Algorithm=\"$c14n\">$inside</${p}Transform></${p}Transforms>" \
    "<${p}DigestMethod Algorithm=\"$digest\"/><${p}DigestValue/></${p}Reference></${p}SignedInfo><${p}SignatureValue/>" \
    "<${p}KeyInfo><${p}X509Data><${p}X509Certificate/></${p}X509Data></${p}KeyInfo></${p}Signature>"
}

# sign FILE XPATH…: signs the templates at these places in place, in this order.
sign() {
  local file=$1
  shift
  for place in "$@"; do
    xmlsec1 --sign --id-attr:ID "$saml:Assertion" --id-attr:ID "$samlp:Response" --id-attr:ID "$samlp:LogoutRequest" \
      --id-attr:ID "$samlp:AuthnRequest" --id-attr:ID "$md:EntityDescriptor" --node-xpath "$place" \
      --privkey-pem keys/idp.key.pem,keys/idp.cert.pem --output "$work/signed" "$file"
    mv "$work/signed" "$file"
  done
}
outer="/*/*[local-name()='Signature']"
inner="/*/*[local-name()='Assertion']/*[local-name()='Signature']"

# accepted NAME NAME-ID ATTRIBUTES-JSON: takes $work/response.xml.
accepted() {
  mkdir -p "accept/$1"
  mv "$work/response.xml" "accept/$1/response.xml"
  printf '{\n  "now": "%s",\n  "accept": {\n    "name_id": "%s",\n    "attributes": %s\n  }\n}\n' "$now" "$2" "$3" >"accept/$1/case.json"
}

conditions() { # PREFIX
  printf '%s' "<$1SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><$1SubjectConfirmationData" \
    " InResponseTo=\"_request\" NotOnOrAfter=\"$until\" Recipient=\"$acs\"/></$1SubjectConfirmation></$1Subject><$1Conditions" \
    " NotBefore=\"2026-07-01T11:55:00.123Z\" NotOnOrAfter=\"$until\"><$1AudienceRestriction><$1Audience>$audience</$1Audience>" \
    "</$1AudienceRestriction></$1Conditions>"
}
context() { # PREFIX
  printf '%s' "<$1AuthnStatement AuthnInstant=\"$now\" SessionIndex=\"_session\"><$1AuthnContext><$1AuthnContextClassRef>" \
    "urn:oasis:names:tc:SAML:2.0:ac:classes:Password</$1AuthnContextClassRef></$1AuthnContext></$1AuthnStatement>"
}

# Entra: one signature, of the assertion, which is in the default namespace; so is the signature. Claims as attribute names.
claims=http://schemas.xmlsoap.org/ws/2005/05/identity/claims
claim() { printf '%s' "<Attribute Name=\"$claims/$1\"><AttributeValue>$2</AttributeValue></Attribute>"; }
claims_json() { printf '{"%s/emailaddress": ["ada@acme.test"], "%s/givenname": ["Ada"], "%s/surname": ["Lovelace"]}' "$claims" "$claims" "$claims"; }
entra() { # SIGNATURE-PREFIX
  cat <<XML
<samlp:Response ID="_r0f1e2d3c-response" Version="2.0" IssueInstant="2026-07-01T12:00:00.123Z" Destination="$acs" InResponseTo="_request" xmlns:samlp="$samlp"><Issuer xmlns="$saml">$issuer</Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><Assertion ID="_a0f1e2d3c-assertion" IssueInstant="2026-07-01T12:00:00.123Z" Version="2.0" xmlns="$saml"><Issuer>$issuer</Issuer>$(signature _a0f1e2d3c-assertion "$1")<Subject><NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">ada-0001</NameID>$(conditions '')<AttributeStatement>$(claim emailaddress ada@acme.test)$(claim givenname Ada)$(claim surname Lovelace)</AttributeStatement>$(context '')</Assertion></samlp:Response>
XML
}
entra '' >"$work/response.xml"
sign "$work/response.xml" "$inner"
accepted entra-assertion ada-0001 "$(claims_json)"
entra ds: >"$work/response.xml"
sign "$work/response.xml" "$inner"
accepted adfs-assertion ada-0001 "$(claims_json)"

# Okta as it really is: xs and xsi declared anew on every value, a PrefixList, both signed.
prefixes="<ec:InclusiveNamespaces xmlns:ec=\"$exclusive\" PrefixList=\"xs\"/>"
attribute() { printf '%s' "<saml2:Attribute Name=\"$1\" NameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified\"><saml2:AttributeValue xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"xs:string\">$2</saml2:AttributeValue></saml2:Attribute>"; }
names_json='{"Email address": ["ada@acme.test"], "First name": ["Ada"], "Last name": ["Lovelace"]}'
okta() { # RESPONSE-SIGNATURE ASSERTION-SIGNATURE
  cat <<XML
<?xml version="1.0" encoding="UTF-8"?><saml2p:Response Destination="$acs" ID="id1000response" InResponseTo="_request" IssueInstant="$now" Version="2.0" xmlns:saml2p="$samlp" xmlns:xs="http://www.w3.org/2001/XMLSchema"><saml2:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity" xmlns:saml2="$saml">$issuer</saml2:Issuer>$1<saml2p:Status><saml2p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></saml2p:Status><saml2:Assertion ID="id1000assertion" IssueInstant="$now" Version="2.0" xmlns:saml2="$saml" xmlns:xs="http://www.w3.org/2001/XMLSchema"><saml2:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">$issuer</saml2:Issuer>$2<saml2:Subject><saml2:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">ada@acme.test</saml2:NameID>$(conditions saml2:)$(context saml2:)<saml2:AttributeStatement>$(attribute 'Email address' ada@acme.test)$(attribute 'First name' Ada)$(attribute 'Last name' Lovelace)</saml2:AttributeStatement></saml2:Assertion></saml2p:Response>
XML
}
okta "$(signature id1000response ds: "$exclusive" "$prefixes")" "$(signature id1000assertion ds: "$exclusive" "$prefixes")" >"$work/response.xml"
sign "$work/response.xml" "$inner" "$outer"
accepted okta-both ada@acme.test "$names_json"

# Canonical XML 1.0, which takes in what is declared around: ADFS 2.0 and older stacks.
okta "$(signature id1000response ds: "$inclusive")" '' >"$work/response.xml"
sign "$work/response.xml" "$outer"
accepted inclusive-response ada@acme.test "$names_json"
okta '' "$(signature id1000assertion ds: "$inclusive")" >"$work/response.xml"
sign "$work/response.xml" "$inner"
accepted inclusive-assertion ada@acme.test "$names_json"

# Keycloak: SHA-384 here, namespaces on the root, the response signed.
cat >"$work/response.xml" <<XML
<samlp:Response xmlns:samlp="$samlp" xmlns:saml="$saml" Destination="$acs" ID="ID_3f-response" InResponseTo="_request" IssueInstant="2026-07-01T12:00:00.042Z" Version="2.0"><saml:Issuer>$issuer</saml:Issuer>$(signature ID_3f-response dsig: "$exclusive" '' sha384)<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion xmlns="$saml" ID="ID_3f-assertion" IssueInstant="2026-07-01T12:00:00.041Z" Version="2.0"><saml:Issuer>$issuer</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">ada</saml:NameID>$(conditions saml:)$(context saml:)<saml:AttributeStatement><saml:Attribute FriendlyName="email" Name="urn:oid:1.2.840.113549.1.9.1" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">ada@acme.test</saml:AttributeValue></saml:Attribute><saml:Attribute Name="Role" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue>staff</saml:AttributeValue></saml:Attribute><saml:Attribute Name="Role" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue>admins</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>
XML
sign "$work/response.xml" "$outer"
accepted keycloak-response ada '{"urn:oid:1.2.840.113549.1.9.1": ["ada@acme.test"], "Role": ["staff", "admins"]}'

# Pretty-printed before it was signed, with entities and character references; the same with CR LF line ends.
pretty() { # RESPONSE-SIGNATURE ASSERTION-SIGNATURE
  cat <<XML
<samlp:Response xmlns:samlp="$samlp"
    xmlns:saml="$saml"
    ID="_pretty-response" Version="2.0" IssueInstant="$now"
    Destination="$acs" InResponseTo="_request">
  <saml:Issuer>$issuer</saml:Issuer>
  $1
  <samlp:Status>
    <samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>
  </samlp:Status>
  <saml:Assertion ID="_pretty-assertion" Version="2.0" IssueInstant="$now">
    <saml:Issuer>$issuer</saml:Issuer>
    $2
    <saml:Subject>
      <saml:NameID
          NameQualifier="$issuer" SPNameQualifier="$audience"
          Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">ada&amp;0001</saml:NameID>
      <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
        <saml:SubjectConfirmationData InResponseTo="_request" NotOnOrAfter="$until" Recipient="$acs"/>
      </saml:SubjectConfirmation>
    </saml:Subject>
    <saml:Conditions NotBefore="2026-07-01T11:55:00Z" NotOnOrAfter="$until">
      <saml:AudienceRestriction>
        <saml:Audience>urn:example:another</saml:Audience>
        <saml:Audience>$audience</saml:Audience>
      </saml:AudienceRestriction>
      <saml:OneTimeUse/>
    </saml:Conditions>
    <saml:AuthnStatement AuthnInstant="$now" SessionIndex="_session" SessionNotOnOrAfter="2026-07-01T20:00:00Z">
      <saml:AuthnContext>
        <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
      </saml:AuthnContext>
    </saml:AuthnStatement>
    <saml:AttributeStatement>
      <saml:Attribute Name="mail"><saml:AttributeValue>ada@acme.test</saml:AttributeValue></saml:Attribute>
      <saml:Attribute Name="displayName"><saml:AttributeValue>Ada&#x20;&lt;Lovelace&gt;
of London &#233;</saml:AttributeValue></saml:Attribute>
      <saml:Attribute Name="department">
        <saml:AttributeValue/>
      </saml:Attribute>
    </saml:AttributeStatement>
  </saml:Assertion>
</samlp:Response>
XML
}
pretty_json='{"mail": ["ada@acme.test"], "displayName": ["Ada <Lovelace>\\nof London é"], "department": [""]}'
pretty_json=$(printf "$pretty_json")
pretty_json=${pretty_json//$'\n'/\\n}
for end in pretty crlf; do
  for what in both assertion response; do
    case $what in
    both) pretty "$(signature _pretty-response)" "$(signature _pretty-assertion)" ;;
    assertion) pretty '' "$(signature _pretty-assertion)" ;;
    response) pretty "$(signature _pretty-response)" '' ;;
    esac >"$work/response.xml"
    case $what in
    both) sign "$work/response.xml" "$inner" "$outer" ;;
    assertion) sign "$work/response.xml" "$inner" ;;
    response) sign "$work/response.xml" "$outer" ;;
    esac
    [[ $end == crlf ]] && sed -i 's/$/\r/' "$work/response.xml"
    accepted "$end-$what" 'ada&0001' "$pretty_json"
  done
done

# Messages that are signed by the same key, and are no sign-in.
mkdir -p seeds
okta "$(signature id1000response)" '' | sed -E 's|<saml2:Assertion .*</saml2:Assertion>||; s|status:Success"/>|status:Responder"><saml2p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></saml2p:StatusCode>|' >seeds/error-response.xml
sign seeds/error-response.xml "$outer"
cat >seeds/logout-request.xml <<XML
<samlp:LogoutRequest xmlns:samlp="$samlp" xmlns:saml="$saml" ID="_logout-request" Version="2.0" IssueInstant="$now" Destination="$audience/slo" NotOnOrAfter="$until"><saml:Issuer>$issuer</saml:Issuer>$(signature _logout-request)<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">ada@acme.test</saml:NameID><samlp:SessionIndex>_session</samlp:SessionIndex></samlp:LogoutRequest>
XML
sign seeds/logout-request.xml "$outer"
cat >seeds/authn-request.xml <<XML
<samlp:AuthnRequest xmlns:samlp="$samlp" xmlns:saml="$saml" ID="_authn-request" Version="2.0" IssueInstant="$now" AssertionConsumerServiceURL="$acs"><saml:Issuer>$issuer</saml:Issuer>$(signature _authn-request)</samlp:AuthnRequest>
XML
sign seeds/authn-request.xml "$outer"
cat >seeds/metadata.xml <<XML
<md:EntityDescriptor xmlns:md="$md" ID="_metadata" entityID="$issuer">$(signature _metadata)<md:IDPSSODescriptor protocolSupportEnumeration="$samlp"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="$dsig"><ds:X509Data><ds:X509Certificate>$(grep -v CERTIFICATE keys/idp.cert.pem | tr -d '\n')</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>
XML
sign seeds/metadata.xml "$outer"
