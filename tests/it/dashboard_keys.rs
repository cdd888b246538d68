//! The dashboard: the rotation of the keys that decrypt for a connection.

use serde_json::{Value, json};

use crate::support::dashboard::{body, signed_in, submit};
use crate::support::idp::Idp;
use crate::support::world::{World, location};

fn keys(world: &World, id: &str) -> Value {
    world
        .api("GET", &format!("/connections/{id}/decryption-keys"), &json!({}))
        .1
}

fn states(world: &World, id: &str) -> Vec<String> {
    let keys = keys(world, id);
    let states = keys["keys"].as_array().unwrap().iter().map(|key| key["state"].as_str());
    states.map(|state| state.unwrap().to_owned()).collect()
}

#[test]
fn keys_are_rotated_step_by_step_and_the_last_step_is_confirmed() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection_with(&json!({"decrypt_assertions": true}), &Idp::trusted());
    let page = format!("/sso/admin/connections/{id}/settings");
    let rotate = format!("/sso/admin/connections/{id}/rotate-keys");

    let shown = body(&browser.get(&world, &page));
    assert!(
        shown.contains("Step 1 of 3") && shown.contains("-----BEGIN CERTIFICATE-----"),
        "{shown}"
    );
    let prepared = submit(&world, &mut browser, &rotate, &[("step", "prepare")]);
    assert_eq!(location(&prepared), format!("{page}?done=rotate-keys#decryption-keys"));
    assert_eq!(states(&world, &id), ["current", "next"]);

    let again = submit(&world, &mut browser, &rotate, &[("step", "prepare")]);
    assert_eq!(again.status(), 409);
    assert!(body(&again).contains("The next step of the rotation is activate."));
    assert_eq!(states(&world, &id), ["current", "next"]);

    assert!(body(&browser.get(&world, &page)).contains("Step 2 of 3"));
    assert_eq!(
        submit(&world, &mut browser, &rotate, &[("step", "activate")]).status(),
        303
    );
    assert_eq!(states(&world, &id), ["current", "previous"]);
    let shown = body(&browser.get(&world, &page));
    assert!(
        shown.contains("Step 3 of 3") && shown.contains("Encryption Certificate"),
        "{shown}"
    );

    let unsure = submit(&world, &mut browser, &rotate, &[("step", "retire")]);
    assert_eq!(unsure.status(), 422);
    assert!(body(&unsure).contains("id=\"rotate-keys-confirmed-error\" role=\"alert\""));
    assert_eq!(states(&world, &id), ["current", "previous"]);
    let sure = [("step", "retire"), ("confirmed", "true")];
    assert_eq!(submit(&world, &mut browser, &rotate, &sure).status(), 303);
    assert_eq!(states(&world, &id), ["current"]);
    assert_eq!(
        submit(&world, &mut browser, &rotate, &[("step", "nonsense")]).status(),
        422
    );

    let (_, log) = world.api("GET", &format!("/audit?connection={id}&limit=1"), &json!({}));
    assert_eq!(log["entries"][0]["actor"], "dashboard (token ADMIN_TOKEN)");
}

#[test]
fn a_connection_that_never_decrypted_shows_no_keys_and_has_none_to_rotate() {
    let world = World::new();
    let mut browser = signed_in(&world);
    let id = world.connection(&Idp::trusted());
    let settings = body(&browser.get(&world, &format!("/sso/admin/connections/{id}/settings")));
    assert!(!settings.contains("decryption-keys"), "{settings}");
    let rotate = format!("/sso/admin/connections/{id}/rotate-keys");
    let refused = submit(&world, &mut browser, &rotate, &[("step", "prepare")]);
    assert_eq!(refused.status(), 409);
    assert_eq!(keys(&world, &id)["keys"], json!([]));
}
