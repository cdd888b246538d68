//! The table: one entry a code, in the order in which a sign-in meets them.

use super::{Actor, Entry};

/// Declares the codes. What a code means and what to do is said to the vendor; to the customer's administrator in other words where
/// those do not suit, and of metadata where those are of messages. A hint stands where the provider has a place to click.
macro_rules! codes {
    ($($variant:ident $text:literal $actor:ident $explanation:literal
        $(customer $customer:literal)? $(metadata $metadata:literal)?
        $(okta $okta:literal)? $(entra $entra:literal)? $(google $google:literal)?;)*) => {
        /// A stable word for what went wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $explanation] $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(super) const fn entry(self) -> Entry {
                match self {
                    $(Self::$variant => Entry {
                        text: $text,
                        actor: Actor::$actor,
                        explanation: $explanation,
                        customer: first(&[$($customer)?]),
                        metadata: first(&[$($metadata)?]),
                        okta: first(&[$($okta)?]),
                        entra: first(&[$($entra)?]),
                        google: first(&[$($google)?]),
                    },)*
                }
            }
        }
    };
}

const fn first(words: &[&'static str]) -> Option<&'static str> {
    match words {
        [first, ..] => Some(first),
        [] => None,
    }
}

codes! {
    // Transport.
    AcsEmptyPost "acs_empty_post" User
        "The sign-in address was opened without an answer from the identity provider, mostly by a bookmark or the browser's back button. The user should start again from the sign-in page."
        customer "The sign-in address was opened without an answer from the identity provider, mostly by a bookmark or the browser's back button. Run the test again.";
    Base64Bad "base64_bad" Customer
        "What arrived is not base64, so something between the identity provider and us changed the form. Ask the customer whether a proxy or browser extension rewrites pages, and try again."
        customer "What arrived is not base64, so something between the identity provider and us changed the form. See whether a proxy or browser extension rewrites pages, and run the test again.";
    DeflateBad "deflate_bad" Customer
        "A message in a URL must be compressed with DEFLATE, and this one is not, or it was cut. The identity provider should send it by the HTTP-Redirect binding as specified, or by HTTP-POST.";
    TooLarge "too_large" Customer
        "The message is larger than any real one needs to be. Mostly the identity provider sends every group of the user: have the customer's administrator send only the groups that the application needs."
        customer "The message is larger than any real one needs to be. Mostly the identity provider sends every group of the user: let it send only the groups that the application needs."
        metadata "This is more than any identity provider's metadata needs, mostly that of a whole federation. Take the metadata of the one identity provider alone."
        okta "In the app's General tab, SAML settings, narrow the filter under Group attribute statements."
        entra "In the enterprise application, Single sign-on, Attributes & Claims, set the groups claim to groups assigned to the application."
        google "In the app's SAML attribute mapping, remove groups that the application does not need.";
    XmlNotWellformed "xml_not_wellformed" Customer
        "The message is not well-formed XML. It was cut or changed on its way, or the identity provider builds it by hand; the customer's administrator should compare it with what the provider's own log shows."
        customer "The message is not well-formed XML. It was cut or changed on its way, or the identity provider builds it by hand: compare it with what the provider's own log shows."
        metadata "This is not well-formed XML, mostly because a part of it is missing. Copy the whole file, from its first < to its last >, or choose the file itself; if it was fetched, open the URL in a browser to see what it answers.";
    DoctypeForbidden "doctype_forbidden" Customer
        "The message has a document type declaration, which SAML does not use and attackers do. A genuine identity provider does not send one: have the customer's administrator look at what stands between."
        customer "The message has a document type declaration, which SAML does not use and attackers do. A genuine identity provider does not send one: look at what stands between it and us."
        metadata "The metadata has a document type declaration, which metadata has no use for and attackers do. Mostly this is a web page: take the metadata file itself, as the identity provider hands it out.";
    CommentForbidden "comment_forbidden" Customer
        "The message has an XML comment in it. Comments have been used to make two readers see two different users, so they are refused; the identity provider must send none.";
    ProcessingInstructionForbidden "processing_instruction_forbidden" Customer
        "The message has an XML processing instruction in it. SAML messages have no use for one and attackers do, so the identity provider must send none."
        metadata "The metadata has an XML processing instruction in it, such as one for a style sheet, which is not read here. Remove that line, or take the file as the identity provider hands it out.";
    EncodingBad "encoding_bad" Customer
        "The message or metadata is not in the encoding that it must be in, or declares another. SAML messages must be in UTF-8, metadata in UTF-8 or in UTF-16 with a byte order mark: save the file in UTF-8, and let it declare no other.";
    FormMalformed "form_malformed" Customer
        "A parameter of the message is missing, repeated or out of place: exactly one SAML message is expected, with at most one RelayState, and a signature in a URL needs its algorithm. Look for a proxy or a script that adds parameters.";
    RelayStateNotAllowed "relaystate_not_allowed" Vendor
        "The page to open after sign-in (RelayState) is not one that is allowed, or is too long. Allow the address in the connection's settings, or have the customer's administrator clear the default RelayState."
        customer "The page to open after sign-in (RelayState) is not one that is allowed, or is too long. Clear the default RelayState at your identity provider, or ask whoever sent you the link to allow that page."
        okta "In the app's General tab, SAML settings, clear or correct Default RelayState."
        entra "In the enterprise application, Single sign-on, Basic SAML Configuration, clear or correct Relay State."
        google "In the app's Service provider details, clear or correct Start URL.";
    ResponseMalformed "response_malformed" Customer
        "The message is XML, but not a SAML 2.0 message of the shape that the profile asks for; the detail names the element or attribute. Check that the application at the identity provider is set up for SAML 2.0 and sends a sign-in response here.";

    // The identity provider's own status.
    IdpAuthnFailed "idp_authn_failed" User
        "The identity provider could not sign the user in: a wrong password, a failed second factor, or an unknown account. The user should try again or ask their own IT department."
        customer "The identity provider could not sign you in: a wrong password, a failed second factor, or an unknown account. Run the test again, perhaps with another account.";
    IdpNoPassive "idp_no_passive" Us
        "We asked for a sign-in without showing a page and the identity provider cannot do that. The request must be sent again without that wish; report it if it happens more than once."
        customer "The identity provider was asked for a sign-in without showing a page, and cannot do that. Run the test again; if it happens once more, tell whoever sent you the link.";
    IdpRequestDenied "idp_request_denied" Customer
        "The identity provider refuses this user for this application: mostly the user is not assigned to it. The customer's administrator must assign the user or one of their groups."
        customer "The identity provider refuses this account for this application: mostly it is not assigned to it. Assign the account, or one of its groups, and run the test again."
        okta "In the app's Assignments tab, Assign, choose Assign to People or Assign to Groups."
        entra "In the enterprise application, Users and groups, choose Add user/group."
        google "In Web and mobile apps, the app, User access, turn the service ON for the user's organizational unit or group.";
    IdpRequesterError "idp_requester_error" Customer
        "The identity provider answered with an error of its own. The inner message says more; the customer's administrator finds the cause in the provider's sign-in log."
        customer "The identity provider answered with an error of its own. The inner message says more; the cause stands in the provider's sign-in log."
        okta "Reports, System Log, and filter for the application's name."
        entra "Enterprise application, Sign-in logs, the failed entry's error code (AADSTS...)."
        google "Reporting, Audit and investigation, SAML log events.";
    IdpInvalidNameidPolicy "idp_invalid_nameid_policy" Us
        "The identity provider cannot give the kind of NameID that was asked for. We ask for none by default; the sign-in is tried once more without, and the connection's NameID setting should be cleared."
        customer "The identity provider cannot give the kind of NameID that was asked for. Ask whoever sent you the link to clear the NameID format in the connection's settings, or choose another format at your identity provider."
        okta "In the app's General tab, SAML settings, set Name ID format to EmailAddress or Unspecified."
        entra "Single sign-on, Attributes & Claims, Unique User Identifier: choose the format Email address or Persistent."
        google "In Service provider details, set Name ID format to EMAIL or UNSPECIFIED.";
    IdpNoAuthnContext "idp_no_authn_context" Us
        "The identity provider cannot sign the user in by the method that was asked for. We ask for none by default, so clear the authentication context in the connection's settings."
        customer "The identity provider cannot sign you in by the method that was asked for. Ask whoever sent you the link to clear the authentication contexts in the connection's settings."
        entra "Error AADSTS75011: the user signed in by another method than the request named; remove the requested method here, nothing is to be changed in Entra.";

    // Signature.
    Unsigned "unsigned" Customer
        "The message carries no signature over what matters, so anyone could have written it. The customer's administrator must turn on signing of the response or of the assertion, with SHA-256; a logout message must be signed itself."
        customer "The message carries no signature over what matters, so anyone could have written it. Turn on signing of the response or of the assertion at your identity provider, with SHA-256."
        okta "In the app's General tab, SAML settings, Show Advanced Settings, set Response and Assertion Signature to Signed."
        entra "Single sign-on, SAML Certificates, edit Token signing certificate, set Signing Option to Sign SAML response and assertion."
        google "In Service provider details, tick Signed response; without it Google signs the assertion.";
    SignatureKeyUnknown "signature_key_unknown" Customer
        "The message was signed with another certificate than the ones saved for this connection: mostly the identity provider changed its certificate. Fetch the metadata again, or ask the customer for the new certificate and compare its fingerprint."
        customer "The message was signed with another certificate than the ones saved here: mostly the identity provider changed its certificate. Save the present metadata here again, then run the test."
        okta "In the app's Sign On tab, SAML Signing Certificates, the active one; copy the Metadata URL from there."
        entra "Single sign-on, SAML Certificates, copy the App Federation Metadata Url; it must hold ?appid=."
        google "In the app's details, Download metadata, and upload the file here.";
    SignatureBadDigest "signature_bad_digest" Customer
        "The signature is genuine but what it covers was changed after signing, or rewritten by something in between. Look for a proxy that rewrites messages; if there is none, treat it as an attack.";
    SignatureInvalid "signature_invalid" Customer
        "None of the certificates saved for this connection made this signature, or the signature was damaged. Fetch the metadata again and compare the certificate's fingerprint with the one at the identity provider."
        customer "None of the certificates saved here made this signature, or the signature was damaged. Save the present metadata here again, and compare the certificate's fingerprint with the one at your identity provider."
        okta "In the app's Sign On tab, SAML Signing Certificates, check that the active certificate is the one saved here."
        entra "Single sign-on, SAML Certificates, check that the Active certificate's thumbprint is the one saved here."
        google "In the app's details, check that the certificate chosen there is the one saved here.";
    SignatureAlgWeak "signature_alg_weak" Customer
        "The message is signed with SHA-1 or MD5, which can be forged. The customer's administrator must choose SHA-256; until then an exception with an end date can be set on the connection."
        customer "The message is signed with SHA-1 or MD5, which can be forged. Choose SHA-256 at your identity provider; if it has none, tell whoever sent you the link."
        okta "In the app's General tab, SAML settings, Show Advanced Settings, set Signature Algorithm to RSA-SHA256 and Digest Algorithm to SHA256."
        entra "Single sign-on, SAML Certificates, edit Token signing certificate, set Signing Algorithm to SHA-256.";
    SignatureAlgUnsupported "signature_alg_unsupported" Customer
        "The message is signed with an algorithm that we do not verify. The customer's administrator must choose RSA or ECDSA with SHA-256, SHA-384 or SHA-512."
        customer "The message is signed with an algorithm that we do not verify. Choose RSA or ECDSA with SHA-256, SHA-384 or SHA-512 at your identity provider."
        okta "In the app's General tab, SAML settings, Show Advanced Settings, set Signature Algorithm to RSA-SHA256."
        entra "Single sign-on, SAML Certificates, edit Token signing certificate, set Signing Algorithm to SHA-256.";
    SignatureMalformed "signature_malformed" Customer
        "The signature does not have the form that XML Signature prescribes, so it cannot be checked. The identity provider's software builds it wrongly or it was damaged on its way.";
    SignatureMultiple "signature_multiple" Customer
        "One element carries several signatures, which leaves open which of them counts. The identity provider must sign the response once and the assertion once at the most.";
    SignatureWrongTarget "signature_wrong_target" Customer
        "A signature stands in the wrong place or signs something else than the element around it: this is what signature wrapping attacks look like. Keep the message and ask the customer's administrator which software sent it."
        customer "A signature stands in the wrong place or signs something else than the element around it: this is what signature wrapping attacks look like. Find out which software sent the message, and tell whoever sent you the link.";
    DuplicateId "duplicate_id" Customer
        "Two elements of the message have the same ID, so it cannot be told which of them was signed. A genuine identity provider does not do that: treat it as an attack until it is explained.";
    TransformForbidden "transform_forbidden" Customer
        "The signature has a transform that SAML does not allow, with which signed content could be changed. The identity provider must use enveloped-signature and exclusive canonicalization only.";
    ReferenceUnsupported "reference_unsupported" Customer
        "The signature refers to something outside of the document, or by a pointer that we do not follow. It must refer to the signed element by its ID.";
    CanonicalizationFailed "canonicalization_failed" Customer
        "The signed part cannot be brought into its canonical form within the limits. The message is far larger or stranger than real ones; ask the customer's administrator what it holds."
        customer "The signed part cannot be brought into its canonical form within the limits. The message is far larger or stranger than real ones: look at what your identity provider puts into it.";
    AssertionNotSignedRequired "assertion_not_signed_required" Customer
        "This connection demands a signature on the assertion, and only the response is signed. The customer's administrator must sign the assertion too, or you relax the connection's setting."
        customer "A signature on the assertion is demanded here, and only the response is signed. Have your identity provider sign the assertion too."
        okta "In the app's General tab, SAML settings, Show Advanced Settings, set Assertion Signature to Signed."
        entra "Single sign-on, SAML Certificates, edit Token signing certificate, set Signing Option to Sign SAML response and assertion."
        google "In Service provider details, clear Signed response, so that Google signs the assertion.";
    ResponseNotSignedRequired "response_not_signed_required" Customer
        "This connection demands a signature on the response, and only the assertion is signed. The customer's administrator must sign the response too, or you relax the connection's setting."
        customer "A signature on the response is demanded here, and only the assertion is signed. Have your identity provider sign the response too."
        okta "In the app's General tab, SAML settings, Show Advanced Settings, set Response to Signed."
        entra "Single sign-on, SAML Certificates, edit Token signing certificate, set Signing Option to Sign SAML response and assertion."
        google "In Service provider details, tick Signed response.";

    // Keys and certificates.
    CertificateMalformed "certificate_malformed" Customer
        "The certificate cannot be read. Ask for it again as a file in PEM, or as the base64 text of the certificate alone, without anything added or cut."
        customer "The certificate cannot be read. Download it again as a file in PEM, or paste the base64 text of the certificate alone, without anything added or cut."
        okta "In the app's Sign On tab, SAML Signing Certificates, Actions, Download certificate."
        entra "Single sign-on, SAML Certificates, Certificate (Base64), Download."
        google "In the app's details, Download metadata, or copy the certificate.";
    CertificateMultiple "certificate_multiple" Vendor
        "There are several certificates where one is expected. Paste one certificate at a time, without those of the authority that issued it.";
    KeyMalformed "key_malformed" Customer
        "The public key, or the one in the certificate, is not a usable key. Ask the customer's administrator for the signing certificate again."
        customer "The public key, or the one in the certificate, is not a usable key. Download the signing certificate from your identity provider again.";
    KeyUnsupported "key_unsupported" Customer
        "The key is of a kind that we do not verify with. The customer's administrator must sign with RSA of 2048 to 4096 bits or with ECDSA on P-256, P-384 or P-521."
        customer "The key is of a kind that we do not verify with. Have your identity provider sign with RSA of 2048 to 4096 bits or with ECDSA on P-256, P-384 or P-521."
        okta "In the app's Sign On tab, SAML Signing Certificates, Generate new certificate, then activate it."
        entra "Single sign-on, SAML Certificates, edit Token signing certificate, New Certificate, then make it active."
        google "In Security, SSO with SAML applications, add a certificate and choose it in the app's details.";
    KeyWeak "key_weak" Customer
        "The signing key is too weak: RSA needs at least 2048 bits and the usual exponent. The customer's administrator must make a new signing certificate."
        customer "The signing key is too weak: RSA needs at least 2048 bits and the usual exponent. Make a new signing certificate at your identity provider."
        okta "In the app's Sign On tab, SAML Signing Certificates, Generate new certificate, then activate it."
        entra "Single sign-on, SAML Certificates, edit Token signing certificate, New Certificate, then make it active."
        google "In Security, SSO with SAML applications, add a certificate and choose it in the app's details.";

    // Encryption.
    EncryptedUnexpected "encrypted_unexpected" Customer
        "The assertion, or something in it, is encrypted, and this connection does not decrypt. Turn decryption on for the connection and give the customer the encryption certificate in our metadata, or the customer's administrator must turn encryption off."
        customer "The assertion, or something in it, is encrypted, and nothing is decrypted here. Turn encryption off at your identity provider, or ask whoever sent you the link to turn decryption on."
        okta "In the app's General tab, SAML settings, Show Advanced Settings, set Assertion Encryption to Unencrypted."
        entra "In the enterprise application, Token encryption, deactivate the certificate.";
    DecryptionFailed "decryption_failed" Customer
        "The encrypted assertion cannot be opened: it was encrypted for another certificate, or damaged. The customer's administrator must use the encryption certificate from our present metadata."
        customer "The encrypted assertion cannot be opened: it was encrypted for another certificate, or damaged. Use the encryption certificate from our present metadata at your identity provider."
        okta "In the app's General tab, SAML settings, Show Advanced Settings, upload our certificate as Encryption Certificate."
        entra "In the enterprise application, Token encryption, import our certificate and activate it.";
    EncryptedMalformed "encrypted_malformed" Customer
        "What is encrypted does not have the form that XML Encryption prescribes, so it cannot be opened. The identity provider's software builds it wrongly or it was damaged on its way.";
    EncryptedAlgRefused "encrypted_alg_refused" Customer
        "The assertion is encrypted with an algorithm that can be broken, or that we do not support. The customer's administrator must choose AES-GCM with RSA-OAEP."
        customer "The assertion is encrypted with an algorithm that can be broken, or that we do not support. Choose AES-GCM with RSA-OAEP at your identity provider."
        okta "In the app's General tab, SAML settings, Show Advanced Settings, set Encryption Algorithm to AES256-GCM and Key Transport Algorithm to RSA-OAEP.";

    // Addressing.
    IssuerMismatch "issuer_mismatch" Customer
        "The message comes from another identity provider, or another application at it, than the one saved for this connection. Compare the entity IDs; fetch the metadata of the right application again."
        customer "The message comes from another identity provider, or another application at it, than the one saved here. Compare the entity IDs, and save the metadata of the right application here."
        okta "In the app's Sign On tab, copy the Metadata URL; the Issuer is the entityID in it."
        entra "Single sign-on, Set up section, Microsoft Entra Identifier; the metadata URL must hold ?appid=."
        google "In the app's details, Entity ID under Google Identity Provider details.";
    AudienceMismatch "audience_mismatch" Customer
        "The assertion is meant for another service: the audience at the identity provider is not our entity ID. The customer's administrator must copy our entity ID, letter for letter."
        customer "The assertion is meant for another service: the audience at the identity provider is not our entity ID. Copy our entity ID from the steps, letter for letter."
        okta "In the app's General tab, SAML settings, paste it into Audience URI (SP Entity ID)."
        entra "Single sign-on, Basic SAML Configuration, paste it into Identifier (Entity ID) and make it the default."
        google "In Service provider details, paste it into Entity ID.";
    DestinationMismatch "destination_mismatch" Customer
        "The message was sent for another address than ours. The customer's administrator must copy our address, letter for letter: the sign-in address (ACS URL), or for a logout message the single logout URL."
        customer "The message was sent for another address than ours. Copy our sign-in address (ACS URL) from the steps, letter for letter."
        okta "In the app's General tab, SAML settings, paste it into Single sign-on URL and tick Use this for Recipient URL and Destination URL."
        entra "Single sign-on, Basic SAML Configuration, paste it into Reply URL (Assertion Consumer Service URL) and make it the default."
        google "In Service provider details, paste it into ACS URL.";
    RecipientMismatch "recipient_mismatch" Customer
        "The assertion may only be presented at another address than ours. The customer's administrator must copy our sign-in address (ACS URL), letter for letter."
        customer "The assertion may only be presented at another address than ours. Copy our sign-in address (ACS URL) from the steps, letter for letter."
        okta "In the app's General tab, SAML settings, paste it into Single sign-on URL and tick Use this for Recipient URL and Destination URL."
        entra "Single sign-on, Basic SAML Configuration, paste it into Reply URL (Assertion Consumer Service URL) and make it the default."
        google "In Service provider details, paste it into ACS URL.";
    ConnectionDisabled "connection_disabled" Vendor
        "The connection is disabled, so nobody is signed in through it. Test it and enable it in the dashboard if the customer should be able to sign in."
        customer "The connection is disabled, so nobody is signed in through it. Whoever sent you the link enables it once all is done.";
    ConnectionUnknown "connection_unknown" Vendor
        "There is no such connection, or it has no identity provider yet. It may have been deleted while the customer still uses its address; check the connection's ID in the address."
        customer "There is no such connection, or it has no identity provider yet. Save the metadata first; if it was saved, ask whoever sent you the link whether the connection still exists.";

    // Time.
    NotYetValid "not_yet_valid" Customer
        "The message is from the future by our clock: the identity provider's clock is ahead by the time shown. The customer's administrator must synchronise the clock of the server with a time service."
        customer "The message is from the future by our clock: the identity provider's clock is ahead by the time shown. Synchronise the clock of its server with a time service.";
    Expired "expired" Customer
        "The message had expired when it arrived: it is older than the identity provider allows, or the provider's clock is behind by the time shown. Sign in again; if it happens at once, the customer's administrator must set the clock right."
        customer "The message had expired when it arrived: it is older than the identity provider allows, or the provider's clock is behind by the time shown. Run the test again; if it happens at once, set the clock of its server right.";
    RequestExpired "request_expired" User
        "The user took longer than the connection allows (an hour, unless it says otherwise) between starting to sign in and coming back, or what they came back with was overtaken: by a logout at the identity provider, or, where that began the sign-in, by a change of the connection. They should start again from the sign-in page."
        customer "It took too long from beginning the test to coming back, so the answer is not taken any more. Run the test again.";
    SessionExpiredAtIdp "session_expired_at_idp" User
        "The user's session at the identity provider had ended before the answer arrived. They should sign out there and sign in again."
        customer "Your session at the identity provider had ended before the answer arrived. Sign out there, and run the test again.";
    AuthnTooOld "authn_too_old" User
        "A fresh sign-in was asked for and the identity provider used an old one. The user should sign out at the identity provider and sign in again."
        customer "A fresh sign-in was asked for and the identity provider used an old one. Sign out at the identity provider, and run the test again.";

    // Replay and state.
    AssertionReused "assertion_reused" User
        "This answer was used before; each works once. The user pressed back or reload and should start again; if they did not, someone else may have copied the message."
        customer "This answer was used before; each works once. Run the test again, without going back or reloading; if you did neither, someone else may have copied the message.";
    RequestAlreadyAnswered "request_already_answered" User
        "The sign-in that this answers was finished already, perhaps in another tab. The user should start again from the sign-in page."
        customer "The test that this answers was finished already, perhaps in another tab. Run the test again to get a new answer.";
    InResponseToUnknown "in_response_to_unknown" User
        "This answers a request that is not known here: it was started elsewhere, or long ago, or by another connection. The user should start again from the sign-in page."
        customer "This answers a request that is not known here: it was started elsewhere, or long ago, or by another connection. Run the test again from the page of the link.";
    UnsolicitedNotAllowed "unsolicited_not_allowed" Vendor
        "The sign-in was started at the identity provider, mostly by its tile, and this connection only allows those that start here. Allow sign-ins from the identity provider in the connection's settings, or hide the tile."
        customer "The sign-in was started at the identity provider, mostly by its tile, and only those that start here are allowed. Hide the tile, or ask whoever sent you the link to allow such sign-ins."
        okta "To hide the tile: the app's General tab, App settings, tick Do not display application icon to users."
        entra "To hide the tile: the enterprise application's Properties, set Visible to users to No.";
    BrowserMismatch "browser_mismatch" User
        "The answer came back in another browser than the one that started, or the browser drops cookies. The user should start and finish in one browser window, with cookies allowed."
        customer "The answer came back in another browser than the one that started, or the browser drops cookies. Start and finish in one browser window, with cookies allowed.";

    // Identity.
    EmailMissing "email_missing" Customer
        "The identity provider did not say the user's e-mail address. The customer's administrator must add an attribute for it; the detail lists the attributes that came."
        customer "The identity provider did not say the account's e-mail address. Add an attribute for it at your identity provider; the detail lists the attributes that came."
        okta "In the app's General tab, SAML settings, Attribute statements, add Email address with the value user.profile.email."
        entra "Single sign-on, Attributes & Claims, add the claim emailaddress with the source attribute user.mail."
        google "In SAML attribute mapping, map Primary email to email.";
    EmailNotAnAddress "email_not_an_address" Customer
        "The attribute for the e-mail address does not hold exactly one plain address. The customer's administrator must map it to the field that holds the user's e-mail address."
        customer "The attribute for the e-mail address does not hold exactly one plain address. Map it to the field that holds the user's e-mail address at your identity provider."
        okta "In the app's General tab, SAML settings, Attribute statements, set Email address to user.profile.email."
        entra "Single sign-on, Attributes & Claims, set emailaddress to user.mail, and fill in the user's Email field."
        google "In SAML attribute mapping, map Primary email to email.";
    EmailDomainNotOwned "email_domain_not_owned" Customer
        "The user's e-mail address is of a domain that does not belong to this connection. Add the domain to the connection if it is the customer's; otherwise the customer's administrator must send another address."
        customer "The account's e-mail address is of a domain that is not set up here. Run the test with an account of a domain that stands at the top of the page of your link; if your organization uses the other domain too, ask whoever sent you the link to add it.";
    EmailDiffersFromTyped "email_differs_from_typed" User
        "The user typed one address and came back from the identity provider with another one. They should sign in with the address that the identity provider knows, or sign out there first."
        customer "The address that was typed is another than the one that came back from the identity provider. Sign in with the address that the identity provider knows, or sign out there first.";
    RequiredAttributeMissing "required_attribute_missing" Customer
        "An attribute that this connection requires did not come. The customer's administrator must add it; the detail names it and lists those that came."
        customer "An attribute that is required here did not come. Add it at your identity provider; the detail names it and lists those that came."
        okta "In the app's General tab, SAML settings, add it under Attribute statements."
        entra "Single sign-on, Attributes & Claims, choose Add new claim."
        google "In SAML attribute mapping, choose Add mapping.";
    JitDisabled "jit_disabled" Vendor
        "The user has no account yet and this connection does not create accounts at sign-in. Create the account first, or turn on just-in-time sign-up for the connection."
        customer "The account has not signed in here before, and new people may not sign in yet. Ask whoever sent you the link to create the account, or to let new people sign in.";
    NameidTransientAsKey "nameid_transient_as_key" Customer
        "The NameID is missing or changes with every sign-in, so the user cannot be recognised the next time. The customer's administrator must send a lasting one, such as the e-mail address or a persistent ID; or the connection names an attribute that identifies users in its place."
        customer "The NameID is missing or changes with every sign-in, so people cannot be recognised the next time. Let your identity provider send a lasting one, such as the e-mail address or a persistent ID."
        okta "In the app's General tab, SAML settings, set Name ID format to EmailAddress or Persistent."
        entra "Single sign-on, Attributes & Claims, Unique User Identifier: choose the format Email address or Persistent."
        google "In Service provider details, set Name ID format to EMAIL.";
    GroupsOverage "groups_overage" Customer
        "The user is in more groups than Entra puts into an assertion, so it sent a link instead of the list. The customer's administrator must send only the groups assigned to the application."
        customer "The account is in more groups than Entra puts into an assertion, so it sent a link instead of the list. Send only the groups assigned to the application."
        entra "Single sign-on, Attributes & Claims, edit the groups claim, choose Groups assigned to the application.";

    // Metadata.
    FetchTimeout "fetch_timeout" Customer
        "The metadata URL did not answer in time. Open it in a browser to see whether it works at all; otherwise upload the metadata as a file.";
    FetchTls "fetch_tls" Customer
        "The metadata URL cannot be reached: its name does not resolve, nothing answers there, or its TLS certificate is not a publicly trusted one. Check it for typing errors, or upload the metadata as a file.";
    FetchHttpStatus "fetch_http_status" Customer
        "The metadata URL answers with an error page instead of metadata. Check that it is complete and that it opens without a sign-in, or upload the metadata as a file.";
    FetchPrivateAddress "fetch_private_address" Customer
        "The metadata URL, or one that it redirects to, is not a public https address. Ask for the public one, or upload the metadata as a file."
        customer "The metadata URL, or one that it redirects to, is not a public https address. Use the public one, or upload the metadata as a file.";
    FetchDns "fetch_dns" Customer
        "The host name of the metadata URL, or of one that it redirects to, has no address or could not be looked up, so nothing was fetched. Check how the name is written; if it is right, try again in a few minutes, or upload the metadata as a file.";
    FetchRedirects "fetch_redirects" Customer
        "The metadata URL redirects too often, mostly to a sign-in page. Ask for the final address, which must open without a sign-in, or upload the metadata as a file."
        customer "The metadata URL redirects too often, mostly to a sign-in page. Use the final address, which must open without a sign-in, or upload the metadata as a file.";
    FetchTooLarge "fetch_too_large" Customer
        "The metadata URL answers with more than any identity provider's metadata needs, mostly that of a whole federation. Ask for the metadata of the one identity provider."
        customer "The metadata URL answers with more than any identity provider's metadata needs, mostly that of a whole federation. Use the metadata of your one identity provider.";
    HtmlInsteadOfXml "html_instead_of_xml" Customer
        "There is a web page where the metadata should be, mostly a sign-in page. Ask for the address of the metadata itself, which opens without a sign-in, or upload it as a file."
        customer "There is a web page where the metadata should be, mostly a sign-in page. Use the address of the metadata itself, which opens without a sign-in, or upload it as a file."
        okta "In the app's Sign On tab, copy Metadata URL, not the address of the admin page."
        entra "Single sign-on, SAML Certificates, copy App Federation Metadata Url."
        google "Google has no metadata URL: Download metadata in the app's details, and upload the file here.";
    MetadataMalformed "metadata_malformed" Customer
        "This is XML, but not SAML 2.0 metadata: there is no description of an entity where one must be. Ask the customer's administrator for the identity provider's metadata file."
        customer "This is XML, but not SAML 2.0 metadata: there is no description of an entity where one must be. Take the metadata file that your identity provider offers for this application.";
    NoIdpRole "no_idp_role" Customer
        "The metadata describes no SAML 2.0 identity provider. Ask the customer's administrator for the identity provider's metadata of the application made for you."
        customer "The metadata describes no SAML 2.0 identity provider. Take the metadata that your identity provider offers for the application that you made for this.";
    SeveralEntities "several_entities" Vendor
        "The metadata describes several identity providers, so it cannot be told which one is meant. Choose one by its entity ID, or ask for the metadata of the one."
        customer "The metadata describes several identity providers, so it cannot be told which one is meant. Choose one by its entity ID, or take the metadata of the one.";
    NoSsoEndpoint "no_sso_endpoint" Customer
        "The metadata names no address to which users could be sent to sign in by HTTP-Redirect or HTTP-POST over https; the detail lists what it names instead. The customer's administrator must turn one of the two on at the identity provider."
        customer "The metadata names no address to which users could be sent to sign in by HTTP-Redirect or HTTP-POST over https; the detail lists what it names instead. Turn one of the two on at your identity provider.";
    NoSigningKey "no_signing_key" Customer
        "There is no certificate for checking signatures. Ask the customer's administrator for the metadata of the application with its signing certificate, or for the certificate itself."
        customer "There is no certificate for checking signatures. Take the metadata of the application with its signing certificate, or enter the certificate by hand."
        okta "In the app's Sign On tab, copy the Metadata URL, or in SAML Signing Certificates download the active certificate."
        entra "Single sign-on, SAML Certificates, copy App Federation Metadata Url, or download Certificate (Base64)."
        google "In the app's details, Download metadata, which holds the certificate.";
    IsSpMetadata "is_sp_metadata" Customer
        "This is a service provider's metadata, perhaps our own. What is needed is the identity provider's: ask the customer's administrator for that."
        customer "This is a service provider's metadata, perhaps our own. What is needed is the metadata that your identity provider offers for download."
        okta "In the app's Sign On tab, copy the Metadata URL."
        entra "Single sign-on, SAML Certificates, copy App Federation Metadata Url."
        google "In the app's details, Download metadata, and upload the file here.";
    EntityChanged "entity_changed" Vendor
        "The metadata describes another identity provider than the one that the connection has, so nothing was changed: it may be another customer's. If this one did move, save the metadata again and say that the identity provider is to be replaced."
        customer "The metadata describes another identity provider than the one that is saved here, so nothing was changed. If yours did move, save the metadata again and say that the identity provider is to be replaced.";
    TooManyCertificates "too_many_certificates" Customer
        "The metadata holds more signing certificates than a connection keeps. Ask the customer's administrator to remove the old ones."
        customer "The metadata holds more signing certificates than are kept here. Remove the old ones at your identity provider, then save its metadata again.";

    // Warnings: nobody is refused for these.
    CertificateExpired "certificate_expired" Customer
        "A signing certificate of the identity provider has expired. Sign-ins go on with it, but its administrator should make a new one and send the metadata again."
        customer "A signing certificate of your identity provider has expired. Sign-ins go on with it, but make a new one and save the metadata here again."
        okta "In the app's Sign On tab, SAML Signing Certificates, Generate new certificate, then activate it."
        entra "Single sign-on, SAML Certificates, edit Token signing certificate, New Certificate, then make it active."
        google "In Security, SSO with SAML applications, add a certificate and choose it in the app's details.";
    CertificateExpiresSoon "certificate_expires_soon" Customer
        "A signing certificate of the identity provider expires within two months. Its administrator will make a new one before; ask for the metadata again once that has happened."
        customer "A signing certificate of your identity provider expires within two months. Make a new one before, and save the metadata here again once that has happened."
        okta "In the app's Sign On tab, SAML Signing Certificates, Generate new certificate, then activate it."
        entra "Single sign-on, SAML Certificates, edit Token signing certificate, New Certificate, then make it active."
        google "In Security, SSO with SAML applications, add a certificate and choose it in the app's details.";
    CertificatesLeftOut "certificates_left_out" Customer
        "Some signing certificates in the metadata cannot be used and were left out: unreadable, too weak, or of another kind. Ask the customer's administrator whether one of those is the one that signs."
        customer "Some signing certificates in the metadata cannot be used and were left out: unreadable, too weak, or of another kind. Look whether one of those is the one that signs.";
    DomainProofLost "domain_proof_lost" Customer
        "The TXT record that proved the domain to be the customer's is gone from its DNS; it is looked up again every day. Sign-ins go on, but whoever runs that DNS should put it back, or the domain should be taken from the connection if it is not theirs any more."
        customer "The TXT record that proved the domain to be yours is gone from its DNS; it is looked up again every day. Sign-ins go on, but whoever runs that DNS should put it back.";
    DomainUnproven "domain_unproven" Customer
        "The domain is not proven to be the customer's. Whoever runs its DNS must make the TXT record that the connection names; then have it looked up once: it is looked up again every hour for a week from then on."
        customer "The domain is not proven to be yours. Ask whoever sent you the link for the TXT record, and whoever runs the domain's DNS to make it.";
    MetadataExpired "metadata_expired" Customer
        "By its own word the metadata is no longer valid. Sign-ins go on with it, but ask the customer's administrator for the present one, as keys or addresses may have changed."
        customer "By its own word the metadata is no longer valid. Sign-ins go on with it, but save the present one here, as keys or addresses may have changed."
        okta "In the app's Sign On tab, copy the Metadata URL."
        entra "Single sign-on, SAML Certificates, copy App Federation Metadata Url."
        google "In the app's details, Download metadata, and upload the file here.";
    MetadataUrlWithoutAppId "metadata_url_without_appid" Customer
        "A metadata URL of Microsoft Entra ID must name the application (?appid=), or it lists the certificates of the whole tenant and may lack the one that signs for this application. Ask for the address again."
        customer "A metadata URL of Microsoft Entra ID must name the application (?appid=), or it lists the certificates of the whole tenant and may lack the one that signs for this application. Copy the address again."
        entra "Single sign-on, SAML Certificates, copy App Federation Metadata Url.";
}
