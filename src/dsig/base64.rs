//! Base64 as `SignatureValue` and `DigestValue` carry it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Error;

/// Decodes the text of a `ds:CryptoBinary`-like leaf (XML Schema Part 2, 3.2.16 `base64Binary`).
///
/// XML's white space is dropped (signers break lines, some of them with `&#13;`). What remains must be the one canonical
/// encoding: the standard alphabet, full padding, no bits after the last octet. A value has one spelling, so two
/// verifiers cannot read two values.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Error> {
    let mut packed = Vec::with_capacity(text.len());
    for line in text.as_bytes().split(|octet| is_xml_space(*octet)) {
        packed.extend_from_slice(line);
    }
    STANDARD.decode(packed).map_err(|_| Error::Base64Malformed)
}

/// The canonical encoding, on one line.
pub(crate) fn encode(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// White space of XML 1.0, production `S`.
pub(super) fn is_xml_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_of_xml_is_dropped() {
        assert_eq!(decode(" AQ\t\r\nI D\n"), Ok(vec![1, 2, 3]));
        assert_eq!(decode(""), Ok(vec![]));
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for text in [
            "AQI",          // padding missing
            "AQI==",        // padding in excess
            "AQ=",          // padding short
            "AR==",         // bits after the last octet
            "AQ==AQ==",     // two values
            "AQ==!",        // junk after the padding
            "-_-_",         // the URL alphabet
            "AQ\u{a0}ID",   // a no-break space
            "AQ\u{b}ID",    // a vertical tab
            "AQ\u{2028}ID", // a line separator
            "=",
            "A",
        ] {
            assert_eq!(decode(text), Err(Error::Base64Malformed), "{text:?}");
        }
    }
}
