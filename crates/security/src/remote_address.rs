//! Which addresses the server may fetch from on a user's behalf.
//!
//! Owns the guard against requests into the server's own network: only public addresses, unless the operator lists
//! others. Must be asked after name resolution and again at each redirect; does no name resolution itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// IPv4 networks that are not the public internet (the special-purpose registry of RFC 6890 and its successors).
const NOT_PUBLIC_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
];

/// The part of IPv6 that is handed out to the public; everything outside it is refused.
const PUBLIC_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// Networks inside it that are not public all the same: IETF assignments with Teredo, documentation, 6to4 (which hides an
/// IPv4 address), documentation again.
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];
/// NAT64: the last 32 bits are the IPv4 address that is really reached.
const NAT64: (Ipv6Addr, u8) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Whether `address` belongs to the public internet. Addresses that carry an IPv4 address are judged by that.
pub fn is_public(address: IpAddr) -> bool {
    match unwrapped(address) {
        IpAddr::V4(address) => !NOT_PUBLIC_V4
            .iter()
            .any(|(network, prefix)| contains_v4(*network, *prefix, address)),
        IpAddr::V6(address) => {
            contains_v6(PUBLIC_V6.0, PUBLIC_V6.1, address)
                && !NOT_PUBLIC_V6
                    .iter()
                    .any(|(network, prefix)| contains_v6(*network, *prefix, address))
        }
    }
}

/// The address really reached: IPv4-mapped and NAT64 addresses stand for an IPv4 one.
fn unwrapped(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if contains_v6(NAT64.0, NAT64.1, address) => {
            let [.., a, b, c, d] = address.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        canonical => canonical,
    }
}

fn contains_v4(network: Ipv4Addr, prefix: u8, address: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    (network.to_bits() & mask) == (address.to_bits() & mask)
}

fn contains_v6(network: Ipv6Addr, prefix: u8, address: Ipv6Addr) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    (network.to_bits() & mask) == (address.to_bits() & mask)
}

/// An address or a network in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether `address` lies in this network.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, unwrapped(address)) {
            (IpAddr::V4(network), IpAddr::V4(address)) => contains_v4(network, self.prefix, address),
            (IpAddr::V6(network), IpAddr::V6(address)) => contains_v6(network, self.prefix, address),
            _ => false,
        }
    }
}

/// A text that is no address and no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is neither an address, a network such as `10.0.0.0/8`, nor a host name")]
pub struct InvalidNetwork {
    /// The text.
    pub text: String,
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork { text: text.to_owned() };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|bits| *bits <= longest)
                .ok_or_else(invalid)?,
            None => longest,
        };
        Ok(Self { address, prefix })
    }
}

/// What the operator allows beyond the public internet.
#[derive(Debug, Clone, Default)]
pub struct RemoteAllowList {
    networks: Vec<Network>,
    hosts: Vec<String>,
}

impl RemoteAllowList {
    /// Reads the entries of `dbms.security.load_csv.allowed_hosts`: host names, addresses and networks.
    pub fn parse<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, InvalidNetwork> {
        let mut list = Self::default();
        for entry in entries {
            let entry = entry.as_ref().trim();
            if let Ok(network) = entry.parse() {
                list.networks.push(network);
            } else if is_host_name(entry) {
                list.hosts.push(entry.trim_end_matches('.').to_ascii_lowercase());
            } else {
                return Err(InvalidNetwork { text: entry.to_owned() });
            }
        }
        Ok(list)
    }

    /// Whether the server may connect to `address`, to which `host` resolved. Ask for each address, at each redirect, and
    /// connect to the very address asked about.
    pub fn check(&self, host: &str, address: IpAddr) -> Result<(), AddressRefused> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if is_public(address)
            || self.hosts.contains(&host)
            || self.networks.iter().any(|network| network.contains(address))
        {
            return Ok(());
        }
        Err(AddressRefused { host, address })
    }
}

/// Host names are letters, digits, dashes, underscores and dots, and do not look like a mistyped address.
fn is_host_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && text.chars().any(|c| c.is_ascii_alphabetic())
}

/// An address the server must not fetch from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` is at {address}, which is not a public address and not listed as allowed")]
pub struct AddressRefused {
    /// The host asked for.
    pub host: String,
    /// What it resolved to.
    pub address: IpAddr,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn refuses_everything_that_is_not_the_public_internet() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn accepts_public_addresses() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "223.255.255.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn listed_networks_addresses_and_hosts_are_let_through() {
        let list = RemoteAllowList::parse(["10.1.0.0/16", "127.0.0.1", "Files.Internal", "fd00::/8"]).unwrap();
        assert!(list.check("x", address("10.1.200.3")).is_ok());
        assert!(list.check("x", address("::ffff:10.1.200.3")).is_ok());
        assert!(list.check("localhost", address("127.0.0.1")).is_ok());
        assert!(list.check("files.internal.", address("192.168.0.9")).is_ok());
        assert!(list.check("x", address("fd00::5")).is_ok());
        assert_eq!(
            list.check("x", address("10.2.0.1")),
            Err(AddressRefused {
                host: "x".to_owned(),
                address: address("10.2.0.1")
            })
        );
        assert!(list.check("x", address("127.0.0.2")).is_err());
    }

    #[test]
    fn refuses_malformed_entries() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.256",
            "fe80::/129",
            "a b",
            "http://host",
            "10.0.0.0/",
        ] {
            assert!(RemoteAllowList::parse([text]).is_err(), "{text}");
        }
        assert!(
            RemoteAllowList::parse(["0.0.0.0/0"])
                .unwrap()
                .check("x", address("127.0.0.1"))
                .is_ok()
        );
    }
}
