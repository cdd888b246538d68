//! Joining of `xml:base` values (Canonical XML 1.1, section 2.4).

/// The reference that `reference` makes inside `base`; neither needs a scheme.
///
/// RFC 3986, section 5.2, as Canonical XML 1.1 changes it: a trailing `..` counts as `../`, leading `../` are kept,
/// several slashes become one, fragments are dropped.
pub(super) fn join(base: &str, reference: &str) -> String {
    let base = Parts::of(base);
    let mut target = Parts::of(reference);
    let path = if target.scheme.is_some() || target.authority.is_some() {
        without_dots(target.path)
    } else {
        target.authority = base.authority;
        if target.path.is_empty() {
            target.query = target.query.or(base.query);
            [base.path, if base.ends_with_dots() { "/" } else { "" }].concat()
        } else if target.path.starts_with('/') {
            without_dots(target.path)
        } else {
            without_dots(&merge(base, target.path))
        }
    };
    let scheme = target.scheme.or(base.scheme);

    let mut joined = String::new();
    if let Some(scheme) = scheme {
        joined.push_str(scheme);
        joined.push(':');
    }
    if let Some(authority) = target.authority {
        joined.push_str("//");
        joined.push_str(authority);
    }
    joined.push_str(&path);
    if let Some(query) = target.query {
        joined.push('?');
        joined.push_str(query);
    }
    joined
}

/// RFC 3986, section 3; no fragment.
#[derive(Clone, Copy)]
struct Parts<'u> {
    scheme: Option<&'u str>,
    authority: Option<&'u str>,
    path: &'u str,
    query: Option<&'u str>,
}

impl<'u> Parts<'u> {
    /// RFC 3986, appendix B.
    fn of(uri: &'u str) -> Self {
        let uri = uri.split_once('#').map_or(uri, |(uri, _)| uri);
        let (scheme, rest) = match uri.split_once(':') {
            Some((scheme, rest)) if !scheme.is_empty() && !scheme.contains(['/', '?']) => (Some(scheme), rest),
            _ => (None, uri),
        };
        let (rest, query) = rest
            .split_once('?')
            .map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self {
            scheme,
            authority,
            path,
            query,
        }
    }

    fn ends_with_dots(&self) -> bool {
        self.path == ".." || self.path.ends_with("/..")
    }
}

/// RFC 3986, section 5.2.3.
fn merge(base: Parts<'_>, path: &str) -> String {
    if base.authority.is_some() && base.path.is_empty() {
        return ["/", path].concat();
    }
    if base.ends_with_dots() {
        return [base.path, "/", path].concat();
    }
    match base.path.rsplit_once('/') {
        Some((directory, _)) => [directory, "/", path].concat(),
        None => path.to_owned(),
    }
}

/// RFC 3986, section 5.2.4.
fn without_dots(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut segments: Vec<&str> = Vec::new();
    let mut is_directory = false;
    for segment in path.split('/') {
        is_directory = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => {
                if segments.pop_if(|last| *last != "..").is_none() && !is_absolute {
                    segments.push("..");
                }
            }
            _ => segments.push(segment),
        }
    }
    let mut out = String::new();
    if is_absolute {
        out.push('/');
    }
    out.push_str(&segments.join("/"));
    if is_directory && !segments.is_empty() {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn joins_as_rfc_3986_section_5_4() {
        let base = "http://a/b/c/d;p?q";
        for (reference, expected) in [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../../g", "http://a/g"),
        ] {
            assert_eq!(join(base, reference), expected, "{reference}");
        }
    }

    #[test]
    fn joins_as_canonical_xml_1_1_changes_it() {
        for (base, reference, expected) in [
            ("a/b", "c", "a/c"),
            ("../a", "..", "../../"),
            ("..", "..", "../../"),
            ("../..", "a", "../../a"),
            ("a", "../../b", "../../b"),
            ("a//b", "c", "a/c"),
            ("a/b", "..", ""),
            ("/a", "../..", "/"),
            ("a#f", "b#g", "b"),
            ("http://x", "y", "http://x/y"),
        ] {
            assert_eq!(join(base, reference), expected, "{base} {reference}");
        }
    }
}
