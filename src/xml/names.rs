//! Namespace names and algorithm identifiers, letter for letter as their specifications give them.

/// The `xml` prefix (Namespaces in XML 1.0, section 3).
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// XML Schema instance attributes, such as `xsi:type`.
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// XML Schema datatypes.
pub const XS: &str = "http://www.w3.org/2001/XMLSchema";
/// WS-Security utility, whose `Id` attribute identifies elements.
pub const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

/// SAML 2.0 assertions (SAML Core, section 1.1).
pub const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// SAML 2.0 protocol (SAML Core, section 1.1).
pub const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// SAML 2.0 metadata (SAML Metadata, section 1.1).
pub const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";

/// XML Signature (XML Signature 1.1, section 1.3).
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// XML Signature 1.1 additions.
pub const DS11: &str = "http://www.w3.org/2009/xmldsig11#";
/// RFC 9231 (and before it RFC 4051 and 6931) additional algorithm identifiers and elements.
pub const DS_MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
/// XML Encryption (XML Encryption 1.1, section 1.3).
pub const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// XML Encryption 1.1 additions.
pub const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";

/// Exclusive XML Canonicalization 1.0; also the namespace of `InclusiveNamespaces`.
pub const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// Exclusive XML Canonicalization 1.0 with comments.
pub const EXCLUSIVE_C14N_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
/// Canonical XML 1.0.
pub const INCLUSIVE_C14N_10: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
/// Canonical XML 1.0 with comments.
pub const INCLUSIVE_C14N_10_WITH_COMMENTS: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
/// Canonical XML 1.1.
pub const INCLUSIVE_C14N_11: &str = "http://www.w3.org/2006/12/xml-c14n11";
/// Canonical XML 1.1 with comments.
pub const INCLUSIVE_C14N_11_WITH_COMMENTS: &str = "http://www.w3.org/2006/12/xml-c14n11#WithComments";

/// The enveloped-signature transform (XML Signature 1.1, section 6.6.4).
pub const ENVELOPED_SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// SHA-1 digest.
pub const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
/// SHA-224 digest.
pub const SHA224: &str = "http://www.w3.org/2001/04/xmldsig-more#sha224";
/// SHA-256 digest.
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
/// SHA-384 digest.
pub const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
/// SHA-384 digest, as XML Encryption 1.1 names it (section 5.8.3).
pub const XENC_SHA384: &str = "http://www.w3.org/2001/04/xmlenc#sha384";
/// SHA-512 digest.
pub const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";

/// RSA PKCS#1 v1.5 with SHA-1.
pub const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
/// RSA PKCS#1 v1.5 with SHA-256.
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
/// RSA PKCS#1 v1.5 with SHA-384.
pub const RSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384";
/// RSA PKCS#1 v1.5 with SHA-512.
pub const RSA_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";

/// RSA PSS with parameters in the element (RFC 9231, section 2.3.9).
pub const RSA_PSS: &str = "http://www.w3.org/2007/05/xmldsig-more#rsa-pss";
/// RSA PSS with SHA-1 and MGF1 (RFC 9231, section 2.3.10).
pub const SHA1_RSA_MGF1: &str = "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1";
/// RSA PSS with SHA-256 and MGF1 (RFC 9231, section 2.3.10).
pub const SHA256_RSA_MGF1: &str = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1";
/// RSA PSS with SHA-384 and MGF1 (RFC 9231, section 2.3.10).
pub const SHA384_RSA_MGF1: &str = "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1";
/// RSA PSS with SHA-512 and MGF1 (RFC 9231, section 2.3.10).
pub const SHA512_RSA_MGF1: &str = "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1";
/// The namespace of `RSAPSSParams` (RFC 9231, section 2.3.9).
pub const DS_2007: &str = "http://www.w3.org/2007/05/xmldsig-more#";
/// Mask generation function 1 (RFC 9231, section 2.3.9).
pub const MGF1: &str = "http://www.w3.org/2007/05/xmldsig-more#MGF1";

/// ECDSA with SHA-1.
pub const ECDSA_SHA1: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1";
/// ECDSA with SHA-256.
pub const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
/// ECDSA with SHA-384.
pub const ECDSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
/// ECDSA with SHA-512.
pub const ECDSA_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512";

/// AES-128 in CBC mode (XML Encryption 1.1, section 5.2.2).
pub const AES128_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
/// AES-192 in CBC mode (XML Encryption 1.1, section 5.2.2).
pub const AES192_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes192-cbc";
/// AES-256 in CBC mode (XML Encryption 1.1, section 5.2.2).
pub const AES256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
/// AES-128 in GCM mode (XML Encryption 1.1, section 5.2.4).
pub const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
/// AES-192 in GCM mode (XML Encryption 1.1, section 5.2.4).
pub const AES192_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes192-gcm";
/// AES-256 in GCM mode (XML Encryption 1.1, section 5.2.4).
pub const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
/// RSA OAEP, mask generation with SHA-1 (XML Encryption 1.1, section 5.5.2).
pub const RSA_OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
/// RSA OAEP, mask generation chosen in the element (XML Encryption 1.1, section 5.5.2).
pub const RSA_OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
/// MGF1 with SHA-1 (XML Encryption 1.1, section 5.5.2).
pub const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";
/// MGF1 with SHA-256 (XML Encryption 1.1, section 5.5.2).
pub const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
/// MGF1 with SHA-384 (XML Encryption 1.1, section 5.5.2).
pub const MGF1_SHA384: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha384";
/// MGF1 with SHA-512 (XML Encryption 1.1, section 5.5.2).
pub const MGF1_SHA512: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha512";
/// The `Type` of an `EncryptedData` that stands for one element (XML Encryption 1.1, section 3.1).
pub const XENC_ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
/// The `Type` of a `RetrievalMethod` that points at an `EncryptedKey` (XML Encryption 1.1, section 3.5.2).
pub const XENC_ENCRYPTED_KEY: &str = "http://www.w3.org/2001/04/xmlenc#EncryptedKey";
