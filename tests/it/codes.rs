//! Where each code is produced: every one of them, by a test that asks for it by its word.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::code::Code;
use edge_saml::dsig::{Certificate, Policy, RsaFloor, Sha1, verify_detached};
use edge_saml::xml::names::DS;
use edge_saml::xml::{Document, Profile, Source};
use serde_json::json;

use crate::support::idp::{Idp, Message};
use crate::support::world::{Browser, World};

/// A code, and the test of it: the file and the function, whose body has the code as a string.
#[rustfmt::skip]
const PRODUCED: &[(&str, &str, &str)] = &[
    ("acs_empty_post", "tests/it/attacks/coverage.rs", "a_form_of_one_response_and_nothing_else"),
    ("base64_bad", "tests/it/attacks/coverage.rs", "a_form_of_one_response_and_nothing_else"),
    ("deflate_bad", "tests/it/codes.rs", "what_is_signed_in_a_query_but_not_deflated"),
    ("too_large", "tests/it/metadata.rs", "caps_hold_for_what_utf_16_becomes"),
    ("xml_not_wellformed", "tests/it/validate.rs", "shape"),
    ("doctype_forbidden", "tests/it/validate.rs", "shape"),
    ("comment_forbidden", "tests/it/validate.rs", "shape"),
    ("processing_instruction_forbidden", "tests/it/validate.rs", "shape"),
    ("encoding_bad", "tests/it/metadata.rs", "files_in_utf_16_are_read_when_they_say_so"),
    ("form_malformed", "tests/it/attacks/coverage.rs", "a_form_of_one_response_and_nothing_else"),
    ("relaystate_not_allowed", "tests/it/idp_initiated.rs", "relay_state_leads_to_allowed_targets_alone"),
    ("response_malformed", "tests/it/validate.rs", "shape"),
    ("idp_authn_failed", "tests/it/state.rs", "what_the_identity_provider_refuses_is_told_to_the_vendor"),
    ("idp_no_passive", "tests/it/state.rs", "a_sign_in_without_a_page_comes_back_either_way"),
    ("idp_request_denied", "tests/it/state.rs", "what_the_identity_provider_refuses_is_told_to_the_vendor"),
    ("idp_requester_error", "tests/it/state.rs", "what_the_identity_provider_refuses_is_told_to_the_vendor"),
    ("idp_invalid_nameid_policy", "tests/it/state.rs", "what_the_identity_provider_refuses_is_told_to_the_vendor"),
    ("idp_no_authn_context", "tests/it/state.rs", "what_the_identity_provider_refuses_is_told_to_the_vendor"),
    ("unsigned", "tests/it/encrypted.rs", "users_sign_in_with_what_was_encrypted_to_the_announced_certificate"),
    ("signature_key_unknown", "tests/it/sign_in.rs", "a_changed_connection_is_read_again_though_kv_lags"),
    ("signature_bad_digest", "tests/it/idp_initiated.rs", "what_bounces_is_verified"),
    ("signature_invalid", "tests/it/attacks/algorithms.rs", "a72_key_values"),
    ("signature_alg_weak", "tests/it/state.rs", "sha1_is_accepted_until_a_day_that_somebody_chose"),
    ("signature_alg_unsupported", "tests/it/attacks/algorithms.rs", "a67_algorithms_that_are_none"),
    ("signature_malformed", "tests/it/attacks/algorithms.rs", "a85_other_transforms"),
    ("signature_multiple", "tests/it/attacks/wrapping.rs", "a17_second_signature"),
    ("signature_wrong_target", "tests/it/validate.rs", "assertions_quoted_in_advice"),
    ("duplicate_id", "tests/it/validate.rs", "assertions_quoted_in_advice"),
    ("transform_forbidden", "tests/it/attacks/algorithms.rs", "a84_path_expressions"),
    ("reference_unsupported", "tests/it/codes.rs", "what_only_the_command_line_tool_meets"),
    ("canonicalization_failed", "tests/it/codes.rs", "what_grows_too_much_when_it_is_made_canonical"),
    ("assertion_not_signed_required", "tests/it/attacks/sign_in.rs", "a_connection_can_demand_signatures"),
    ("response_not_signed_required", "tests/it/attacks/sign_in.rs", "a_connection_can_demand_signatures"),
    ("certificate_malformed", "tests/it/cli.rs", "what_cannot_be_used"),
    ("certificate_multiple", "tests/it/codes.rs", "what_only_the_command_line_tool_meets"),
    ("key_malformed", "tests/it/cli.rs", "encrypted_responses"),
    ("key_unsupported", "tests/it/codes.rs", "what_only_the_command_line_tool_meets"),
    ("key_weak", "tests/it/metadata.rs", "keys_that_sign_are_kept_once_and_others_left_out_with_a_warning"),
    ("encrypted_unexpected", "tests/it/encrypted.rs", "a_name_id_and_attributes_may_be_encrypted_one_by_one"),
    ("decryption_failed", "tests/it/encrypted.rs", "the_key_of_one_connection_opens_nothing_at_another"),
    ("encrypted_malformed", "tests/it/cli.rs", "what_is_encrypted"),
    ("encrypted_alg_refused", "tests/it/encrypted.rs", "users_sign_in_with_what_was_encrypted_to_the_announced_certificate"),
    ("issuer_mismatch", "tests/it/validate.rs", "addressing"),
    ("audience_mismatch", "tests/it/validate.rs", "addressing"),
    ("destination_mismatch", "tests/it/validate.rs", "addressing"),
    ("recipient_mismatch", "tests/it/validate.rs", "addressing"),
    ("connection_disabled", "tests/it/sign_in.rs", "disabling_works_at_once_though_kv_lags"),
    ("connection_unknown", "tests/it/codes.rs", "connections_that_there_are_not"),
    ("not_yet_valid", "tests/it/validate.rs", "time_with_the_skew_at_its_limits"),
    ("expired", "tests/it/sign_in.rs", "a_replay_is_refused_until_the_time_rules_refuse_it"),
    ("request_expired", "tests/it/attacks/sign_in.rs", "a109_requests_of_others"),
    ("session_expired_at_idp", "tests/it/validate.rs", "a_session_that_ended_at_the_identity_provider_is_not_begun"),
    ("authn_too_old", "tests/it/signed_requests.rs", "a_forced_authentication_must_be_new"),
    ("assertion_reused", "tests/it/sign_in.rs", "a_response_works_once"),
    ("request_already_answered", "tests/it/attacks/sign_in.rs", "a109_requests_of_others"),
    ("in_response_to_unknown", "tests/it/attacks/sign_in.rs", "a109_requests_of_others"),
    ("unsolicited_not_allowed", "tests/it/idp_initiated.rs", "off_refuses_it"),
    ("browser_mismatch", "tests/it/attacks/sign_in.rs", "a109_requests_of_others"),
    ("email_missing", "tests/it/validate.rs", "the_address_must_be_of_the_connections_domain"),
    ("email_not_an_address", "tests/it/validate.rs", "the_address_must_be_of_the_connections_domain"),
    ("email_domain_not_owned", "tests/it/validate.rs", "the_address_must_be_of_the_connections_domain"),
    ("email_differs_from_typed", "tests/it/state.rs", "the_address_may_have_to_be_the_one_that_was_typed"),
    ("required_attribute_missing", "tests/it/state.rs", "what_must_be_known_of_everyone_is_asked_for"),
    ("jit_disabled", "tests/it/state.rs", "new_users_may_be_kept_out"),
    ("nameid_transient_as_key", "tests/it/attacks/sign_in.rs", "white_space_keeps_users_apart"),
    ("groups_overage", "tests/it/state.rs", "what_must_be_known_of_everyone_is_asked_for"),
    ("fetch_timeout", "tests/it/metadata.rs", "a_url_that_gives_no_metadata_is_refused_by_what_it_does"),
    ("fetch_tls", "tests/it/metadata.rs", "a_url_that_gives_no_metadata_is_refused_by_what_it_does"),
    ("fetch_http_status", "tests/it/metadata.rs", "a_url_that_gives_no_metadata_is_refused_by_what_it_does"),
    ("fetch_private_address", "tests/it/metadata.rs", "a_url_that_gives_no_metadata_is_refused_by_what_it_does"),
    ("fetch_dns", "tests/it/metadata.rs", "a_url_whose_host_has_no_public_address_is_not_fetched"),
    ("fetch_redirects", "tests/it/metadata.rs", "a_url_that_gives_no_metadata_is_refused_by_what_it_does"),
    ("fetch_too_large", "tests/it/metadata.rs", "a_url_that_gives_no_metadata_is_refused_by_what_it_does"),
    ("html_instead_of_xml", "tests/it/metadata.rs", "pages_are_known_for_what_they_are"),
    ("metadata_malformed", "tests/it/metadata.rs", "what_is_not_an_identity_providers_metadata_is_called_by_its_name"),
    ("no_idp_role", "tests/it/metadata.rs", "one_of_several_is_chosen_by_its_entity_id"),
    ("several_entities", "tests/it/metadata.rs", "one_of_several_is_chosen_by_its_entity_id"),
    ("no_sso_endpoint", "tests/it/metadata.rs", "without_an_endpoint_for_browsers_it_is_said_what_there_is"),
    ("no_signing_key", "tests/it/metadata.rs", "keys_that_sign_are_kept_once_and_others_left_out_with_a_warning"),
    ("is_sp_metadata", "tests/it/metadata.rs", "what_is_not_an_identity_providers_metadata_is_called_by_its_name"),
    ("entity_changed", "tests/it/metadata.rs", "another_identity_provider_takes_the_place_of_one_only_when_told_to"),
    ("too_many_certificates", "tests/it/metadata.rs", "keys_that_sign_are_kept_once_and_others_left_out_with_a_warning"),
    ("certificate_expired", "tests/it/metadata.rs", "certificates_that_end_are_told_of_before"),
    ("domain_proof_lost", "tests/it/domain_proof.rs", "a_record_that_goes_is_noticed_within_a_day"),
    ("domain_unproven", "tests/it/domain_proof.rs", "a_deployment_may_demand_proof"),
    ("certificate_expires_soon", "tests/it/metadata.rs", "certificates_that_end_are_told_of_before"),
    ("certificates_left_out", "tests/it/metadata.rs", "keys_that_sign_are_kept_once_and_others_left_out_with_a_warning"),
    ("metadata_expired", "tests/it/metadata.rs", "metadata_that_has_expired_is_used_with_a_warning"),
    ("metadata_url_without_appid", "tests/it/metadata.rs", "entra_metadata_is_fetched_for_the_application"),
];

/// The codes for which something on the network is to blame, which the built Worker is tested with as well.
const END_TO_END: &[Code] = &[
    Code::FetchTimeout,
    Code::FetchTls,
    Code::FetchHttpStatus,
    Code::FetchPrivateAddress,
    Code::FetchRedirects,
    Code::FetchTooLarge,
    Code::HtmlInsteadOfXml,
    Code::SeveralEntities,
    Code::EntityChanged,
];

fn source(file: &str) -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    std::fs::read_to_string(format!("{folder}/{file}")).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The body of the test `name` in `file`.
fn body(file: &str, name: &str) -> String {
    let source = source(file);
    let start = format!("#[test]\nfn {name}() {{\n");
    let (_, rest) = source
        .split_once(&start)
        .unwrap_or_else(|| panic!("{file} has no test {name}"));
    rest.split_once("\n}\n").unwrap().0.to_owned()
}

#[test]
fn every_code_is_produced_by_a_test() {
    let all: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let listed: BTreeSet<&str> = PRODUCED.iter().map(|(code, ..)| *code).collect();
    assert_eq!(listed, all);
    assert_eq!(listed.len(), PRODUCED.len(), "one is listed twice");
    for (code, file, test) in PRODUCED {
        assert!(
            body(file, test).contains(&format!("\"{code}\"")),
            "{file}: {test} does not ask for {code}"
        );
    }
    let end_to_end = source("tests/e2e/api.test.mjs");
    for code in END_TO_END {
        assert!(end_to_end.contains(&format!("\"{code}\"")), "{code}");
    }
}

#[test]
fn what_is_signed_in_a_query_but_not_deflated() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    let message = form_urlencoded::byte_serialize(STANDARD.encode("<a/>").as_bytes()).collect::<String>();
    let query = Idp::trusted().sign_query(&format!("SAMLRequest={message}"));
    let response = Browser::default().get(&world, &format!("/sso/saml/{id}/slo?{query}"));
    assert_eq!(
        (response.status().as_u16(), world.refusal_codes(&id)),
        (403, vec!["deflate_bad".to_owned()])
    );
}

#[test]
fn what_grows_too_much_when_it_is_made_canonical() {
    let world = World::new();
    let id = world.connection(&Idp::trusted());
    // A quotation mark becomes six characters; four times the message and 64 KiB are granted.
    let response = |quotes: usize| {
        let signature = Idp::trusted().signature("_assertion", &STANDARD.encode([0; 32]));
        let xml = Message::default().to_xml();
        let xml = xml.replace(
            "<saml2:Subject>",
            &format!("{signature}<saml2:Subject x='{}'>", "\"".repeat(quotes)),
        );
        Browser::deliver(&world, &id, &xml);
        world.refusal_codes(&id).remove(0)
    };
    assert_eq!(response(30_000), "signature_bad_digest");
    assert_eq!(response(60_000), "canonicalization_failed");
}

#[test]
fn connections_that_there_are_not() {
    let world = World::new();
    let made_up = "conn_aaaaaaaaaaaaaaaaaaaa";
    assert_eq!(
        Browser::deliver(&world, made_up, &Message::default().to_xml()).status(),
        404
    );
    assert!(
        world
            .log
            .borrow()
            .iter()
            .any(|line| line.contains("\"connection_unknown\"")),
        "{:?}",
        world.log
    );
    let (status, answer) = world.api("GET", &format!("/connections/{made_up}"), &json!({}));
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("connection_unknown")));
}

#[test]
fn what_only_the_command_line_tool_meets() {
    let code = |error: edge_saml::dsig::Error| error.code().as_str();
    let idp: &[u8] = include_bytes!("../vectors/keys/idp.cert.pem");
    let other: &[u8] = include_bytes!("../vectors/keys/other.cert.pem");
    assert_eq!(
        Certificate::read(&[idp, other].concat()).map_err(code),
        Err("certificate_multiple")
    );
    let ed25519 = Certificate::read(include_bytes!("../vectors/dsig/ed25519.pem")).unwrap();
    let key = ed25519.key(RsaFloor::Standard);
    assert_eq!(key.map(|_| ()).map_err(code), Err("key_unsupported"));

    let xml = Idp::trusted()
        .signature("x", &STANDARD.encode([0; 32]))
        .replace("#x", "https://idp.example/x");
    let source = Source::check(xml.as_bytes(), Profile::Document).unwrap();
    let document = Document::parse(&source).unwrap();
    assert!(document.root().is(DS, "Signature"));
    let keys = [Idp::trusted().trusted_key()];
    let policy = Policy {
        keys: &keys,
        sha1: Sha1::Refused,
    };
    let verdict = verify_detached(&document, document.root(), &policy);
    assert_eq!(verdict.map_err(code), Err("reference_unsupported"));
}
