//! Wycheproof's vectors: how many are run, and how many are refused for their key or parameters.
//!
//! Every vector of a file counts, except where the key or the parameters are outside of what SAML's profile of this
//! crate allows; then the key or the parameters must be refused, and the vector is counted as refused by policy.

use edge_saml::dsig::RsaFloor;

use crate::corpus::{self, text};
use crate::suite::crypto;

#[test]
fn rsa_pkcs1() {
    // The keys with exponent 3 are refused: two groups of one vector at 2048 bits, one at 3072.
    expect("wycheproof-rsa-signature", RsaFloor::Standard, [1291, 3, 0]);
    expect("wycheproof-rsa-signature", RsaFloor::DangerLegacy, [1294, 0, 0]);
}

#[test]
fn rsa_pss() {
    // In `rsa-pss-misc`, the hash of MGF1 or the length of the salt differ from the digest's, or the hash is SHA-224.
    expect("wycheproof-rsa-pss", RsaFloor::Standard, [628, 146, 0]);
}

#[test]
fn ecdsa() {
    expect("wycheproof-ecdsa", RsaFloor::Standard, [3054, 0, 0]);
}

#[test]
fn aes_gcm() {
    // XML Encryption has an IV of 96 bits, a tag of 128 and no associated data.
    expect("wycheproof-aes-gcm", RsaFloor::Standard, [145, 0, 171]);
}

#[test]
fn rsa_oaep() {
    expect("wycheproof-rsa-oaep", RsaFloor::Standard, [239, 0, 0]);
}

/// Runs the files whose name has `prefix`: how many vectors are right, refused, and inexpressible.
fn expect(prefix: &str, floor: RsaFloor, expected: [usize; 3]) {
    let Some(corpus) = corpus::open() else { return };
    let mut sum = [0; 3];
    for case in corpus.cases("crypto") {
        if !text(&case, "id").contains(prefix) {
            continue;
        }
        let counts = crypto::run(&corpus, &case, floor).unwrap();
        assert_eq!(counts.wrong, Vec::<String>::new(), "{}", case["id"]);
        for (sum, count) in sum.iter_mut().zip([counts.right, counts.refused, counts.inexpressible]) {
            *sum += count;
        }
    }
    assert_eq!(sum, expected, "{prefix}");
}
