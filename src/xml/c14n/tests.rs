use super::{Canonicalization, Comments, Method};
use crate::limits::{MAX_JOINED_BASE_BYTES, MAX_PREFIX_LIST_TOKENS};
use crate::xml::{Document, Element, Error, Profile, Source};

const METHODS: [Method; 3] = [Method::Exclusive, Method::Inclusive10, Method::Inclusive11];

/// The element whose `apex` attribute is set, or the document when none is; those with `omit` set are left out.
fn canonical(text: &str, canonicalization: Canonicalization<'_>) -> Result<String, Error> {
    let source = Source::check(text.as_bytes(), Profile::Document)?;
    let document = Document::parse(&source)?;
    let omit: Vec<Element<'_>> = document
        .elements()
        .filter(|element| element.attribute("omit").is_some())
        .collect();
    let octets = match document.elements().find(|element| element.attribute("apex").is_some()) {
        Some(apex) => canonicalization.canonicalize(apex, omit.first().copied())?,
        None => canonicalization.canonicalize_document(&document, &omit)?,
    };
    Ok(String::from_utf8(octets).unwrap())
}

fn with(method: Method, text: &str) -> String {
    canonical(text, Canonicalization::new(method, Comments::Drop)).unwrap()
}

fn exclusive(prefixes: &[&str], text: &str) -> String {
    let canonicalization = Canonicalization::new(Method::Exclusive, Comments::Drop);
    canonical(text, canonicalization.with_inclusive_prefixes(prefixes)).unwrap()
}

/// Canonical XML 1.0, section 3.1.
#[test]
fn processing_instructions_comments_and_outside_of_document_element() {
    let text = "<?xml version=\"1.0\"?>\n\n<?xml-stylesheet   href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n\n\
                <!DOCTYPE doc SYSTEM \"doc.dtd\">\n\n<doc>Hello, world!<!-- Comment 1 --></doc>\n\n\
                <?pi-without-data     ?>\n\n<!-- Comment 2 -->\n\n<!-- Comment 3 -->\n";
    let without =
        "<?xml-stylesheet href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n<doc>Hello, world!</doc>\n<?pi-without-data?>";
    let kept = "<?xml-stylesheet href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n<doc>Hello, world!<!-- Comment 1 --></doc>\n\
                <?pi-without-data?>\n<!-- Comment 2 -->\n<!-- Comment 3 -->";
    for method in METHODS {
        assert_eq!(with(method, text), without);
        assert_eq!(
            canonical(text, Canonicalization::new(method, Comments::Keep)).unwrap(),
            kept
        );
    }
    let before = "<!-- c --><?p?><a/>";
    let keep = Canonicalization::new(Method::Inclusive10, Comments::Keep);
    assert_eq!(canonical(before, keep).unwrap(), "<!-- c -->\n<?p?>\n<a></a>");
}

/// Canonical XML 1.0, section 3.2.
#[test]
fn white_space_in_content() {
    let text = "<doc>\n   <clean>   </clean>\n   <dirty>   A   B   </dirty>\n   <mixed>\n      A\n      \
                <clean>   </clean>\n      B\n   </mixed>\n</doc>";
    for method in METHODS {
        assert_eq!(with(method, text), text);
    }
}

/// Canonical XML 1.0, section 3.3, without the document type declaration.
#[test]
fn start_and_end_tags() {
    let text = "<doc>\n   <e1   />\n   <e2   ></e2>\n   <e3    name = \"elem3\"   id=\"elem3\"    />\n   \
                <e4    name=\"elem4\"   id=\"elem4\"    ></e4>\n   \
                <e5 a:attr=\"out\" b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\"\n       \
                xmlns:b=\"http://www.ietf.org\"\n       xmlns:a=\"http://www.w3.org\"\n       \
                xmlns=\"http://example.org\"/>\n   \
                <e6 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n       <e7 xmlns=\"http://www.ietf.org\">\n           \
                <e8 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n               \
                <e9 xmlns=\"\" xmlns:a=\"http://www.ietf.org\"/>\n           </e8>\n       </e7>\n   </e6>\n</doc>";
    let inclusive = "<doc>\n   <e1></e1>\n   <e2></e2>\n   <e3 id=\"elem3\" name=\"elem3\"></e3>\n   \
                     <e4 id=\"elem4\" name=\"elem4\"></e4>\n   \
                     <e5 xmlns=\"http://example.org\" xmlns:a=\"http://www.w3.org\" xmlns:b=\"http://www.ietf.org\" \
                     attr=\"I'm\" attr2=\"all\" b:attr=\"sorted\" a:attr=\"out\"></e5>\n   \
                     <e6 xmlns:a=\"http://www.w3.org\">\n       <e7 xmlns=\"http://www.ietf.org\">\n           \
                     <e8 xmlns=\"\">\n               <e9 xmlns:a=\"http://www.ietf.org\"></e9>\n           \
                     </e8>\n       </e7>\n   </e6>\n</doc>";
    assert_eq!(with(Method::Inclusive10, text), inclusive);
    assert_eq!(with(Method::Inclusive11, text), inclusive);
    let exclusive = inclusive.replace("<e6 xmlns:a=\"http://www.w3.org\">", "<e6>");
    assert_eq!(
        with(Method::Exclusive, text),
        exclusive.replace("<e9 xmlns:a=\"http://www.ietf.org\">", "<e9>")
    );
}

/// Canonical XML 1.0, section 3.4, without the document type declaration.
#[test]
fn character_modifications_and_references() {
    let text = "<doc>\n   <text>First line&#x0d;&#10;Second line</text>\n   <value>&#x32;</value>\n   \
                <compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute>\n   \
                <compute expr='value>\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"'>valid</compute>\n   \
                <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/>\n</doc>";
    let expected = "<doc>\n   <text>First line&#xD;\nSecond line</text>\n   <value>2</value>\n   \
                    <compute>value&gt;\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute>\n   \
                    <compute expr=\"value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;\">valid</compute>\n   \
                    <norm attr=\" '    &#xD;&#xA;&#x9;   ' \"></norm>\n</doc>";
    for method in METHODS {
        assert_eq!(with(method, text), expected);
    }
}

/// Canonical XML 1.0, section 3.6.
#[test]
fn utf_8() {
    assert_eq!(
        with(
            Method::Inclusive10,
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<doc>&#169;</doc>"
        ),
        "<doc>\u{A9}</doc>"
    );
}

/// Exclusive XML Canonicalization 1.0, section 2.2: one subtree in two contexts.
#[test]
fn context_changes_the_inclusive_form_alone() {
    let alone = "<n1:elem2 apex='' xmlns:n1=\"http://example.net\" xml:lang=\"en\">\n  \
                 <n3:stuff xmlns:n3=\"ftp://example.org\"/>\n</n1:elem2>";
    let wrapped = format!(
        "<n0:local xmlns:n0=\"foo:bar\" xmlns:n3=\"ftp://example.org\" xml:space=\"default\">{alone}</n0:local>"
    );
    let same = "<n1:elem2 xmlns:n1=\"http://example.net\" apex=\"\" xml:lang=\"en\">\n  \
                <n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff>\n</n1:elem2>";
    assert_eq!(with(Method::Exclusive, alone), same);
    assert_eq!(with(Method::Exclusive, &wrapped), same);
    assert_eq!(with(Method::Inclusive10, alone), same);
    assert_eq!(
        with(Method::Inclusive10, &wrapped),
        "<n1:elem2 xmlns:n0=\"foo:bar\" xmlns:n1=\"http://example.net\" xmlns:n3=\"ftp://example.org\" apex=\"\" \
         xml:lang=\"en\" xml:space=\"default\">\n  <n3:stuff></n3:stuff>\n</n1:elem2>"
    );
}

#[test]
fn prefixes_are_those_of_the_text() {
    // Two prefixes for one name: neither may stand for the other.
    let text = "<a:r xmlns:a='urn:x' xmlns:b='urn:x'><b:e a:q='1' b:p='2'/><a:e/><b:b/><c:a xmlns:c='urn:x'/></a:r>";
    assert_eq!(
        with(Method::Exclusive, text),
        "<a:r xmlns:a=\"urn:x\"><b:e xmlns:b=\"urn:x\" b:p=\"2\" a:q=\"1\"></b:e><a:e></a:e>\
         <b:b xmlns:b=\"urn:x\"></b:b><c:a xmlns:c=\"urn:x\"></c:a></a:r>"
    );
    // One prefix for two names.
    let text = "<p:r xmlns:p='urn:x'><p:e xmlns:p='urn:y'><p:f/></p:e><p:e/></p:r>";
    for method in METHODS {
        assert_eq!(
            with(method, text),
            "<p:r xmlns:p=\"urn:x\"><p:e xmlns:p=\"urn:y\"><p:f></p:f></p:e><p:e></p:e></p:r>"
        );
    }
    // A prefix like the local name, a name at its cap, white space wherever it may stand.
    let long = "n".repeat(254);
    let text = format!("<a:a\n xmlns:a \t=\n'urn:x'\na:a = '1'\n><a:{long}\n/></a:a\n>");
    let expected = format!("<a:a xmlns:a=\"urn:x\" a:a=\"1\"><a:{long}></a:{long}></a:a>");
    assert_eq!(with(Method::Exclusive, &text), expected);
}

#[test]
fn default_namespace_is_undeclared_where_it_matters() {
    let text = "<r xmlns='urn:x'><p:e xmlns:p='urn:p' xmlns=''><f/><p:g><f/></p:g></p:e></r>";
    assert_eq!(
        with(Method::Exclusive, text),
        "<r xmlns=\"urn:x\"><p:e xmlns:p=\"urn:p\"><f xmlns=\"\"></f><p:g><f xmlns=\"\"></f></p:g></p:e></r>"
    );
    let inclusive = "<r xmlns=\"urn:x\"><p:e xmlns=\"\" xmlns:p=\"urn:p\"><f></f><p:g><f></f></p:g></p:e></r>";
    assert_eq!(with(Method::Inclusive10, text), inclusive);
    assert_eq!(exclusive(&["#default"], text), inclusive);
    for method in METHODS {
        assert_eq!(
            with(method, "<r xmlns=''><e xmlns=''/></r>"),
            "<r><e></e></r>",
            "nothing to undeclare"
        );
        let apex = "<r xmlns='urn:x'><e apex='' xmlns=''/></r>";
        assert_eq!(
            with(method, apex),
            "<e apex=\"\"></e>",
            "nothing of the output to undeclare"
        );
    }
}

#[test]
fn prefix_list() {
    let text = "<r xmlns='urn:d' xmlns:u='urn:u' xmlns:v='urn:v'><p:e apex='' xmlns:p='urn:p'>\
                <p:f xmlns:u='urn:other' xmlns='urn:d'/><p:f/></p:e></r>";
    let tail = "><p:f xmlns:u=\"urn:other\"></p:f><p:f></p:f></p:e>";
    assert_eq!(
        exclusive(&["u"], text),
        format!("<p:e xmlns:p=\"urn:p\" xmlns:u=\"urn:u\" apex=\"\"{tail}")
    );
    assert_eq!(
        exclusive(&["#default", "u", "u", "unbound", "p", "xml", "xmlns", ""], text),
        format!("<p:e xmlns=\"urn:d\" xmlns:p=\"urn:p\" xmlns:u=\"urn:u\" apex=\"\"{tail}")
    );
    let plain = "<p:e xmlns:p=\"urn:p\" apex=\"\"><p:f></p:f><p:f></p:f></p:e>";
    assert_eq!(exclusive(&[], text), plain);
    let many = ["u"; MAX_PREFIX_LIST_TOKENS + 1];
    assert!(exclusive(&many[1..], text).contains(tail));
    let too_many = Canonicalization::new(Method::Exclusive, Comments::Drop).with_inclusive_prefixes(&many);
    assert_eq!(canonical(text, too_many), Err(Error::PrefixListTooLong));
    let inclusive = Canonicalization::new(Method::Inclusive10, Comments::Drop);
    assert_eq!(
        canonical(text, inclusive.with_inclusive_prefixes(&["u"])),
        canonical(text, inclusive),
        "not a parameter"
    );
}

#[test]
fn xml_prefix_is_never_declared() {
    let text = "<r xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='en'><e xml:lang=''/></r>";
    for method in METHODS {
        assert_eq!(with(method, text), "<r xml:lang=\"en\"><e xml:lang=\"\"></e></r>");
    }
    assert_eq!(
        exclusive(&["xml"], text),
        "<r xml:lang=\"en\"><e xml:lang=\"\"></e></r>"
    );
}

#[test]
fn xml_attributes_of_what_is_around() {
    let text = "<r xml:lang='en' xml:id='i' xml:base='something/else' xml:other='o'>\
                <m xml:lang='fr' xml:space='preserve' xml:base='bar/'><e apex='' xml:base='foo' xml:space='default'/></m></r>";
    assert_eq!(
        with(Method::Exclusive, text),
        "<e apex=\"\" xml:base=\"foo\" xml:space=\"default\"></e>"
    );
    assert_eq!(
        with(Method::Inclusive10, text),
        "<e apex=\"\" xml:base=\"foo\" xml:id=\"i\" xml:lang=\"fr\" xml:other=\"o\" xml:space=\"default\"></e>"
    );
    // Canonical XML 1.1, sections 2.4 and 3.8.
    assert_eq!(
        with(Method::Inclusive11, text),
        "<e apex=\"\" xml:base=\"something/bar/foo\" xml:lang=\"fr\" xml:space=\"default\"></e>"
    );
    for (text, base) in [
        (
            "<r xml:base='..'><m xml:base='..'><e apex='' xml:base='x'/></m></r>",
            " xml:base=\"../../x\"",
        ),
        ("<r xml:base='abc/'><e apex='' xml:base='../'/></r>", ""),
        ("<r xml:base='a/b'><e apex=''/></r>", " xml:base=\"a/b\""),
        ("<r><m><e apex='' xml:base='./x'/></m></r>", " xml:base=\"./x\""),
    ] {
        assert_eq!(
            with(Method::Inclusive11, text),
            format!("<e apex=\"\"{base}></e>"),
            "{text}"
        );
    }
    let nested = |length: usize| {
        let half = "b".repeat(length / 2 - 1);
        let text = format!("<r xml:base='/{half}/'><e apex='' xml:base='{half}'/></r>");
        canonical(&text, Canonicalization::new(Method::Inclusive11, Comments::Drop))
    };
    assert!(nested(MAX_JOINED_BASE_BYTES).is_ok());
    assert_eq!(nested(MAX_JOINED_BASE_BYTES + 2), Err(Error::OutputTooLarge));
    let text = "<r xml:lang='en' xml:base='x'><e/></r>";
    assert_eq!(
        with(Method::Inclusive11, text),
        "<r xml:base=\"x\" xml:lang=\"en\"><e></e></r>",
        "the apex alone takes over"
    );
}

#[test]
fn what_is_left_out() {
    let text = "<r apex=''>1<e omit=''><f><!-- --><g/></f>2</e>3<h/></r>";
    for method in METHODS {
        assert_eq!(with(method, text), "<r apex=\"\">13<h></h></r>");
        assert_eq!(with(method, "<r>1<e omit=''/>2<e omit=''><e/></e></r>"), "<r>12</r>");
        assert_eq!(with(method, "<r><e omit=''/></r>"), "<r></r>");
        assert_eq!(
            with(method, "<r><e omit=''>x</e>x</r><!-- c --><?p?>"),
            "<r>x</r>\n<?p?>"
        );
        assert_eq!(
            with(method, "<r><e apex=''>x</e><f omit=''/></r>"),
            "<e apex=\"\">x</e>",
            "not below the apex"
        );
        let canonicalization = Canonicalization::new(method, Comments::Drop);
        assert_eq!(canonical("<r omit=''/>", canonicalization), Err(Error::ApexOmitted));
        assert_eq!(
            canonical("<r><e apex='' omit=''/></r>", canonicalization),
            Err(Error::ApexOmitted)
        );
    }
    // A declaration written inside what is left out does not count as written.
    let text = "<p:r xmlns:p='urn:p' xmlns:q='urn:q'><q:e omit=''><q:f/></q:e><q:g/></p:r>";
    assert_eq!(
        exclusive(&[], text),
        "<p:r xmlns:p=\"urn:p\"><q:g xmlns:q=\"urn:q\"></q:g></p:r>"
    );
}

#[test]
fn elements_of_another_document_are_not_left_out() {
    let text = "<r><e/></r>";
    let (one, other) = (
        Source::check(text.as_bytes(), Profile::Document),
        Source::check(text.as_bytes(), Profile::Document),
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    let (one, other) = (Document::parse(&one).unwrap(), Document::parse(&other).unwrap());
    let canonicalization = Canonicalization::new(Method::Exclusive, Comments::Drop);
    let foreign = other.root().children().next();
    assert_eq!(
        canonicalization.canonicalize(one.root(), foreign),
        Ok(b"<r><e></e></r>".to_vec())
    );
    assert_eq!(
        canonicalization.canonicalize_document(&one, &[other.root()]),
        Ok(b"<r><e></e></r>".to_vec())
    );
}

#[test]
fn output_has_a_budget() {
    // Each sibling declares what its parent does not use: 6 octets of input become those of the namespace name.
    let namespace = format!("urn:{}", "x".repeat(250));
    let text = format!("<r xmlns:p='{namespace}'>{}</r>", "<p:e/>".repeat(15_000));
    let canonicalization = Canonicalization::new(Method::Exclusive, Comments::Drop);
    assert_eq!(canonical(&text, canonicalization), Err(Error::OutputTooLarge));
    assert!(canonical(&text, Canonicalization::new(Method::Inclusive10, Comments::Drop)).is_ok());
    let quotes = |count: usize| format!("<r a='{}'/>", "\"".repeat(count));
    assert_eq!(
        canonical(&quotes(1_000_000), canonicalization),
        Err(Error::OutputTooLarge)
    );
    assert!(
        canonical(&quotes(20_000), canonicalization).is_ok(),
        "small documents are granted more"
    );
    let cdata = format!("<r><![CDATA[{}]]></r>", "&".repeat(1_000_000));
    assert_eq!(canonical(&cdata, canonicalization), Err(Error::OutputTooLarge));
}

#[test]
fn identifiers() {
    use crate::xml::names;
    for (uri, method, comments) in [
        (names::EXCLUSIVE_C14N, Method::Exclusive, Comments::Drop),
        (names::EXCLUSIVE_C14N_WITH_COMMENTS, Method::Exclusive, Comments::Keep),
        (names::INCLUSIVE_C14N_10, Method::Inclusive10, Comments::Drop),
        (
            names::INCLUSIVE_C14N_10_WITH_COMMENTS,
            Method::Inclusive10,
            Comments::Keep,
        ),
        (names::INCLUSIVE_C14N_11, Method::Inclusive11, Comments::Drop),
        (
            names::INCLUSIVE_C14N_11_WITH_COMMENTS,
            Method::Inclusive11,
            Comments::Keep,
        ),
    ] {
        assert_eq!(
            Canonicalization::from_algorithm(uri),
            Some(Canonicalization::new(method, comments))
        );
        assert_eq!(Canonicalization::from_algorithm(&format!("{uri} ")), None);
        assert_eq!(Canonicalization::from_algorithm(&uri.to_uppercase()), None);
    }
    assert_eq!(Canonicalization::from_algorithm(""), None);
    assert_eq!(
        Canonicalization::from_algorithm("http://www.w3.org/2001/10/xml-exc-c14n"),
        None
    );
}
