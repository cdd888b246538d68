//! The dashboard: the audit log.

use serde_json::json;

use crate::support::dashboard::{HOSTILE, added, body, signed_in, signed_in_with, submit};
use crate::support::world::World;

#[test]
fn it_tells_who_did_what_to_which_connection_and_what_changed() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "okta", "acme.test");
    let renamed = [("name", HOSTILE), ("organization", "org_2"), ("provider", "okta")];
    assert_eq!(
        submit(&world, &mut browser, &format!("{page}/general"), &renamed).status(),
        303
    );
    let log = body(&browser.get(&world, "/sso/admin/audit"));
    for expected in [
        "Changed: Name; Organization<",
        "Created",
        "dashboard (token ADMIN_TOKEN)",
        "<dt>Organization</dt><dd><span class=\"visually-hidden\">from </span><del>org_1</del> <span class=\"visually-hidden\">to </span><ins>org_2</ins></dd>",
        "<time datetime=",
        &format!("href=\"{page}\""),
    ] {
        assert!(log.contains(expected), "{expected}: {log}");
    }
    assert!(!log.contains(HOSTILE) && !log.contains("<script>alert"));
}

/// Wherever a change is told of, it is in the words of the forms, though the API made it.
#[test]
fn changes_are_told_in_the_words_of_the_forms() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let page = added(&world, &mut browser, "okta", "acme.test");
    let id = page.rsplit('/').next().unwrap();
    world.patch(
        id,
        &json!({"require_signed_response": true, "session_hours": 9, "sign_requests": "always", "user_key": "uid"}),
    );
    for path in ["/sso/admin/audit".to_owned(), format!("{page}/history")] {
        let shown = body(&browser.get(&world, &path));
        for expected in [
            "Changed: The response must be signed itself; Hours until people sign in again; Sign our requests; What tells people from \
             each other<",
            "<dt>Hours until people sign in again</dt><dd><span class=\"visually-hidden\">from </span><del>168</del> <span \
             class=\"visually-hidden\">to </span><ins>9</ins></dd>",
            "<del>When the identity provider&#39;s metadata asks for it</del> <span class=\"visually-hidden\">to \
             </span><ins>Always</ins>",
            "<dt>What tells people from each other</dt><dd><ins>uid</ins></dd>",
        ] {
            assert!(shown.contains(expected), "{path}: {expected}: {shown}");
        }
        assert!(
            !shown.contains("session hours") && !shown.contains("require signed"),
            "{path}"
        );
    }
}

#[test]
fn it_is_about_one_connection_where_one_is_asked_for_and_outlives_it() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let (acme, globex) = (
        added(&world, &mut browser, "okta", "acme.test"),
        added(&world, &mut browser, "okta", "globex.test"),
    );
    let id = acme.rsplit('/').next().unwrap();
    let log = body(&browser.get(&world, &format!("/sso/admin/audit?connection={id}")));
    assert!(log.contains(&format!("href=\"{acme}\"")) && !log.contains(&format!("href=\"{globex}\"")));
    assert!(
        log.contains(&format!("<option value=\"{id}\" selected>Acme</option>")),
        "{log}"
    );

    let (status, _) = world.api("DELETE", &format!("/connections/{id}"), &json!({}));
    assert_eq!(status, 204);
    let log = body(&browser.get(&world, &format!("/sso/admin/audit?connection={id}")));
    assert!(
        log.contains("Deleted") && !log.contains(&format!("href=\"{acme}\"")),
        "{log}"
    );
    assert!(log.contains(&format!("<option value=\"{id}\" selected>{id}</option>")));
}

#[test]
fn it_is_read_page_by_page() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let empty = body(&browser.get(&world, "/sso/admin/audit"));
    assert!(empty.contains("Nothing yet") && !empty.contains("<table"));
    let page = added(&world, &mut browser, "okta", "acme.test");
    let id = page.rsplit('/').next().unwrap();
    for n in 0..50 {
        world.patch(id, &json!({"name": format!("Acme {n}")}));
    }
    let rows = |page: &str| page.matches("<th scope=\"row\">").count();
    for connection in ["", &format!("connection={id}&")] {
        let first = body(&browser.get(&world, &format!("/sso/admin/audit?{connection}")));
        assert_eq!(rows(&first), 50);
        let older = first.split("href=\"/sso/admin/audit?").nth(1).unwrap();
        let older = older.split('"').next().unwrap().replace("&#38;", "&");
        assert!(older.starts_with(connection), "{older}");
        let second = body(&browser.get(&world, &format!("/sso/admin/audit?{older}")));
        assert_eq!(rows(&second), 1);
        assert!(second.contains("Created") && second.contains("Newest") && !second.contains(">Older<"));
    }
    let beyond = body(&browser.get(&world, "/sso/admin/audit?before=1"));
    assert!(beyond.contains("Nothing older"));
    for wrong in ["before=x", "before=-1", "connection=x", "before=1&before=2"] {
        let response = browser.get(&world, &format!("/sso/admin/audit?{wrong}"));
        assert_eq!(response.status(), 404, "{wrong}");
    }
}

#[test]
fn whoever_may_read_may_read_it() {
    let world = World::new();
    let (_, made) = world.api("POST", "/tokens", &json!({"name": "reader", "scopes": ["read"]}));
    let mut reader = signed_in_with(&world, made["token"].as_str().unwrap());
    let log = body(&reader.get(&world, "/sso/admin/audit"));
    assert!(log.contains("Made the token &#34;reader&#34;"), "{log}");
    assert!(!log.contains("href=\"/sso/admin/tokens\""));
}
