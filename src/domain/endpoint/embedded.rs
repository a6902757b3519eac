//! IPv4 addresses that an IPv6 address leads to: what is refused in one spelling is refused in all.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Where prefixes of 48, 56, 64 and 96 bits put the four bytes, by RFC 6052: the ninth byte is never one of them.
const AFTER_PREFIX: [[usize; 4]; 4] = [
    [6, 7, 9, 10],
    [7, 9, 10, 11],
    [9, 10, 11, 12],
    [12, 13, 14, 15],
];

/// Mapped and compatible addresses, 6to4, Teredo and NAT64, each as far as the address may be one.
pub(super) fn ipv4_of(address: Ipv6Addr) -> impl Iterator<Item = Ipv4Addr> {
    let bytes = address.octets();
    let at = move |places: [usize; 4]| Ipv4Addr::from(places.map(|place| bytes[place]));
    let last = at([12, 13, 14, 15]);
    let (mut found, mut translated) = (None, None);
    match address.segments() {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => {}
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => found = Some(last),
        [0x2002, ..] => found = Some(at([2, 3, 4, 5])),
        [0x2001, 0, ..] => found = Some(Ipv4Addr::from_bits(!last.to_bits())),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => found = Some(last),
        // Of this one everybody chooses a prefix.
        [0x64, 0xff9b, 1, ..] => translated = Some(AFTER_PREFIX.map(at)),
        _ => {}
    }
    found.into_iter().chain(translated.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_wrap_an_address_is_seen_through() {
        for wrapped in [
            "::169.254.169.254",
            "::ffff:169.254.169.254",
            "::ffff:0:169.254.169.254",
            "2002:a9fe:a9fe::1",
            "2001:0:1:2:3:4:5601:5601",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "64:ff9b:1:a9fe:a9:fe00::",
            "64:ff9b:1:a9:fe:a9fe::",
            "64:ff9b:1:0:a9:fea9:fe00:0",
        ] {
            let found: Vec<Ipv4Addr> = ipv4_of(wrapped.parse().unwrap()).collect();
            let wanted = Ipv4Addr::new(169, 254, 169, 254);
            assert!(found.contains(&wanted), "{wrapped}: {found:?}");
        }
    }

    #[test]
    fn an_address_that_wraps_none_is_itself_alone() {
        for own in ["::", "::1", "2606:4700::1111", "fe80::1", "fd00:ec2::254"] {
            assert_eq!(ipv4_of(own.parse().unwrap()).count(), 0, "{own}");
        }
    }
}
