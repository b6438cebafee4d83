//! Addresses of engines.

use caviada_driver::docker::{Credentials, DockerAddress, Material, PlainTcp, TlsCredential};

use super::{Target, is_a_reason};

pub const TARGET: Target = Target {
    name: "address",
    check,
    seeds: &[
        "unix:///var/run/docker.sock",
        "tcp://build-1:2376",
        "tcp://[2001:db8::1]:9000/",
        "ssh://ops@build-1:2222",
        "ssh://build-1",
        "ssh://[8::1]",
        "ssh://ops@[2001:db8::1]:22",
    ],
    words: &[
        "unix://",
        "tcp://",
        "ssh://",
        "http://",
        "/",
        ":",
        "@",
        "[",
        "]",
        "-",
        "::1",
        "host",
        ".",
        "2375",
        "-oProxyCommand=x",
    ],
};

fn check(text: &str) {
    let file = |name: &str| Material::File(name.into());
    let files = TlsCredential {
        ca: file("ca.pem"),
        certificate: file("cert.pem"),
        key: file("key.pem"),
    };
    let plain = Credentials {
        plain_tcp: PlainTcp::Allow,
        ..Credentials::default()
    };
    let tls = Credentials {
        tls: Some(files),
        ..Credentials::default()
    };
    for credentials in [Credentials::default(), plain, tls] {
        match DockerAddress::parse(text, credentials.clone()) {
            Ok(address) => {
                let printed = address.to_string();
                let again = DockerAddress::parse(&printed, credentials);
                assert_eq!(again.as_ref(), Ok(&address), "{printed}");
                // What ssh is given is never read as one of its options.
                if let DockerAddress::Ssh { destination, .. } = &address {
                    assert!(!destination.starts_with('-'), "{destination}");
                }
                assert!(!address.published_at().is_empty());
            }
            Err(error) => is_a_reason(&error.to_string()),
        }
    }
}
