use super::{Profile, Source};
use crate::limits;
use crate::xml::{Document, Error};

/// The outcome for the octets as a whole: preflight, parser, identifiers.
fn read(octets: impl AsRef<[u8]>, profile: Profile) -> Result<(), Error> {
    let source = Source::check(octets.as_ref(), profile)?;
    Document::parse(&source).map(|_| ())
}

fn saml(octets: impl AsRef<[u8]>) -> Result<(), Error> {
    read(octets, Profile::SamlMessage)
}

fn metadata(octets: impl AsRef<[u8]>) -> Result<(), Error> {
    read(octets, Profile::Metadata)
}

fn document(octets: impl AsRef<[u8]>) -> Result<(), Error> {
    read(octets, Profile::Document)
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn numbered(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect()
}

#[test]
fn size() {
    let padded = |length: usize| format!("<a>{}</a>", " ".repeat(length - "<a></a>".len()));
    for (profile, max) in [
        (Profile::SamlMessage, limits::MAX_SAML_MESSAGE_BYTES),
        (Profile::Metadata, limits::MAX_METADATA_BYTES),
        (Profile::Document, limits::MAX_DOCUMENT_BYTES),
    ] {
        assert_eq!(read(padded(max), profile), Ok(()));
        assert_eq!(read(padded(max + 1), profile), Err(Error::TooLarge));
    }
}

#[test]
fn encodings_of_messages() {
    assert_eq!(saml("<a>\u{E9}\u{1F600}</a>"), Ok(()));
    assert_eq!(saml("\u{FEFF}<a/>"), Ok(()), "one byte order mark is tolerated");
    assert_eq!(saml("\u{FEFF}<?xml version='1.0' encoding='utf-8'?><a/>"), Ok(()));
    for text in [
        "\u{FEFF}\u{FEFF}<a/>",
        "<?xml version='1.0'?>\u{FEFF}<a/>",
        "\n\u{FEFF}<a/>",
    ] {
        assert_eq!(saml(text), Err(Error::NotWellFormed), "a second mark, or a late one");
    }
    assert_eq!(document("<!DOCTYPE a>\u{FEFF}<a/>"), Err(Error::NotWellFormed));
    assert_eq!(saml(b"<a>\xC0\x80</a>"), Err(Error::EncodingInvalid), "overlong");
    assert_eq!(saml(b"<a>\xED\xA0\x80</a>"), Err(Error::EncodingInvalid), "surrogate");
    assert_eq!(saml(b"<a>\xE9</a>"), Err(Error::EncodingInvalid), "Latin-1");
    assert_eq!(
        saml([b"\xFF\xFE".as_slice(), &utf16("<a/>", u16::to_le_bytes)].concat()),
        Err(Error::EncodingInvalid)
    );
    assert_eq!(
        saml([b"\xFE\xFF".as_slice(), &utf16("<a/>", u16::to_be_bytes)].concat()),
        Err(Error::EncodingInvalid)
    );
    assert_eq!(
        saml(utf16("<a/>", u16::to_le_bytes)),
        Err(Error::InvalidCharacter),
        "no mark, so NUL"
    );
    assert_eq!(
        saml(b"<\0\0\0a\0\0\0/\0\0\0>\0\0\0"),
        Err(Error::InvalidCharacter),
        "UTF-32"
    );
    assert_eq!(saml("+ADw-a/+AD4-"), Err(Error::NotWellFormed), "UTF-7");
    for name in ["UTF-16", "UTF-7", "ISO-8859-1", "US-ASCII", "utf8", ""] {
        let text = format!("<?xml version='1.0' encoding='{name}'?><a/>");
        assert_eq!(saml(text), Err(Error::EncodingUnsupported), "{name}");
    }
}

#[test]
fn encodings_of_metadata() {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a>\u{E9}\u{1F600}</a>";
    let little = [b"\xFF\xFE".as_slice(), &utf16(text, u16::to_le_bytes)].concat();
    let big = [b"\xFE\xFF".as_slice(), &utf16(text, u16::to_be_bytes)].concat();
    for octets in [&little, &big] {
        let source = Source::check(octets, Profile::Metadata).unwrap();
        assert_eq!(source.text(), "<a>\u{E9}\u{1F600}</a>");
    }
    assert_eq!(
        metadata(little.get(..little.len() - 1).unwrap()),
        Err(Error::EncodingInvalid),
        "half a unit"
    );
    assert_eq!(
        metadata(b"\xFF\xFE\x00\xD8<\0"),
        Err(Error::EncodingInvalid),
        "lone surrogate"
    );
    let latin = "<?xml version='1.0' encoding='ISO-8859-1'?><a/>";
    let mixed = [b"\xFF\xFE".as_slice(), &utf16(latin, u16::to_le_bytes)].concat();
    assert_eq!(metadata(mixed), Err(Error::EncodingUnsupported));
    assert_eq!(metadata(latin), Err(Error::EncodingUnsupported));
    for unit in [u16::to_le_bytes, u16::to_be_bytes] {
        assert_eq!(metadata(utf16("<a/>", unit)), Err(Error::EncodingInvalid), "no mark");
    }
}

#[test]
fn text_has_no_encoding() {
    let check = |text: &str| Source::check_text(text, Profile::Metadata).map(|source| source.text().to_owned());
    for encoding in ["UTF-8", "utf-16", "ISO-8859-1"] {
        let text = format!("\u{FEFF}<?xml version='1.0' encoding='{encoding}'?><a>\u{E9}</a>");
        assert_eq!(check(&text), Ok("<a>\u{E9}</a>".to_owned()));
    }
    // Everything else holds as it does for octets.
    for (text, expected) in [
        ("\u{FEFF}\u{FEFF}<a/>", Error::NotWellFormed),
        ("<?xml version='1.1'?><a/>", Error::InvalidDeclaration),
        ("<!DOCTYPE a><a/>", Error::DoctypeForbidden),
        ("<a>\0</a>", Error::InvalidCharacter),
    ] {
        assert_eq!(check(text), Err(expected), "{text}");
    }
    let padded = |length: usize| format!("<a/>{}", " ".repeat(length - 4));
    let max = Profile::Metadata.limits().max_bytes;
    assert_eq!(check(&padded(max)), Ok(padded(max)));
    assert_eq!(check(&padded(max + 1)), Err(Error::TooLarge));
}

#[test]
fn encodings_of_documents() {
    let source = Source::check(
        b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xE9</a>",
        Profile::Document,
    )
    .unwrap();
    assert_eq!(source.text(), "<a>\u{E9}</a>");
    assert_eq!(document(b"<?xml version='1.0' encoding='us-ascii'?><a>e</a>"), Ok(()));
    assert_eq!(
        document(b"<?xml version='1.0' encoding='us-ascii'?><a>\xE9</a>"),
        Err(Error::EncodingInvalid)
    );
    assert_eq!(
        document(b"\xEF\xBB\xBF<?xml version='1.0' encoding='ISO-8859-1'?><a/>"),
        Err(Error::EncodingUnsupported),
        "the mark says UTF-8"
    );
}

#[test]
fn declaration() {
    for text in [
        "<?xml version=\"1.0\"?><a/>",
        "<?xml version = '1.0' encoding = \"UTF-8\" standalone='no' ?><a/>",
        "<?xml\nversion='1.0'\tstandalone='yes'?>\n<a/>",
    ] {
        assert_eq!(saml(text), Ok(()), "{text}");
        assert_eq!(
            Source::check(text.as_bytes(), Profile::SamlMessage)
                .unwrap()
                .text()
                .trim_start(),
            "<a/>"
        );
    }
    for text in [
        "<?xml version='1.1'?><a/>",
        "<?xml version='2.0'?><a/>",
        "<?xml encoding='UTF-8'?><a/>",
        "<?xml ?><a/>",
        "<?xml?><a/>",
        "<?xml version='1.0'encoding='UTF-8'?><a/>",
        "<?xml encoding='UTF-8' version='1.0'?><a/>",
        "<?xml version='1.0' standalone='maybe'?><a/>",
        "<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>",
        "<?xml version='1.0' other='x'?><a/>",
        "<?xml version='1.0\"?><a/>",
        "<?xml version='1.0'><a/>",
        " <?xml version='1.0'?><a/>",
        "<?xml version='1.0'?><?xml version='1.0'?><a/>",
        "<a><?xml version='1.0'?></a>",
        "<a/><?xml version='1.0'?>",
        "<?XML version='1.0'?><a/>",
        "\u{FEFF}\n<?xml version='1.0'?><a/>",
    ] {
        for profile in [Profile::SamlMessage, Profile::Metadata, Profile::Document] {
            assert_eq!(read(text, profile), Err(Error::InvalidDeclaration), "{text}");
        }
    }
    let long = format!("<?xml version='1.0'{}?><a/>", " ".repeat(1000));
    assert_eq!(saml(long), Ok(()));
}

#[test]
fn document_type_declarations() {
    let external = [
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a SYSTEM 'x\"><!--'><a/>",
        "<?xml version='1.0'?>\n<!-- c --><?p?><!DOCTYPE a PUBLIC \"-//x//\" \"u\" ><a/>",
    ];
    for text in external {
        assert_eq!(
            saml(text),
            Err(if text.contains("--><") {
                Error::CommentForbidden
            } else {
                Error::DoctypeForbidden
            })
        );
        assert_eq!(metadata(text), Err(Error::DoctypeForbidden));
        assert_eq!(document(text), Ok(()), "{text}");
        assert!(
            !Source::check(text.as_bytes(), Profile::Document)
                .unwrap()
                .text()
                .contains("DOCTYPE")
        );
    }
    for text in [
        "<!DOCTYPE a []><a/>",
        "<!DOCTYPE a SYSTEM 'x' [<!ENTITY e 'v'>]><a>&e;</a>",
    ] {
        assert_eq!(saml(text), Err(Error::DoctypeForbidden));
        assert_eq!(document(text), Err(Error::DoctypeInternalSubset));
    }
    for text in [
        "<!doctype a><a/>",
        "<!DOCTYPE a><!DOCTYPE a><a/>",
        "<a><!DOCTYPE a></a>",
        "<a/><!DOCTYPE a>",
        "<!DOCTYPEa><a/>",
        "<!DOCTYPE -a><a/>",
        "<!DOCTYPE a;><a/>",
        "<!DOCTYPE a SYSTEM><a/>",
        "<!DOCTYPE a SYSTEM'x'><a/>",
        "<!DOCTYPE a PUBLIC 'x'><a/>",
        "<!DOCTYPE a x><a/>",
        "<!DOCTYPE a",
        "x<!DOCTYPE a><a/>",
        "<!ENTITY e 'v'><a/>",
        "<!><a/>",
    ] {
        assert!(saml(text).is_err(), "{text}");
        assert_eq!(document(text), Err(Error::NotWellFormed), "{text}");
    }
    assert_eq!(saml("\u{FEFF}<!DOCTYPE a><a/>"), Err(Error::DoctypeForbidden));
    assert_eq!(document("<!DOCTYPE a SYSTEM 'x'><a>&e;</a>"), Err(Error::EntityUnknown));
}

#[test]
fn comments_and_processing_instructions() {
    for text in ["<a><!-- c --></a>", "<!----><a/>", "<a/><!-- - -->"] {
        assert_eq!(saml(text), Err(Error::CommentForbidden));
        assert_eq!(metadata(text), Ok(()));
        assert_eq!(document(text), Ok(()));
    }
    for text in [
        "<a><?p d?></a>",
        "<?p?><a/>",
        "<a/><?xml-stylesheet href='x'?>",
        "<a><?p\td ? > ?></a>",
    ] {
        assert_eq!(saml(text), Err(Error::ProcessingInstructionForbidden));
        assert_eq!(metadata(text), Ok(()), "{text}");
        assert_eq!(document(text), Ok(()));
    }
    for text in [
        "<a><!-- -- --></a>",
        "<a><!-- --->",
        "<a><!--></a>",
        "<a><?p!d?></a>",
        "<a><?p\u{D7}d?></a>",
        "<a><?p?d?></a>",
        "<a><??></a>",
        "<a><? p?></a>",
    ] {
        assert_eq!(document(text), Err(Error::NotWellFormed), "{text}");
    }
    assert_eq!(document("<a><?p:q d?></a>"), Err(Error::InvalidName));
    // What looks like markup inside them is none.
    assert_eq!(document("<a><!-- <b x=> & ]]> --><?p <b> & ?></a>"), Ok(()));
    assert_eq!(saml("<a><![CDATA[<!-- <?p?> & ]] > <b>]]></a>"), Ok(()));
}

#[test]
fn depth() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    for profile in [Profile::SamlMessage, Profile::Metadata, Profile::Document] {
        let max = profile.limits().max_depth;
        assert_eq!(read(nested(max), profile), Ok(()));
        assert_eq!(read(nested(max + 1), profile), Err(Error::TooDeep));
    }
    assert_eq!(saml("<a></a></a>"), Err(Error::NotWellFormed));
}

#[test]
fn elements_and_marks() {
    let max = limits::SAML_MESSAGE.max_elements;
    let siblings = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
    assert_eq!(saml(siblings(max)), Ok(()));
    assert_eq!(saml(siblings(max + 1)), Err(Error::TooManyElements));

    let max = limits::SAML_MESSAGE.max_less_than_signs;
    let less = |count: usize| format!("<a><![CDATA[{}]]></a>", "<".repeat(count - 3));
    assert_eq!(saml(less(max)), Ok(()));
    assert_eq!(saml(less(max + 1)), Err(Error::TooManyMarks));

    let max = limits::SAML_MESSAGE.max_equals_signs;
    assert_eq!(saml(format!("<a>{}</a>", "=".repeat(max))), Ok(()));
    assert_eq!(
        saml(format!("<a>{}</a>", "=".repeat(max + 1))),
        Err(Error::TooManyMarks)
    );
}

#[test]
fn attributes() {
    let max = limits::SAML_MESSAGE.max_attributes_per_element;
    let element = |count: usize| format!("<a {}/>", numbered(count, |n| format!(" a{n}=''")));
    assert_eq!(saml(element(max)), Ok(()));
    assert_eq!(saml(element(max + 1)), Err(Error::TooManyAttributes));
    let per_element = numbered(3, |_| element(max));
    assert_eq!(
        saml(format!("<r>{per_element}</r>")),
        Ok(()),
        "counted anew on each element"
    );

    for text in [
        "<a b=''b=''/>",
        "<a b/>",
        "<a b=x/>",
        "<a b='x\"/>",
        "<a b='<'/>",
        "<a b='&lt;' b=''/>",
        "<a =''/>",
    ] {
        assert_eq!(saml(text), Err(Error::NotWellFormed), "{text}");
    }
    let twice = "<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='' q:b=''/>";
    assert_eq!(
        saml(twice),
        Err(Error::NotWellFormed),
        "one expanded name, two prefixes"
    );
}

#[test]
fn declarations() {
    let max = limits::SAML_MESSAGE.max_declarations_per_element;
    let declarations = |count: usize| numbered(count, |n| format!(" xmlns:p{n}='urn:x'"));
    assert_eq!(saml(format!("<a{}/>", declarations(max))), Ok(()));
    assert_eq!(
        saml(format!("<a{}/>", declarations(max + 1))),
        Err(Error::TooManyDeclarations)
    );

    let max = limits::SAML_MESSAGE.max_declarations;
    let siblings = |count: usize| format!("<a>{}</a>", "<b xmlns='urn:x'/>".repeat(count));
    assert_eq!(saml(siblings(max)), Ok(()));
    assert_eq!(saml(siblings(max + 1)), Err(Error::TooManyDeclarations));

    let max = limits::SAML_MESSAGE.max_scope_copies;
    let many = |count: usize| {
        format!(
            "<r{}>{}</r>",
            declarations(32),
            "<b xmlns:p0='urn:y'></b>".repeat(count / 32 - 1)
        )
    };
    assert_eq!(saml(many(max)), Ok(()));
    assert_eq!(saml(many(max + 32)), Err(Error::TooManyDeclarations));
    assert_eq!(
        saml(many(max + 32).replace("></b>", "/>")),
        Err(Error::TooManyDeclarations)
    );

    let max = limits::SAML_MESSAGE.max_prefixes_in_scope;
    let nested = |count: usize| {
        let start = numbered(count, |n| format!("<a xmlns:p{n}='urn:x'>"));
        format!("{start}{}", "</a>".repeat(count))
    };
    assert_eq!(saml(nested(max)), Ok(()));
    assert_eq!(saml(nested(max + 1)), Err(Error::TooManyPrefixes));
    let again = format!("<r>{}</r>", nested(max - 1).repeat(3));
    assert_eq!(saml(again), Ok(()), "what an element binds ends with it");
    let rebound = format!(
        "{}{}",
        "<a xmlns:p='urn:x'><a xmlns:p='urn:y'>".repeat(30),
        "</a></a>".repeat(30)
    );
    assert_eq!(saml(rebound), Ok(()), "binding a prefix anew is not one more");
    let empty_tags = format!("<r>{}</r>", numbered(100, |n| format!("<a xmlns:p{n}='urn:x'/>")));
    assert_eq!(saml(empty_tags), Ok(()));
}

#[test]
fn names() {
    let element = |length: usize| format!("<{}/>", "a".repeat(length));
    assert_eq!(saml(element(limits::MAX_NAME_BYTES)), Ok(()));
    assert_eq!(saml(element(limits::MAX_NAME_BYTES + 1)), Err(Error::NameTooLong));
    let attribute = |length: usize| format!("<a {}=''/>", "\u{E9}".repeat(length / 2));
    assert_eq!(saml(attribute(limits::MAX_NAME_BYTES)), Ok(()));
    assert_eq!(saml(attribute(limits::MAX_NAME_BYTES + 2)), Err(Error::NameTooLong));

    for text in [
        "<:a/>",
        "<:e></:e>",
        "<e></:e>",
        "<e></e:>",
        "<a:/>",
        "<a::b/>",
        "<a:b:c xmlns:a='urn:x'/>",
        "<a :ID='x'/>",
        "<a ID:='x'/>",
        "<a x:y:z=''/>",
        "<a :xmlns='urn:x'/>",
        "<a p:xmlns='urn:x'/>",
        "<a xmlns:p='urn:p' p:xmlns='urn:x'/>",
        "<a xmlns:='urn:x'/>",
        "<a xmlns:p:q='urn:x'/>",
    ] {
        for profile in [Profile::SamlMessage, Profile::Metadata, Profile::Document] {
            assert_eq!(read(text, profile), Err(Error::InvalidName), "{text}");
        }
    }
    for text in [
        "<1a/>",
        "<a 1b=''/>",
        "<p:a/>",
        "<a p:b=''/>",
        "<xmlns:a/>",
        "<a p:1='' xmlns:p='urn:x'/>",
        "< a/>",
        "<>",
    ] {
        assert_eq!(saml(text), Err(Error::NotWellFormed), "{text}");
    }
    assert_eq!(saml("<e><a></b></e>"), Err(Error::NotWellFormed));
    assert_eq!(
        saml("<p:a xmlns:p='urn:x' xmlns:q='urn:x'></q:a>"),
        Err(Error::NotWellFormed)
    );
}

#[test]
fn namespaces() {
    for (text, error) in [
        ("<a xmlns='urn:x' xmlns='urn:y'/>", Error::DeclarationRepeated),
        ("<a xmlns='urn:x' xmlns=''/>", Error::DeclarationRepeated),
        ("<a xmlns:p='urn:x' xmlns:p='urn:x'/>", Error::DeclarationRepeated),
        ("<a xmlns:p=''/>", Error::PrefixUndeclared),
        ("<a xmlns:xmlns='urn:x'/>", Error::ReservedPrefix),
        ("<a xmlns:xml='urn:x'/>", Error::NotWellFormed),
        (
            "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
            Error::NotWellFormed,
        ),
        (
            "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
            Error::NotWellFormed,
        ),
        ("<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", Error::NotWellFormed),
        (
            "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
            Error::DeclarationRepeated,
        ),
    ] {
        for profile in [Profile::SamlMessage, Profile::Metadata, Profile::Document] {
            assert_eq!(read(text, profile), Err(error), "{text}");
        }
    }
    for value in [
        "1",
        "a",
        "a/b",
        "../x",
        "//x",
        "#x",
        ":x",
        "urn:",
        "1a:x",
        "a b:c",
        "http://x y",
        "http://x\u{80}",
        "http://x\ty",
        " urn:x",
        "urn:x ",
        "http://\u{E9}",
        "&#117;rn:x",
        "urn:&#120;",
        "urn:&lt;",
        "urn:&#10;x",
    ] {
        let text = format!("<a xmlns:p='{value}'/>");
        assert_eq!(saml(&text), Err(Error::NamespaceNotAbsolute), "{text}");
        assert_eq!(metadata(&text), Err(Error::NamespaceNotAbsolute), "{text}");
        assert_eq!(document(&text), Ok(()), "{text}");
    }
    for value in [
        "urn:x",
        "http://x/?a=1&amp;b=2",
        "a+b-c.d:e",
        "urn:oasis:names:tc:SAML:2.0:assertion",
    ] {
        assert_eq!(saml(format!("<a xmlns='{value}'/>")), Ok(()), "{value}");
    }
    assert_eq!(saml("<a xmlns='urn:x'><b xmlns=''/></a>"), Ok(()));
    let long = |length: usize| format!("<a xmlns:p='urn:{}'/>", "x".repeat(length - 4));
    for profile in [Profile::SamlMessage, Profile::Metadata, Profile::Document] {
        assert_eq!(read(long(limits::MAX_NAMESPACE_BYTES), profile), Ok(()));
        assert_eq!(
            read(long(limits::MAX_NAMESPACE_BYTES + 1), profile),
            Err(Error::NamespaceTooLong)
        );
    }
    assert_eq!(saml("<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>"), Ok(()));
}

#[test]
fn references() {
    for value in [
        "&amp;&lt;&gt;&quot;&apos;",
        "&#65;&#x41;&#x1F600;&#x0010FFFD;&#9;&#xA;&#13;",
        "&#xFFFD;",
        "&#xE000;",
    ] {
        assert_eq!(saml(format!("<a>{value}</a>")), Ok(()), "{value}");
        assert_eq!(saml(format!("<a b='{value}'/>")), Ok(()), "{value}");
    }
    for value in [
        "&#0;",
        "&#8;",
        "&#x1F;",
        "&#xD800;",
        "&#xDFFF;",
        "&#xFFFE;",
        "&#xFFFF;",
        "&#x110000;",
        "&#99999999999;",
        "&#;",
        "&#x;",
        "&#xG;",
        "&#-1;",
        "&#+65;",
        "&#X41;",
        "&# 65;",
    ] {
        assert_eq!(
            saml(format!("<a>{value}</a>")),
            Err(Error::InvalidCharacterReference),
            "{value}"
        );
        assert_eq!(
            saml(format!("<a b='x{value}y'/>")),
            Err(Error::InvalidCharacterReference),
            "{value}"
        );
    }
    for value in [
        "&nbsp;",
        "&e;",
        "&",
        "& ",
        "&;",
        "&amp",
        "&AMP;",
        "&%e;",
        "&#00000000000000000065;",
    ] {
        for profile in [Profile::SamlMessage, Profile::Document] {
            assert_eq!(
                read(format!("<a>{value}</a>"), profile),
                Err(Error::EntityUnknown),
                "{value}"
            );
            assert_eq!(
                read(format!("<a b='{value}'/>"), profile),
                Err(Error::EntityUnknown),
                "{value}"
            );
        }
    }
}

#[test]
fn characters() {
    for character in [
        '\0', '\u{1}', '\u{8}', '\u{B}', '\u{C}', '\u{E}', '\u{1F}', '\u{FFFE}', '\u{FFFF}',
    ] {
        for text in [
            format!("<a>{character}</a>"),
            format!("<a b='{character}'/>"),
            format!("<!--{character}--><a/>"),
        ] {
            assert_eq!(document(&text), Err(Error::InvalidCharacter), "{text:?}");
        }
    }
    assert_eq!(saml("<a>\t\n\r\u{7F}\u{80}\u{9F}\u{FFFD}\u{10FFFF}</a>"), Ok(()));
}

#[test]
fn line_ends() {
    let source = Source::check(
        b"<a b='1\r\n2\r3'\r>x\r\r\ny&#13;\r<![CDATA[\r\n]]></a>",
        Profile::SamlMessage,
    )
    .unwrap();
    assert_eq!(source.text(), "<a b='1\n2\n3'\n>x\n\ny&#13;\n<![CDATA[\n]]></a>");
    let document = Document::parse(&source).unwrap();
    assert_eq!(document.root().text(), Ok("x\n\ny\r\n\n"));
    assert_eq!(document.root().attribute("b"), Some("1 2 3"));
    for profile in [Profile::SamlMessage, Profile::Metadata, Profile::Document] {
        assert_eq!(Source::check(b"\r<a/>\r", profile).unwrap().text(), "\n<a/>\n");
    }
}

#[test]
fn one_root_and_nothing_around_it() {
    for text in [
        "",
        " ",
        "<a>",
        "<a/>x",
        "x<a/>",
        "<a/><b/>",
        "<a",
        "<a b",
        "<a b='",
        "<a><",
        "</a>",
        "<a/>\u{FEFF}",
        "<a>]]></a>",
        "<![CDATA[x]]><a/>",
    ] {
        assert_eq!(saml(text), Err(Error::NotWellFormed), "{text}");
    }
    assert_eq!(saml("\n <a/> \n"), Ok(()));
}

#[test]
fn every_prefix_and_every_changed_octet_is_survived() {
    let text = "\u{FEFF}<?xml version='1.0' encoding='UTF-8'?><!DOCTYPE a SYSTEM 'x'><!--c--><?p d?><a:b xmlns:a='urn:a' \
                xmlns=\"urn:b\" x='&lt;&#xE9;' a:y=\"\r\n\"><c/>t&amp;\u{1F600}<![CDATA[<]]]]></a:b>";
    for profile in [Profile::SamlMessage, Profile::Metadata, Profile::Document] {
        for end in 0..text.len() {
            let _ = read(text.as_bytes().get(..end).unwrap(), profile);
            for octet in *b"<>&;'\"=/!?:[]- a\0\xFF" {
                let mut changed = text.as_bytes().to_vec();
                *changed.get_mut(end).unwrap() = octet;
                let _ = read(changed, profile);
            }
        }
    }
}
