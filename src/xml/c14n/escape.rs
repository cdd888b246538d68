//! Escaping of canonical text and attribute values (Canonical XML 1.0, section 2.3).

/// Appends `text` as the value of a text node.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    let is_escaped = |octet: &u8| matches!(octet, b'&' | b'<' | b'>' | b'\r');
    copy_escaped(out, text, is_escaped, |octet| match octet {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        _ => b"&#xD;",
    });
}

/// Appends `value` as the value of an attribute or namespace declaration.
pub(super) fn attribute(out: &mut Vec<u8>, value: &str) {
    let is_escaped = |octet: &u8| matches!(octet, b'&' | b'<' | b'"' | b'\t' | b'\n' | b'\r');
    copy_escaped(out, value, is_escaped, |octet| match octet {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'"' => b"&quot;",
        b'\t' => b"&#x9;",
        b'\n' => b"&#xA;",
        _ => b"&#xD;",
    });
}

/// Copies whole runs of what needs no escape.
#[inline]
fn copy_escaped(
    out: &mut Vec<u8>,
    value: &str,
    is_escaped: impl Fn(&u8) -> bool,
    escape: impl Fn(u8) -> &'static [u8],
) {
    let mut rest = value.as_bytes();
    while let Some(at) = rest.iter().position(&is_escaped) {
        let Some((run, [escaped, after @ ..])) = rest.split_at_checked(at) else {
            break;
        };
        out.extend_from_slice(run);
        out.extend_from_slice(escape(*escaped));
        rest = after;
    }
    out.extend_from_slice(rest);
}
