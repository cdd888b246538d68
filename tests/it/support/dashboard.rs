//! The dashboard as a browser uses it.

use serde_json::{Value, json};

use super::world::{ADMIN_TOKEN, Browser, World, location};

pub(crate) const HOSTILE: &str = "\"><script>alert(1)</script><b a='&{{7*7}}";

pub(crate) fn body(response: &http::Response<Vec<u8>>) -> String {
    String::from_utf8(response.body().clone()).unwrap()
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// A browser that is signed in with `token`.
pub(crate) fn signed_in_with(world: &World, token: &str) -> Browser {
    let mut browser = Browser::default();
    let response = browser.post(world, "/sso/admin/sign-in", &encoded(&[("token", token)]));
    assert_eq!(
        (response.status().as_u16(), location(&response).as_str()),
        (303, "/sso/admin")
    );
    browser
}

pub(crate) fn signed_in(world: &World) -> Browser {
    signed_in_with(world, ADMIN_TOKEN)
}

/// The token that the forms of this session send back.
pub(crate) fn csrf(world: &World, browser: &mut Browser) -> String {
    let page = body(&browser.get(world, "/sso/admin"));
    page.split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}

/// Sends a form as the page does.
pub(crate) fn submit(
    world: &World,
    browser: &mut Browser,
    path: &str,
    fields: &[(&str, &str)],
) -> http::Response<Vec<u8>> {
    let csrf = csrf(world, browser);
    let fields = [&[("csrf", csrf.as_str())], fields].concat();
    browser.post(world, path, &encoded(&fields))
}

/// A connection that was added by the form; its page.
pub(crate) fn added(world: &World, browser: &mut Browser, provider: &str, domains: &str) -> String {
    let fields = [
        ("provider", provider),
        ("domains", domains),
        ("name", "Acme"),
        ("organization", "org_1"),
    ];
    let response = submit(world, browser, "/sso/admin/connections/new", &fields);
    assert_eq!(response.status(), 303, "{}", body(&response));
    location(&response).split('?').next().unwrap().to_owned()
}

pub(crate) fn connection(world: &World, page: &str) -> Value {
    let id = page.rsplit('/').next().unwrap();
    let (status, connection) = world.api("GET", &format!("/connections/{id}"), &json!({}));
    assert_eq!(status, 200);
    connection
}

/// What the form that goes to `path` sends back without anything typed.
pub(crate) fn hidden_fields(page: &str, path: &str) -> Vec<(String, String)> {
    let form = page.split(&format!("action=\"{path}\"")).nth(1);
    let form = form.unwrap_or_else(|| panic!("no form that goes to {path}: {page}"));
    let form = form.split("</form>").next().unwrap();
    let text = |escaped: &str| {
        let marks = [
            ("&#60;", "<"),
            ("&#62;", ">"),
            ("&#34;", "\""),
            ("&#39;", "'"),
            ("&#38;", "&"),
        ];
        marks.iter().fold(escaped.to_owned(), |text, (mark, character)| {
            text.replace(mark, character)
        })
    };
    let field = |input: &str| {
        let (name, rest) = input.split_once("\" value=\"").unwrap();
        (text(name), text(rest.split('"').next().unwrap()))
    };
    form.split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(field)
        .collect()
}

/// Presses the button of the form on `page` that goes to `path`.
pub(crate) fn press(world: &World, browser: &mut Browser, page: &str, path: &str) -> http::Response<Vec<u8>> {
    let fields = hidden_fields(page, path);
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    browser.post(world, path, &encoded(&fields))
}
