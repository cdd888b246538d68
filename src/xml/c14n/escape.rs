//! Escaping of canonical text and attribute values (Canonical XML 1.0, section 2.3).

/// Appends `text` as the value of a text node.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    copy_escaped(out, text, |octet| match octet {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'>' => Some(b"&gt;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    });
}

/// Appends `value` as the value of an attribute or namespace declaration.
pub(super) fn attribute(out: &mut Vec<u8>, value: &str) {
    copy_escaped(out, value, |octet| match octet {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'"' => Some(b"&quot;"),
        b'\t' => Some(b"&#x9;"),
        b'\n' => Some(b"&#xA;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    });
}

/// Copies whole runs of what needs no escape.
#[inline]
fn copy_escaped(out: &mut Vec<u8>, value: &str, escape: impl Fn(u8) -> Option<&'static [u8]>) {
    let mut rest = value.as_bytes();
    while let Some(at) = rest.iter().position(|octet| escape(*octet).is_some()) {
        let Some((run, [escaped, after @ ..])) = rest.split_at_checked(at) else {
            break;
        };
        out.extend_from_slice(run);
        out.extend_from_slice(escape(*escaped).unwrap_or_default());
        rest = after;
    }
    out.extend_from_slice(rest);
}
