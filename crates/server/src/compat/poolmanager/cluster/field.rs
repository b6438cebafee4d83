//! Times and addresses as the old versions wrote them.

use caviada_api::timestamp::Timestamp;
use caviada_core::resource::Resource;
use caviada_core::time::Time;
use serde_json::{Map, Value};

use crate::compat::poolmanager::version::Version;

/// How a cluster is reached, by the names of its services.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Points(Vec<(String, String, u16)>);

impl Points {
    /// `http://` and the address of the REST service; that of the first one, where no service is
    /// called so.
    pub fn api_url(&self) -> String {
        let named = ["rest", "api", "api_url"];
        let found = named.iter().find_map(|n| self.0.iter().find(|p| p.0 == *n));
        match found.or_else(|| self.0.first()) {
            Some((_, address, port)) => format!("http://{address}:{port}"),
            None => String::new(),
        }
    }

    /// Service → address and port, without a scheme.
    pub fn service_url(&self) -> Map<String, Value> {
        let one = |(n, a, p): &(String, String, u16)| (n.clone(), format!("{a}:{p}").into());
        self.0.iter().map(one).collect()
    }

    /// Service → port.
    pub fn mapped_ports(&self) -> Map<String, Value> {
        let one = |(n, _, p): &(String, String, u16)| (n.clone(), (*p).into());
        self.0.iter().map(one).collect()
    }

    /// The ports, from low to high.
    pub fn service_ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.0.iter().map(|(_, _, port)| *port).collect();
        ports.sort_unstable();
        ports
    }
}

/// The services of a resource: those of its endpoints that are an address and a port.
pub(super) fn access_points(r: &Resource, version: Version) -> Points {
    let points = r.endpoints().iter().filter_map(|(name, value)| {
        let (address, port) = reached(value)?;
        Some((service(name, version), address.to_owned(), port))
    });
    Points(points.collect())
}

/// Address and port of `address:port`, with or without scheme and path.
fn reached(value: &str) -> Option<(&str, u16)> {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let place = rest.split(['/', '?']).next().unwrap_or_default();
    let (address, port) = place.rsplit_once(':')?;
    let sound = !address.is_empty() && !address.contains(['@', ' ']);
    Some((address, port.parse().ok()?)).filter(|_| sound)
}

/// A service's name in the old system: `peer0-org1` is `peer0_org1_grpc` from 0.8 on.
fn service(name: &str, version: Version) -> String {
    let plain = name.replace('-', "_");
    if version < Version::Cello08 {
        return plain;
    }
    let numbered = |text: &str, word: &str| {
        let number = text.strip_prefix(word);
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    match plain.split_once('_') {
        Some((peer, org)) if numbered(peer, "peer") && numbered(org, "org") => {
            format!("{plain}_grpc")
        }
        Some(("ca", org)) if numbered(org, "org") => format!("{plain}_ecap"),
        None if plain == "orderer0" => "orderer".to_owned(),
        _ => plain,
    }
}

/// As RFC 1123 has it: `Mon, 12 Nov 2018 08:00:00 GMT`.
pub(in crate::compat::poolmanager) fn gmt(at: Time) -> Value {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let text = Timestamp(at.0).to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month = part(5, 7).parse().map_or(0, |m: usize| m.saturating_sub(1));
    let day = usize::try_from(at.0 / 86_400_000 % 7).unwrap_or(0);
    let (day, month) = (DAYS[day], MONTHS[month % 12]);
    format!(
        "{day}, {} {month} {} {} GMT",
        part(8, 10),
        part(0, 4),
        part(11, 19)
    )
    .into()
}

/// As ISO 8601 has it.
pub(in crate::compat::poolmanager) fn iso(at: Time) -> Value {
    Timestamp(at.0).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_old_clients_read_it() {
        assert_eq!(
            gmt(Time(1_542_009_600_000)),
            "Mon, 12 Nov 2018 08:00:00 GMT"
        );
        assert_eq!(gmt(Time(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(iso(Time(0)), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn an_endpoint_is_reached_by_address_and_port() {
        assert_eq!(reached("10.0.0.1:7050"), Some(("10.0.0.1", 7050)));
        assert_eq!(reached("https://a.test:7054/x"), Some(("a.test", 7054)));
        assert_eq!(reached("[::1]:80"), Some(("[::1]", 80)));
        for bad in ["", "x", ":80", "a:b", "a:70000", "-----BEGIN X-----: 1"] {
            assert_eq!(reached(bad), None, "{bad}");
        }
    }

    #[test]
    fn services_have_the_names_of_their_version() {
        for (name, new) in [
            ("peer0-org1", "peer0_org1_grpc"),
            ("ca-org2", "ca_org2_ecap"),
            ("orderer0", "orderer"),
            // Each needs a name of its own.
            ("orderer1", "orderer1"),
            ("orderer0-admin", "orderer0_admin"),
            ("rest", "rest"),
        ] {
            assert_eq!(service(name, Version::Cello09), new);
            assert_eq!(service(name, Version::Cello06), name.replace('-', "_"));
        }
    }
}
