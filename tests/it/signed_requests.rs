//! Our requests: what they ask for, how they are signed, and the keys that sign them.

use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::dsig::{self, Certificate, Policy, RsaFloor, Sha1, TrustedKey};
use edge_saml::xml::names::{DS, MD, RSA_SHA256};
use edge_saml::xml::{Document, Profile, Source};
use serde_json::{Value, json};

use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{ADMIN_TOKEN, Browser, ORIGIN, Replication, World, authn_request, location};

/// What an identity provider sees of a request.
struct Seen {
    /// The query, or the form's `SAMLRequest` decoded.
    xml: String,
    query: String,
    target: String,
}

impl Seen {
    fn id(&self) -> String {
        self.xml
            .split(" ID=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned()
    }
}

/// Reads the answer to a sign-in, by either binding.
fn seen(response: &edge_saml::app::http::Response) -> Seen {
    if response.status() == 303 {
        let url = location(response);
        let query = url.split_once('?').unwrap().1.to_owned();
        let xml = authn_request(&url);
        return Seen {
            xml,
            query,
            target: url,
        };
    }
    let page = String::from_utf8(response.body().clone()).unwrap();
    assert_eq!(response.status(), 200, "{page}");
    let field = |start: &str| page.split(start).nth(1).unwrap().split('"').next().unwrap().to_owned();
    let xml = STANDARD.decode(field("name=\"SAMLRequest\" value=\"")).unwrap();
    Seen {
        xml: String::from_utf8(xml).unwrap(),
        query: String::new(),
        target: field("<form method=\"post\" action=\"")
            .replace("&#38;", "&")
            .replace("&amp;", "&"),
    }
}

fn begin(world: &World, browser: &mut Browser) -> Seen {
    seen(&browser.post(world, "/sso/sign-in", "email=ada%40acme.test"))
}

fn patch(world: &World, id: &str, body: &Value) -> Value {
    let (status, body) = world.api("PATCH", &format!("/connections/{id}"), body);
    assert_eq!(status, 200, "{body}");
    body
}

/// Leaves the identity provider with its HTTP-POST endpoint only.
fn use_post(world: &World, id: &str) {
    let metadata = Idp::trusted().metadata().replace("HTTP-Redirect", "SOAP");
    let (status, _) = world.api(
        "POST",
        &format!("/connections/{id}/metadata"),
        &json!({"xml": metadata}),
    );
    assert_eq!(status, 200);
}

/// The certificates for signing in our metadata, which must say so rightly.
fn published(world: &World, id: &str) -> Vec<Certificate> {
    let xml = world.metadata(id);
    let source = Source::check(xml.as_bytes(), Profile::Metadata).unwrap();
    let document = Document::parse(&source).unwrap();
    let role = document.root().required_child(MD, "SPSSODescriptor").unwrap();
    let keys: Vec<_> = role.children().filter(|c| c.is(MD, "KeyDescriptor")).collect();
    assert!(keys.iter().all(|key| key.attribute("use") == Some("signing")));
    let signed = role.attribute("AuthnRequestsSigned").unwrap();
    assert_eq!(signed, if keys.is_empty() { "false" } else { "true" });
    let certificates = keys.iter().map(|key| {
        let certificate = key.descendants().find(|e| e.is(DS, "X509Certificate")).unwrap();
        Certificate::read(certificate.text().unwrap().as_bytes()).unwrap()
    });
    certificates.collect()
}

fn keys_of(certificates: &[Certificate]) -> Vec<TrustedKey> {
    let key = |c: &Certificate| c.key(RsaFloor::Standard).unwrap();
    certificates.iter().map(key).collect()
}

/// Verifies the signature of a query as its receiver does: over the octets as they came.
fn verify_query(query: &str, keys: &[TrustedKey]) -> Result<(), dsig::Error> {
    let start = query.find("SAMLRequest=").unwrap();
    let (signed, signature) = query[start..].split_once("&Signature=").unwrap();
    let names: Vec<_> = signed.split('&').map(|p| p.split_once('=').unwrap().0).collect();
    assert_eq!(names, ["SAMLRequest", "RelayState", "SigAlg"]);
    let decoded = |value: &str| {
        let pair = format!("v={value}");
        form_urlencoded::parse(pair.as_bytes()).next().unwrap().1.into_owned()
    };
    let algorithm = decoded(signed.split_once("&SigAlg=").unwrap().1);
    assert_eq!(algorithm, RSA_SHA256);
    let signature = STANDARD.decode(decoded(signature)).unwrap();
    let policy = Policy {
        keys,
        sha1: Sha1::Refused,
    };
    dsig::verify_octets(signed.as_bytes(), &algorithm, &signature, &policy).map(|_| ())
}

fn verify_xml(xml: &str, keys: &[TrustedKey]) -> Result<(), dsig::Error> {
    let source = Source::check(xml.as_bytes(), Profile::SamlMessage).unwrap();
    let document = Document::parse(&source).unwrap();
    let policy = Policy {
        keys,
        sha1: Sha1::Refused,
    };
    dsig::verify(document.root(), &policy).map(|_| ())
}

/// Signs in with what `browser` was sent away with.
fn finish(world: &World, browser: &mut Browser, id: &str, request: &str, change: impl FnOnce(&mut Message)) -> u16 {
    let mut message = Message::of(id, Some(request));
    change(&mut message);
    let ticket = Browser::deliver(world, id, &Idp::trusted().respond(&message, Signed::Both));
    if ticket.status() != 303 {
        return ticket.status().as_u16();
    }
    browser.get(world, &location(&ticket)).status().as_u16()
}

#[test]
fn requests_are_signed_when_the_connection_or_the_identity_provider_says_so() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let signed = |browser: &mut Browser| begin(&world, browser).query.contains("&Signature=");
    assert!(!signed(&mut browser), "the identity provider does not ask for it");
    assert!(published(&world, &id).is_empty());
    assert!(!world.registry_calls.borrow().iter().any(|name| name.contains("key")));

    let wanting =
        (Idp::trusted().metadata()).replace("WantAuthnRequestsSigned=\"false\"", "WantAuthnRequestsSigned=\"true\"");
    let (status, saved) = world.api("POST", &format!("/connections/{id}/metadata"), &json!({"xml": wanting}));
    assert_eq!(
        (status, &saved["identity_provider"]["wants_requests_signed"]),
        (200, &json!(true))
    );
    assert_eq!(saved["sign_requests"], "auto");
    assert!(signed(&mut browser));
    assert_eq!(published(&world, &id).len(), 1);

    assert_eq!(
        patch(&world, &id, &json!({"sign_requests": "never"}))["sign_requests"],
        "never"
    );
    assert!(!signed(&mut browser));
    assert!(published(&world, &id).is_empty());
    patch(&world, &id, &json!({"sign_requests": "always"}));
    assert!(signed(&mut browser));
    let (status, error) = world.api(
        "PATCH",
        &format!("/connections/{id}"),
        &json!({"sign_requests": "sometimes"}),
    );
    assert_eq!((status, &error["error"]["code"]), (422, &json!("invalid_field")));
}

#[test]
fn a_redirect_is_signed_over_its_exact_octets() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    patch(&world, &id, &json!({"sign_requests": "always"}));
    let certificates = published(&world, &id);
    let keys = keys_of(&certificates);
    let request = begin(&world, &mut browser);
    assert_eq!(verify_query(&request.query, &keys), Ok(()));
    assert!(
        !request.xml.contains("Signature"),
        "by Redirect, the signature is not in the XML (Bindings 3.4.4.1)"
    );
    for (from, to) in [
        ("RelayState=", "RelayState=x"),
        ("rsa-sha256", "rsa-sha512"),
        ("SAMLRequest=", "SAMLRequest=%20"),
    ] {
        let altered = request.query.replacen(from, to, 1);
        let verified = std::panic::catch_unwind(|| verify_query(&altered, &keys));
        assert!(!matches!(verified, Ok(Ok(()))), "{from}");
    }
    assert_eq!(
        verify_query(&request.query, &keys_of(&[Idp::other().certificate])),
        Err(dsig::Error::SignatureInvalid)
    );
    assert_eq!(finish(&world, &mut browser, &id, &request.id(), |_| ()), 303);
}

#[test]
fn a_posted_request_carries_an_enveloped_signature() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    use_post(&world, &id);
    // Everything that may stand in a request, so that the signature's place among it is seen.
    patch(
        &world,
        &id,
        &json!({
            "sign_requests": "always", "force_authn": true, "login_hint": "subject_name_id", "name_id_format": "urn:x:a&b",
            "requested_authn_context": ["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"],
        }),
    );
    let certificates = published(&world, &id);
    let request = begin(&world, &mut browser);
    assert_eq!(verify_xml(&request.xml, &keys_of(&certificates)), Ok(()));
    let altered = request.xml.replace("ForceAuthn=\"true\"", "ForceAuthn=\"false\"");
    assert_eq!(
        verify_xml(&altered, &keys_of(&certificates)),
        Err(dsig::Error::DigestMismatch)
    );
    assert!(request.xml.contains("</saml:Issuer><ds:Signature "), "{}", request.xml);
    assert!(request.xml.contains("</ds:Signature><saml:Subject "), "{}", request.xml);
    xmlsec1_verifies(&request.xml, certificates.first().unwrap());
    assert_eq!(finish(&world, &mut browser, &id, &request.id(), |_| ()), 303);
}

/// Lets xmlsec1 verify, where it is installed.
fn xmlsec1_verifies(xml: &str, certificate: &Certificate) {
    let folder = std::env::temp_dir().join(format!("edge-saml-signed-request-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (message, der) = (folder.join("request.xml"), folder.join("sp.der"));
    std::fs::write(&message, xml).unwrap();
    std::fs::write(&der, certificate.der()).unwrap();
    let output = Command::new("xmlsec1")
        .args([
            "--verify",
            "--enabled-key-data",
            "x509,rsa",
            "--id-attr:ID",
            "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest",
        ])
        .arg("--trusted-der")
        .arg(&der)
        .arg("--pubkey-cert-der")
        .arg(&der)
        .arg(&message)
        .stdin(Stdio::null())
        .output();
    std::fs::remove_dir_all(&folder).unwrap();
    match output {
        Ok(output) => assert!(
            output.status.success(),
            "xmlsec1: {}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(_) => eprintln!("skipped: xmlsec1 is not installed"),
    }
}

#[test]
fn our_certificate_is_one_that_others_read() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    patch(&world, &id, &json!({"sign_requests": "always"}));
    begin(&world, &mut browser);
    let certificate = published(&world, &id).remove(0);
    assert_eq!(certificate.subject(), "CN=edge-saml service provider");
    let now = crate::support::idp::NOW;
    assert_eq!(certificate.not_before(), Some(now - 86_400));
    assert_eq!(certificate.not_after(), Some(now + 3_652 * 86_400));

    let Ok(mut openssl) = Command::new("openssl")
        .args([
            "x509",
            "-inform",
            "DER",
            "-noout",
            "-text",
            "-certopt",
            "no_pubkey,no_sigdump",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
    else {
        return eprintln!("skipped: openssl is not installed");
    };
    std::io::Write::write_all(&mut openssl.stdin.take().unwrap(), certificate.der()).unwrap();
    let output = openssl.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for part in [
        "Version: 3 (0x2)",
        "sha256WithRSAEncryption",
        "X509v3 Basic Constraints: critical",
        "CA:FALSE",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // It is signed by its own key.
    let der = certificate.der();
    let tbs_end = 4 + 4 + usize::from(u16::from_be_bytes([der[6], der[7]]));
    let policy_keys = keys_of(std::slice::from_ref(&certificate));
    let policy = Policy {
        keys: &policy_keys,
        sha1: Sha1::Refused,
    };
    assert_eq!(
        dsig::verify_octets(&der[4..tbs_end], RSA_SHA256, &der[der.len() - 256..], &policy).map(|_| ()),
        Ok(())
    );
}

#[test]
fn a_sign_in_signs_without_asking_the_registry() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    patch(&world, &id, &json!({"sign_requests": "always"}));
    begin(&world, &mut browser);
    let calls = |world: &World| std::mem::take(&mut *world.registry_calls.borrow_mut());
    calls(&world);
    begin(&world, &mut browser);
    assert_eq!(calls(&world), [""; 0]);
    world.restart();
    begin(&world, &mut browser);
    assert_eq!(calls(&world), ["read_private_key"], "a fresh isolate asks once");
    begin(&world, &mut browser);
    assert_eq!(calls(&world), [""; 0]);
}

#[test]
fn private_keys_stay_in_the_registry() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    patch(&world, &id, &json!({"sign_requests": "always"}));
    begin(&world, &mut browser);
    rotate(&world, "prepare");
    let (_, shown) = world.api("GET", "/service-provider/keys", &json!({}));
    let public = format!("{}{shown}{}", world.everything_public(), world.metadata(&id));
    assert!(public.contains("service-provider:keys="), "{public}");
    for pem in [
        include_str!("../vectors/keys/sp-1.key.pem"),
        include_str!("../vectors/keys/sp-2.key.pem"),
    ] {
        let middle: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
        // The first lines are the same for all keys; the modulus stands in the first half and is public.
        let private = middle[middle.len() / 2 + 1..].concat();
        assert!(private.len() > 400);
        let windows = private.as_bytes().chunks(40).map(|w| std::str::from_utf8(w).unwrap());
        windows.for_each(|window| assert!(!public.contains(window)));
    }
}

/// Takes one step of a rotation; the keys as `(state, sha256)` after it.
fn rotate(world: &World, step: &str) -> Vec<(String, String)> {
    let (status, body) = world.api("POST", "/service-provider/keys/rotate", &json!({"step": step}));
    assert_eq!(status, 200, "{body}");
    states(&body)
}

fn states(body: &Value) -> Vec<(String, String)> {
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    let keys = body["keys"].as_array().unwrap();
    keys.iter()
        .map(|key| (text(key, "state"), text(key, "sha256")))
        .collect()
}

#[test]
fn a_rotation_overlaps() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    patch(&world, &id, &json!({"sign_requests": "always"}));
    let (code, body) = world.api("GET", "/service-provider/keys", &json!({}));
    assert_eq!(
        (code, &body["next_step"]),
        (200, &json!("prepare")),
        "the first key is made"
    );
    let old = states(&body).remove(0).1;
    let key = &body["keys"][0];
    assert_eq!(
        (&key["created_at"], &key["not_after"]),
        (&json!("2026-07-01T12:00:00Z"), &json!("2036-06-30T12:00:00Z"))
    );

    // An identity provider that reads our metadata between any two steps can always check our signatures.
    let mut known = keys_of(&published(&world, &id));
    let mut sign_in = |known: &[TrustedKey]| {
        let request = begin(&world, &mut browser);
        assert_eq!(verify_query(&request.query, known), Ok(()));
        assert_eq!(finish(&world, &mut browser, &id, &request.id(), |_| ()), 303);
    };
    sign_in(&known);
    let states = |keys: Vec<(String, String)>| keys.into_iter().map(|(state, _)| state).collect::<Vec<_>>();

    let keys = rotate(&world, "prepare");
    let new = keys[1].1.clone();
    assert_eq!(
        keys,
        [("current".to_owned(), old.clone()), ("next".to_owned(), new.clone())]
    );
    sign_in(&known);
    known = keys_of(&published(&world, &id));
    assert_eq!(known.len(), 2);
    sign_in(&known);

    let keys = rotate(&world, "activate");
    assert_eq!(
        keys,
        [("current".to_owned(), new.clone()), ("previous".to_owned(), old)]
    );
    sign_in(&known);
    assert_eq!(
        published(&world, &id)[0].fingerprint().to_string(),
        new,
        "the key in use comes first"
    );
    known = keys_of(&published(&world, &id));

    // A step that is not next, or repeated by mistake, changes nothing.
    for step in ["activate", "prepare"] {
        let (code, error) = world.api("POST", "/service-provider/keys/rotate", &json!({"step": step}));
        assert_eq!((code, &error["error"]["code"]), (409, &json!("rotation_step")));
        assert_eq!(error["error"]["message"], "The next step of the rotation is retire.");
    }
    assert_eq!(states(rotate(&world, "retire")), ["current"]);
    sign_in(&known);
    known = keys_of(&published(&world, &id));
    assert_eq!(known.len(), 1);
    sign_in(&known);
    // And the next rotation begins.
    assert_eq!(states(rotate(&world, "prepare")), ["current", "next"]);
}

#[test]
fn replicated_keys_may_be_older_than_the_registrys() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    patch(&world, &id, &json!({"sign_requests": "always"}));
    let old = keys_of(&published(&world, &id));
    world.replication.set(Replication::Lagging);
    for step in ["prepare", "activate"] {
        let (status, _) = world.api("POST", "/service-provider/keys/rotate", &json!({"step": step}));
        assert_eq!(status, 202, "saved, but not published everywhere");
    }
    // The previous key signs where KV does not know better; it is still published.
    assert_eq!(verify_query(&begin(&world, &mut browser).query, &old), Ok(()));
    world.api("POST", "/service-provider/keys/rotate", &json!({"step": "retire"}));
    // An isolate that would have to fetch the key that is gone signs with the current one.
    world.restart();
    let (_, body) = world.api("GET", "/service-provider/keys", &json!({}));
    let current = Certificate::read(body["keys"][0]["certificate"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(
        verify_query(&begin(&world, &mut browser).query, &keys_of(&[current])),
        Ok(())
    );
}

#[test]
fn a_forced_authentication_must_be_new() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    assert!(!begin(&world, &mut browser).xml.contains("ForceAuthn"));
    let at = |text: &str| {
        let text = text.to_owned();
        move |message: &mut Message| message.issue_instant = text
    };
    // 2026-07-01T12:00:00Z is the time of the request; three minutes of skew are granted.
    let request = begin(&world, &mut browser).id();
    assert_eq!(
        finish(&world, &mut browser, &id, &request, at("2026-07-01T08:00:00Z")),
        303,
        "not asked for"
    );
    patch(&world, &id, &json!({"force_authn": true}));
    let request = begin(&world, &mut browser);
    assert!(request.xml.contains(" ForceAuthn=\"true\" "), "{}", request.xml);
    assert_eq!(
        finish(&world, &mut browser, &id, &request.id(), at("2026-07-01T11:56:59Z")),
        403
    );
    assert_eq!(world.refusal_codes(&id), ["authn_too_old"]);
    // The request is still pending, and the user may yet authenticate.
    assert_eq!(
        finish(&world, &mut browser, &id, &request.id(), at("2026-07-01T11:57:00Z")),
        303
    );
}

fn error_response(id: &str, request: &str, status: &str) -> String {
    let top = "urn:oasis:names:tc:SAML:2.0:status";
    format!(
        "<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_e\" Version=\"2.0\" IssueInstant=\"2026-07-01T12:00:00Z\" \
         InResponseTo=\"{request}\" Destination=\"{ORIGIN}/sso/saml/{id}/acs\"><p:Status><p:StatusCode Value=\"{top}:Requester\">\
         <p:StatusCode Value=\"{top}:{status}\"/></p:StatusCode></p:Status></p:Response>"
    )
}

#[test]
fn a_refused_name_id_format_is_asked_for_once() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    assert!(!begin(&world, &mut browser).xml.contains("NameIDPolicy"));
    let body = patch(
        &world,
        &id,
        &json!({"name_id_format": format, "sign_requests": "always"}),
    );
    assert_eq!(body["name_id_format"], format);
    for post in [false, true] {
        if post {
            use_post(&world, &id);
        }
        let first = begin(&world, &mut browser);
        let policy = format!("<samlp:NameIDPolicy Format=\"{format}\" AllowCreate=\"true\"/>");
        assert!(first.xml.contains(&policy), "{}", first.xml);
        // Another status is final, and so is an answer to no request.
        let count = world.refusal_codes(&id).len();
        assert_eq!(
            Browser::deliver(&world, &id, &error_response(&id, &first.id(), "RequestDenied")).status(),
            403
        );
        assert_eq!(
            Browser::deliver(&world, &id, &error_response(&id, "_nobody", "InvalidNameIDPolicy")).status(),
            403
        );

        let refused = error_response(&id, &first.id(), "InvalidNameIDPolicy");
        let response = Browser::deliver(&world, &id, &refused);
        assert!(response.headers().get("set-cookie").is_none());
        let second = seen(&response);
        assert!(!second.xml.contains("NameIDPolicy"), "{}", second.xml);
        assert_ne!(second.id(), first.id());
        if post {
            assert_eq!(verify_xml(&second.xml, &keys_of(&published(&world, &id))), Ok(()));
        } else {
            assert_eq!(verify_query(&second.query, &keys_of(&published(&world, &id))), Ok(()));
        }
        // Once: neither the same refusal nor the second one's starts another round.
        assert_eq!(Browser::deliver(&world, &id, &refused).status(), 403);
        let again = error_response(&id, &second.id(), "InvalidNameIDPolicy");
        assert_eq!(Browser::deliver(&world, &id, &again).status(), 403);
        assert_eq!(
            world.refusal_codes(&id)[..world.refusal_codes(&id).len() - count],
            [
                "idp_invalid_nameid_policy",
                "idp_invalid_nameid_policy",
                "idp_invalid_nameid_policy",
                "idp_request_denied"
            ]
        );
        // The first request is answered; the second one signs in the browser that asked, and no other.
        assert_eq!(finish(&world, &mut Browser::default(), &id, &first.id(), |_| ()), 403);
        assert_eq!(finish(&world, &mut browser, &id, &second.id(), |_| ()), 303);
    }
    let body = patch(&world, &id, &json!({"name_id_format": null}));
    assert_eq!(body["name_id_format"], Value::Null);
}

#[test]
fn what_is_asked_for_again_asks_for_the_same_otherwise() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    for (hint, in_subject, in_parameter) in [
        ("subject_name_id", true, false),
        ("login_hint_parameter", false, true),
        ("off", false, false),
    ] {
        patch(
            &world,
            &id,
            &json!({"name_id_format": format, "login_hint": hint, "force_authn": true}),
        );
        for passive in [true, false] {
            let link = format!("/sso/sign-in?email=ada%40acme.test&passive={passive}");
            let first = seen(&browser.get(&world, &link));
            let refused = error_response(&id, &first.id(), "InvalidNameIDPolicy");
            let second = seen(&Browser::deliver(&world, &id, &refused));
            assert_ne!(second.id(), first.id());
            for request in [&first, &second] {
                assert_eq!(request.xml.contains(" IsPassive=\"true\""), passive, "{}", request.xml);
                assert_eq!(request.xml.contains(">ada@acme.test<"), in_subject, "{}", request.xml);
                let parameter = request.target.contains("LoginHint=ada%40acme.test");
                assert_eq!(parameter, in_parameter, "{}", request.target);
                assert!(request.xml.contains(" ForceAuthn=\"true\""), "{}", request.xml);
            }
        }
    }
}

#[test]
fn a_login_hint_goes_where_the_connection_says() {
    let (world, mut browser) = (World::new(), Browser::default());
    let id = world.connection(&Idp::trusted());
    let request = begin(&world, &mut browser);
    assert!(
        !request.target.contains("ada") && !request.xml.contains("ada"),
        "nothing by default"
    );

    patch(
        &world,
        &id,
        &json!({"login_hint": "login_hint_parameter", "sign_requests": "always"}),
    );
    let keys = keys_of(&published(&world, &id));
    for (provider, parameter) in [("okta", "LoginHint"), ("entra", "login_hint"), ("google", "login_hint")] {
        patch(&world, &id, &json!({"provider": provider}));
        let request = begin(&world, &mut browser);
        let start = format!("https://acme.okta.example/sso?{parameter}=ada%40acme.test&SAMLRequest=");
        assert!(request.target.starts_with(&start), "{}", request.target);
        assert!(request.xml.contains("Destination=\"https://acme.okta.example/sso\""));
        assert_eq!(
            verify_query(&request.query, &keys),
            Ok(()),
            "the hint is outside of what is signed"
        );
    }
    use_post(&world, &id);
    let request = begin(&world, &mut browser);
    assert_eq!(
        request.target,
        "https://acme.okta.example/post?login_hint=ada%40acme.test"
    );

    patch(&world, &id, &json!({"login_hint": "subject_name_id"}));
    let request = begin(&world, &mut browser);
    assert_eq!(request.target, "https://acme.okta.example/post");
    assert!(
        request.xml.contains(">ada@acme.test</saml:NameID></saml:Subject>"),
        "{}",
        request.xml
    );
    // A link that names only the connection has no address to pass on.
    let request = seen(&browser.get(&world, &format!("/sso/sign-in?connection={id}")));
    assert!(!request.xml.contains("Subject"), "{}", request.xml);
}

#[test]
fn what_requests_ask_for_is_checked() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    for body in [
        json!({"name_id_format": "persistent"}),
        json!({"name_id_format": "urn:a b"}),
        json!({"name_id_format": format!("urn:{}", "x".repeat(253))}),
        json!({"requested_authn_context": ["urn:a", ""]}),
        json!({"requested_authn_context": vec!["urn:a"; 11]}),
    ] {
        let (status, error) = world.api("PATCH", &format!("/connections/{id}"), &body);
        assert_eq!(
            (status, &error["error"]["code"]),
            (422, &json!("invalid_field")),
            "{body}"
        );
    }
    let most = json!({
        "name_id_format": format!("urn:{}", "x".repeat(252)), "requested_authn_context": vec!["urn:a"; 10],
    });
    assert_eq!(
        patch(&world, &id, &most)["requested_authn_context"],
        json!(vec!["urn:a"; 10])
    );
    let created = json!({
        "name": "B", "provider": "custom", "domains": ["b.test"], "force_authn": true, "login_hint": "subject_name_id",
        "sign_requests": "always", "requested_authn_context": ["urn:c"], "name_id_format": "urn:d",
    });
    let (status, body) = world.api("POST", "/connections", &created);
    assert_eq!(status, 201);
    for field in [
        "force_authn",
        "login_hint",
        "sign_requests",
        "requested_authn_context",
        "name_id_format",
    ] {
        assert_eq!(body[field], created[field], "{field}");
    }
}

#[test]
fn a_field_is_given_once() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let whole = r#"{"name":"A","name":"B","provider":"okta","domains":["b.test"]}"#;
    for (method, path, body, twice) in [
        ("POST", "/sso/api/v1/connections".to_owned(), whole, "name"),
        (
            "PATCH",
            format!("/sso/api/v1/connections/{id}"),
            r#"{"force_authn":true,"force_authn":false}"#,
            "force_authn",
        ),
    ] {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .header("content-type", "application/json");
        let response = world.handle(request.body(body.as_bytes().to_vec()).unwrap());
        assert_eq!(response.status(), 422, "{method}");
        let answer: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(answer["error"]["code"], "invalid_field");
        assert_eq!(answer["error"]["field"], twice);
    }
}
