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
    while let Some(at) = position(rest, &is_escaped) {
        let Some((run, [escaped, after @ ..])) = rest.split_at_checked(at) else {
            break;
        };
        out.extend_from_slice(run);
        out.extend_from_slice(escape(*escaped));
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// Where the first octet is that `is_sought`. Most values have none: chunks are searched without an early exit, so that the
/// compiler can use wide registers.
#[inline]
fn position(octets: &[u8], is_sought: impl Fn(&u8) -> bool) -> Option<usize> {
    let holds_one = |chunk: &[u8]| chunk.iter().fold(false, |found, octet| found | is_sought(octet));
    let mut free = 0_usize;
    for chunk in octets.chunks(CHUNK) {
        if holds_one(chunk) {
            return chunk.iter().position(is_sought).and_then(|at| at.checked_add(free));
        }
        free = free.saturating_add(CHUNK);
    }
    None
}

const CHUNK: usize = 128;
