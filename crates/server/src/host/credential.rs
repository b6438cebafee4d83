//! Credentials of hosts: sealed before they become a command, opened for a driver, and looked at
//! before either.

use std::path::PathBuf;

use caviada_api::host::HostCredential;
use caviada_core::host::{HostSpec, credential_place};
use caviada_core::name::Name;
use caviada_driver::docker::{
    Credentials, DockerAddress, Material, Part, PlainTcp, SshCredential, TlsCredential,
};
use caviada_ledger::seal::{MasterKey, SealError};

use super::Unfit;

/// Each part: the option that names its file, and the field that has its text.
const PARTS: [(&str, &str); 5] = [
    ("tls_ca", "ca_pem"),
    ("tls_cert", "certificate_pem"),
    ("tls_key", "key_pem"),
    ("ssh_key", "ssh_key_pem"),
    ("ssh_known_hosts", "ssh_known_hosts"),
];
/// How many of them are for TLS; the others are for SSH.
const TLS_PARTS: usize = 3;
/// Option under which the docker driver is allowed plain TCP.
pub const PLAIN_TCP: &str = "plain_tcp";

/// Options by which we prove who we are, or which say where services run: whoever answers is the same.
const NOT_OF_WHOM: [&str; 5] = [
    "tls_cert",
    "tls_key",
    "ssh_key",
    super::PUBLISH,
    super::CONSTRAINTS,
];

/// By what another engine than before might answer, in the words of the API: by its driver, its address,
/// or whom we believe there.
pub fn differs(
    (old, old_plain): (&HostSpec, &HostCredential),
    (new, new_plain): (&HostSpec, &HostCredential),
) -> Option<String> {
    if old.driver != new.driver {
        return Some("driver".to_owned());
    }
    if old.address != new.address {
        return Some("address".to_owned());
    }
    let options = old.options.keys().chain(new.options.keys());
    let mut of_whom = options.filter(|name| !NOT_OF_WHOM.contains(&&***name));
    if let Some(name) = of_whom.find(|name| old.options.get(*name) != new.options.get(*name)) {
        return Some(match &**name {
            PLAIN_TCP => "allow_plain_tcp".to_owned(),
            name => format!("options.{name}"),
        });
    }
    let believed = |plain: &HostCredential| [plain.ca_pem.clone(), plain.ssh_known_hosts.clone()];
    let same = believed(old_plain) == believed(new_plain);
    (!same).then(|| "credential".to_owned())
}

/// A host's credential as it is kept.
///
/// # Errors
/// When the system has no randomness.
pub fn seal(key: &MasterKey, host: &Name, plain: &HostCredential) -> Result<Box<str>, SealError> {
    let place = credential_place(host);
    let text = serde_json::to_vec(plain).map_err(|_| SealError::NotSealed(place.clone()))?;
    Ok(key.seal(&place, &text)?.into())
}

/// A host's credential as it is used.
///
/// # Errors
/// When it was sealed under another master key, or for another host.
pub fn open(key: &MasterKey, host: &Name, sealed: &str) -> Result<HostCredential, SealError> {
    let place = credential_place(host);
    let text = key.open(&place, sealed)?;
    serde_json::from_slice(&text).map_err(|_| SealError::NotSealed(place))
}

/// Looks whether a driver could be made of a host, as far as that hangs on what is said of it.
///
/// # Errors
/// The field with which none could.
pub fn check(spec: &HostSpec, plain: &HostCredential) -> Result<(), Unfit> {
    let texts = texts(plain);
    let given = || PARTS.iter().zip(texts).filter(|(_, text)| text.is_some());
    if !super::is_engine(spec) {
        let why = "only a docker engine or a swarm asks for one";
        return match given().next() {
            None => Ok(()),
            Some(_) => Err(Unfit::field("credential", why)),
        };
    }
    let more: &[&str] = match &*spec.driver {
        "swarm" => &[super::PUBLISH, super::CONSTRAINTS],
        _ => &[],
    };
    let parts = PARTS.iter().map(|(option, _)| *option);
    let all: Vec<&str> = parts.chain(more.iter().copied()).collect();
    let known = |name: &str| name == PLAIN_TCP || all.contains(&name);
    if let Some(odd) = spec.options.keys().find(|name| !known(name)) {
        let why = format!("is no option; there are {}", all.join(", "));
        return Err(Unfit::field(format!("options.{odd}"), why));
    }
    super::placing(spec)?;
    let address = address(spec, plain)?;
    let used = match address {
        DockerAddress::Tls { .. } => &PARTS[..TLS_PARTS],
        DockerAddress::Ssh { .. } => &PARTS[TLS_PARTS..],
        DockerAddress::Unix(_) | DockerAddress::Plain { .. } => &[],
    };
    for (part, _) in given() {
        if !used.contains(part) {
            let why = format!("{address} does not ask for it");
            return Err(Unfit::field(format!("credential.{}", part.1), why));
        }
    }
    address.check().map_err(|odd| {
        let (_, field) = PARTS[match odd.part {
            Part::Ca => 0,
            Part::Certificate => 1,
            Part::Key => 2,
            Part::SshKey => 3,
            Part::KnownHosts => 4,
        }];
        Unfit::field(format!("credential.{field}"), odd.why)
    })
}

/// Its parts, in the order of [`PARTS`].
pub(crate) fn texts(plain: &HostCredential) -> [Option<&str>; PARTS.len()] {
    [
        plain.ca_pem.as_deref(),
        plain.certificate_pem.as_deref(),
        plain.key_pem.as_deref(),
        plain.ssh_key_pem.as_deref(),
        plain.ssh_known_hosts.as_deref(),
    ]
}

/// The way to a docker host, with what proves who we are: by a file or by a text, each part.
///
/// # Errors
/// The field with which there is none.
pub fn address(spec: &HostSpec, plain: &HostCredential) -> Result<DockerAddress, Unfit> {
    let texts = texts(plain);
    let part = |n: usize| {
        let (option, field) = PARTS[n];
        match (spec.options.get(option), texts[n]) {
            (Some(_), Some(_)) => Err(Unfit::field(
                format!("options.{option}"),
                format!("the credential has it too, as {field}; keep one of them"),
            )),
            (Some(path), None) => Ok(Some(Material::File(PathBuf::from(&**path)))),
            (None, text) => Ok(text.map(|text| Material::Text(text.into()))),
        }
    };
    let tls = match [part(0)?, part(1)?, part(2)?] {
        [Some(ca), Some(certificate), Some(key)] => Some(TlsCredential {
            ca,
            certificate,
            key,
        }),
        [None, None, None] => None,
        parts => {
            let (option, field) = PARTS[parts.iter().position(Option::is_none).unwrap_or(0)];
            let by_text = texts[..TLS_PARTS].iter().any(Option::is_some);
            let missing = match by_text {
                true => format!("credential.{field}"),
                false => format!("options.{option}"),
            };
            let why = "is missing: CA, certificate and key go together";
            return Err(Unfit::field(missing, why));
        }
    };
    let allowed = spec.options.get(PLAIN_TCP).map(|v| &**v);
    let credentials = Credentials {
        tls,
        ssh: SshCredential {
            key: part(3)?,
            known_hosts: part(4)?,
        },
        plain_tcp: match allowed {
            Some("allow") => PlainTcp::Allow,
            _ => PlainTcp::Refuse,
        },
    };
    DockerAddress::parse(&spec.address, credentials)
        .map_err(|e| Unfit::field("address", e.to_string()))
}
