#!/usr/bin/env bash
# Makes the vectors of tests/vectors/dsig anew: throw-away keys by openssl, signatures by xmlsec1 (1.2 or later).
# The keys are not kept, so every run changes every file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/dsig"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ds='http://www.w3.org/2000/09/xmldsig#'
more='http://www.w3.org/2001/04/xmldsig-more#'
enveloped="<ds:Transform Algorithm=\"${ds}enveloped-signature\"/>"
exclusive='<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
with_comments='<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#WithComments"/>'
xpath='<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>'

# key NAME OPENSSL-ARGUMENTS…: a private key and a certificate for it.
key() {
  local name=$1
  shift
  openssl genpkey "$@" -out "$work/$name.key"
  openssl req -x509 -new -key "$work/$name.key" -subj "/O=Example, Inc./CN=$name" -days 3650 -out "$name.pem"
}

reference() { # URI TRANSFORMS [DIGEST]
  echo "<ds:Reference URI=\"$1\"><ds:Transforms>$2</ds:Transforms><ds:DigestMethod Algorithm=\"${3:-http://www.w3.org/2001/04/xmlenc#sha256}\"/><ds:DigestValue/></ds:Reference>"
}

template() { # SIGNATURE-METHOD REFERENCES [OBJECT] [COMMENT]
  cat <<XML
<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a1" Version="2.0" IssueInstant="2026-01-01T00:00:00Z">
  <saml:Issuer>https://idp.example/</saml:Issuer><ds:Signature xmlns:ds="$ds"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="$1"/>$2</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo>${3:-}</ds:Signature>
  <saml:Subject><saml:NameID>ada@example.com</saml:NameID>${4:-}</saml:Subject>
</saml:Assertion>
XML
}

sign() { # NAME KEY TEMPLATE-ARGUMENTS…
  local name=$1 key=$2
  shift 2
  template "$@" >"$work/template.xml"
  xmlsec1 --sign --id-attr:ID urn:oasis:names:tc:SAML:2.0:assertion:Assertion \
    --privkey-pem "$work/$key.key,$key.pem" --output "$name.xml" "$work/template.xml"
}

# pss NAME SALT SIGNATURE-METHOD: rsa-sha256.xml with its SignatureMethod replaced and signed anew with RSA-PSS.
pss() {
  local signed_info value
  sed -E "s|<ds:SignatureMethod [^>]*/>|$3|" rsa-sha256.xml >"$work/pss.xml"
  # SignedInfo is on one line and has no blanks; its canonical form has no empty-element tags and says what ds is.
  signed_info=$(sed -n -E 's|.*(<ds:SignedInfo>.*</ds:SignedInfo>).*|\1|p' "$work/pss.xml" |
    sed -E "s|<([A-Za-z:]+)( [^>]*)?/>|<\1\2></\1>|g; s|<ds:SignedInfo>|<ds:SignedInfo xmlns:ds=\"$ds\">|")
  value=$(printf %s "$signed_info" | openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt "rsa_pss_saltlen:$2" \
    -sign "$work/rsa-2048.key" | base64 -w 0)
  tr '\n' '\r' <"$work/pss.xml" | sed -E "s|(<ds:SignatureValue>)[^<]*|\1$value|" | tr '\r' '\n' >"$1.xml"
}

key rsa-2048 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
key rsa-2048-other -algorithm RSA -pkeyopt rsa_keygen_bits:2048
key rsa-1024 -algorithm RSA -pkeyopt rsa_keygen_bits:1024
key rsa-exponent-3 -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3
key rsa-8192 -algorithm RSA -pkeyopt rsa_keygen_bits:8192
key p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve
key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -pkeyopt ec_param_enc:named_curve
key p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -pkeyopt ec_param_enc:named_curve
key secp256k1 -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -pkeyopt ec_param_enc:named_curve
key p256-explicit -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit
key ed25519 -algorithm ED25519
# As large as a certificate may be, and an octet larger.
key large -algorithm RSA -pkeyopt rsa_keygen_bits:2048
rm large.pem
for octets in 16384 16385; do
  openssl req -x509 -key "$work/large.key" -subj "/CN=large,O=Example" -set_serial 1 -days 3650 \
    -addext "nsComment=$(head -c $((octets - 801)) /dev/zero | tr '\0' x)" -out "$octets-octets.pem"
done

one=$(reference '#_a1' "$enveloped$exclusive")
sign rsa-sha256 rsa-2048 "${more}rsa-sha256" "$one"
sign rsa-sha256-other-key rsa-2048-other "${more}rsa-sha256" "$one"
sign rsa-sha256-default-c14n rsa-2048 "${more}rsa-sha256" "$(reference '#_a1' "$enveloped")"
sign rsa-sha256-comments rsa-2048 "${more}rsa-sha256" "$(reference '#_a1' "$enveloped$with_comments")" '' '<!--comment-->'
sign rsa-sha1 rsa-2048 "${ds}rsa-sha1" "$one"
sign rsa-sha256-digest-sha1 rsa-2048 "${more}rsa-sha256" "$(reference '#_a1' "$enveloped$exclusive" "${ds}sha1")"
sign ecdsa-p256-sha512 p256 "${more}ecdsa-sha512" "$one"
sign ecdsa-p384-sha256 p384 "${more}ecdsa-sha256" "$one"
sign ecdsa-p521-sha256 p521 "${more}ecdsa-sha256" "$one"

mgf1='http://www.w3.org/2007/05/xmldsig-more#'
sha256='<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
params() { # SALT
  echo "<ds:SignatureMethod Algorithm=\"${mgf1}rsa-pss\"><pss:RSAPSSParams xmlns:pss=\"$mgf1\">$sha256<pss:MaskGenerationFunction Algorithm=\"${mgf1}MGF1\">$sha256</pss:MaskGenerationFunction><pss:SaltLength>$1</pss:SaltLength><pss:TrailerField>1</pss:TrailerField></pss:RSAPSSParams></ds:SignatureMethod>"
}
pss rsa-pss-sha256 digest "<ds:SignatureMethod Algorithm=\"${mgf1}sha256-rsa-MGF1\"></ds:SignatureMethod>"
pss rsa-pss-defaults digest "<ds:SignatureMethod Algorithm=\"${mgf1}rsa-pss\"></ds:SignatureMethod>"
pss rsa-pss-params digest "$(params 32)"
pss rsa-pss-no-salt 0 "$(params 0)"

# Signed all right, and still to be refused in a SAML message.
sign empty-uri rsa-2048 "${more}rsa-sha256" "$(reference '' "$enveloped$exclusive")"
sign object rsa-2048 "${more}rsa-sha256" "$one" '<ds:Object Id="_o1">anything</ds:Object>'
sign two-references rsa-2048 "${more}rsa-sha256" "$one$one"
sign two-canonicalizations rsa-2048 "${more}rsa-sha256" "$(reference '#_a1' "$enveloped$exclusive$exclusive")"
sign xpath rsa-2048 "${more}rsa-sha256" "$(reference '#_a1' "$xpath$exclusive")"
sign of-object-only rsa-2048 "${more}rsa-sha256" "$(reference '#_o1' "$exclusive")" '<ds:Object Id="_o1">anything</ds:Object>'
