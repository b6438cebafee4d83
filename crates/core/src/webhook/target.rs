//! Where webhooks may go. Nothing is allowed but what the configuration lists, and an address is
//! checked each time a connection is made, so that a name cannot be turned to a private one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Targets {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// Plain HTTP, too.
    plain: bool,
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// This name.
    Name(String),
    /// Every name below this one.
    Below(String),
    /// Addresses that begin with so many bits of this one.
    Network(IpAddr, u8),
}

/// An entry of the list that cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` {reason}")]
pub struct OddTarget {
    /// The entry.
    pub entry: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl Targets {
    /// Reads entries `[http://]HOST[:PORT]`, where HOST is a name, `*.NAME`, an address or a network
    /// (`10.0.0.0/8`). Without `http://` only HTTPS is allowed, without a port every one.
    ///
    /// # Errors
    /// The first entry that is none.
    pub fn parse<'t>(entries: impl IntoIterator<Item = &'t str>) -> Result<Self, OddTarget> {
        let rules = entries.into_iter().map(|entry| {
            let odd = |reason| OddTarget {
                entry: entry.to_owned(),
                reason,
            };
            rule(entry.trim()).map_err(odd)
        });
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// May a webhook name this host? Says what to do if not.
    ///
    /// # Errors
    /// The reason, for people.
    pub fn permit(&self, host: &str, port: u16, https: bool) -> Result<(), String> {
        let named = host.trim_end_matches('.').to_ascii_lowercase();
        let address: Option<IpAddr> = named.trim_matches(['[', ']']).parse().ok();
        let fits = |rule: &&Rule| {
            let host = match (&rule.host, address) {
                (Host::Name(name), None) => *name == named,
                (Host::Below(name), None) => named
                    .strip_suffix(&**name)
                    .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
                (Host::Network(first, bits), Some(ip)) => is_in(ip, *first, *bits),
                _ => false,
            };
            host && rule.port.is_none_or(|p| p == port)
        };
        let fitting: Vec<&Rule> = self.rules.iter().filter(fits).collect();
        if fitting.is_empty() {
            return Err(format!(
                "{host}:{port} is not among the allowed targets (`webhook.targets` of the configuration)"
            ));
        }
        if !https && !fitting.iter().any(|r| r.plain) {
            return Err(format!(
                "plain HTTP to {host}:{port} is not allowed (`http://{host}` in `webhook.targets` of \
                 the configuration allows it)"
            ));
        }
        Ok(())
    }

    /// May such a connection be made to this address, which a permitted name was resolved to? Addresses
    /// that are not public must be listed themselves, as for a call of them.
    pub fn permits_address(&self, address: IpAddr, port: u16, https: bool) -> bool {
        is_public(address) || self.permit(&address.to_string(), port, https).is_ok()
    }
}

fn rule(entry: &str) -> Result<Rule, &'static str> {
    let (plain, rest) = match entry.split_once("://") {
        None => (false, entry),
        Some(("http", rest)) => (true, rest),
        Some(("https", rest)) => (false, rest),
        Some(_) => return Err("must begin with http:// or with nothing"),
    };
    if let Some((address, bits)) = rest.split_once('/') {
        let address: IpAddr = address.parse().map_err(|_| "is no network")?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.parse().ok().filter(|bits: &u8| *bits <= most);
        return Ok(Rule {
            plain,
            host: Host::Network(address, bits.ok_or("is no network")?),
            port: None,
        });
    }
    let whole = |address: IpAddr| Host::Network(address, if address.is_ipv4() { 32 } else { 128 });
    if let Ok(address) = rest.trim_matches(['[', ']']).parse::<IpAddr>() {
        let (host, port) = (whole(address), None);
        return Ok(Rule { plain, host, port });
    }
    let (host, port) = match rest.rsplit_once(':') {
        None => (rest, None),
        Some((host, port)) => (
            host,
            Some(port.parse().map_err(|_| "has no port after its :")?),
        ),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        let host = whole(address);
        return Ok(Rule { plain, host, port });
    }
    let (name, below) = match host.strip_prefix("*.") {
        Some(rest) => (rest, true),
        None => (&*host, false),
    };
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(letter) || name.starts_with('.') {
        return Err("has no host name or address");
    }
    let name = name.to_owned();
    let host = if below {
        Host::Below(name)
    } else {
        Host::Name(name)
    };
    Ok(Rule { plain, host, port })
}

fn is_in(address: IpAddr, first: IpAddr, bits: u8) -> bool {
    let same = |a: u128, b: u128, width: u32| {
        let rest = width.saturating_sub(u32::from(bits));
        a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0)
    };
    match (address.to_canonical(), first.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            same(u128::from(a.to_bits()), u128::from(b.to_bits()), 32)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

/// Is it an address of the public internet?
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(a) => is_public_v4(a),
        IpAddr::V6(a) => is_public_v6(a),
    }
}

fn is_public_v4(a: Ipv4Addr) -> bool {
    let [first, second, third, _] = a.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let special =
        (first, second, third) == (192, 0, 0) || first == 198 && matches!(second, 18 | 19);
    !(a.is_private()
        || a.is_loopback()
        || a.is_link_local()
        || a.is_multicast()
        || a.is_documentation()
        || first == 0
        || first >= 240
        || shared
        || special)
}

fn is_public_v6(a: Ipv6Addr) -> bool {
    let s = a.segments();
    let embedded = |high: u16, low: u16| {
        is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
    };
    match (s[0], s[1]) {
        // Translated to IPv4 on the way.
        (0x64, 0xff9b) => s[2..6] == [0; 4] && embedded(s[6], s[7]),
        (0x2002, high) => embedded(high, s[2]),
        // Tunnels, documentation.
        (0x2001, 0 | 0xdb8) => false,
        (first, _) => first >> 13 == 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_but_what_is_listed() {
        assert!(Targets::default().permit("example.org", 443, true).is_err());
        let list = [
            "hooks.example.org",
            "*.example.com:8443",
            "http://127.0.0.1:9000",
            "http://10.0.0.0/8",
        ];
        let targets = Targets::parse(list).unwrap();
        let may = |host, port, https| targets.permit(host, port, https).is_ok();
        assert!(may("hooks.example.org", 443, true) && may("HOOKS.example.org.", 8080, true));
        assert!(
            !may("hooks.example.org", 80, false),
            "plain HTTP must be said"
        );
        assert!(!may("example.org", 443, true) && !may("xhooks.example.org", 443, true));
        assert!(may("a.b.example.com", 8443, true));
        assert!(!may("a.example.com", 443, true) && !may("example.com", 8443, true));
        assert!(!may("evilexample.com", 8443, true));
        assert!(may("127.0.0.1", 9000, false) && !may("127.0.0.1", 9001, false));
        assert!(may("10.1.2.3", 1, false) && !may("11.0.0.1", 1, false));
        assert!(!may("localhost", 9000, false));
    }

    #[test]
    fn a_name_leads_to_private_addresses_only_where_they_are_listed() {
        let listed = ["hooks.example.org", "10.1.0.0/16", "http://10.3.0.1:9"];
        let targets = Targets::parse(listed).unwrap();
        let may =
            |text: &str, port, https| targets.permits_address(text.parse().unwrap(), port, https);
        for public in ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"] {
            assert!(may(public, 80, false), "{public}");
        }
        assert!(may("10.1.9.9", 443, true) && may("::ffff:10.1.9.9", 8443, true));
        assert!(may("10.3.0.1", 9, false), "as it is listed");
        assert!(!may("10.3.0.1", 10, false) && !may("10.1.9.9", 80, false));
        for private in [
            "127.0.0.1",
            "10.2.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!may(private, 443, true), "{private}");
        }
    }

    #[test]
    fn what_is_no_target_is_named() {
        for odd in [
            "",
            "ftp://example.org",
            "10.0.0.0/33",
            "a b",
            "example.org:port",
            "*.",
        ] {
            let error = Targets::parse([odd]).unwrap_err();
            assert_eq!(error.entry, odd);
        }
        let v6 = Targets::parse(["http://[::1]:9000", "fd00::/8"]).unwrap();
        assert!(v6.permit("[::1]", 9000, false).is_ok());
        assert!(v6.permit("[fd12::1]", 9, true).is_ok());
        assert!(v6.permit("[::1]", 9001, false).is_err());
    }
}
