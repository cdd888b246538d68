//! From an address, a domain or an organization to a connection; and whose addresses a connection may assert.

use edge_saml::app::ports::Ports;
use edge_saml::app::registry::{Actor, Create, Description};
use edge_saml::saml::connection::Provider;
use edge_saml::saml::id::{ConnectionId, Domain};
use http::Response;
use serde_json::{Value, json};

use crate::support::idp::{Idp, Message, Signed};
use crate::support::world::{Browser, Replication, World, location, request_id};

type Answer = Response<Vec<u8>>;

fn body(response: &Answer) -> String {
    String::from_utf8(response.body().clone()).unwrap()
}

fn begin(world: &World, fields: &[(&str, &str)]) -> Answer {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    Browser::default().post(world, "/sso/sign-in", &form)
}

/// The connection whose request the browser was sent off with, by the ACS URL in it; none if it was not.
fn leads_to(response: &Answer) -> Option<String> {
    if response.status() != 303 {
        return None;
    }
    let request = crate::support::world::authn_request(&location(response));
    let id = request.split("/sso/saml/").nth(1).unwrap();
    Some(id[..25].to_owned())
}

fn leads(world: &World, email: &str) -> Option<String> {
    leads_to(&begin(world, &[("email", email)]))
}

/// The names on the page that asks, in their order.
fn choices(response: &Answer) -> Vec<String> {
    assert_eq!(response.status(), 200);
    let page = body(response);
    assert!(page.contains("<h1>Choose how to sign in</h1>"), "{page}");
    let buttons = page.split("name=\"connection\" value=\"").skip(1);
    buttons
        .map(|button| {
            let name = button.split('>').nth(1).unwrap();
            name.split('<').next().unwrap().to_owned()
        })
        .collect()
}

/// The status and the code of a change.
fn code(world: &World, method: &str, path: &str, fields: &Value) -> (u16, Value) {
    let (status, answer) = world.api(method, path, fields);
    (status, answer["error"]["code"].clone())
}

fn create(world: &World, fields: &Value) -> (u16, Value) {
    let mut body = json!({"name": "Acme", "provider": "okta"});
    body.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    code(world, "POST", "/connections", &body)
}

/// The code with which an assertion about `email` is refused at `id`; none when it is not.
fn asserts(world: &World, id: &str, email: &str) -> Option<String> {
    let mut browser = Browser::default();
    let sent = browser.get(world, &format!("/sso/sign-in?connection={id}"));
    let message = Message {
        name_id: email.to_owned(),
        email: Some(email.to_owned()),
        ..Message::of(id, Some(&request_id(&location(&sent))))
    };
    let answer = Browser::deliver(world, id, &Idp::trusted().respond(&message, Signed::Both));
    if answer.status() == 303 {
        return None;
    }
    Some(world.refusal_codes(id)[0].clone())
}

#[test]
fn subdomains_go_with_a_domain_only_where_the_connection_says_so() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let below = ["ada@eu.acme.test", "ada@mail.eu.acme.test", "ADA@EU.Acme.Test"];
    let others = [
        "ada@evilacme.test",
        "ada@acme.test.evil.test",
        "ada@acme.test.eu",
        "ada@acme.tes",
    ];
    let refused = Some("email_domain_not_owned".to_owned());
    for email in below {
        assert_eq!(
            (leads(&world, email), asserts(&world, &id, email)),
            (None, refused.clone()),
            "{email}"
        );
    }
    world.patch(&id, &json!({"match_subdomains": true}));
    for email in below {
        assert_eq!(
            (leads(&world, email), asserts(&world, &id, email)),
            (Some(id.clone()), None),
            "{email}"
        );
    }
    assert_eq!(leads(&world, "ada@acme.test"), Some(id.clone()));
    for email in others {
        assert_eq!(
            (leads(&world, email), asserts(&world, &id, email)),
            (None, refused.clone()),
            "{email}"
        );
    }
    world.patch(&id, &json!({"match_subdomains": false}));
    assert_eq!(
        (leads(&world, below[0]), asserts(&world, &id, below[0])),
        (None, refused)
    );
}

#[test]
fn a_domain_itself_goes_before_those_above_and_the_nearest_of_these_first() {
    let world = World::new();
    let shared = |domain: &str, below: bool| {
        let fields =
            json!({"domains": [domain], "organization": "acme", "share_domains": true, "match_subdomains": below});
        world.connection_with(&fields, &Idp::trusted())
    };
    let top = shared("acme.test", true);
    let europe = shared("eu.acme.test", true);
    let mail = shared("mail.eu.acme.test", false);
    for (domain, expected) in [
        ("acme.test", &top),
        ("us.acme.test", &top),
        ("eu.acme.test", &europe),
        ("x.eu.acme.test", &europe),
        ("mail.eu.acme.test", &mail),
        ("x.mail.eu.acme.test", &europe),
    ] {
        assert_eq!(
            leads(&world, &format!("ada@{domain}")).as_ref(),
            Some(expected),
            "{domain}"
        );
    }
    // One that is disabled leads nowhere itself, and is in nobody's way.
    world.api("POST", &format!("/connections/{mail}/disable"), &json!({}));
    assert_eq!(leads(&world, "ada@mail.eu.acme.test"), Some(europe));
}

#[test]
fn domains_that_go_together_are_claimed_together() {
    let world = World::new();
    let taken = (409, json!("domain_taken"));
    let top = world.connection(&Idp::trusted());
    let below = world.connection_for("eu.acme.test", &Idp::trusted());
    let path = format!("/connections/{top}");
    // The domain below is somebody else's already.
    assert_eq!(code(&world, "PATCH", &path, &json!({"match_subdomains": true})), taken);
    world.api("DELETE", &format!("/connections/{below}"), &json!({}));
    world.patch(&top, &json!({"match_subdomains": true}));
    // And the other way round.
    for domain in ["acme.test", "eu.acme.test", "a.b.acme.test"] {
        let (status, answer) = world.api(
            "POST",
            "/connections",
            &json!({"name": "B", "provider": "okta", "domains": ["b.test", domain]}),
        );
        assert_eq!(
            (status, &answer["error"]["code"]),
            (409, &json!("domain_taken")),
            "{domain}"
        );
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("the domain acme.test"), "{message}");
    }
    // What only looks as if it were below is free: no claim was left behind either.
    assert_eq!(
        create(
            &world,
            &json!({"domains": ["evilacme.test", "b.test", "acme.test.b.test", "acme-eu.test"]})
        )
        .0,
        201
    );
    assert_eq!(
        create(&world, &json!({"domains": ["test.acme.org"], "match_subdomains": true})).0,
        201
    );
}

#[test]
fn only_connections_of_one_organization_that_all_agree_share_a_domain() {
    let world = World::new();
    let taken = (409, json!("domain_taken"));
    let fields = |organization: Value, share: bool| json!({"domains": ["acme.test"], "organization": organization, "share_domains": share});
    let first = world.connection_with(&fields(json!("acme"), true), &Idp::trusted());
    assert_eq!(create(&world, &fields(json!("acme"), false)), taken);
    assert_eq!(create(&world, &fields(json!("other"), true)), taken);
    assert_eq!(create(&world, &fields(Value::Null, true)), taken);
    let second = world.connection_with(&fields(json!("acme"), true), &Idp::trusted());
    // Nobody leaves what they agreed to while they have the domain.
    for change in [
        json!({"share_domains": false}),
        json!({"organization": "other"}),
        json!({"organization": null}),
    ] {
        assert_eq!(
            code(&world, "PATCH", &format!("/connections/{second}"), &change),
            taken,
            "{change}"
        );
    }
    world.patch(&second, &json!({"share_domains": false, "domains": ["b.test"]}));
    assert_eq!(leads(&world, "ada@acme.test"), Some(first));
    // Two without an organization are not of one.
    let nobodys = json!({"domains": ["c.test"], "share_domains": true});
    assert_eq!(create(&world, &nobodys).0, 201);
    assert_eq!(create(&world, &nobodys), taken);
}

#[test]
fn a_shared_domain_asks_in_the_order_that_was_given() {
    let (world, mut browser) = (World::new(), Browser::default());
    let shared = |name: &str, order: u32| {
        let fields = json!({"name": name, "organization": "acme", "share_domains": true, "sign_in_order": order});
        world.connection_with(&fields, &Idp::trusted())
    };
    let (last, first, second) = (
        shared("Guests & <others>", 3),
        shared("Staff", 1),
        shared("Partners", 2),
    );
    let ask = || begin(&world, &[("email", "Ada@acme.test"), ("return_to", "/reports?month=7")]);
    assert_eq!(choices(&ask()), ["Staff", "Partners", "Guests &#38; &#60;others&#62;"]);
    world.patch(&last, &json!({"sign_in_order": 1, "name": "Guests"}));
    assert_eq!(
        choices(&ask()),
        ["Guests", "Staff", "Partners"],
        "the oldest of equals first"
    );
    world.api("POST", &format!("/connections/{second}/disable"), &json!({}));
    assert_eq!(choices(&ask()), ["Guests", "Staff"]);

    // The page is a form that works by itself, and carries what was typed and where it was going.
    let page = body(&ask());
    assert!(
        page.contains("<form method=\"post\" action=\"/sso/sign-in\">"),
        "{page}"
    );
    assert!(!page.contains("<script"), "{page}");
    for field in [
        "name=\"email\" value=\"Ada@acme.test\"",
        "name=\"return_to\" value=\"/reports?month=7\"",
        &format!("<button type=\"submit\" name=\"connection\" value=\"{first}\" class=\"choice\">Staff</button>"),
    ] {
        assert!(page.contains(field), "{page}");
    }
    for id in [&first, &last] {
        let form = format!("email=Ada%40acme.test&return_to=%2Freports&connection={id}");
        let sent = browser.post(&world, "/sso/sign-in", &form);
        assert_eq!(leads_to(&sent).as_ref(), Some(id));
        let message = Message::of(id, Some(&request_id(&location(&sent))));
        let ticket = Browser::deliver(&world, id, &Idp::trusted().respond(&message, Signed::Both));
        let done = browser.get(&world, &location(&ticket));
        assert_eq!((done.status().as_u16(), location(&done)), (303, "/reports".to_owned()));
        let session = browser.get(&world, "/sso/session");
        let session: Value = serde_json::from_slice(session.body()).unwrap();
        assert_eq!(
            (&session["connection"], &session["user"]["email"]),
            (&json!(id), &json!("ada@acme.test"))
        );
    }

    // Where no page may be shown, nobody is asked.
    let silent = begin(
        &world,
        &[("email", "ada@acme.test"), ("return_to", "/home"), ("passive", "true")],
    );
    assert_eq!((silent.status().as_u16(), location(&silent)), (303, "/home".to_owned()));
}

#[test]
fn an_organization_leads_to_its_connections() {
    let world = World::new();
    let connection = |domain: &str, name: &str, organization: &str| {
        let fields = json!({"domains": [domain], "name": name, "organization": organization});
        world.connection_with(&fields, &Idp::trusted())
    };
    let one = connection("one.test", "One", "Org/One ü");
    let (a, b) = (connection("a.test", "A", "two"), connection("b.test", "B", "two"));
    let by_link = |query: &str| Browser::default().get(&world, &format!("/sso/sign-in?{query}"));
    assert_eq!(
        leads_to(&by_link("org=Org%2FOne+%C3%BC&return_to=/x")),
        Some(one.clone())
    );
    assert_eq!(choices(&by_link("org=two")), ["A", "B"]);
    let page = body(&by_link("org=two"));
    assert!(
        page.contains("Your organization has more than one way to sign in."),
        "{page}"
    );
    // An address tells which of them, and is passed over where it is of none of them.
    assert_eq!(leads_to(&by_link("org=two&email=ada%40b.test")), Some(b.clone()));
    assert_eq!(choices(&by_link("org=two&email=ada%40one.test")), ["A", "B"]);
    assert_eq!(choices(&by_link("org=two&email=nobody")), ["A", "B"]);
    // A connection goes before an organization, an organization before an address.
    assert_eq!(
        leads_to(&by_link(&format!("org=two&connection={one}"))),
        Some(one.clone())
    );
    assert_eq!(
        leads_to(&by_link("org=Org%2FOne+%C3%BC&email=ada%40b.test")),
        Some(one.clone())
    );

    world.api("POST", &format!("/connections/{a}/disable"), &json!({}));
    assert_eq!(leads_to(&by_link("org=two")), Some(b.clone()));
    world.patch(&b, &json!({"organization": "three"}));
    assert_eq!(leads_to(&by_link("org=three")), Some(b));
    let long = "o".repeat(101);
    for nowhere in ["two", "TWO", "org%2Fone+%C3%BC", "%00", &long] {
        let answer = by_link(&format!("org={nowhere}"));
        assert_eq!(answer.status(), 422, "{nowhere}");
        // What led nowhere is not tried again.
        assert!(!body(&answer).contains("name=\"org\""));
    }
    assert_eq!(by_link("org=+").status(), 200, "that is none");
    // Where a link may not go straight on, the form keeps it.
    let mut browser = Browser::default();
    let request = browser.begin(&world, "ada@one.test", "/");
    let message = Message {
        name_id: "ada@one.test".to_owned(),
        email: Some("ada@one.test".to_owned()),
        ..Message::of(&one, Some(&request))
    };
    let ticket = Browser::deliver(&world, &one, &Idp::trusted().respond(&message, Signed::Both));
    browser.get(&world, &location(&ticket));
    let link = http::Request::builder()
        .uri("/sso/sign-in?org=three")
        .header("sec-fetch-site", "cross-site");
    let form = browser.send(&world, link.body(Vec::new()).unwrap());
    assert!(body(&form).contains("<input type=\"hidden\" name=\"org\" value=\"three\">"));
}

#[test]
fn what_is_asked_of_kv_does_not_tell_what_is_known() {
    let world = World::new();
    let disabled = |fields: &Value| {
        let id = world.connection_with(fields, &Idp::trusted());
        world.api("POST", &format!("/connections/{id}/disable"), &json!({}));
    };
    world.connection_with(
        &json!({"domains": ["known.test"], "match_subdomains": true}),
        &Idp::trusted(),
    );
    disabled(&json!({"domains": ["off.test"], "match_subdomains": true}));
    for _ in 0..2 {
        disabled(&json!({"domains": ["shared.test"], "organization": "o", "share_domains": true}));
    }
    let reads = |fields: &[(&str, &str)]| {
        world.config_reads.borrow_mut().clear();
        let answer = begin(&world, fields);
        (world.config_reads.borrow().len(), answer)
    };
    let page = |email: &str| {
        let (count, answer) = reads(&[("email", email)]);
        assert_eq!(answer.status(), 422, "{email}");
        (count, body(&answer).replace(email, "EMAIL"))
    };
    // One for each domain upwards, one for a connection.
    for (below, count) in [("", 2), ("a.", 3), ("a.b.c.", 5)] {
        let unknown = page(&format!("ada@{below}none.test"));
        assert_eq!(unknown.0, count);
        assert_eq!(page(&format!("ada@{below}off.test")), unknown);
        assert_eq!(page(&format!("ada@{below}shared.test")), unknown);
        let (known, answer) = reads(&[("email", &format!("ada@{below}known.test"))]);
        assert_eq!((known, answer.status().as_u16()), (count, 303));
    }
    assert_eq!(
        page(&format!("ada@{}test", "a.".repeat(100))).0,
        8,
        "there is an end to it"
    );
    assert_eq!(reads(&[("org", "o")]).0, reads(&[("org", "none")]).0);
    assert_eq!(body(&reads(&[("org", "o")]).1), body(&reads(&[("org", "none")]).1));
    assert_eq!(world.ledgers_with_tables(), 4, "only connections have ledgers");
}

#[test]
fn nobody_claims_what_is_everybodys() {
    let world = World::new();
    let suffix = (422, json!("domain_public_suffix"));
    let mail = (422, json!("domain_public_mail"));
    for (domain, expected) in [
        ("co.uk", &suffix),
        ("CO.UK", &suffix),
        ("github.io", &suffix),
        ("公司.cn", &suffix),
        ("gmail.com", &mail),
        ("Outlook.COM", &mail),
        ("hotmail.co.uk", &mail),
    ] {
        assert_eq!(
            &create(&world, &json!({"domains": ["fine.test", domain]})),
            expected,
            "{domain}"
        );
    }
    let (_, answer) = world.api(
        "POST",
        "/connections",
        &json!({"name": "x", "provider": "okta", "domains": ["gmail.com"]}),
    );
    assert_eq!(answer["error"]["field"], "domains");
    let id = world.connection(&Idp::trusted());
    let path = format!("/connections/{id}");
    assert_eq!(
        code(&world, "PATCH", &path, &json!({"domains": ["acme.test", "gmail.com"]})),
        mail
    );
    let labels = |count: usize| json!({"domains": [format!("{}test", "a.".repeat(count - 1))]});
    assert_eq!(create(&world, &labels(9)), (422, json!("invalid_field")));
    assert_eq!(create(&world, &labels(8)).0, 201);
    assert_eq!(
        create(&world, &json!({"domains": ["acme.co.uk", "acme.github.io"]})).0,
        201
    );
}

#[test]
fn a_domain_that_became_everybodys_later_is_in_no_changes_way() {
    let world = World::new();
    let description = Description {
        name: "Old".to_owned(),
        provider: Provider::Okta,
        domains: vec![Domain::parse("gmail.com").unwrap()],
        organization: None,
        sp_entity_id: None,
        routing: edge_saml::saml::settings::RoutingSettings::default(),
        requests: edge_saml::saml::settings::RequestSettings::default(),
        responses: edge_saml::saml::settings::ResponseSettings::default(),
        sessions: edge_saml::saml::settings::SessionSettings::default(),
    };
    let id = ConnectionId::from_random(&[7; 32]);
    let create = Create {
        id: id.clone(),
        description,
        decryption_key: None,
        repeatable: None,
        actor: Actor::new("test"),
    };
    futures_executor::block_on((&world).registry(create))
        .unwrap()
        .reply
        .unwrap();
    let path = format!("/connections/{id}");
    assert_eq!(
        world.patch(id.as_str(), &json!({"name": "New"}))["domains"],
        json!(["gmail.com"])
    );
    assert_eq!(
        code(&world, "PATCH", &path, &json!({"domains": ["gmail.com", "qq.com"]})).0,
        422
    );
    world.patch(id.as_str(), &json!({"domains": ["acme.test"]}));
    assert_eq!(code(&world, "PATCH", &path, &json!({"domains": ["gmail.com"]})).0, 422);
}

#[test]
fn what_kv_has_older_leads_to_no_connection_that_does_not_serve() {
    let world = World::new();
    let fields = json!({"organization": "o", "match_subdomains": true});
    let id = world.connection_with(&fields, &Idp::trusted());
    let everything = |world: &World| {
        let by_org = leads_to(&begin(world, &[("org", "o")]));
        [leads(world, "ada@acme.test"), leads(world, "ada@eu.acme.test"), by_org]
    };
    let there = [Some(id.clone()), Some(id.clone()), Some(id.clone())];
    assert_eq!(everything(&world), there);
    // The ledger has heard, KV has not: the registry is asked, and has the last word.
    for (change, back, expected) in [
        (
            json!({"match_subdomains": false}),
            json!({"match_subdomains": true}),
            [Some(id.clone()), None, Some(id.clone())],
        ),
        (
            json!({"domains": ["b.test"]}),
            json!({"domains": ["acme.test"]}),
            [None, None, Some(id.clone())],
        ),
        (
            json!({"organization": "p"}),
            json!({"organization": "o"}),
            [Some(id.clone()), Some(id.clone()), None],
        ),
    ] {
        world.replication.set(Replication::Lagging);
        let (status, _) = world.api("PATCH", &format!("/connections/{id}"), &change);
        assert_eq!(status, 202);
        assert_eq!(everything(&world), expected, "{change}");
        world.replication.set(Replication::Immediate);
        world.publish();
        assert_eq!(everything(&world), expected, "{change}");
        world.patch(&id, &back);
        assert_eq!(everything(&world), there);
    }
    // One key is older than the other.
    let keys = ["domain:acme.test", "organization:o"];
    let older = keys.map(|key| world.config(key).unwrap());
    world.patch(&id, &json!({"domains": ["b.test"], "organization": "p"}));
    for (key, value) in keys.into_iter().zip(older) {
        assert_eq!(world.config(key), None);
        world.set_config(key, value);
    }
    assert_eq!(everything(&world), [None, None, None]);
    world.set_config(keys[0], "[{}]".to_owned());
    assert_eq!(begin(&world, &[("email", "ada@acme.test")]).status(), 503);
}

#[test]
fn settings_of_routing_have_bounds() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let (_, shown) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    assert_eq!(
        (
            &shown["match_subdomains"],
            &shown["share_domains"],
            &shown["sign_in_order"]
        ),
        (&json!(false), &json!(false), &json!(100))
    );
    for order in [0, 1_000] {
        assert_eq!(
            world.patch(&id, &json!({"sign_in_order": order}))["sign_in_order"],
            json!(order)
        );
    }
    let path = format!("/connections/{id}");
    assert_eq!(
        code(&world, "PATCH", &path, &json!({"sign_in_order": 1_001})),
        (422, json!("invalid_field"))
    );
    assert_eq!(code(&world, "PATCH", &path, &json!({"sign_in_order": -1})).0, 422);
}

#[test]
fn no_more_are_offered_than_people_can_choose_from() {
    let world = World::new();
    for number in 0..21 {
        let fields = json!({"name": format!("C{number}"), "organization": "acme", "share_domains": true});
        world.connection_with(&fields, &Idp::trusted());
    }
    let offered = choices(&begin(&world, &[("email", "ada@acme.test")]));
    assert_eq!(
        (offered.len(), offered[0].as_str(), offered[19].as_str()),
        (20, "C0", "C19")
    );
    assert_eq!(choices(&begin(&world, &[("org", "acme")])), offered);
}
