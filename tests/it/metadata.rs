//! The identity provider's metadata, from what is fetched or pasted to what is saved, refused or warned of.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::app::ports::FetchFailure;
use edge_saml::limits::MAX_CERTIFICATES_LOOKED_AT;
use serde_json::{Value, json};

use crate::support::idp::{ENTITY_ID, Idp};
use crate::support::world::{World, dns_answer};

const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SAML2: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const URL: &str = "https://idp.example/metadata";

/// A world with one connection that has no identity provider yet, and the path of the connection.
fn connection() -> (World, String) {
    connection_of("okta")
}

fn connection_of(provider: &str) -> (World, String) {
    let world = World::new();
    let body = json!({"name": "Acme", "provider": provider, "domains": ["acme.test"]});
    let (status, created) = world.api("POST", "/connections", &body);
    assert_eq!((status, &created["warnings"]), (201, &json!([])));
    let path = format!("/connections/{}", created["id"].as_str().unwrap());
    (world, path)
}

impl World {
    fn save(&self, path: &str, body: &Value) -> (u16, Value) {
        self.api("POST", &format!("{path}/metadata"), body)
    }

    /// Saves what must be accepted; the connection then.
    fn saved(&self, path: &str, body: &Value) -> Value {
        let (status, saved) = self.save(path, body);
        assert_eq!(status, 200, "{saved}");
        let (_, read) = self.api("GET", path, &json!({}));
        assert_eq!(saved, read, "the answer is the connection as it is read");
        saved
    }

    /// Tries to save what must be refused and change nothing; the code and the message.
    fn refused(&self, path: &str, body: &Value) -> (String, String) {
        let (_, before) = self.api("GET", path, &json!({}));
        let (status, refused) = self.save(path, body);
        let code = refused["error"]["code"].as_str().unwrap_or_default().to_owned();
        assert_eq!(status, if code == "entity_changed" { 409 } else { 422 }, "{refused}");
        assert_eq!(self.api("GET", path, &json!({})).1, before, "{code}");
        (code, refused["error"]["message"].as_str().unwrap().to_owned())
    }
}

/// The code that the API refuses the pasted `xml` with.
fn code_of(xml: &str) -> String {
    let (world, path) = connection();
    world.refused(&path, &json!({"xml": xml})).0
}

fn warnings(connection: &Value) -> Vec<&str> {
    let warnings = connection["warnings"].as_array().unwrap();
    warnings
        .iter()
        .map(|warning| warning["code"].as_str().unwrap())
        .collect()
}

fn good() -> String {
    Idp::trusted().metadata()
}

fn of_entity(id: &str) -> String {
    good().replace(ENTITY_ID, id)
}

fn entities(attributes: &str, inside: &str) -> String {
    format!("<md:EntitiesDescriptor xmlns:md=\"{MD}\" {attributes}>{inside}</md:EntitiesDescriptor>")
}

fn entity_with(role: &str) -> String {
    format!("<md:EntityDescriptor xmlns:md=\"{MD}\" entityID=\"urn:other\">{role}</md:EntityDescriptor>")
}

fn service_provider() -> String {
    entity_with(&format!("<md:SPSSODescriptor protocolSupportEnumeration=\"{SAML2}\"/>"))
}

/// The certificate of the trusted identity provider in base64, its signature's last octet changed: nothing checks that one.
fn certificate(number: u8) -> String {
    numbered(STANDARD.encode(Idp::trusted().certificate.der()), number)
}

/// A certificate that differs from `certificate` in its signature, which nobody looks at.
fn numbered(certificate: String, number: u8) -> String {
    let mut der = STANDARD.decode(certificate).unwrap();
    *der.last_mut().unwrap() ^= number;
    STANDARD.encode(der)
}

fn key(usage: &str, certificate: &str) -> String {
    format!(
        "<md:KeyDescriptor {usage}><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>\
         {certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

/// Metadata with these keys in the place of its own.
fn with_keys(keys: &str) -> String {
    let good = good();
    let from = good.find("<md:KeyDescriptor").unwrap();
    let to = good.find("<md:SingleSignOnService").unwrap();
    format!("{}{keys}{}", &good[..from], &good[to..])
}

const WEAK: &[u8] = include_bytes!("../vectors/dsig/rsa-1024.pem");

fn weak() -> String {
    STANDARD.encode(edge_saml::dsig::Certificate::read(WEAK).unwrap().der())
}

fn utf16(text: &str, mark: [u8; 2], unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.into_iter().chain(text.encode_utf16().flat_map(unit)).collect()
}

#[test]
fn the_one_identity_provider_is_picked_however_deep_it_stands() {
    let attribute_authority = entity_with("<md:AttributeAuthorityDescriptor protocolSupportEnumeration=\"x\"/>");
    let inner = entities("", &format!("{attribute_authority}{}", good()));
    for xml in [
        entities("", &good()),
        entities(
            "Name=\"urn:federation\"",
            &format!("{}{}", service_provider(), entities("", &inner)),
        ),
    ] {
        let (world, path) = connection();
        assert_eq!(
            world.saved(&path, &json!({"xml": xml}))["identity_provider"]["entity_id"],
            ENTITY_ID
        );
    }
}

#[test]
fn one_of_several_is_chosen_by_its_entity_id() {
    let (world, path) = connection();
    let several: String = (0..13).map(|number| of_entity(&format!("urn:idp:{number}"))).collect();
    let xml = entities("", &format!("{}{several}", service_provider()));
    let (code, message) = world.refused(&path, &json!({"xml": xml}));
    assert_eq!(code, "several_entities");
    assert!(
        message.ends_with(
            "found several: urn:idp:0, urn:idp:1, urn:idp:2, urn:idp:3, urn:idp:4, urn:idp:5, urn:idp:6, \
        urn:idp:7, urn:idp:8, urn:idp:9 and 3 more."
        ),
        "{message}"
    );

    // Those that are listed are not shown whole when they are long.
    let long = entities("", &["a", "b"].map(|letter| of_entity(&letter.repeat(1_000))).concat());
    let (_, message) = world.refused(&path, &json!({"xml": long}));
    assert!(
        message.contains(&format!("{}…, {}…", "a".repeat(200), "b".repeat(200))),
        "{message}"
    );

    let (code, message) = world.refused(&path, &json!({"xml": xml, "entity_id": "urn:other"}));
    assert_eq!(code, "no_idp_role", "one without that role");
    assert!(message.contains("found others: urn:idp:0, "), "{message}");
    assert_eq!(
        world
            .refused(&path, &json!({"xml": good(), "entity_id": "urn:other"}))
            .0,
        "no_idp_role"
    );
    assert_eq!(
        world.refused(&path, &json!({"xml": good(), "entity_id": ""})).0,
        "invalid_field"
    );

    let chosen = world.saved(&path, &json!({"xml": xml, "entity_id": "urn:idp:12"}));
    assert_eq!(chosen["identity_provider"]["entity_id"], "urn:idp:12");
    world.serve(URL, xml.as_bytes(), None);
    let chosen = world.saved(&path, &json!({"url": URL, "entity_id": "urn:idp:12"}));
    assert_eq!(chosen["identity_provider"]["metadata_url"], URL);
    assert_eq!(world.refused(&path, &json!({"url": URL})).0, "several_entities");

    // One that is described twice cannot be chosen.
    let twice = entities("", &[good(), good()].concat());
    let (code, message) = world.refused(&path, &json!({"xml": twice, "entity_id": ENTITY_ID}));
    assert_eq!(code, "several_entities");
    assert!(message.ends_with(&format!("several: {ENTITY_ID}.")), "{message}");
}

#[test]
fn keys_that_sign_are_kept_once_and_others_left_out_with_a_warning() {
    let count = |keys: &str| {
        let (world, path) = connection();
        let saved = world.saved(&path, &json!({"xml": with_keys(keys)}));
        let certificates = saved["identity_provider"]["signing_certificates"]
            .as_array()
            .unwrap()
            .len();
        (
            certificates,
            warnings(&saved).iter().map(ToString::to_string).collect::<Vec<_>>(),
        )
    };
    let signing = |certificate: &str| key("use=\"signing\"", certificate);
    let (first, second) = (certificate(0), certificate(1));
    let nothing: Vec<String> = Vec::new();
    let left_out = vec!["certificates_left_out".to_owned()];

    assert_eq!(
        count(&format!("{}{}", key("", &first), signing(&second))),
        (2, nothing.clone())
    );
    let wrapped = format!("\n  {}\n  {}\n", &first[..64], &first[64..]);
    assert_eq!(
        count(&format!("{}{}", signing(&first), key("", &wrapped))),
        (1, nothing.clone()),
        "the same again"
    );
    let encryption = key("use=\"encryption\"", &weak());
    assert_eq!(
        count(&format!("{encryption}{}", signing(&first))),
        (1, nothing),
        "not for signing"
    );
    for unusable in [weak(), "AAAA".to_owned(), String::new()] {
        assert_eq!(
            count(&format!("{}{}", signing(&unusable), signing(&first))),
            (1, left_out.clone())
        );
    }

    assert_eq!(code_of(&with_keys("")), "no_signing_key");
    assert_eq!(
        code_of(&with_keys(&key("use=\"encryption\"", &first))),
        "no_signing_key"
    );
    assert_eq!(code_of(&with_keys(&signing(&weak()))), "key_weak");
    assert_eq!(code_of(&with_keys(&signing("AAAA"))), "key_weak");

    let many = |count| {
        (0..count)
            .map(|number| signing(&certificate(number)))
            .collect::<String>()
    };
    assert_eq!(count(&many(8)).0, 8);
    assert_eq!(code_of(&with_keys(&many(9))), "too_many_certificates");
    // Unusable ones cost as much to look at.
    let unusable = |count| {
        (0..count)
            .map(|number| signing(&numbered(weak(), number)))
            .collect::<String>()
    };
    let most = u8::try_from(MAX_CERTIFICATES_LOOKED_AT).unwrap();
    assert_eq!(
        count(&format!("{}{}", signing(&first), unusable(most - 1))),
        (1, left_out)
    );
    assert_eq!(
        code_of(&with_keys(&format!("{}{}", signing(&first), unusable(most)))),
        "too_many_certificates"
    );
    assert_eq!(
        count(&format!("{}{}", signing(&first), signing(&weak()).repeat(100))).0,
        1,
        "the same again"
    );
}

#[test]
fn files_in_utf_16_are_read_when_they_say_so() {
    let (world, path) = connection();
    let declared = |encoding: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"{encoding}\"?>\r\n<!-- é -->{}",
            good()
        )
    };
    let utf8 = |text: &str| text.as_bytes().to_vec();
    let little = |text: &str| utf16(text, [0xFF, 0xFE], u16::to_le_bytes);
    let big = |text: &str| utf16(text, [0xFE, 0xFF], u16::to_be_bytes);
    for octets in [
        utf8(&declared("utf-8")),
        utf8(&format!("\u{FEFF}{}", declared("UTF-8"))),
        little(&good()),
        big(&good()),
        little(&declared("utf-16")),
        big(&declared("UTF-16")),
        little(&declared("UTF-16LE")),
        big(&declared("UTF-16BE")),
    ] {
        world.serve(URL, &octets, None);
        assert_eq!(
            world.saved(&path, &json!({"url": URL}))["identity_provider"]["entity_id"],
            ENTITY_ID
        );
    }
    for octets in [
        little(&declared("utf-8")),
        little(&declared("UTF-16BE")),
        big(&declared("windows-1252")),
        utf8(&declared("utf-16")),
        utf8(&declared("ISO-8859-1")),
        good().encode_utf16().flat_map(u16::to_le_bytes).collect(),
        good().encode_utf16().flat_map(u16::to_be_bytes).collect(),
        good()
            .replace("acme.okta", "\u{FF}")
            .chars()
            .map(|c| u8::try_from(c).unwrap())
            .collect(),
    ] {
        world.serve(URL, &octets, None);
        let (code, message) = world.refused(&path, &json!({"url": URL}));
        assert_eq!(code, "encoding_bad");
        assert!(
            message.contains("expected UTF-8, or UTF-16 with a byte order mark"),
            "{message}"
        );
    }
    // What is pasted has no encoding any more, whatever its declaration says that the file had.
    for text in [
        declared("utf-16"),
        declared("ISO-8859-1"),
        format!("\u{FEFF}{}", declared("utf-16")),
    ] {
        world.saved(&path, &json!({"xml": text}));
    }
}

#[test]
fn caps_hold_for_what_utf_16_becomes() {
    let (world, path) = connection();
    let cap = 5 * 1024 * 1024;
    let filled = |filler: char, octets: usize| {
        let (head, tail) = (format!("{}<!--", good()), "-->");
        let left = octets - head.len() - tail.len();
        let rest = left % filler.len_utf8();
        let fill = filler.to_string().repeat(left / filler.len_utf8());
        format!("{head}{fill}{}{tail}", " ".repeat(rest))
    };
    // Three octets in UTF-8, two in UTF-16.
    let serve = |text: &str| world.serve(URL, &utf16(text, [0xFF, 0xFE], u16::to_le_bytes), None);
    let at_the_cap = filled('語', cap);
    serve(&at_the_cap);
    world.saved(&path, &json!({"url": URL}));
    serve(&filled('語', cap + 1));
    assert_eq!(world.refused(&path, &json!({"url": URL})).0, "too_large");
    // One octet in UTF-8, two in UTF-16.
    serve(&filled('x', cap / 2));
    assert_eq!(
        world.refused(&path, &json!({"url": URL})).0,
        "too_large",
        "the mark is one unit more"
    );
    serve(&filled('x', cap / 2 - 1));
    world.saved(&path, &json!({"url": URL}));
}

#[test]
fn metadata_that_has_expired_is_used_with_a_warning() {
    let (world, path) = connection();
    let until = |time: &str| format!("validUntil=\"{time}\" cacheDuration=\"PT1S\"");
    let entity = |until: &str| good().replace("entityID=", &format!("{until} entityID="));
    let role = |until: &str| good().replace("WantAuthnRequestsSigned=", &format!("{until} WantAuthnRequestsSigned="));
    let (past, future) = (until("2026-07-01T12:00:00.000Z"), until("2026-07-01T12:00:01Z"));
    for (xml, is_warned_of) in [
        (entity(&past), true),
        (role(&past), true),
        (entities(&past, &entities("", &good())), true),
        (entities("", &entities(&past, &entity(&future))), true),
        (entities(&future, &entity(&past)), true),
        (entities(&future, &entity(&future)), false),
        (entity(&until("soon")), false),
        // That of another entity says nothing of this one.
        (
            entities(
                "",
                &format!(
                    "{}{}",
                    service_provider().replace("entityID", &format!("{past} entityID")),
                    good()
                ),
            ),
            false,
        ),
    ] {
        let saved = world.saved(&path, &json!({"xml": xml}));
        let expected: &[&str] = if is_warned_of { &["metadata_expired"] } else { &[] };
        assert_eq!(warnings(&saved), expected, "{xml}");
    }
    // It is looked at when the connection is, not when the metadata is saved.
    let saved = world.saved(&path, &json!({"xml": role(&future)}));
    assert_eq!(warnings(&saved), Vec::<&str>::new());
    world.pass(1);
    let (_, later) = world.api("GET", &path, &json!({}));
    let message = "The metadata was valid until 2026-07-01T12:00:01Z; it is still used.";
    assert_eq!(
        later["warnings"],
        json!([{"code": "metadata_expired", "message": message}])
    );
    assert_eq!(world.api("GET", "/connections", &json!({})).1["connections"][0], later);
}

#[test]
fn certificates_that_end_are_told_of_before() {
    let (world, path) = connection();
    let certificate = Idp::trusted().certificate;
    let left = certificate.not_after().unwrap() - crate::support::idp::NOW;
    let day = 24 * 60 * 60;
    assert_eq!(
        warnings(&world.saved(&path, &json!({"xml": good()}))),
        Vec::<&str>::new()
    );
    let mut passed = 0;
    for (at, notice, says) in [
        (left - 60 * day - 1, Value::Null, ""),
        (left - 60 * day, json!(60), "expires within 60 days, on "),
        (left - 30 * day - 1, json!(60), "expires within 60 days, on "),
        (left - 30 * day, json!(30), "expires within 30 days, on "),
        (left - 14 * day, json!(14), "expires within 14 days, on "),
        (left - 7 * day, json!(7), "expires within 7 days, on "),
        (left - day - 1, json!(7), "expires within 7 days, on "),
        (left - day, json!(1), "expires within a day, on "),
        (left, json!(1), "expires within a day, on "),
        (left + 1, json!(0), "expired on "),
    ] {
        world.pass(at - passed);
        passed = at;
        let (_, connection) = world.api("GET", &path, &json!({}));
        let (_, calendar) = world.api("GET", "/certificates", &json!({}));
        let entry = &calendar["certificates"][0];
        assert_eq!(entry["notice_days"], notice, "{at}");
        assert_eq!(entry["days_left"], (left - at).div_euclid(day), "{at}");
        let expected = match says {
            "" => vec![],
            "expired on " => vec!["certificate_expired"],
            _ => vec!["certificate_expires_soon"],
        };
        assert_eq!(warnings(&connection), expected, "{at}");
        for warning in connection["warnings"].as_array().unwrap() {
            let message = warning["message"].as_str().unwrap();
            let fingerprint = certificate.fingerprint().to_string();
            assert!(message.contains(&fingerprint) && message.contains(says), "{message}");
        }
    }
    assert_eq!(
        warnings(&world.saved(&path, &json!({"xml": good()}))),
        ["certificate_expired"],
        "still accepted"
    );
}

#[test]
fn entra_metadata_is_fetched_for_the_application() {
    // As Entra ID writes it: signed, with the roles of WS-Federation before that of SAML.
    let federation = "<RoleDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
        xmlns:fed=\"http://docs.oasis-open.org/wsfed/federation/200706\" xsi:type=\"fed:SecurityTokenServiceType\" \
        protocolSupportEnumeration=\"http://docs.oasis-open.org/wsfed/federation/200706\"><KeyDescriptor use=\"signing\">\
        <KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>AAAA</X509Certificate></X509Data></KeyInfo>\
        </KeyDescriptor><fed:SecurityTokenServiceEndpoint/></RoleDescriptor>";
    let entra = good().replace("<md:IDPSSODescriptor", &format!("{federation}<md:IDPSSODescriptor"));
    let tenant = "https://login.microsoftonline.com/contoso/federationmetadata/2007-06/federationmetadata.xml";
    for (provider, url, expected) in [
        ("entra", tenant.to_owned(), vec!["metadata_url_without_appid"]),
        ("custom", tenant.to_owned(), vec!["metadata_url_without_appid"]),
        ("entra", format!("{tenant}?appid="), vec!["metadata_url_without_appid"]),
        ("entra", format!("{tenant}?appid=8a1f"), vec![]),
        ("custom", format!("{tenant}?x=y&AppId=8a1f"), vec![]),
        ("entra", URL.to_owned(), vec!["metadata_url_without_appid"]),
        ("okta", URL.to_owned(), vec![]),
    ] {
        let (world, path) = connection_of(provider);
        world.serve(&url, entra.as_bytes(), Some("application/samlmetadata+xml"));
        assert_eq!(
            warnings(&world.saved(&path, &json!({"url": url}))),
            expected,
            "{provider} {url}"
        );
        assert_eq!(
            warnings(&world.saved(&path, &json!({"xml": entra}))),
            Vec::<&str>::new(),
            "no URL"
        );
    }
}

#[test]
fn what_is_not_an_identity_providers_metadata_is_called_by_its_name() {
    let attribute_authority = format!("<md:AttributeAuthorityDescriptor protocolSupportEnumeration=\"{SAML2}\"/>");
    for (xml, expected) in [
        (service_provider(), "is_sp_metadata"),
        (entities("", &service_provider()), "is_sp_metadata"),
        (entity_with(&attribute_authority), "no_idp_role"),
        (entity_with(""), "no_idp_role"),
        (
            good().replace(SAML2, "urn:oasis:names:tc:SAML:1.1:protocol"),
            "no_idp_role",
        ),
        (good().replace("entityID", "entityId"), "metadata_malformed"),
        (of_entity(""), "metadata_malformed"),
        (of_entity(&"x".repeat(1_025)), "metadata_malformed"),
        ("<rss/>".to_owned(), "metadata_malformed"),
        ("{}".to_owned(), "xml_not_wellformed"),
    ] {
        assert_eq!(code_of(&xml), expected, "{xml}");
    }
    // Both roles in one, as AD FS writes them.
    let both = good().replace(
        "<md:IDPSSODescriptor",
        "<md:SPSSODescriptor protocolSupportEnumeration=\"x\"/><md:IDPSSODescriptor",
    );
    let (world, path) = connection();
    world.saved(&path, &json!({"xml": both}));
}

#[test]
fn pages_are_known_for_what_they_are() {
    for page in [
        "<!DOCTYPE html><html><body>Sign in</body></html>",
        "\u{FEFF}\r\n\t <!doctype HTML PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" \"x\"><HTML></HTML>",
        "<HTML><HEAD><meta></HEAD></HTML>",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- sign in -->\n<!DOCTYPE html><html/>",
        "<html xmlns=\"http://www.w3.org/1999/xhtml\"><body/></html>",
        "<body>",
    ] {
        assert_eq!(code_of(page), "html_instead_of_xml", "{page}");
        let page = page.trim_start_matches('\u{FEFF}');
        assert_eq!(
            code_of(&format!("{}{page}", " ".repeat(1_000))),
            "html_instead_of_xml",
            "{page}"
        );
    }
    for other in ["<!-- no end", "<?xml", "<hypertext>", "<!doctype svg><svg/>", "", "<"] {
        assert_ne!(code_of(other), "html_instead_of_xml", "{other}");
    }
    // What the server says counts only for what cannot be read.
    let (world, path) = connection();
    for content_type in ["text/html", "TEXT/HTML; charset=utf-8"] {
        for page in ["Please sign in", "<div>Sign in<br></div>", "<div/>"] {
            world.serve(URL, page.as_bytes(), Some(content_type));
            assert_eq!(world.refused(&path, &json!({"url": URL})).0, "html_instead_of_xml");
            world.serve(URL, page.as_bytes(), Some("text/htmlx"));
            assert_ne!(world.refused(&path, &json!({"url": URL})).0, "html_instead_of_xml");
        }
        world.serve(URL, service_provider().as_bytes(), Some(content_type));
        assert_eq!(world.refused(&path, &json!({"url": URL})).0, "is_sp_metadata");
        world.serve(URL, good().as_bytes(), Some(content_type));
        world.saved(&path, &json!({"url": URL}));
    }
}

#[test]
fn without_an_endpoint_for_browsers_it_is_said_what_there_is() {
    let (world, path) = connection();
    let services = |services: &str| {
        let good = good();
        let (from, to) = (
            good.find("<md:SingleSignOn").unwrap(),
            good.find("</md:IDPSSO").unwrap(),
        );
        format!("{}{services}{}", &good[..from], &good[to..])
    };
    let service = |binding: &str, location: &str| {
        format!(
            "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" Location=\"{location}\"/>"
        )
    };
    let message = |xml: &str| {
        let (code, message) = world.refused(&path, &json!({"xml": xml}));
        assert_eq!(code, "no_sso_endpoint");
        assert!(
            message.contains("HTTP-Redirect or HTTP-POST binding at an https address, which must be enabled"),
            "{message}"
        );
        message.split_once("; found ").unwrap().1.to_owned()
    };
    assert_eq!(message(&services("")), "none.");
    // More than are ever used are not kept: the first stay.
    let nine = |name: &str| -> String {
        let one = |n| service("HTTP-POST", &format!("https://idp.example/{n}")).replace("SingleSignOnService", name);
        (0..9).map(one).collect()
    };
    let many = services(&[nine("SingleLogoutService"), nine("SingleSignOnService")].concat());
    let saved = world.saved(&path, &json!({"xml": many}));
    for name in ["single_sign_on", "single_logout"] {
        let kept = saved["identity_provider"][name].as_array().unwrap();
        assert_eq!(
            (kept.len(), &kept[7]["url"]),
            (8, &json!("https://idp.example/7")),
            "{name}"
        );
    }
    let others = format!(
        "{}{}",
        service("HTTP-Artifact", "https://idp.example/a"),
        service("SOAP", "https://idp.example/s")
    );
    assert_eq!(
        message(&services(&others)),
        "HTTP-Artifact at https://idp.example/a, SOAP at https://idp.example/s."
    );
    let plain = services(&service("HTTP-POST", "http://idp.example/p"));
    assert_eq!(message(&plain), "HTTP-POST at http://idp.example/p.");
    let local = services(&service("HTTP-Redirect", "http://localhost/r"));
    assert_eq!(
        message(&local),
        "HTTP-Redirect at http://localhost/r.",
        "where it is not for development"
    );
    let many = services(&service("SOAP", &format!("https://idp.example/{}", "x".repeat(1_000))).repeat(500));
    assert!(message(&many).ends_with(" and 490 more.") && message(&many).len() < 10 * 300);
    let usable = services(&format!("{others}{}", service("HTTP-POST", "https://idp.example/p")));
    let saved = world.saved(&path, &json!({"xml": usable}));
    assert_eq!(
        saved["identity_provider"]["single_sign_on"],
        json!([{"binding": "post", "url": "https://idp.example/p"}])
    );
}

#[test]
fn another_identity_provider_takes_the_place_of_one_only_when_told_to() {
    let (world, path) = connection();
    let other = of_entity("urn:other");
    world.saved(&path, &json!({"xml": good()}));
    world.serve(URL, other.as_bytes(), None);
    for body in [
        json!({"xml": other}),
        json!({"url": URL}),
        json!({"xml": other, "entity_id": "urn:other"}),
        json!({"xml": other, "replace_entity": false}),
    ] {
        let (code, message) = world.refused(&path, &body);
        assert_eq!(code, "entity_changed");
        assert!(
            message.contains(&format!("{ENTITY_ID}, the metadata describes urn:other. ")),
            "{message}"
        );
    }
    // Other keys of the same one are no such change.
    let rotated = world.saved(&path, &json!({"xml": Idp::other().metadata()}));
    assert_eq!(rotated["identity_provider"]["entity_id"], ENTITY_ID);
    for (body, expected) in [
        (json!({"url": URL, "replace_entity": true}), "urn:other"),
        (json!({"xml": good(), "replace_entity": true}), ENTITY_ID),
        (json!({"xml": good(), "replace_entity": true}), ENTITY_ID),
    ] {
        assert_eq!(world.saved(&path, &body)["identity_provider"]["entity_id"], expected);
    }
}

#[test]
fn a_url_whose_host_has_no_public_address_is_not_fetched() {
    const A: u16 = 1;
    const AAAA: u16 = 28;
    let (world, path) = connection();
    world.serve(URL, good().as_bytes(), None);
    let refused = || {
        world.fetched.borrow_mut().clear();
        let code = world.refused(&path, &json!({"url": URL})).0;
        assert!(!world.fetched.borrow().iter().any(|url| url == URL), "{code}");
        code
    };
    for private in [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "168.63.129.16",
    ] {
        // One of several is enough.
        world.resolves("idp.example", "A", Ok(dns_answer(0, &[(A, "8.8.8.8"), (A, private)])));
        assert_eq!(refused(), "fetch_private_address", "{private}");
    }
    world.resolves("idp.example", "A", Ok(dns_answer(0, &[(A, "8.8.8.8")])));
    for private in [
        "::1",
        "::ffff:8.8.8.8",
        "fd00:ec2::254",
        "fe80::1",
        "64:ff9b::808:808",
        "2002:808:808::",
    ] {
        world.resolves("idp.example", "AAAA", Ok(dns_answer(0, &[(AAAA, private)])));
        assert_eq!(refused(), "fetch_private_address", "{private}");
    }
    // What cannot be found out is not taken for public.
    for failure in [
        Err(FetchFailure::Connection),
        Err(FetchFailure::Timeout),
        Err(FetchFailure::TooLarge),
        Ok(dns_answer(2, &[])),
        Ok(dns_answer(0, &[(AAAA, "nonsense")])),
    ] {
        world.resolves("idp.example", "AAAA", failure);
        assert_eq!(refused(), "fetch_dns");
    }
    for name_error in [0, 3] {
        world.resolves("idp.example", "A", Ok(dns_answer(name_error, &[])));
        world.resolves("idp.example", "AAAA", Ok(dns_answer(name_error, &[])));
        assert_eq!(refused(), "fetch_dns");
    }
    // Either family is enough.
    world.resolves("idp.example", "AAAA", Ok(dns_answer(0, &[(AAAA, "2606:4700::1111")])));
    world.saved(&path, &json!({"url": URL}));
    // A redirect is no way around it; an address that is written out has no name to be looked up.
    world.resolves("inside.example", "A", Ok(dns_answer(0, &[(A, "192.168.0.1")])));
    world.serve("https://inside.example/", good().as_bytes(), None);
    world.answer(URL, 302, Some("https://inside.example/"), b"", None);
    assert_eq!(world.refused(&path, &json!({"url": URL})).0, "fetch_private_address");
    world.serve("https://8.8.4.4/", good().as_bytes(), None);
    world.answer(URL, 302, Some("https://8.8.4.4/"), b"", None);
    world.saved(&path, &json!({"url": URL}));
    world.serve("https://a!b.example/", good().as_bytes(), None);
    let (code, message) = world.refused(&path, &json!({"url": "https://a!b.example/"}));
    assert_eq!(code, "fetch_dns");
    assert!(message.contains("a!b.example"), "{message}");
}

#[test]
fn a_url_that_gives_no_metadata_is_refused_by_what_it_does() {
    let (world, path) = connection();
    let refused = |url: &str| world.refused(&path, &json!({"url": url})).0;
    for (failure, expected) in [
        (FetchFailure::Connection, "fetch_tls"),
        (FetchFailure::TooLarge, "fetch_too_large"),
        (FetchFailure::Timeout, "fetch_timeout"),
    ] {
        world.answers.borrow_mut().insert(URL.to_owned(), Err(failure));
        assert_eq!(refused(URL), expected);
    }
    for (status, expected) in [
        (204, "fetch_http_status"),
        (302, "fetch_http_status"),
        (404, "fetch_http_status"),
        (500, "fetch_http_status"),
        (520, "fetch_http_status"),
        (521, "fetch_tls"),
        (522, "fetch_timeout"),
        (523, "fetch_tls"),
        (524, "fetch_timeout"),
        (525, "fetch_tls"),
        (526, "fetch_tls"),
        (530, "fetch_tls"),
    ] {
        world.answer(URL, status, None, good().as_bytes(), None);
        assert_eq!(refused(URL), expected, "{status}");
    }
    for location in [
        "http://idp.example/",
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
        "https://localhost/",
        "file:///etc/passwd",
        "//[",
    ] {
        world.answer(URL, 302, Some(location), b"", None);
        assert_eq!(refused(URL), "fetch_private_address", "{location}");
    }
    assert_eq!(refused("https://192.168.0.1/metadata"), "fetch_private_address");
    // Three redirects are followed, from each its own address on; the URL that was given is kept.
    world.serve("https://idp.example/3/metadata", good().as_bytes(), None);
    for (from, to) in [
        ("/2", "3/metadata"),
        ("/1", "https://idp.example/2"),
        ("/metadata", "/1"),
    ] {
        world.answer(&format!("https://idp.example{from}"), 302, Some(to), b"", None);
    }
    assert_eq!(
        world.saved(&path, &json!({"url": URL}))["identity_provider"]["metadata_url"],
        URL
    );
    world.answer("https://idp.example/0", 302, Some("/metadata"), b"", None);
    assert_eq!(refused("https://idp.example/0"), "fetch_redirects");
}
