use super::*;

#[test]
fn domains_know_what_is_above_them() {
    let domain = |text: &str| Domain::parse(text).unwrap();
    let above = |text: &str| domain(text).and_parents().map(String::from).collect::<Vec<_>>();
    assert_eq!(above("acme.com"), ["acme.com"]);
    assert_eq!(
        above("mail.eu.acme.com"),
        ["mail.eu.acme.com", "eu.acme.com", "acme.com"]
    );
    let acme = domain("acme.com");
    assert!(domain("eu.acme.com").is_below(&acme));
    assert!(domain("a.b.acme.com").is_below(&acme));
    for other in ["acme.com", "evilacme.com", "acme.com.evil.com", "com.acme", "acme.co"] {
        assert!(!domain(other).is_below(&acme), "{other}");
    }
    assert_eq!((acme.labels(), domain("mail.eu.acme.com").labels()), (2, 4));
}

#[test]
fn domains_fold_case_and_become_a_labels() {
    assert_eq!(Domain::parse("ACME.Com").unwrap().as_str(), "acme.com");
    assert_eq!(
        Domain::parse("bücher.example").unwrap().as_str(),
        "xn--bcher-kva.example"
    );
    for bad in [
        "",
        "acme",
        ".acme.com",
        "acme.com.",
        "acme..com",
        "-acme.com",
        "acme_x.com",
        "a@acme.com",
        "acme.com/x",
        "10.0.0.1",
        "[::1]",
        "acme.com\0",
        "ac me.com",
        "acme.1",
    ] {
        assert!(Domain::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn an_address_has_one_meaning() {
    let ada = EmailAddress::parse("Ada.L+x@ACME.com").unwrap();
    assert_eq!(ada.as_str(), "Ada.L+x@acme.com");
    assert_eq!(ada.domain().as_str(), "acme.com");
    for bad in [
        "",
        "ada",
        "@acme.com",
        "ada@",
        "a@b@acme.com",
        "\"a b\"@acme.com",
        "ada @acme.com",
        "ada@ acme.com",
        "ada@acme.com ",
        "ada@acme.com\r\n",
        "ada@acme.com.",
        "ada@[10.0.0.1]",
        "ada\0@acme.com",
        ".ada@acme.com",
        "a..b@acme.com",
        "ada＠acme.com",
        "ada@acme．com",
        "ada@büro.example",
        "\u{200b}ada@acme.com",
        "аda@acme.com",
    ] {
        assert!(EmailAddress::parse(bad).is_err(), "{bad:?}");
    }
    assert_eq!(
        EmailAddress::parse_typed("ada@bücher.example")
            .unwrap()
            .domain()
            .as_str(),
        "xn--bcher-kva.example"
    );
}

#[test]
fn a_return_path_stays_on_this_origin() {
    for (given, path) in [
        ("/", "/"),
        ("/a/b?c=d&e=%2F#f", "/a/b?c=d&e=%2F#f"),
        ("/a/../b", "/b"),
        ("/x?u=https://evil.example/", "/x?u=https://evil.example/"),
    ] {
        assert_eq!(ReturnPath::parse(given).unwrap().as_str(), path);
    }
    for bad in [
        "",
        "a",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=1",
        "/\t/evil.example",
        "/..//evil.example",
        "/.//evil.example",
    ] {
        assert!(ReturnPath::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn endpoints_are_https_or_loopback() {
    for good in [
        "https://idp.example/sso?x=1",
        "http://localhost:7000/sso",
        "http://127.0.0.1/",
        "http://[::1]:1/",
    ] {
        assert!(EndpointUrl::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "idp.example",
        "http://idp.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://u:p@idp.example/",
        "https://u@idp.example/",
        "https://idp.example/#x",
        "http://localhost.evil.example/",
        "file:///etc/passwd",
    ] {
        assert!(EndpointUrl::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn private_hosts_are_known_however_they_are_written() {
    for private in [
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://169.254.169.254/",
        "https://100.64.0.1/",
        "https://192.168.1.1/",
        "https://172.31.0.1/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://localhost/",
        "https://idp.localhost./",
        "https://intranet/",
        "https://x.internal/",
        "https://x.local/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
    ] {
        assert!(EndpointUrl::parse(private).unwrap().is_private(), "{private}");
    }
    for public in [
        "https://idp.example/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://localhost.example/",
    ] {
        assert!(!EndpointUrl::parse(public).unwrap().is_private(), "{public}");
    }
}

#[test]
fn endpoints_compare_by_host_and_octets() {
    assert!(same_endpoint("https://SP.example:443/acs", "HTTPS://sp.example/acs"));
    assert!(same_endpoint("http://sp.example:80/acs", "http://sp.example/acs"));
    for other in [
        "https://sp.example/acs/",
        "https://sp.example/ACS",
        "https://sp.example:8443/acs",
        "http://sp.example/acs",
        "https://sp.example/acs?x",
        " https://sp.example/acs",
        "https://sp.example.evil.example/acs",
        "https://sp.example@evil.example/acs",
        "",
    ] {
        assert!(!same_endpoint("https://sp.example/acs", other), "{other}");
    }
}

#[test]
fn ids_are_names() {
    assert!(RequestId::parse("_a1b2").is_ok());
    assert!(RequestId::parse("1a").is_ok());
    for bad in ["", "a:b", "a b", "a'b", "a\"b", "a)", "a]"] {
        assert!(AssertionId::parse(bad).is_err(), "{bad}");
    }
    assert!(ConnectionId::parse("conn_abcdefghij234567klmn").is_ok());
    for bad in [
        "",
        "conn_",
        "conn_ABCDEFGHIJ234567KLMN",
        "conn_abcdefghij234567klm1",
        "abcdefghij234567klmn",
    ] {
        assert!(ConnectionId::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn entity_ids_may_hold_spaces_inside() {
    for text in ["https://idp.example", "IdP Entity ID", "urn:x", "a"] {
        assert_eq!(EntityId::parse(text).map(|id| id.to_string()), Ok(text.to_owned()));
    }
    for text in ["", " ", " a", "a ", "a\tb", "a\nb", "a\u{a0}b", &"a".repeat(1025)] {
        assert!(EntityId::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn what_is_accepted_is_accepted_as_it_is_kept() {
    // Found by fuzzing: what grew past the cap was kept, and could not be read again.
    for length in [680, 681, 682, 683, 1000, 2047] {
        let path = format!("/{}", "<".repeat(length));
        if let Ok(path) = ReturnPath::parse(&path) {
            assert_eq!(ReturnPath::parse(path.as_str()), Ok(path));
        }
        let url = format!("https://idp.example/{}", "<".repeat(length));
        if let Ok(url) = EndpointUrl::parse(&url) {
            assert_eq!(EndpointUrl::parse(url.as_str()), Ok(url));
        }
    }
    assert!(ReturnPath::parse(&format!("/{}", "<".repeat(682))).is_ok());
    assert!(ReturnPath::parse(&format!("/{}", "<".repeat(683))).is_err());
    assert!(EndpointUrl::parse(&format!("https://idp.example/{}", "<".repeat(700))).is_err());
}
