//! Single logout: what we send, what we accept, and what it ends.

mod encrypted;

use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::app::http::Response;
use edge_saml::app::ledger::Health;
use edge_saml::dsig::{self, Certificate, Policy, RsaFloor, Sha1, TrustedKey};
use edge_saml::saml::connection::{Binding, IdentityProvider};
use edge_saml::saml::metadata::read_identity_provider;
use edge_saml::xml::names::{DS, MD, RSA_SHA256, SAML, SAMLP};
use edge_saml::xml::{Document, Profile, Source};
use serde_json::{Value, json};

use crate::support::idp::{ENTITY_ID, Idp, Message};
use crate::support::world::{Browser, ORIGIN, Replication, World, location};

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const SLO: &str = "https://acme.okta.example/slo";
const SUCCESS: &str = "<saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>";

// --- The identity provider ------------------------------------------------------------------------------------------

/// The identity provider's metadata with these single logout services.
fn offering(services: &[(&str, &str)]) -> String {
    let service =
        |(binding, rest): &(&str, &str)| format!("<md:SingleLogoutService Binding=\"{binding}\" Location=\"{rest}\"/>");
    let services: String = services.iter().map(service).collect();
    let sign_on = "<md:SingleSignOnService";
    Idp::trusted()
        .metadata()
        .replacen(sign_on, &format!("{services}{sign_on}"), 1)
}

fn save(world: &World, id: &str, metadata: &str) -> Value {
    let (status, saved) = world.api(
        "POST",
        &format!("/connections/{id}/metadata"),
        &json!({"xml": metadata, "replace_entity": true}),
    );
    assert_eq!(status, 200, "{saved}");
    saved
}

/// A world with an enabled connection, whose identity provider offers logout by `binding` alone.
fn world_by(binding: &str) -> (World, String) {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    save(&world, &id, &offering(&[(binding, SLO)]));
    (world, id)
}

fn world() -> (World, String) {
    world_by(REDIRECT)
}

/// Who signs in, and in which session of the identity provider.
#[derive(Clone)]
struct Visit<'a> {
    name_id: &'a str,
    format: &'a str,
    qualifiers: &'a str,
    /// Each in a statement of its own; without any, there is one statement.
    session_indexes: &'a [&'a str],
    authn_instant: &'a str,
    /// When the assertion was made.
    issue_instant: &'a str,
}

impl Default for Visit<'_> {
    fn default() -> Self {
        Self {
            name_id: "ada@acme.test",
            format: EMAIL,
            qualifiers: "",
            session_indexes: &["_s1"],
            authn_instant: "2026-07-01T12:00:00Z",
            issue_instant: "2026-07-01T12:00:00Z",
        }
    }
}

thread_local! {
    static ASSERTIONS: Cell<u32> = const { Cell::new(0) };
}

/// The answer to `request` at the connection `id`.
fn assertion(id: &str, request: &str, visit: &Visit<'_>) -> String {
    let count = ASSERTIONS.replace(ASSERTIONS.get() + 1);
    let message = Message {
        assertion_id: format!("_assertion{count}"),
        name_id: visit.name_id.to_owned(),
        name_id_format: visit.format.to_owned(),
        issue_instant: visit.issue_instant.to_owned(),
        not_on_or_after: "2026-07-01T13:00:00Z".to_owned(),
        ..Message::of(id, Some(request))
    };
    let xml = message.to_xml();
    let (start, end) = (xml.find("<saml2:AuthnStatement").unwrap(), "</saml2:AuthnStatement>");
    let (statement, rest) = xml[start..].split_once(end).unwrap();
    let with = |index: &str| format!("{}{end}", statement.replace(" SessionIndex=\"_session\"", index));
    let statements = match visit.session_indexes {
        [] => with(""),
        indexes => (indexes.iter())
            .map(|index| with(&format!(" SessionIndex=\"{index}\"")))
            .collect(),
    };
    let xml = format!("{}{statements}{rest}", &xml[..start])
        .replace("<saml2:NameID ", &format!("<saml2:NameID {} ", visit.qualifiers))
        .replace(
            &format!("AuthnInstant=\"{}\"", visit.issue_instant),
            &format!("AuthnInstant=\"{}\"", visit.authn_instant),
        );
    Idp::trusted().sign(&xml, "_response")
}

/// A whole sign-in; the browser that has the session.
fn sign_in(world: &World, id: &str, visit: &Visit<'_>) -> Browser {
    let mut browser = Browser::default();
    let request = browser.begin(world, "ada@acme.test", "/");
    let ticket = Browser::deliver(world, id, &assertion(id, &request, visit));
    assert_eq!(ticket.status(), 303, "{:?}", world.refusal_codes(id));
    assert_eq!(browser.get(world, &location(&ticket)).status(), 303);
    assert!(is_signed_in(world, &mut browser));
    browser
}

fn is_signed_in(world: &World, browser: &mut Browser) -> bool {
    browser.get(world, "/sso/session").status() == 200
}

/// A logout message of the identity provider's before it is signed; each part can be something evil.
#[derive(Clone)]
struct Logout {
    root: &'static str,
    id: String,
    destination: Option<String>,
    issuer: String,
    issue_instant: String,
    /// More attributes of the root.
    attributes: String,
    content: String,
}

impl Logout {
    /// A request to end all sessions of Ada's.
    fn request(id: &str) -> Self {
        Self {
            root: "LogoutRequest",
            id: "_logout".to_owned(),
            destination: Some(format!("{ORIGIN}/sso/saml/{id}/slo")),
            issuer: ENTITY_ID.to_owned(),
            issue_instant: "2026-07-01T12:00:00Z".to_owned(),
            attributes: " NotOnOrAfter=\"2026-07-01T12:05:00Z\"".to_owned(),
            content: name_id(&format!("Format=\"{EMAIL}\""), "ada@acme.test"),
        }
    }

    /// The answer to `request`, which succeeded.
    fn response(id: &str, request: &str) -> Self {
        Self {
            root: "LogoutResponse",
            attributes: format!(" InResponseTo=\"{request}\""),
            content: format!("<saml2p:Status>{SUCCESS}</saml2p:Status>"),
            ..Self::request(id)
        }
    }

    fn with(self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self;
        change(&mut changed);
        changed
    }

    fn of_session(self, index: &str) -> Self {
        self.with(|logout| {
            let index = ["<saml2p:SessionIndex>", index, "</saml2p:SessionIndex>"].concat();
            logout.content.push_str(&index);
        })
    }

    fn called(self, id: &str) -> Self {
        self.with(|logout| id.clone_into(&mut logout.id))
    }

    fn to_xml(&self) -> String {
        let Self {
            root,
            id,
            destination,
            issuer,
            issue_instant,
            attributes,
            content,
        } = self;
        let destination = destination
            .as_ref()
            .map(|url| format!(" Destination=\"{url}\""))
            .unwrap_or_default();
        format!(
            "<saml2p:{root} xmlns:saml2p=\"{SAMLP}\" xmlns:saml2=\"{SAML}\" ID=\"{id}\" Version=\"2.0\" \
             IssueInstant=\"{issue_instant}\"{destination}{attributes}><saml2:Issuer>{issuer}</saml2:Issuer>{content}</saml2p:{root}>"
        )
    }

    fn parameter(&self) -> &'static str {
        match self.root {
            "LogoutRequest" => "SAMLRequest",
            _ => "SAMLResponse",
        }
    }

    /// The query, unsigned.
    fn query(&self, relay_state: Option<&str>) -> String {
        let deflated = miniz_oxide::deflate::compress_to_vec(self.to_xml().as_bytes(), 6);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair(self.parameter(), &STANDARD.encode(deflated));
        if let Some(relay_state) = relay_state {
            query.append_pair("RelayState", relay_state);
        }
        query.finish()
    }

    /// The message with its own signature.
    fn signed(&self, idp: &Idp) -> String {
        idp.sign(&self.to_xml(), &self.id)
    }
}

fn name_id(attributes: &str, value: &str) -> String {
    format!("<saml2:NameID {attributes}>{value}</saml2:NameID>")
}

/// Sends a query to the single logout service, as a browser that knows nothing.
fn get(world: &World, id: &str, query: &str) -> Response {
    let uri = format!("/sso/saml/{id}/slo?{query}");
    Browser::default().get(world, &uri)
}

/// Posts fields to it, from another site.
fn post(world: &World, id: &str, fields: &[(&str, &str)]) -> Response {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let request = http::Request::builder()
        .method("POST")
        .uri(format!("/sso/saml/{id}/slo"))
        .header("origin", "https://acme.okta.example")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded");
    world.handle(request.body(body.into_bytes()).unwrap())
}

/// Brings a message of the trusted identity provider by HTTP-Redirect.
fn redirect(world: &World, id: &str, logout: &Logout) -> Response {
    get(world, id, &Idp::trusted().sign_query(&logout.query(None)))
}

/// Brings it by HTTP-POST.
fn form(world: &World, id: &str, logout: &Logout) -> Response {
    let xml = logout.signed(&Idp::trusted());
    post(world, id, &[(logout.parameter(), &STANDARD.encode(xml))])
}

fn page(response: &Response) -> String {
    String::from_utf8(response.body().clone()).unwrap()
}

/// The code of the newest refusal, which `response` must be.
fn refusal(world: &World, id: &str, response: &Response) -> String {
    let text = page(response);
    assert!(text.contains("We could not finish signing you out"), "{text}");
    assert!(response.headers().get("location").is_none() && response.headers().get("set-cookie").is_none());
    let code = world.refusal_codes(id).remove(0);
    assert!(!text.contains(&code), "the browser is not told why");
    code
}

// --- What we send ---------------------------------------------------------------------------------------------------

/// A message of ours, as its receiver sees it.
struct Sent {
    xml: String,
    target: String,
    parameter: String,
    relay_state: Option<String>,
}

fn published_keys(world: &World, id: &str) -> Vec<TrustedKey> {
    let response = Browser::default().get(world, &format!("/sso/saml/{id}/metadata"));
    let xml = page(&response);
    let source = Source::check(xml.as_bytes(), Profile::Metadata).unwrap();
    let document = Document::parse(&source).unwrap();
    let signing = document
        .elements()
        .filter(|e| e.is(MD, "KeyDescriptor") && e.attribute("use") != Some("encryption"));
    let certificates = signing.flat_map(|e| e.descendants().filter(|e| e.is(DS, "X509Certificate")));
    let key = |text: &str| {
        Certificate::read(text.as_bytes())
            .unwrap()
            .key(RsaFloor::Standard)
            .unwrap()
    };
    certificates.map(|c| key(c.text().unwrap())).collect()
}

/// Reads what the browser is sent away with, by either binding, and verifies its signature with our published keys.
fn sent(world: &World, id: &str, response: &Response) -> Sent {
    let keys = published_keys(world, id);
    assert_eq!(keys.len(), 1);
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    };
    if response.status() == 303 {
        let target = location(response);
        let query = target.split_once('?').unwrap().1;
        let (signed, _) = query.split_once("&Signature=").unwrap();
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let value = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        assert_eq!(value("SigAlg").unwrap(), RSA_SHA256);
        let signature = STANDARD.decode(value("Signature").unwrap()).unwrap();
        let _ = dsig::verify_octets(signed.as_bytes(), RSA_SHA256, &signature, &policy).unwrap();
        let names: Vec<&str> = pairs.iter().map(|(n, _)| n.as_str()).collect();
        let expected: &[&str] = if names.len() == 4 {
            &[names[0], "RelayState", "SigAlg", "Signature"]
        } else {
            &[names[0], "SigAlg", "Signature"]
        };
        assert_eq!(names, expected);
        let deflated = STANDARD.decode(&pairs[0].1).unwrap();
        return Sent {
            xml: String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&deflated).unwrap()).unwrap(),
            parameter: pairs[0].0.clone(),
            relay_state: value("RelayState"),
            target,
        };
    }
    let text = page(response);
    assert_eq!(response.status(), 200, "{text}");
    let policy_header = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy_header.contains("form-action 'self' https:;") && policy_header.contains("script-src 'self';"),
        "{policy_header}"
    );
    let field = |start: &str| {
        let rest = text.split(start).nth(1)?;
        Some(rest.split('"').next().unwrap().to_owned())
    };
    let parameter = field("<input type=\"hidden\" name=\"").unwrap();
    let value = field(&format!("name=\"{parameter}\" value=\"")).unwrap();
    let xml = String::from_utf8(STANDARD.decode(value).unwrap()).unwrap();
    {
        let source = Source::check(xml.as_bytes(), Profile::SamlMessage).unwrap();
        let document = Document::parse(&source).unwrap();
        let _ = dsig::verify(document.root(), &policy).unwrap();
    }
    Sent {
        xml,
        target: field("<form method=\"post\" action=\"").unwrap(),
        parameter,
        relay_state: field("name=\"RelayState\" value=\""),
    }
}

impl Sent {
    fn attribute(&self, name: &str) -> Option<String> {
        let root = self.xml.split('>').next().unwrap();
        let value = root.split(&format!(" {name}=\"")).nth(1)?;
        Some(value.split('"').next().unwrap().to_owned())
    }

    fn id(&self) -> String {
        self.attribute("ID").unwrap()
    }

    /// Asserts that this answers the request `_logout`, so.
    fn assert_answers(&self, id: &str, target: &str, status: &str) {
        assert_eq!(self.parameter, "SAMLResponse");
        assert!(self.target.starts_with(target), "{}", self.target);
        assert_eq!(self.attribute("Destination").as_deref(), Some(target));
        assert_eq!(self.attribute("InResponseTo").as_deref(), Some("_logout"));
        assert!(
            self.xml.contains(&format!(">{ORIGIN}/sso/saml/{id}</saml:Issuer>")),
            "{}",
            self.xml
        );
        let code = format!("<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"/>");
        assert!(self.xml.contains(&code), "{}", self.xml);
    }
}

/// Signs out; what the browser is sent to the identity provider with.
fn sign_out(world: &World, id: &str, browser: &mut Browser) -> Sent {
    let response = browser.post(world, "/sso/sign-out", "");
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    let ends = |c: &&http::HeaderValue| c.to_str().unwrap().starts_with("__Host-sso_session=;");
    assert_eq!(cookies.iter().copied().filter(ends).count(), 1, "{cookies:?}");
    let sent = sent(world, id, &response);
    assert_eq!(sent.parameter, "SAMLRequest");
    sent
}

// --- Metadata -------------------------------------------------------------------------------------------------------

#[test]
fn logout_services_are_read_from_metadata() {
    let (world, id) = world();
    let metadata = offering(&[
        (POST, "https://acme.okta.example/post?a=1&amp;b=2"),
        ("urn:oasis:names:tc:SAML:2.0:bindings:SOAP", SLO),
        (REDIRECT, &format!("{SLO}\" ResponseLocation=\"{SLO}/done")),
        (REDIRECT, "javascript:alert(1)"),
        (REDIRECT, "http://acme.okta.example/slo"),
        (POST, &format!("{SLO}\" ResponseLocation=\"javascript:alert(1)")),
    ]);
    let saved = save(&world, &id, &metadata);
    assert_eq!(
        saved["identity_provider"]["single_logout"],
        json!([
            {"binding": "post", "url": "https://acme.okta.example/post?a=1&b=2", "response_url": null},
            {"binding": "redirect", "url": SLO, "response_url": format!("{SLO}/done")},
        ])
    );
    let slo_url = format!("{ORIGIN}/sso/saml/{id}/slo");
    assert_eq!(saved["service_provider"]["slo_url"], json!(slo_url));

    let idp = read_identity_provider(metadata.as_bytes(), None).unwrap();
    let by = |binding| idp.logout_endpoint(binding).unwrap().binding;
    assert_eq!(
        (by(Binding::Redirect), by(Binding::Post)),
        (Binding::Redirect, Binding::Post)
    );
    // A record that was saved before there was single logout.
    let mut record = serde_json::to_value(&idp).unwrap();
    record.as_object_mut().unwrap().remove("single_logout");
    let old: IdentityProvider = serde_json::from_value(record).unwrap();
    assert!(old.single_logout.is_empty());
}

#[test]
fn our_metadata_lists_the_service_and_the_key_of_its_messages() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    assert!(published_keys(&world, &id).is_empty(), "nothing is signed");
    save(&world, &id, &offering(&[(POST, SLO)]));
    assert_eq!(published_keys(&world, &id).len(), 1);

    let xml = page(&Browser::default().get(&world, &format!("/sso/saml/{id}/metadata")));
    let source = Source::check(xml.as_bytes(), Profile::Metadata).unwrap();
    let document = Document::parse(&source).unwrap();
    let role = document.root().required_child(MD, "SPSSODescriptor").unwrap();
    assert_eq!(role.attribute("AuthnRequestsSigned"), Some("false"));
    let children: Vec<_> = role
        .children()
        .map(|c| (c.local_name(), c.attribute("Binding"), c.attribute("Location")))
        .collect();
    let (acs, slo) = (
        format!("{ORIGIN}/sso/saml/{id}/acs"),
        format!("{ORIGIN}/sso/saml/{id}/slo"),
    );
    assert_eq!(
        children,
        [
            ("KeyDescriptor", None, None),
            ("SingleLogoutService", Some(REDIRECT), Some(slo.as_str())),
            ("SingleLogoutService", Some(POST), Some(slo.as_str())),
            ("AssertionConsumerService", Some(POST), Some(acs.as_str())),
        ]
    );
}

// --- From here ------------------------------------------------------------------------------------------------------

#[test]
fn signing_out_ends_the_session_here_and_then_there() {
    for (binding, prefix) in [(REDIRECT, "?SAMLRequest="), (POST, "")] {
        let (world, id) = world_by(binding);
        let visit = Visit {
            qualifiers: "NameQualifier=\"urn:other\" SPNameQualifier=\"urn:&lt;us&gt;\"",
            session_indexes: &["_s1", "_s2", "_s1"],
            ..Visit::default()
        };
        let mut browser = sign_in(&world, &id, &visit);
        let mut copy = browser.clone();
        let sent = sign_out(&world, &id, &mut browser);
        assert!(!is_signed_in(&world, &mut browser), "before anything came back");
        assert!(!is_signed_in(&world, &mut copy), "not only the cookie is gone");
        assert!(sent.target.starts_with(&format!("{SLO}{prefix}")), "{}", sent.target);
        assert_eq!(sent.relay_state, None);
        assert_eq!(sent.attribute("Destination").as_deref(), Some(SLO));
        assert_eq!(sent.attribute("IssueInstant").as_deref(), Some("2026-07-01T12:00:00Z"));
        assert_eq!(sent.attribute("NotOnOrAfter").as_deref(), Some("2026-07-01T12:10:00Z"));
        let rest = sent.xml.split("</saml:Issuer>").nth(1).unwrap();
        let rest = rest.split("</ds:Signature>").last().unwrap();
        assert_eq!(
            rest,
            format!(
                "<saml:NameID xmlns:saml=\"{SAML}\" NameQualifier=\"urn:other\" SPNameQualifier=\"urn:&lt;us&gt;\" \
                 Format=\"{EMAIL}\">ada@acme.test</saml:NameID><samlp:SessionIndex>_s1</samlp:SessionIndex>\
                 <samlp:SessionIndex>_s2</samlp:SessionIndex></samlp:LogoutRequest>"
            )
        );

        for deliver in [redirect, form] {
            // Brought a second time, it says the same.
            let noted = deliver(&world, &id, &Logout::response(&id, &sent.id()));
            assert_eq!(noted.status(), 303, "{:?}", world.refusal_codes(&id));
            let shown = browser.get(&world, &location(&noted));
            assert_eq!(shown.status(), 200);
            assert!(page(&shown).contains("<h1>You are signed out</h1>"));
        }
        assert!(world.refusal_codes(&id).is_empty());
        assert!(!world.log.borrow().join("").contains("ada@acme.test"));
    }
}

#[test]
fn signing_out_stays_here_where_it_leads_nowhere_else() {
    // Wanted so.
    let (world, id) = world();
    let mut browser = sign_in(&world, &id, &Visit::default());
    for form in ["local=yes", "local=true&local=true"] {
        assert_eq!(browser.post(&world, "/sso/sign-out", form).status(), 400);
        assert!(is_signed_in(&world, &mut browser));
    }
    let mut copy = browser.clone();
    let out = browser.post(&world, "/sso/sign-out", "local=true");
    assert_eq!(
        (out.status().as_u16(), location(&out)),
        (303, "/sso/sign-in".to_owned())
    );
    assert!(!is_signed_in(&world, &mut browser));
    assert!(!is_signed_in(&world, &mut copy), "not only the cookie is gone");

    // Nobody is signed in; a session that is over already.
    let out = browser.post(&world, "/sso/sign-out", "");
    assert_eq!(location(&out), "/sso/sign-in");

    // The identity provider offers none.
    save(&world, &id, &Idp::trusted().metadata());
    let mut browser = sign_in(&world, &id, &Visit::default());
    assert_eq!(location(&browser.post(&world, "/sso/sign-out", "")), "/sso/sign-in");
    assert!(!is_signed_in(&world, &mut browser));

    // The connection has another one by now, which is not told who was signed in.
    let mut browser = sign_in(&world, &id, &Visit::default());
    save(
        &world,
        &id,
        &offering(&[(REDIRECT, SLO)]).replace(ENTITY_ID, "urn:another"),
    );
    assert_eq!(location(&browser.post(&world, "/sso/sign-out", "")), "/sso/sign-in");
    assert!(!is_signed_in(&world, &mut browser));
}

#[test]
fn another_site_cannot_sign_out() {
    let (world, id) = world();
    let mut browser = sign_in(&world, &id, &Visit::default());
    let page_of = browser.get(&world, "/sso/sign-out");
    assert_eq!(page_of.status(), 200);
    let policy = page_of.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' https:;"), "{policy}");
    let request = http::Request::builder()
        .method("POST")
        .uri("/sso/sign-out")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(world.handle(request.body(Vec::new()).unwrap()).status(), 403);
    assert!(is_signed_in(&world, &mut browser));
}

#[test]
fn a_logout_that_did_not_reach_everyone_says_so() {
    let (world, id) = world();
    let code = |inner: &str| format!("<saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{inner}");
    for status in [
        format!(
            "{}\">{}\"/></saml2p:StatusCode>",
            code("Success"),
            code("PartialLogout")
        ),
        format!(
            "{}\">{}\"/></saml2p:StatusCode>",
            code("Responder"),
            code("PartialLogout")
        ),
        format!("{}\"/>", code("PartialLogout")),
        format!(
            "{}\">{}\"/></saml2p:StatusCode>",
            code("Requester"),
            code("RequestDenied")
        ),
    ] {
        let mut browser = sign_in(&world, &id, &Visit::default());
        let sent = sign_out(&world, &id, &mut browser);
        let response = Logout::response(&id, &sent.id()).with(|logout| {
            logout.content = format!("<saml2p:Status>{status}</saml2p:Status>");
        });
        let shown = browser.get(&world, &location(&form(&world, &id, &response)));
        assert_eq!(shown.status(), 200);
        assert!(page(&shown).contains("<h1>You are signed out here</h1>"), "{status}");
        assert!(!is_signed_in(&world, &mut browser));
        // What comes later does not make it better.
        redirect(&world, &id, &Logout::response(&id, &sent.id()));
        let shown = browser.get(&world, &format!("/sso/saml/{id}/signed-out?request={}", sent.id()));
        assert!(page(&shown).contains("<h1>You are signed out here</h1>"));
    }
}

#[test]
fn answers_are_refused_unless_they_answer_us() {
    let (world, id) = world();
    let mut bystander = sign_in(&world, &id, &Visit::default());
    let mut browser = sign_in(&world, &id, &Visit::default());
    let request = sign_out(&world, &id, &mut browser).id();
    let good = Logout::response(&id, &request);
    let variants: [(&str, Logout); 6] = [
        ("issuer_mismatch", good.clone().with(|r| r.issuer = "urn:x".to_owned())),
        (
            "destination_mismatch",
            good.clone().with(|r| r.destination = Some(SLO.to_owned())),
        ),
        ("destination_mismatch", good.clone().with(|r| r.destination = None)),
        (
            "not_yet_valid",
            good.clone()
                .with(|r| r.issue_instant = "2026-07-01T12:03:01Z".to_owned()),
        ),
        ("in_response_to_unknown", Logout::response(&id, "_other")),
        (
            "in_response_to_unknown",
            good.clone().with(|r| r.attributes = String::new()),
        ),
    ];
    for (code, response) in &variants {
        assert_eq!(refusal(&world, &id, &redirect(&world, &id, response)), *code);
        assert_eq!(refusal(&world, &id, &form(&world, &id, response)), *code);
    }
    assert_eq!(refusal(&world, &id, &get(&world, &id, &good.query(None))), "unsigned");
    let unsigned = post(&world, &id, &[("SAMLResponse", &STANDARD.encode(good.to_xml()))]);
    assert_eq!(refusal(&world, &id, &unsigned), "unsigned");
    let foreign = get(&world, &id, &Idp::other().sign_query(&good.query(None)));
    assert_eq!(refusal(&world, &id, &foreign), "signature_invalid");

    // Nothing was noted by any of it.
    let shown = format!("/sso/saml/{id}/signed-out?request={request}");
    // Anybody can ask: that is no message, and nothing of it is written down.
    let written = || (world.everything_in_ledger(&id), world.log.borrow().len());
    let before = written();
    let is_unknown = |response: &Response| {
        assert_eq!(response.status(), 404);
        let text = page(response);
        assert!(text.contains("<h1>Nothing is known of this sign-out</h1>"), "{text}");
        assert!(!text.contains("Reference"), "{text}");
    };
    is_unknown(&browser.get(&world, &shown));
    is_unknown(&browser.get(&world, &format!("/sso/saml/{id}/signed-out?request=_other")));
    assert_eq!(written(), before);
    // The answer itself, in another browser.
    assert_eq!(redirect(&world, &id, &good).status(), 303);
    let before = written();
    is_unknown(&bystander.get(&world, &shown));
    is_unknown(&Browser::default().get(&world, &shown));
    assert_eq!(browser.get(&world, &shown).status(), 200);
    assert_eq!(written(), before);
    assert_eq!(
        browser
            .get(&world, &format!("/sso/saml/{id}/signed-out?request=%3C"))
            .status(),
        400
    );
    is_unknown(&browser.get(
        &world,
        &format!("/sso/saml/conn_aaaaaaaaaaaaaaaaaaaa/signed-out?request={request}"),
    ));
    assert!(is_signed_in(&world, &mut bystander), "an answer ends nothing");

    // Too late.
    let mut browser = sign_in(&world, &id, &Visit::default());
    let request = sign_out(&world, &id, &mut browser).id();
    let late = |at: &str| Logout::response(&id, &request).with(|r| at.clone_into(&mut r.issue_instant));
    world.pass(599);
    assert_eq!(redirect(&world, &id, &late("2026-07-01T12:09:59Z")).status(), 303);
    world.pass(1);
    assert_eq!(
        refusal(&world, &id, &redirect(&world, &id, &late("2026-07-01T12:10:00Z"))),
        "in_response_to_unknown"
    );
}

#[test]
fn a_failure_elsewhere_is_seen_in_the_log() {
    let (world, id) = world();
    let mut browser = sign_in(&world, &id, &Visit::default());
    let sent = sign_out(&world, &id, &mut browser);
    let denied = Logout::response(&id, &sent.id()).with(|logout| {
        let requester = SUCCESS.replace("Success", "Requester");
        logout.content = format!("<saml2p:Status>{requester}</saml2p:Status>");
    });
    for deliver in [redirect, form] {
        assert_eq!(deliver(&world, &id, &denied).status(), 303);
    }
    let log = world.sign_ins(&id, "?outcome=refused");
    assert_eq!(log.len(), 1, "the same message is one attempt");
    let code = &log[0]["code"];
    assert_eq!(
        (&log[0]["kind"], &log[0]["standing"], code),
        (&json!("logout"), &json!("vouched"), &json!("idp_requester_error"))
    );
    let steps: Vec<&Value> = (log[0]["events"].as_array().unwrap().iter())
        .map(|e| &e["step"])
        .collect();
    assert_eq!(steps, ["logout_failed", "logout_failed"]);
    let lines = world.log.borrow();
    let line: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(
        (&line["event"], &line["reference"], &line["code"]),
        (&json!("logout_failed"), &log[0]["reference"], code)
    );

    let health = world.ask_ledger(&id, &Health {});
    assert_eq!(
        (health.refused, health.last_refused),
        (0, None),
        "no sign-in was refused"
    );

    // What answers no request of ours is refused, and no failure.
    drop(lines);
    let unknown = Logout {
        content: denied.content.clone(),
        ..Logout::response(&id, "_other").called("_unknown")
    };
    assert_eq!(
        refusal(&world, &id, &redirect(&world, &id, &unknown)),
        "in_response_to_unknown"
    );
    let newest = &world.sign_ins(&id, "")[0];
    assert_eq!(newest["events"].as_array().unwrap().len(), 1);
    assert_eq!(newest["events"][0]["step"], "logout_refused");
}

// --- From there -----------------------------------------------------------------------------------------------------

#[test]
fn a_request_ends_the_sessions_that_it_names() {
    for deliver in [redirect, form] {
        let (world, id) = world();
        let session = |session_indexes: &[&str]| {
            let visit = Visit {
                session_indexes,
                ..Visit::default()
            };
            sign_in(&world, &id, &visit)
        };
        let mut one = session(&["_s1"]);
        let mut two = session(&["_s2", "_s5"]);
        let mut three = session(&["_s6", "_s3"]);
        let mut unnamed = session(&[]);
        let request = Logout::request(&id).of_session("_s1").of_session("_s3");
        let answered = deliver(&world, &id, &request);
        sent(&world, &id, &answered).assert_answers(&id, SLO, "Success");
        assert!(!is_signed_in(&world, &mut one));
        assert!(is_signed_in(&world, &mut two));
        assert!(!is_signed_in(&world, &mut three));
        assert!(
            !is_signed_in(&world, &mut unnamed),
            "it may be one of those that were named"
        );

        // Without an index, all.
        let mut four = session(&["_s4"]);
        let answered = deliver(&world, &id, &Logout::request(&id).called("_all"));
        assert!(sent(&world, &id, &answered).xml.contains("InResponseTo=\"_all\""));
        assert!(!is_signed_in(&world, &mut two) && !is_signed_in(&world, &mut four));
        assert!(world.refusal_codes(&id).is_empty());
    }
}

#[test]
fn what_a_request_ended_is_seen_in_the_log() {
    let (world, id) = world();
    for _ in 0..2 {
        sign_in(&world, &id, &Visit::default());
    }
    let mut browser = Browser::default();
    let request = browser.begin(&world, "ada@acme.test", "/");
    Browser::deliver(&world, &id, &assertion(&id, &request, &Visit::default()));
    let otherwise = name_id(&format!("Format=\"{EMAIL}\""), "00u1-named-otherwise");
    let otherwise = Logout::request(&id)
        .called("_otherwise")
        .with(|r| r.content = otherwise);
    for (logout, sessions) in [(otherwise, 0), (Logout::request(&id), 3)] {
        // What comes again is the same.
        for deliver in [redirect, form] {
            deliver(&world, &id, &logout);
        }
        let newest = world.sign_ins(&id, "")[0].clone();
        assert_eq!(
            newest,
            json!({
                "reference": newest["reference"], "kind": "logout", "standing": "vouched", "outcome": "signed_out",
                "email": null, "request_id": null, "started_at": "2026-07-01T12:00:00Z", "ended_at": "2026-07-01T12:00:00Z",
                "seconds_to_answer": null, "seconds_to_end": null, "code": null, "detail": null, "explanation": null,
                "events": [{
                    "at": "2026-07-01T12:00:00Z", "step": "sessions_ended", "verified": true, "code": null, "rule": null,
                    "detail": null, "wanted": null, "got": null, "off_by_seconds": null, "sessions": sessions,
                }],
            })
        );
        let lines = world.log.borrow();
        let line: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        assert_eq!(
            (&line["event"], &line["reference"], &line["detail"]),
            (
                &json!("sessions_ended"),
                &newest["reference"],
                &json!(sessions.to_string())
            )
        );
    }
    assert_eq!(world.sign_ins(&id, "?outcome=signed_out").len(), 2);
    assert!(
        !world.log.borrow().join("").contains("otherwise"),
        "whom it names is in no log"
    );

    // One that is refused later is the same attempt, and stays what it was.
    world.pass(480);
    assert_eq!(
        refusal(&world, &id, &redirect(&world, &id, &Logout::request(&id))),
        "expired"
    );
    let newest = &world.sign_ins(&id, "")[0];
    assert_eq!(
        (&newest["outcome"], &newest["code"]),
        (&json!("signed_out"), &Value::Null)
    );
    assert_eq!(newest["events"][1]["step"], "logout_refused");
}

#[test]
fn users_who_are_told_apart_by_an_attribute_are_signed_out_by_their_name_id() {
    let (world, id) = world();
    world.patch(&id, &json!({"user_key": "Last name"}));
    let mut ada = sign_in(&world, &id, &Visit::default());
    let mut grace = sign_in(
        &world,
        &id,
        &Visit {
            name_id: "grace@acme.test",
            ..Visit::default()
        },
    );
    let mut transient = sign_in(
        &world,
        &id,
        &Visit {
            name_id: "_fresh",
            format: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
            ..Visit::default()
        },
    );
    let answered = redirect(&world, &id, &Logout::request(&id));
    sent(&world, &id, &answered).assert_answers(&id, SLO, "Success");
    assert!(!is_signed_in(&world, &mut ada));
    // The three are one user to the application, and two more subjects to the identity provider.
    assert!(is_signed_in(&world, &mut grace) && is_signed_in(&world, &mut transient));
}

#[test]
fn a_request_ends_nobody_elses_sessions() {
    let (world, id) = world();
    let rival = world.connection_for("rival.test", &Idp::trusted());
    save(&world, &rival, &offering(&[(REDIRECT, SLO)]));
    let persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let mut ada = sign_in(&world, &id, &Visit::default());
    let mut same_name = sign_in(
        &world,
        &id,
        &Visit {
            format: persistent,
            ..Visit::default()
        },
    );
    let format = format!("Format=\"{EMAIL}\"");
    for (n, content) in [
        name_id(&format, "Ada@acme.test"),
        name_id(&format, "eve@acme.test"),
        name_id("", "ada@acme.test"),
        name_id(&format!("{format} NameQualifier=\"urn:x\""), "ada@acme.test"),
        name_id(&format!("{format} SPNameQualifier=\"urn:x\""), "ada@acme.test"),
        name_id(&format, ""),
    ]
    .into_iter()
    .enumerate()
    {
        let request = Logout::request(&id).with(|r| r.content = content);
        let answered = redirect(&world, &id, &request.called(&format!("_n{n}")));
        // Nobody of that name has a session: there is nothing to do.
        assert!(sent(&world, &id, &answered).xml.contains("status:Success"));
        assert!(
            is_signed_in(&world, &mut ada) && is_signed_in(&world, &mut same_name),
            "{n}"
        );
    }
    // The other connection's own request, at its own door and at ours.
    let of_rival = Logout::request(&rival);
    assert_eq!(redirect(&world, &rival, &of_rival).status(), 303);
    assert_eq!(
        refusal(&world, &id, &redirect(&world, &id, &of_rival)),
        "destination_mismatch"
    );
    assert!(is_signed_in(&world, &mut ada));

    // Qualifiers that say nothing new are left out or given at will (Core 8.3.7).
    let usual = format!("{format} NameQualifier=\"{ENTITY_ID}\" SPNameQualifier=\"{ORIGIN}/sso/saml/{id}\"");
    redirect(
        &world,
        &id,
        &Logout::request(&id).with(|r| r.content = name_id(&usual, "ada@acme.test")),
    );
    assert!(!is_signed_in(&world, &mut ada) && is_signed_in(&world, &mut same_name));
}

#[test]
fn requests_are_refused_unless_the_identity_provider_sent_them_here_and_now() {
    let (world, id) = world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let good = Logout::request(&id);
    let variants: [(&str, Logout); 10] = [
        ("issuer_mismatch", good.clone().with(|r| r.issuer = "urn:x".to_owned())),
        (
            "destination_mismatch",
            good.clone()
                .with(|r| r.destination = Some(format!("{ORIGIN}/sso/saml/{id}/acs"))),
        ),
        ("destination_mismatch", good.clone().with(|r| r.destination = None)),
        (
            "not_yet_valid",
            good.clone()
                .with(|r| r.issue_instant = "2026-07-01T12:03:01Z".to_owned()),
        ),
        (
            "expired",
            good.clone()
                .with(|r| r.attributes = " NotOnOrAfter=\"2026-07-01T11:57:00Z\"".to_owned()),
        ),
        (
            "expired",
            good.clone().with(|r| {
                r.attributes = String::new();
                r.issue_instant = "2026-07-01T11:52:00Z".to_owned();
            }),
        ),
        ("response_malformed", good.clone().with(|r| r.content = String::new())),
        (
            "response_malformed",
            good.clone()
                .with(|r| r.content += &name_id(&format!("Format=\"{EMAIL}\""), "eve@acme.test")),
        ),
        (
            "response_malformed",
            good.clone().with(|r| r.content = "<saml2:BaseID/>".to_owned()),
        ),
        ("response_malformed", good.clone().with(|r| r.root = "AuthnRequest")),
    ];
    for (n, (code, request)) in variants.iter().enumerate() {
        assert_eq!(refusal(&world, &id, &redirect(&world, &id, request)), *code, "{n}");
        assert_eq!(refusal(&world, &id, &form(&world, &id, request)), *code, "{n}");
    }
    assert!(is_signed_in(&world, &mut ada));

    // Up to the very second.
    for (n, (issue_instant, attributes)) in [
        ("2026-07-01T12:03:00Z", ""),
        ("2026-07-01T12:00:00Z", " NotOnOrAfter=\"2026-07-01T11:57:01Z\""),
        ("2026-07-01T11:52:01Z", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let (world, id) = self::world();
        let long_ago = Visit {
            authn_instant: "2026-07-01T08:00:00Z",
            ..Visit::default()
        };
        let mut ada = sign_in(&world, &id, &long_ago);
        let request = Logout::request(&id).with(|r| {
            issue_instant.clone_into(&mut r.issue_instant);
            attributes.clone_into(&mut r.attributes);
        });
        assert_eq!(redirect(&world, &id, &request).status(), 303);
        assert!(!is_signed_in(&world, &mut ada), "{n}");
    }
}

#[test]
fn a_query_that_is_not_signed_by_the_connections_identity_provider_ends_nothing() {
    let (world, id) = world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let good = Logout::request(&id);
    let query = Idp::trusted().sign_query(&good.query(Some("state")));
    let (unsigned, signature) = query.split_once("&SigAlg=").unwrap();
    let (algorithm, value) = signature.split_once("&Signature=").unwrap();
    let response = good.query(None).replace("SAMLRequest=", "SAMLResponse=");
    for (code, query) in [
        ("unsigned", unsigned.to_owned()),
        ("form_malformed", format!("{unsigned}&SigAlg={algorithm}")),
        ("form_malformed", format!("{unsigned}&Signature={value}")),
        // Signed, but not these octets.
        (
            "signature_invalid",
            query.replace("RelayState=state", "RelayState=other"),
        ),
        ("signature_invalid", query.replace("&RelayState=state", "")),
        (
            "signature_invalid",
            query
                .replacen("%2B", "%2b", 1)
                .replacen("%3D", "%3d", 1)
                .replacen("%2F", "%2f", 1),
        ),
        (
            "signature_alg_weak",
            query.replace(
                "2001%2F04%2Fxmldsig-more%23rsa-sha256",
                "2000%2F09%2Fxmldsig%23rsa-sha1",
            ),
        ),
        ("signature_invalid", Idp::other().sign_query(&good.query(None))),
        // Which of two?
        ("form_malformed", format!("{query}&SAMLRequest=x")),
        ("form_malformed", format!("{query}&SAMLResponse=x")),
        ("form_malformed", format!("%53AMLRequest=x&{query}")),
        ("form_malformed", format!("{query}&Relay%53tate=x")),
        ("form_malformed", format!("{query}&Signature=x")),
        ("form_malformed", String::new()),
        // A request in a response's place.
        ("form_malformed", Idp::trusted().sign_query(&response)),
    ] {
        assert_eq!(refusal(&world, &id, &get(&world, &id, &query)), code, "{query}");
    }

    assert!(is_signed_in(&world, &mut ada), "none of it ended a session");

    // Escapes in lower case and spaces as plus are signed as they were sent.
    let lower = form_urlencoded::Serializer::new(String::new())
        .append_pair("RelayState", "a b/c")
        .finish()
        .replace("%2F", "%2f");
    let query = format!(
        "{}&{lower}",
        good.query(None).replace("%2B", "%2b").replace("%2F", "%2f")
    );
    let algorithm = "SigAlg=http%3a%2f%2fwww.w3.org%2f2001%2f04%2fxmldsig-more%23rsa-sha256";
    let answered = get(&world, &id, &Idp::trusted().sign_query_with(&query, algorithm));
    let answer = sent(&world, &id, &answered);
    answer.assert_answers(&id, SLO, "Success");
    assert_eq!(answer.relay_state.as_deref(), Some("a b/c"));
    assert!(!is_signed_in(&world, &mut ada));
}

/// No certificate comes with a query, so that nothing tells which key it was.
#[test]
fn a_query_that_a_new_key_signed_has_the_metadata_fetched() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let url = "https://idp.example/metadata";
    let offering = offering(&[(REDIRECT, SLO)]);
    world.serve(url, offering.as_bytes(), None);
    let (status, saved) = world.api("POST", &format!("/connections/{id}/metadata"), &json!({"url": url}));
    assert_eq!(status, 200, "{saved}");
    let fetches = || world.fetched.take().iter().filter(|fetched| *fetched == url).count();
    fetches();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let query = Idp::other().sign_query(&Logout::request(&id).query(None));
    assert_eq!(
        (refusal(&world, &id, &get(&world, &id, &query)), fetches()),
        ("signature_invalid".to_owned(), 1)
    );
    let key = |metadata: &str| {
        let start = metadata.find("<md:KeyDescriptor").unwrap();
        let end = metadata.find("</md:KeyDescriptor>").unwrap() + "</md:KeyDescriptor>".len();
        metadata[start..end].to_owned()
    };
    let (old, new) = (key(&offering), key(&Idp::other().metadata()));
    world.serve(url, offering.replace(&old, &format!("{old}{new}")).as_bytes(), None);
    world.pass(299);
    assert_eq!(
        (refusal(&world, &id, &get(&world, &id, &query)), fetches()),
        ("signature_invalid".to_owned(), 0)
    );
    assert!(is_signed_in(&world, &mut ada));
    world.pass(1);
    let late = Logout::request(&id).with(|r| {
        "2026-07-01T12:05:00Z".clone_into(&mut r.issue_instant);
        r.attributes = String::new();
    });
    let answered = get(&world, &id, &Idp::other().sign_query(&late.query(None)));
    sent(&world, &id, &answered).assert_answers(&id, SLO, "Success");
    assert_eq!(fetches(), 1);
    assert!(!is_signed_in(&world, &mut ada));
}

#[test]
fn a_form_that_is_not_signed_by_the_connections_identity_provider_ends_nothing() {
    let (world, id) = world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let good = Logout::request(&id);
    let signed = STANDARD.encode(good.signed(&Idp::trusted()));
    let foreign = STANDARD.encode(good.signed(&Idp::other()));
    let plain = STANDARD.encode(good.to_xml());
    let changed = STANDARD.encode(good.signed(&Idp::trusted()).replace("ada@", "eve@"));
    // A genuine message inside of another one (attack A135).
    let wrapped = good.signed(&Idp::trusted());
    let wrapped = good.clone().called("_outer").with(|r| {
        let wrapped = ["<saml2p:Extensions>", &wrapped, "</saml2p:Extensions>"].concat();
        r.content.push_str(&wrapped);
    });
    let wrapped = STANDARD.encode(wrapped.to_xml());
    for (code, fields) in [
        ("unsigned", vec![("SAMLRequest", plain.as_str())]),
        ("signature_key_unknown", vec![("SAMLRequest", &foreign)]),
        ("signature_bad_digest", vec![("SAMLRequest", &changed)]),
        ("signature_wrong_target", vec![("SAMLRequest", &wrapped)]),
        ("response_malformed", vec![("SAMLResponse", &signed)]),
        (
            "form_malformed",
            vec![("SAMLRequest", &signed), ("SAMLRequest", &signed)],
        ),
        (
            "form_malformed",
            vec![("SAMLRequest", &signed), ("SAMLResponse", &signed)],
        ),
        (
            "form_malformed",
            vec![("SAMLRequest", &plain), ("SigAlg", RSA_SHA256), ("Signature", "x")],
        ),
        ("form_malformed", vec![("RelayState", "x")]),
        ("form_malformed", vec![]),
        ("base64_bad", vec![("SAMLRequest", "%")]),
    ] {
        assert_eq!(refusal(&world, &id, &post(&world, &id, &fields)), code, "{fields:?}");
    }
    let query = Idp::trusted().sign_query(&good.query(None));
    let uri = format!("/sso/saml/{id}/slo");
    let send = |method: &str, uri: &str, body: &str, media_type: &str| {
        let request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header("content-type", media_type);
        world.handle(request.body(body.as_bytes().to_vec()).unwrap())
    };
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLRequest", &signed)
        .finish();
    let in_the_query = send(
        "POST",
        &format!("{uri}?{query}"),
        &body,
        "application/x-www-form-urlencoded",
    );
    assert_eq!(refusal(&world, &id, &in_the_query), "form_malformed");
    assert_eq!(send("POST", &uri, "{}", "application/json").status(), 415);
    let head = send("HEAD", &format!("{uri}?{query}"), "", "");
    assert_eq!(
        (head.status().as_u16(), head.headers()["allow"].to_str().unwrap()),
        (405, "GET, POST")
    );
    assert!(is_signed_in(&world, &mut ada), "none of it ended a session");
}

/// A157: what we signed ourselves is nothing of the identity provider's, not even where its metadata lists our own key.
#[test]
fn what_we_signed_ends_nothing_though_the_metadata_lists_our_key() {
    for binding in [REDIRECT, POST] {
        let (world, id) = world_by(binding);
        let metadata = page(&Browser::default().get(&world, &format!("/sso/saml/{id}/metadata")));
        let (start, end) = ("<ds:X509Certificate>", "</ds:X509Certificate>");
        let ours = metadata.split(start).nth(1).unwrap().split(end).next().unwrap();
        let theirs = offering(&[(binding, SLO)]);
        let from = theirs.find("<md:KeyDescriptor").unwrap();
        let to = theirs.find("</md:KeyDescriptor>").unwrap() + "</md:KeyDescriptor>".len();
        let key = &theirs[from..to];
        let theirs_too = key.split(start).nth(1).unwrap().split(end).next().unwrap();
        let listed = key.replace(theirs_too, ours);
        let saved = save(&world, &id, &theirs.replace(key, &format!("{key}{listed}")));
        let certificates = &saved["identity_provider"]["signing_certificates"];
        assert_eq!(certificates.as_array().unwrap().len(), 2, "{certificates}");

        let mut bystander = sign_in(&world, &id, &Visit::default());
        let mut browser = sign_in(&world, &id, &Visit::default());
        let request = sign_out(&world, &id, &mut browser);
        let answered = redirect(&world, &id, &Logout::request(&id).of_session("_other"));
        let answer = sent(&world, &id, &answered);
        for message in [&request, &answer] {
            let back = match message.target.split_once('?') {
                Some((_, query)) => get(&world, &id, query),
                None => post(&world, &id, &[(&message.parameter, &STANDARD.encode(&message.xml))]),
            };
            assert_eq!(refusal(&world, &id, &back), "issuer_mismatch", "{}", message.xml);
        }
        assert!(is_signed_in(&world, &mut bystander));
        let response = Browser::deliver(&world, &id, &request.xml);
        assert_eq!(response.status(), 400);
        assert_eq!(world.refusal_codes(&id)[0], "response_malformed");
    }
}

#[test]
fn a_request_that_comes_again_ends_nothing() {
    let (world, id) = world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let request = Logout::request(&id);
    redirect(&world, &id, &request);
    assert!(!is_signed_in(&world, &mut ada));
    world.pass(60);
    let again = Visit {
        authn_instant: "2026-07-01T12:01:00Z",
        issue_instant: "2026-07-01T12:01:00Z",
        ..Visit::default()
    };
    let mut ada = sign_in(&world, &id, &again);
    // By either binding, until it has expired.
    for deliver in [redirect, form] {
        let answered = deliver(&world, &id, &request);
        sent(&world, &id, &answered).assert_answers(&id, SLO, "Success");
        assert!(is_signed_in(&world, &mut ada));
    }
    world.pass(479 - 60);
    assert_eq!(redirect(&world, &id, &request).status(), 303);
    assert!(is_signed_in(&world, &mut ada));
    world.pass(1);
    assert_eq!(refusal(&world, &id, &redirect(&world, &id, &request)), "expired");
    assert!(is_signed_in(&world, &mut ada));

    // Without an end of its own, it has the one that we give it.
    let (world, id) = world_by(REDIRECT);
    let request = Logout::request(&id).with(|r| r.attributes = String::new());
    redirect(&world, &id, &request);
    world.pass(479);
    let late = Visit {
        authn_instant: "2026-07-01T12:07:59Z",
        issue_instant: "2026-07-01T12:07:59Z",
        ..Visit::default()
    };
    let mut ada = sign_in(&world, &id, &late);
    redirect(&world, &id, &request);
    assert!(is_signed_in(&world, &mut ada));
    world.pass(1);
    assert_eq!(refusal(&world, &id, &redirect(&world, &id, &request)), "expired");
}

#[test]
fn a_request_that_was_held_back_ends_nothing_that_began_after_it() {
    let authenticated = |at: &'static str| Visit {
        authn_instant: at,
        issue_instant: at,
        ..Visit::default()
    };
    // Made at 12:00:00, brought four minutes later.
    let (world, id) = world();
    let mut before = sign_in(&world, &id, &authenticated("2026-07-01T11:59:59Z"));
    // By a clock that is ahead: of our own we know that it was not later than now.
    let mut ahead = sign_in(&world, &id, &authenticated("2026-07-01T12:02:59Z"));
    world.pass(200);
    // Later than the assertion was made.
    let written_ahead = Visit {
        authn_instant: "2026-07-01T12:03:01Z",
        ..authenticated("2026-07-01T12:03:00Z")
    };
    let mut written_ahead = sign_in(&world, &id, &written_ahead);
    let mut before_and_late = sign_in(&world, &id, &authenticated("2026-07-01T12:00:00Z"));
    let mut within_skew = sign_in(&world, &id, &authenticated("2026-07-01T12:03:00Z"));
    let mut after = sign_in(&world, &id, &authenticated("2026-07-01T12:03:01Z"));
    let ticket = |at| {
        let mut browser = Browser::default();
        let request = browser.begin(&world, "ada@acme.test", "/");
        let ticket = Browser::deliver(&world, &id, &assertion(&id, &request, &authenticated(at)));
        (browser, location(&ticket))
    };
    let (mut ended, ended_ticket) = ticket("2026-07-01T12:03:00Z");
    let (mut going_on, ticket) = ticket("2026-07-01T12:03:01Z");
    world.pass(20);
    let answered = redirect(&world, &id, &Logout::request(&id));
    sent(&world, &id, &answered).assert_answers(&id, SLO, "Success");
    for browser in [
        &mut before,
        &mut ahead,
        &mut written_ahead,
        &mut before_and_late,
        &mut within_skew,
    ] {
        assert!(!is_signed_in(&world, browser));
    }
    assert!(is_signed_in(&world, &mut after));
    assert_eq!(ended.get(&world, &ended_ticket).status(), 403);
    assert_eq!(going_on.get(&world, &ticket).status(), 303);
    assert!(is_signed_in(&world, &mut going_on));
}

#[test]
fn a_sign_in_that_is_under_way_is_ended_too() {
    let (world, id) = world();
    // The browser has the ticket already.
    let mut browser = Browser::default();
    let request = browser.begin(&world, "ada@acme.test", "/");
    let ticket = Browser::deliver(&world, &id, &assertion(&id, &request, &Visit::default()));
    assert_eq!(ticket.status(), 303);
    let other = Logout::request(&id).of_session("_s2");
    redirect(&world, &id, &other.called("_other"));
    world.pass(1);
    redirect(
        &world,
        &id,
        &Logout::request(&id)
            .of_session("_s1")
            .with(|r| r.issue_instant = "2026-07-01T12:00:01Z".to_owned()),
    );
    assert_eq!(browser.get(&world, &location(&ticket)).status(), 403);
    assert_eq!(world.refusal_codes(&id), ["in_response_to_unknown"]);

    // The assertion comes after the request (Core 3.7.3.1).
    let late = |visit: &Visit<'_>| {
        let mut browser = Browser::default();
        let request = browser.begin(&world, "ada@acme.test", "/");
        Browser::deliver(&world, &id, &assertion(&id, &request, visit))
            .status()
            .as_u16()
    };
    assert_eq!(late(&Visit::default()), 403);
    assert_eq!(world.refusal_codes(&id)[0], "request_expired");
    let unnamed = Visit {
        session_indexes: &[],
        ..Visit::default()
    };
    assert_eq!(late(&unnamed), 403);
    let another_session = Visit {
        session_indexes: &["_s9"],
        ..Visit::default()
    };
    assert_eq!(late(&another_session), 303);
    let several_sessions = Visit {
        session_indexes: &["_s9", "_s1"],
        ..Visit::default()
    };
    assert_eq!(late(&several_sessions), 403);
    let another_user = Visit {
        name_id: "ada2@acme.test",
        ..Visit::default()
    };
    assert_eq!(late(&another_user), 303);
    let written_ahead = Visit {
        authn_instant: "2026-07-01T12:30:00Z",
        ..Visit::default()
    };
    assert_eq!(late(&written_ahead), 403, "it was made before the request");
    assert_eq!(world.refusal_codes(&id)[0], "request_expired");
    let anew = Visit {
        authn_instant: "2026-07-01T12:00:01Z",
        issue_instant: "2026-07-01T12:00:01Z",
        ..Visit::default()
    };
    assert_eq!(late(&anew), 303, "who authenticated since has a new session");
    redirect(
        &world,
        &id,
        &Logout::request(&id)
            .called("_all")
            .with(|r| r.issue_instant = "2026-07-01T12:00:01Z".to_owned()),
    );
    assert_eq!(late(&another_session), 403, "all sessions");
    world.pass(480);
    assert_eq!(late(&Visit::default()), 303, "the request has expired");
}

#[test]
fn what_was_ended_is_not_begun_again_by_going_back() {
    // In the very second of the authentication, so that nothing but the request's own end is in the way.
    for completed in [true, false] {
        let (world, id) = world();
        let mut browser = Browser::default();
        let request = browser.begin(&world, "ada@acme.test", "/");
        let response = assertion(&id, &request, &Visit::default());
        let ticket = Browser::deliver(&world, &id, &response);
        if completed {
            assert_eq!(browser.get(&world, &location(&ticket)).status(), 303);
        }
        assert_eq!(redirect(&world, &id, &Logout::request(&id)).status(), 303);
        assert_eq!(Browser::deliver(&world, &id, &response).status(), 403);
        assert_eq!(world.refusal_codes(&id), ["assertion_reused"]);
        assert!(!is_signed_in(&world, &mut browser));
    }
}

#[test]
fn a_disabled_connection_ends_sessions_and_a_deleted_one_answers_nobody() {
    let (world, id) = world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let path = format!("/connections/{id}");
    assert_eq!(world.api("POST", &format!("{path}/disable"), &json!({})).0, 200);
    let answered = redirect(&world, &id, &Logout::request(&id));
    sent(&world, &id, &answered).assert_answers(&id, SLO, "Success");
    assert!(!is_signed_in(&world, &mut ada));

    world.replication.set(Replication::Lagging);
    assert_eq!(world.api("DELETE", &path, &json!({})).0, 202);
    for logout in [Logout::request(&id), Logout::response(&id, "_x")] {
        // KV still has it.
        let refused = redirect(&world, &id, &logout);
        assert_eq!(refused.status(), 404);
        assert!(page(&refused).contains("We could not finish signing you out"));
    }
    assert_eq!(
        redirect(&world, "conn_aaaaaaaaaaaaaaaaaaaa", &Logout::request(&id)).status(),
        404
    );
    assert_eq!(world.ledgers_with_tables(), 1, "made-up connections leave no trace");
}

#[test]
fn a_key_that_was_replaced_ends_nothing() {
    let (world, id) = world();
    let mut ada = sign_in(&world, &id, &Visit::default());
    let mut leaving = sign_in(&world, &id, &Visit::default());
    let asked = sign_out(&world, &id, &mut leaving).id();
    world.replication.set(Replication::Lagging);
    let (old, new) = (Idp::trusted(), Idp::other());
    let certificate = |idp: &Idp| STANDARD.encode(idp.certificate.der());
    let metadata = offering(&[(REDIRECT, SLO)]).replace(&certificate(&old), &certificate(&new));
    let (status, _) = world.api(
        "POST",
        &format!("/connections/{id}/metadata"),
        &json!({"xml": metadata}),
    );
    assert_eq!(status, 202);
    let refused = redirect(&world, &id, &Logout::request(&id));
    assert_eq!(refusal(&world, &id, &refused), "signature_invalid");
    assert!(is_signed_in(&world, &mut ada));
    // Nor does it say how a logout ended.
    let refused = redirect(&world, &id, &Logout::response(&id, &asked));
    assert_eq!(refusal(&world, &id, &refused), "signature_invalid");
    let shown = leaving.get(&world, &format!("/sso/saml/{id}/signed-out?request={asked}"));
    assert_eq!(shown.status(), 404);
}

#[test]
fn the_answer_goes_where_the_identity_provider_wants_it() {
    let (world, id) = world();
    let answer = |deliver: fn(&World, &str, &Logout) -> Response| deliver(&world, &id, &Logout::request(&id));
    let done = format!("{SLO}/done");
    save(
        &world,
        &id,
        &offering(&[
            (POST, "https://acme.okta.example/post"),
            (REDIRECT, &format!("{SLO}\" ResponseLocation=\"{done}")),
        ]),
    );
    // By the binding of the request, where there is a choice.
    sent(&world, &id, &answer(redirect)).assert_answers(&id, &done, "Success");
    sent(&world, &id, &answer(form)).assert_answers(&id, "https://acme.okta.example/post", "Success");
    save(&world, &id, &offering(&[(POST, SLO)]));
    sent(&world, &id, &answer(redirect)).assert_answers(&id, SLO, "Success");
    save(&world, &id, &offering(&[(REDIRECT, &format!("{SLO}?x=1"))]));
    let answered = answer(form);
    assert!(location(&answered).starts_with(&format!("{SLO}?x=1&SAMLResponse=")));
    // It has no such place.
    save(&world, &id, &Idp::trusted().metadata());
    let mut ada = sign_in(
        &world,
        &id,
        &Visit {
            authn_instant: "2026-07-01T12:00:01Z",
            issue_instant: "2026-07-01T12:00:01Z",
            ..Visit::default()
        },
    );
    let answered = form(&world, &id, &Logout::request(&id).called("_last"));
    assert_eq!(answered.status(), 200);
    assert!(page(&answered).contains("<h1>You are signed out</h1>"));
    assert!(!is_signed_in(&world, &mut ada));
}

#[test]
fn relay_state_is_given_back_as_it_came() {
    for binding in [REDIRECT, POST] {
        let (world, id) = world_by(binding);
        let longest = "x".repeat(80);
        for (n, (state, returned)) in [
            ("", None),
            ("a b&c=\"<ü>", Some("a b&c=\"<ü>")),
            (longest.as_str(), Some(longest.as_str())),
            (&format!("{longest}x"), None),
        ]
        .into_iter()
        .enumerate()
        {
            let request = Logout::request(&id).called(&format!("_n{n}"));
            let query = Idp::trusted().sign_query(&request.query(Some(state)));
            let xml = STANDARD.encode(request.signed(&Idp::trusted()));
            let by_post = post(&world, &id, &[("SAMLRequest", &xml), ("RelayState", state)]);
            for answered in [get(&world, &id, &query), by_post] {
                let answer = sent(&world, &id, &answered);
                let shown = answer.relay_state.map(|s| unescaped(&s));
                let shown = shown.filter(|s| !s.is_empty());
                assert_eq!(shown.as_deref(), returned);
            }
        }
        let request = Logout::request(&id).called("_long");
        let query = Idp::trusted().sign_query(&request.query(Some(&"x".repeat(2_049))));
        assert_eq!(
            refusal(&world, &id, &get(&world, &id, &query)),
            "relaystate_not_allowed"
        );
    }
}

/// Text of a page without its escapes.
fn unescaped(text: &str) -> String {
    [("&#34;", "\""), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}
