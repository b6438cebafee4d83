//! Where a Docker engine is reached, as people write it.

use std::fmt;
use std::path::PathBuf;

use super::credential::{SshCredential, TlsCredential, Unusable};
use crate::reach::{authority, bracketed};

/// The way to one engine. Printing it shows no key material, only where files lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DockerAddress {
    /// A socket on this machine.
    Unix(PathBuf),
    /// TCP with TLS and client certificates.
    Tls {
        /// Name or address; the engine's certificate must bear it.
        host: String,
        /// Usually 2376.
        port: u16,
        /// What both sides prove themselves with.
        credential: TlsCredential,
    },
    /// `docker system dial-stdio` on the far side of an SSH connection.
    Ssh {
        /// `user@host` or `host`, as ssh itself takes it.
        destination: String,
        /// Other than ssh's own default.
        port: Option<u16>,
        /// What both sides prove themselves with; by default ssh's own configuration decides.
        credential: SshCredential,
    },
    /// TCP that anybody on the way can read and alter.
    Plain {
        /// Name or address.
        host: String,
        /// Usually 2375.
        port: u16,
    },
}

/// Whether an engine may be spoken to without any protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlainTcp {
    /// Never.
    #[default]
    Refuse,
    /// Somebody said so explicitly.
    Allow,
}

/// What goes with an address to prove who speaks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// For `tcp://`.
    pub tls: Option<TlsCredential>,
    /// For `ssh://`.
    pub ssh: SshCredential,
    /// For `tcp://` without `tls`.
    pub plain_tcp: PlainTcp,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// None of the known forms.
    #[error(
        "{0} is no engine address: write unix:///path, tcp://host:port or ssh://user@host[:port]"
    )]
    Form(String),
    /// `tcp://` without certificates.
    #[error(
        "{0} without TLS lets anybody on the way run anything as root on that host: \
         give CA, certificate and key, or allow plain TCP explicitly"
    )]
    Plain(String),
}

impl DockerAddress {
    /// Reads `unix:///var/run/docker.sock`, `tcp://host[:port]` or `ssh://[user@]host[:port]`.
    ///
    /// # Errors
    /// The form is unknown, or the address would be unprotected and nobody allowed that.
    pub fn parse(text: &str, credentials: Credentials) -> Result<Self, InvalidAddress> {
        let form = || InvalidAddress::Form(shown(text));
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(form());
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(form)?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(PathBuf::from(rest))),
            "tcp" => {
                let (host, port) = host_port(rest).ok_or_else(form)?;
                match (credentials.tls, credentials.plain_tcp) {
                    (Some(credential), _) => Ok(Self::Tls {
                        host,
                        port: port.unwrap_or(2376),
                        credential,
                    }),
                    (None, PlainTcp::Allow) => {
                        let port = port.unwrap_or(2375);
                        Ok(Self::Plain { host, port })
                    }
                    (None, PlainTcp::Refuse) => Err(InvalidAddress::Plain(shown(text))),
                }
            }
            "ssh" => {
                let (user, rest) = match rest.rsplit_once('@') {
                    Some((user, rest)) => (Some(user), rest),
                    None => (None, rest),
                };
                let (host, port) = host_port(rest).ok_or_else(form)?;
                // A leading dash would be read by ssh as an option.
                if user.is_some_and(|u| u.is_empty() || u.starts_with('-') || u.contains(':')) {
                    return Err(form());
                }
                let destination = user.map_or_else(|| host.clone(), |u| format!("{u}@{host}"));
                Ok(Self::Ssh {
                    destination,
                    port,
                    credential: credentials.ssh,
                })
            }
            _ => Err(form()),
        }
    }

    /// Tries the texts of its credential as a connection would. Files are looked at only then.
    ///
    /// # Errors
    /// The part that no connection could be made with.
    pub fn check(&self) -> Result<(), Unusable> {
        match self {
            Self::Tls { credential, .. } => credential.check(),
            Self::Ssh { credential, .. } => credential.check(),
            Self::Unix(_) | Self::Plain { .. } => Ok(()),
        }
    }

    /// Where the host's published ports are reached, unless somebody says otherwise.
    #[must_use]
    pub fn published_at(&self) -> String {
        match self {
            Self::Unix(_) => "127.0.0.1".to_owned(),
            Self::Tls { host, .. } | Self::Plain { host, .. } => host.clone(),
            Self::Ssh { destination, .. } => match destination.rsplit_once('@') {
                Some((_, host)) => host.to_owned(),
                None => destination.clone(),
            },
        }
    }
}

impl fmt::Display for DockerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tls { host, port, .. } | Self::Plain { host, port } => {
                write!(f, "tcp://{}", authority(host, *port))
            }
            Self::Ssh {
                destination, port, ..
            } => {
                let (user, host) = match destination.rsplit_once('@') {
                    Some((user, host)) => (format!("{user}@"), host),
                    None => (String::new(), destination.as_str()),
                };
                match port {
                    Some(port) => write!(f, "ssh://{user}{}", authority(host, *port)),
                    None => write!(f, "ssh://{user}{}", bracketed(host)),
                }
            }
        }
    }
}

/// Somebody's words as an error repeats them: not all of them, and none that moves the cursor.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(128).collect::<String>())
}

fn host_port(text: &str) -> Option<(String, Option<u16>)> {
    let text = text.strip_suffix('/').unwrap_or(text);
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host.to_owned(), Some(port.parse().ok().filter(|p| *p > 0)?))),
            None => rest.is_empty().then(|| (host.to_owned(), None)),
        };
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok().filter(|p| *p > 0)?)),
        None => (text, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_';
    let named = !host.is_empty() && !host.starts_with('-') && host.chars().all(plain);
    named.then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::credential::Material;

    fn files() -> TlsCredential {
        let file = |name: &str| Material::File(name.into());
        TlsCredential {
            ca: file("ca.pem"),
            certificate: file("cert.pem"),
            key: file("key.pem"),
        }
    }

    #[test]
    fn each_form_is_read_and_printed_as_it_was_written() {
        for text in [
            "unix:///var/run/docker.sock",
            "ssh://ops@build-1",
            "ssh://build-1:2222",
            "ssh://ops@build-1:2222",
            "ssh://[2001:db8::1]",
            "ssh://ops@[2001:db8::1]:2222",
        ] {
            let address = DockerAddress::parse(text, Credentials::default()).unwrap();
            assert_eq!(address.to_string(), text);
        }
        let tls = Credentials {
            tls: Some(files()),
            ..Credentials::default()
        };
        for text in ["tcp://build-1:2376", "tcp://[2001:db8::1]:9000"] {
            let address = DockerAddress::parse(text, tls.clone()).unwrap();
            assert!(matches!(address, DockerAddress::Tls { .. }), "{text}");
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn plain_tcp_needs_an_explicit_word() {
        let refused = DockerAddress::parse("tcp://build-1:2375", Credentials::default());
        assert!(matches!(refused, Err(InvalidAddress::Plain(_))));
        let allowed = Credentials {
            plain_tcp: PlainTcp::Allow,
            ..Credentials::default()
        };
        assert_eq!(
            DockerAddress::parse("tcp://build-1", allowed),
            Ok(DockerAddress::Plain {
                host: "build-1".into(),
                port: 2375
            })
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "docker.sock",
            "unix://relative",
            "http://host",
            "tcp://",
            "tcp://:1",
            "tcp://host:0",
            "tcp://host:99999",
            "tcp://a b",
            "tcp://user@host",
            "ssh://",
            "ssh://@host",
            "ssh://-oProxyCommand=x",
            "ssh://-l@host",
            "ssh://host/path",
            "tcp://[::1",
            "tcp://[::1]x",
        ] {
            let tls = Credentials {
                tls: Some(files()),
                ..Credentials::default()
            };
            assert!(DockerAddress::parse(bad, tls).is_err(), "{bad}");
        }
    }
}
