#!/usr/bin/env bash
# Makes the vectors of tests/vectors/xmlenc anew, encrypted to tests/vectors/keys/sp.cert.pem: content and logout
# requests by xmlsec1 (1.2 or later), keys by xmlsec1 and openssl (3.0), whole responses by npm's xml-encryption and samlp (npm ci).
# Every run changes every file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/xmlenc"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

keys=../keys
xenc='http://www.w3.org/2001/04/xmlenc#'
xenc11='http://www.w3.org/2009/xmlenc11#'
ds='http://www.w3.org/2000/09/xmldsig#'
more='http://www.w3.org/2001/04/xmldsig-more#'

openssl pkey -in "$keys/sp.key.pem" -pubout -out "$work/sp.pub"
printf '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">zo\xc3\xab@example.com</saml:NameID>' >plaintext.xml

# content NAME ALGORITHM KEY-INFO XMLSEC1-ARGUMENTS…: plaintext.xml, encrypted by xmlsec1.
content() {
  local name=$1 algorithm=$2 key_info=$3
  shift 3
  cat >"$work/template.xml" <<XML
<EncryptedData xmlns="$xenc" Type="${xenc}Element"><EncryptionMethod Algorithm="$algorithm"/><KeyInfo xmlns="$ds">$key_info</KeyInfo><CipherData><CipherValue/></CipherData></EncryptedData>
XML
  xmlsec1 --encrypt "$@" --xml-data plaintext.xml --output "$name.xml" "$work/template.xml"
}

# wrapped NAME ALGORITHM BITS: content and key by xmlsec1, RSA-OAEP with SHA-1.
wrapped() {
  content "$1" "$2" "<EncryptedKey xmlns=\"$xenc\"><EncryptionMethod Algorithm=\"${xenc}rsa-oaep-mgf1p\"/><CipherData><CipherValue/></CipherData></EncryptedKey>" \
    --pubkey-pem "$work/sp.pub" --session-key "aes-$3"
}

# oaep NAME METHOD DIGEST MASK LABEL-IN-HEX: content by xmlsec1, AES-256-GCM; the key by openssl. METHOD is what
# EncryptionMethod holds.
oaep() {
  local name=$1 algorithm=$2 method=$3 digest=$4 mask=$5 label=$6 value
  openssl rand 32 >"$work/key"
  value=$(openssl pkeyutl -encrypt -pubin -inkey "$work/sp.pub" -in "$work/key" -pkeyopt rsa_padding_mode:oaep \
    -pkeyopt "rsa_oaep_md:$digest" -pkeyopt "rsa_mgf1_md:$mask" ${label:+-pkeyopt "rsa_oaep_label:$label"} | base64 -w 0)
  content "$name" "${xenc11}aes256-gcm" '<KeyName>key</KeyName>' --aeskey:key "$work/key"
  sed -i "s|<KeyName>key</KeyName>|<EncryptedKey xmlns=\"$xenc\"><EncryptionMethod Algorithm=\"$algorithm\">$method</EncryptionMethod><CipherData><CipherValue>$value</CipherValue></CipherData></EncryptedKey>|" "$name.xml"
}

for bits in 128 192 256; do
  wrapped "aes$bits-cbc" "${xenc}aes$bits-cbc" "$bits"
  wrapped "aes$bits-gcm" "${xenc11}aes$bits-gcm" "$bits"
done

digest() { echo "<DigestMethod xmlns=\"$ds\" Algorithm=\"$1\"/>"; }
mask() { echo "<MGF xmlns=\"$xenc11\" Algorithm=\"${xenc11}mgf1$1\"/>"; }
oaep oaep-mgf1p-sha256 "${xenc}rsa-oaep-mgf1p" "$(digest "${xenc}sha256")" sha256 sha1 ''
oaep oaep-mgf1p-sha384 "${xenc}rsa-oaep-mgf1p" "$(digest "${xenc}sha384")" sha384 sha1 ''
oaep oaep-defaults "${xenc11}rsa-oaep" '' sha1 sha1 ''
oaep oaep-sha1-mgf1sha512 "${xenc11}rsa-oaep" "$(mask sha512)" sha1 sha512 ''
oaep oaep-sha256-mgf1sha256 "${xenc11}rsa-oaep" "$(digest "${xenc}sha256")$(mask sha256)" sha256 sha256 ''
oaep oaep-sha384-mgf1sha384-label "${xenc11}rsa-oaep" "$(digest "${more}sha384")$(mask sha384)<OAEPparams>bGFiZWw=</OAEPparams>" sha384 sha384 6c6162656c
oaep oaep-sha512-mgf1sha1 "${xenc11}rsa-oaep" "$(digest "${xenc}sha512")$(mask sha1)" sha512 sha1 ''

# Never to be read, though our key would open them.
content rsa-1_5 "${xenc}aes256-cbc" "<EncryptedKey xmlns=\"$xenc\"><EncryptionMethod Algorithm=\"${xenc}rsa-1_5\"/><CipherData><CipherValue/></CipherData></EncryptedKey>" \
  --pubkey-pem "$work/sp.pub" --session-key aes-256
content tripledes "${xenc}tripledes-cbc" "<EncryptedKey xmlns=\"$xenc\"><EncryptionMethod Algorithm=\"${xenc}rsa-oaep-mgf1p\"/><CipherData><CipherValue/></CipherData></EncryptedKey>" \
  --pubkey-pem "$work/sp.pub" --session-key des-192

# logout NAME: a LogoutRequest, by xmlsec1, whose NameID is what NAME.xml holds.
logout() {
  local saml='urn:oasis:names:tc:SAML:2.0:assertion' samlp='urn:oasis:names:tc:SAML:2.0:protocol' c14n='http://www.w3.org/2001/10/xml-exc-c14n#'
  cat >"$work/logout.xml" <<XML
<samlp:LogoutRequest xmlns:samlp="$samlp" xmlns:saml="$saml" ID="_logout" Version="2.0" IssueInstant="2026-07-01T12:00:00Z"><saml:Issuer>http://www.okta.com/exk1test</saml:Issuer><Signature xmlns="$ds"><SignedInfo><CanonicalizationMethod Algorithm="$c14n"/><SignatureMethod Algorithm="${more}rsa-sha256"/><Reference URI="#_logout"><Transforms><Transform Algorithm="${ds}enveloped-signature"/><Transform Algorithm="$c14n"/></Transforms><DigestMethod Algorithm="${xenc}sha256"/><DigestValue/></Reference></SignedInfo><SignatureValue/></Signature><saml:EncryptedID>$(grep -v '^<?xml' "$1.xml")</saml:EncryptedID><samlp:SessionIndex>_s1</samlp:SessionIndex></samlp:LogoutRequest>
XML
  xmlsec1 --sign --privkey-pem "$keys/idp.key.pem" --id-attr:ID "$samlp:LogoutRequest" --output "logout-$1.xml" "$work/logout.xml"
}
logout aes256-gcm
logout aes128-cbc

NODE_PATH=../../../node_modules node ../generate-xmlenc.cjs
