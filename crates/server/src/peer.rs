//! Which addresses a caller may come from.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use caviada_core::limits::server::NETWORKS_MAX;

/// A list of networks, in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peers(Vec<(IpAddr, u8)>);

impl Peers {
    /// Is this caller's address in one of them? An IPv4 address may come in IPv6 clothes.
    pub fn hold(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0
            .iter()
            .any(|(first, bits)| holds(*first, *bits, peer))
    }
}

fn holds(first: IpAddr, bits: u8, peer: IpAddr) -> bool {
    let (first, peer, width) = match (first, peer) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    let shift = width - u32::from(bits);
    // All bits may differ: then the shift is as wide as the number.
    first.checked_shr(shift).unwrap_or(0) == peer.checked_shr(shift).unwrap_or(0)
}

impl FromStr for Peers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|t| !t.is_empty());
        let peers: Vec<_> = entries.map(network).collect::<Result<_, _>>()?;
        if peers.len() > NETWORKS_MAX {
            return Err(format!("must be at most {NETWORKS_MAX} networks"));
        }
        Ok(Self(peers))
    }
}

fn network(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong = || format!("must be addresses and networks like 10.0.0.0/8; `{text}` is none");
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Ok(width), |bits| bits.parse().map_err(|_| wrong()))?;
    if bits > width {
        return Err(wrong());
    }
    Ok((address, bits))
}

impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(|(a, b)| format!("{a}/{b}")).collect();
        f.write_str(&texts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_other() {
        let peers: Peers = "127.0.0.0/8, ::1,10.1.2.3".parse().unwrap();
        for (address, held) in [
            ("127.9.9.9", true),
            ("::ffff:127.0.0.1", true),
            ("::1", true),
            ("::2", false),
            ("10.1.2.3", true),
            ("10.1.2.4", false),
        ] {
            assert_eq!(peers.hold(address.parse().unwrap()), held, "{address}");
        }
        let all: Peers = "0.0.0.0/0,::/0".parse().unwrap();
        assert!(all.hold("8.8.8.8".parse().unwrap()));
        assert!(all.hold("2001:db8::1".parse().unwrap()));
        assert!(!Peers::default().hold("127.0.0.1".parse().unwrap()));
        for bad in ["x", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x"] {
            assert!(bad.parse::<Peers>().is_err(), "{bad}");
        }
    }
}
