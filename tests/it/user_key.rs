//! What tells users from each other: their NameID, or an attribute that the connection names in its place.

use serde_json::{Value, json};

use crate::support::dashboard::{body, connection, signed_in, submit};
use crate::support::idp::{Idp, Message};
use crate::support::world::{Browser, World, location};

const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/// The answer to `request` with a NameID and these attributes besides the usual ones, each with its values.
fn respond(id: &str, request: &str, name_id: (&str, &str), attributes: &[(&str, &[&str])]) -> String {
    let message = Message {
        name_id: name_id.0.to_owned(),
        name_id_format: name_id.1.to_owned(),
        ..Message::of(id, Some(request))
    };
    let value = |value: &&str| format!("<saml2:AttributeValue>{value}</saml2:AttributeValue>");
    let attribute = |(name, values): &(&str, &[&str])| {
        let values: String = values.iter().map(value).collect();
        format!("<saml2:Attribute Name=\"{name}\">{values}</saml2:Attribute>")
    };
    let more: String = attributes.iter().map(attribute).collect();
    let statement = "<saml2:AttributeStatement>";
    let xml = message.to_xml().replace(statement, &format!("{statement}{more}"));
    Idp::trusted().sign(&xml, "_response")
}

/// Signs in; the user's ID, or the code of the refusal.
fn sign_in(world: &World, id: &str, name_id: (&str, &str), attributes: &[(&str, &[&str])]) -> Result<String, String> {
    let mut browser = Browser::default();
    let request = browser.begin(world, "ada@acme.test", "/");
    let ticket = Browser::deliver(world, id, &respond(id, &request, name_id, attributes));
    if ticket.status() != 303 {
        return Err(world.refusal_codes(id).remove(0));
    }
    assert_eq!(browser.get(world, &location(&ticket)).status(), 303);
    let session: Value = serde_json::from_slice(browser.get(world, "/sso/session").body()).unwrap();
    Ok(session["user"]["id"].as_str().unwrap().to_owned())
}

const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

#[test]
fn an_attribute_tells_users_from_each_other_where_one_is_named() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let by_name_id = sign_in(&world, &id, ("n1", PERSISTENT), &[("employeeNumber", &["7"])]).unwrap();
    world.patch(&id, &json!({"user_key": "employeeNumber"}));
    let ada = sign_in(&world, &id, ("n1", PERSISTENT), &[("employeeNumber", &["7"])]).unwrap();
    assert!(ada.starts_with("usr_") && ada != by_name_id);
    for (name_id, values) in [(("n2", PERSISTENT), &["7"][..]), (("_fresh", TRANSIENT), &["7"])] {
        let again = sign_in(&world, &id, name_id, &[("employeeNumber", values)]);
        assert_eq!(again, Ok(ada.clone()), "{name_id:?} {values:?}");
    }
    let grace = sign_in(&world, &id, ("n1", PERSISTENT), &[("employeeNumber", &["8"])]).unwrap();
    assert_ne!(grace, ada);
    // Of another attribute, the same value is another user.
    world.patch(&id, &json!({"user_key": "badge"}));
    let other = sign_in(&world, &id, ("n1", PERSISTENT), &[("badge", &["7"])]).unwrap();
    assert!(other != ada && other != by_name_id);
    world.patch(&id, &json!({"user_key": null}));
    let back = sign_in(&world, &id, ("n1", PERSISTENT), &[("badge", &["7"])]);
    assert_eq!(back, Ok(by_name_id));
}

#[test]
fn without_exactly_one_value_nobody_signs_in() {
    let world = World::new();
    let id = world.connection_with(&json!({"user_key": "badge"}), &Idp::trusted());
    for attributes in [
        &[][..],
        &[("badge", &[][..])],
        &[("badge", &[" "])],
        &[("badge", &["7 "])],
        &[("badge", &["\n7"])],
        &[("badge", &["7", "8"])],
        &[("badge", &["7", "7"])],
        &[("badge", &["7", ""])],
        &[("badge", &["7"]), ("badge", &["7"])],
        &[("badge", &["7"]), ("badge", &[])],
        &[("badge", &["<b xmlns=''>7</b>"])],
    ] {
        let refused = sign_in(&world, &id, ("n1", PERSISTENT), attributes);
        assert_eq!(refused, Err("required_attribute_missing".to_owned()), "{attributes:?}");
    }
    assert_eq!(
        world.refusals(&id)[0]["detail"],
        "expected one attribute with exactly the Name badge and one value without white space around it, the key of users, found the attributes [badge, Email address, First name, Last name]"
    );
    world.patch(&id, &json!({"user_key": null}));
    let transient = sign_in(&world, &id, ("n1", TRANSIENT), &[("badge", &["7"])]);
    assert_eq!(transient, Err("nameid_transient_as_key".to_owned()));
}

#[test]
fn what_looks_like_it_is_not_it() {
    let world = World::new();
    let id = world.connection_with(&json!({"user_key": "EmployeeID"}), &Idp::trusted());
    let looks_like_it = [
        "employeeid",
        "EMPLOYEEID",
        "Employee ID",
        "Employee-ID",
        " EmployeeID",
        "\u{395}mployeeID",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/EmployeeID",
        "nickname\" FriendlyName=\"EmployeeID",
    ];
    for name in looks_like_it {
        let refused = sign_in(&world, &id, ("n1", PERSISTENT), &[(name, &["7"])]);
        assert_eq!(refused, Err("required_attribute_missing".to_owned()), "{name}");
    }
    // Beside it, none of them counts.
    let ada = sign_in(&world, &id, ("n1", PERSISTENT), &[("EmployeeID", &["7"])]);
    assert!(ada.is_ok());
    for name in looks_like_it {
        let again = sign_in(
            &world,
            &id,
            ("n1", PERSISTENT),
            &[(name, &["8"]), ("EmployeeID", &["7"])],
        );
        assert_eq!(again, ada, "{name}");
    }
    let other_name = "EmployeeID\" FriendlyName=\"badge";
    assert_eq!(sign_in(&world, &id, ("n1", PERSISTENT), &[(other_name, &["7"])]), ada);
}

#[test]
fn a_test_shows_it() {
    let world = World::new();
    let id = world.connection_with(&json!({"user_key": "badge"}), &Idp::trusted());
    let run = |attributes: &[(&str, &[&str])]| {
        let live = json!({"configuration": "live"});
        let (_, begun) = world.api("POST", &format!("/connections/{id}/tests"), &live);
        let test = begun["id"].as_str().unwrap().to_owned();
        let mut browser = Browser::default();
        browser.get(&world, &format!("/sso/saml/{id}/test?test={test}"));
        Browser::deliver(&world, &id, &respond(&id, &test, ("n1", TRANSIENT), attributes));
        world
            .api("GET", &format!("/connections/{id}/tests/{test}"), &json!({}))
            .1
    };
    let check = |test: &Value| {
        let checks = test["report"]["checks"].as_array().unwrap();
        checks.iter().find(|check| check["rule"] == "name_id").unwrap().clone()
    };
    let passed = run(&[("badge", &["7"]), ("Badge", &["8"])]);
    assert_eq!(
        (&passed["state"], &passed["report"]["user_key"]),
        (&json!("passed"), &json!("badge"))
    );
    assert_eq!(
        check(&passed),
        json!({"rule": "name_id", "result": "passed", "wanted": "one value of badge", "got": "badge"})
    );
    let mut browser = signed_in(&world);
    let path = format!("/sso/admin/connections/{id}/tests/{}", passed["id"].as_str().unwrap());
    let page = body(&browser.get(&world, &path));
    assert_eq!(page.matches("data-label=\"Taken for\">User key<").count(), 1, "{page}");
    let failed = run(&[]);
    assert_eq!(
        (&failed["state"], &failed["code"]),
        (&json!("failed"), &json!("required_attribute_missing"))
    );
    assert_eq!(check(&failed)["result"], "failed");
}

#[test]
fn the_dashboard_sets_it_in_a_draft_and_says_what_is_wrong_with_it() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    let page = format!("/sso/admin/connections/{id}");
    let fields = |key| {
        [
            ("sign_requests", "auto"),
            ("login_hint", "off"),
            ("request_lifetime_minutes", "60"),
            ("idp_initiated", "bounce"),
            ("just_in_time_sign_up", "true"),
            ("user_key", key),
        ]
    };
    let long = "x".repeat(257);
    let refused = submit(&world, &mut browser, &format!("{page}/advanced"), &fields(&long));
    assert_eq!(refused.status(), 422);
    assert!(body(&refused).contains("id=\"advanced-user_key-error\" role=\"alert\""));
    let saved = submit(&world, &mut browser, &format!("{page}/advanced"), &fields("badge"));
    assert_eq!(saved.status(), 303, "{}", body(&saved));
    let (_, draft) = world.api("GET", &format!("/connections/{id}/draft"), &json!({}));
    assert_eq!(draft["connection"]["user_key"], "badge");
    assert_eq!(connection(&world, &page)["user_key"], Value::Null);
}
