//! Which IP addresses are on the public internet.
//!
//! What we fetch has to be there: anything else is somebody's inside (server-side request forgery). The one place of this rule, for
//! addresses that are written in a URL and for those that a name resolves to.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether `ip` is an address of one host on the public internet, as the registries of special addresses have it (RFC 6890; IANA's
/// IPv4 and IPv6 Special-Purpose Address Registries). The addresses of the metadata services of cloud platforms are not.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let inside =
        |(network, bits): &(Ipv4Addr, u32)| common_bits(network.to_bits().into(), ip.to_bits().into(), 32) >= *bits;
    !SPECIAL_V4.iter().any(inside)
}

/// Nothing that carries an IPv4 address inside is one: mapped and compatible addresses and those of NAT64 are outside of the block of
/// global unicast, as are unique local ones such as `fd00:ec2::254`.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let inside = |(network, bits): &(Ipv6Addr, u32)| common_bits(network.to_bits(), ip.to_bits(), 128) >= *bits;
    inside(&GLOBAL_UNICAST) && !SPECIAL_V6.iter().any(inside)
}

/// How many bits two addresses of `bits` bits have in common, from the first on.
fn common_bits(a: u128, b: u128, bits: u32) -> u32 {
    (a ^ b).leading_zeros().saturating_sub(u128::BITS.saturating_sub(bits))
}

/// Blocks of IPv4 addresses, and the bits by which each is known, that are not on the public internet.
const SPECIAL_V4: [(Ipv4Addr, u32); 16] = [
    // This network.
    (Ipv4Addr::UNSPECIFIED, 8),
    // Private.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared by carriers (RFC 6598); Alibaba Cloud's metadata service at 100.100.100.200.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Microsoft Azure's platform answers its virtual machines here, although the address is registered as a public one.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // Link-local; most clouds' metadata services at 169.254.169.254.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Private.
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Protocol assignments; Oracle Cloud's metadata service at 192.0.0.192.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // Relays of 6to4 (RFC 7526).
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // Private.
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Benchmarks (RFC 2544).
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation.
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved, and broadcast.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The IPv6 addresses that are given out to hosts (RFC 4291 2.4, as far as IANA does).
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Blocks in [`GLOBAL_UNICAST`] that are not on the public internet.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    // Protocol assignments; Teredo (RFC 4380), which carries IPv4.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation (RFC 3849).
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4 (RFC 3056), which carries IPv4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // Documentation (RFC 9637).
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses on both sides of each end of each block.
    #[test]
    fn the_public_internet_begins_and_ends_where_it_does() {
        let check = |expected: bool, addresses: &[&str]| {
            for address in addresses {
                assert_eq!(address.parse().map(is_public), Ok(expected), "{address}");
            }
        };
        check(true, PUBLIC);
        check(false, SPECIAL);
    }

    #[rustfmt::skip]
    const PUBLIC: &[&str] = &[
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
        "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
        "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
        "168.63.129.15", "168.63.129.17", "8.8.8.8",
        "2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2001:ffff::", "2003::", "2606:4700::1111",
        "3ffe:ffff::", "3fff:1000::", "3fff:ffff::",
    ];

    #[rustfmt::skip]
    const SPECIAL: &[&str] = &[
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.100.100.200",
        "100.127.255.255", "127.0.0.0", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255",
        "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.192", "192.0.0.255", "192.0.2.0", "192.0.2.255",
        "192.88.99.0", "192.88.99.255", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255",
        "198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255", "224.0.0.0", "239.255.255.255",
        "240.0.0.0", "255.255.255.255", "168.63.129.16",
        "::", "::1", "::8.8.8.8", "::ffff:8.8.8.8", "::ffff:10.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1",
        "100::", "1fff:ffff::", "2001::", "2001:0:a00:1::", "2001:1ff:ffff::", "2001:db8::", "2001:db8:ffff::",
        "2002::", "2002:a00:1::", "2002:ffff::", "3fff::", "3fff:fff::", "4000::", "5f00::", "fc00::",
        "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fec0::1", "ff02::1",
    ];
}
