//! Where each entry of the catalogue, A01 to A175, is tested: here by a function of its name, or where this table says.

use std::collections::BTreeMap;

use super::super::support::seed::{SEEDS, judge};

/// Where the entries are tested that have no test of their name here: a file, and a test in it, or what else refuses them.
#[rustfmt::skip]
const ELSEWHERE: &[(u16, &str, &str)] = &[
    (23, "src/dsig/verified.rs", "compile_fail"),
    (77, "src/dsig/key.rs", "fn weak_rsa_keys_need_the_legacy_floor"),
    (79, "tests/it/dsig.rs", "fn a79_pss_parameters"),
    (80, "tests/it/wycheproof.rs", "fn ecdsa"),
    (81, "src/dsig/key.rs", "fn numbers_that_are_no_key"),
    (87, "src/dsig/reference.rs", "fn a87_digests_are_the_same_whole_or_not_at_all"),
    (88, "tests/it/xmlenc.rs", "fn a88_encryption_proves_nothing"),
    (89, "tests/it/xmlenc.rs", "fn a89_exactly_one_assertion"),
    (90, "tests/it/xmlenc.rs", "fn a90_the_orders_do_not_mix"),
    (91, "tests/it/xmlenc.rs", "fn a91_cbc_only_where_it_was_signed"),
    (92, "tests/it/xmlenc.rs", "fn a92_a_whole_tag_or_nothing"),
    (93, "tests/it/xmlenc.rs", "fn a93_a95_key_transport_is_a_list"),
    (94, "tests/e2e/encrypted.test.mjs", "by every RSA-OAEP that WebCrypto can undo, and no other"),
    (95, "tests/it/xmlenc.rs", "fn a95_parameters_that_cannot_be_undone"),
    (96, "tests/it/xmlenc.rs", "fn a96_the_key_is_as_long_as_the_algorithm_says"),
    (97, "tests/it/xmlenc.rs", "fn a97_places_for_the_wrapped_key"),
    (98, "tests/it/xmlenc.rs", "fn a98_nothing_is_fetched"),
    (99, "tests/it/xmlenc.rs", "fn a99_the_plaintext_goes_through_everything"),
    (100, "tests/it/xmlenc.rs", "fn a100_they_are_never_ignored"),
    (104, "tests/it/validate.rs", "fn every_audience_restriction_must_hold_us"),
    (105, "tests/it/validate.rs", "fn addressing"),
    (106, "tests/it/validate.rs", "fn addressing"),
    (112, "tests/it/sign_in.rs", "fn the_session_ends_by_idleness_by_age_and_with_the_identity_providers"),
    (114, "tests/it/sign_in.rs", "fn a_response_works_once"),
    (115, "tests/it/sign_in.rs", "fn a_replay_is_refused_until_the_time_rules_refuse_it"),
    (116, "tests/it/idp_initiated.rs", "fn nobody_is_signed_in_as_somebody_else_without_a_click_of_their_own"),
    (117, "tests/it/sign_in.rs", "fn only_the_browser_that_asked_gets_the_session"),
    (119, "tests/it/sign_in.rs", "fn connections_do_not_mix_though_they_share_an_entity_id"),
    (120, "tests/it/validate.rs", "fn the_address_must_be_of_the_connections_domain"),
    (126, "tests/it/sign_in.rs", "fn disabling_works_at_once_though_kv_lags"),
    (129, "src/saml/redirect.rs", "fn the_signed_octets_are_as_they_were_sent"),
    (130, "src/saml/redirect.rs", "fn ambiguous_queries_are_refused"),
    (131, "src/saml/redirect.rs", "fn ambiguous_queries_are_refused"),
    (132, "tests/it/attacks/coverage.rs", "fn a_form_of_one_response_and_nothing_else"),
    (133, "tests/it/attacks/coverage.rs", "fn a_form_of_one_response_and_nothing_else"),
    (134, "src/saml/id/tests.rs", "fn a_return_path_stays_on_this_origin"),
    (136, "tests/it/slo.rs", "fn answers_are_refused_unless_they_answer_us"),
    (137, "tests/it/slo.rs", "fn another_site_cannot_sign_out"),
    (141, "tests/e2e/bad-input.test.mjs", "of 100 MB are refused"),
    (142, "src/saml/binding.rs", "fn inflating_ends_at_the_cap"),
    (143, "tests/it/attacks/parser.rs", "fn a46_document_types"),
    (144, "src/xml/source/tests.rs", "fn depth"),
    (145, "src/xml/source/tests.rs", "fn attributes"),
    (146, "src/xml/source/tests.rs", "fn declarations"),
    (147, "src/xml/source/tests.rs", "fn elements_and_marks"),
    (148, "tests/it/attacks/coverage.rs", "fn no_hash_maps_in_the_core"),
    (149, "tests/it/attacks/wrapping.rs", "fn a17_second_signature"),
    (150, "src/xml/c14n/tests.rs", "fn output_has_a_budget"),
    (152, "tests/it/mutation.rs", "fn no_mutant_is_someone_else"),
    (154, "src/saml/id/tests.rs", "fn private_hosts_are_known_however_they_are_written"),
    (155, "tests/it/metadata_refresh.rs", "fn what_no_rotation_looks_like_waits_for_approval"),
    (159, "tests/it/sign_in.rs", "fn one_domain_belongs_to_one_connection"),
    (161, "tests/it/sign_in.rs", "fn duplicate_cookies_are_no_cookies"),
    (164, "src/token.rs", "fn a164_secrets_are_the_same_whole_or_not_at_all"),
    (165, "tests/it/hidden.rs", "fn a165_debug_shows_no_values"),
    (166, "tests/e2e/api.test.mjs", "opens the API, and nothing else does"),
    (167, "tests/it/setup_links.rs", "fn a167_a_link_is_of_no_use_elsewhere_nor_later"),
    (168, "tests/it/sign_in.rs", "fn disabling_works_at_once_though_kv_lags"),
    (170, "clippy.toml", "SystemTime::now"),
    (171, "tests/e2e/bad-input.test.mjs", "with another host change no URL that is handed out"),
    (172, "tests/it/encrypted.rs", "fn every_failure_to_decrypt_is_the_same"),
    (173, "tests/it/attacks/coverage.rs", "fn no_switch_makes_it_lax"),
];

const HERE: &[&str] = &[
    include_str!("algorithms.rs"),
    include_str!("metadata.rs"),
    include_str!("parser.rs"),
    include_str!("protocol.rs"),
    include_str!("references.rs"),
    include_str!("sign_in.rs"),
    include_str!("signature.rs"),
    include_str!("wrapping.rs"),
];

#[test]
fn every_entry_is_tested() {
    let mut places: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for source in HERE {
        for name in source.lines().filter_map(|line| line.strip_prefix("fn a")) {
            let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
            if let Ok(number) = digits.parse() {
                places.entry(number).or_default().push(name.to_owned());
            }
        }
    }
    for (number, file, text) in ELSEWHERE {
        let folder = env!("CARGO_MANIFEST_DIR");
        let found =
            std::fs::read_to_string(format!("{folder}/{file}")).unwrap_or_else(|error| panic!("{file}: {error}"));
        let is_there = match text.strip_prefix("fn ") {
            Some(_) => {
                let lines: Vec<&str> = found.lines().map(str::trim).collect();
                let test = format!("{text}() {{");
                lines.windows(2).any(|lines| lines == ["#[test]", &test])
            }
            None => found.contains(text),
        };
        assert!(is_there, "A{number}: {file} has no {text:?} any more");
        places.entry(*number).or_default().push((*file).to_owned());
    }
    let expected: Vec<u16> = (1..=175).collect();
    assert_eq!(places.keys().copied().collect::<Vec<_>>(), expected);
    for (number, places) in places {
        assert_eq!(places.len(), 1, "A{number}: {places:?}");
    }
}

/// A132, A133.
#[test]
fn a_form_of_one_response_and_nothing_else() {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use edge_saml::saml::binding::read_post_form;

    let seed = &SEEDS[0];
    let good = STANDARD.encode(&seed.xml);
    let deflated = miniz_oxide::deflate::compress_to_vec(seed.xml.as_bytes(), 6);
    let zlib = miniz_oxide::deflate::compress_to_vec_zlib(seed.xml.as_bytes(), 6);
    let url_safe = URL_SAFE.encode([0xfb, 0xff, 0xbf]);
    let form = |pairs: &[(&str, &str)]| {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    };
    let verdict = |body: String| match read_post_form(body.as_bytes()) {
        Ok(form) => judge(&form.message).map_or_else(|code| code, |_| "accepted"),
        Err(reject) => reject.code().as_str(),
    };
    let mut lines = good.clone();
    for at in (76..good.len()).step_by(76).rev() {
        lines.insert(at, '\n');
    }
    for (pairs, expected) in [
        (vec![("SAMLResponse", good.as_str())], "accepted"),
        (vec![("SAMLResponse", lines.as_str())], "accepted"),
        (
            vec![
                ("SAMLResponse", &good),
                ("RelayState", "x"),
                ("other", "y"),
                ("other", "y"),
            ],
            "accepted",
        ),
        (vec![("SAMLResponse", &good), ("SAMLResponse", &good)], "form_malformed"),
        (
            vec![("SAMLResponse", &good), ("RelayState", "x"), ("RelayState", "x")],
            "form_malformed",
        ),
        (vec![("SAMLResponse", &good), ("SAMLRequest", "x")], "form_malformed"),
        (vec![("SAMLResponse", &good), ("SAMLart", "x")], "form_malformed"),
        (vec![("SAMLResponse", &good), ("Signature", "x")], "form_malformed"),
        (vec![("samlresponse", &good)], "acs_empty_post"),
        (vec![("SAMLResponse", "")], "acs_empty_post"),
        (vec![("SAMLResponse", &STANDARD.encode(&deflated))], "encoding_bad"),
        (vec![("SAMLResponse", &STANDARD.encode(&zlib))], "encoding_bad"),
        (vec![("SAMLResponse", &STANDARD.encode(&good))], "xml_not_wellformed"),
        (vec![("SAMLResponse", &url_safe)], "base64_bad"),
        (vec![("SAMLResponse", &format!("{good}===="))], "base64_bad"),
        (
            vec![("SAMLResponse", &format!("{}=AAAA", good.trim_end_matches('=')))],
            "base64_bad",
        ),
        (vec![("SAMLResponse", &seed.xml)], "base64_bad"),
    ] {
        let verdict = verdict(form(&pairs));
        assert_eq!(
            verdict,
            expected,
            "{:?}",
            pairs
                .iter()
                .map(|(name, value)| (name, value.len()))
                .collect::<Vec<_>>()
        );
    }
    // A name is a name however it is encoded.
    assert_eq!(
        verdict(format!("SAML%52esponse=x&{}", form(&[("SAMLResponse", &good)]))),
        "form_malformed"
    );
}

/// A148: std's hash maps are seeded the same in every instance on wasm32.
#[test]
fn no_hash_maps_in_the_core() {
    for (file, text) in sources() {
        assert!(!text.contains("HashMap") && !text.contains("HashSet"), "{file}");
    }
}

/// A173: nothing in the core is called as such switches are called. What is dangerous says so in its name.
#[test]
fn no_switch_makes_it_lax() {
    for (file, text) in sources() {
        for word in [
            "permissive",
            "insecure",
            "skip_verif",
            "allow_dtd: true",
            "accept_any",
            "lenient:",
        ] {
            assert!(!text.contains(word), "{file}: {word}");
        }
    }
}

fn sources() -> Vec<(String, String)> {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut sources = vec![];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                sources.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    sources
}
