//! What is checked and worked out before a swarm is asked for anything.

use std::collections::BTreeSet;

use bollard::ClientVersion;
use caviada_core::limits::driver::SWARM_CONFIG_BYTES_MAX;

use super::Publish;
use crate::blueprint::{Blueprint, Check, HolderContent, OutputValue, Probe, ResetStep, Service};
use crate::engine::plan::LaterKey;

/// The one security option that a swarm knows, and since when.
pub(super) const NO_NEW_PRIVILEGES: [&str; 3] = [
    "no-new-privileges",
    "no-new-privileges:true",
    "no-new-privileges=true",
];
pub(super) const LATER_KEYS: [LaterKey; 1] = [(
    "security_opt",
    ClientVersion {
        major_version: 1,
        minor_version: 45,
    },
    |service| !service.security_opt.is_empty(),
)];

/// Refuses what no swarm can do, by name.
pub(super) fn fits(blueprint: &Blueprint) -> Result<(), String> {
    for service in &blueprint.services {
        possible(service).map_err(|why| format!("{}: {why}", service.name))?;
    }
    Ok(())
}

/// Whether a swarm can run a service as it is asked for; if not, the key and why.
pub(crate) fn possible(service: &Service) -> Result<(), String> {
    let known = |option: &&String| !NO_NEW_PRIVILEGES.contains(&option.as_str());
    if let Some(option) = service.security_opt.iter().find(known) {
        return Err(format!(
            "security_opt: a swarm knows no-new-privileges:true only, not {option}"
        ));
    }
    for entry in &service.tmpfs {
        tmpfs(entry)?;
    }
    for file in &service.files {
        let bytes = file.content.len();
        if bytes == 0 || bytes > SWARM_CONFIG_BYTES_MAX {
            return Err(format!(
                "configs: {} has {bytes} bytes; a swarm takes 1 to {SWARM_CONFIG_BYTES_MAX}",
                file.path
            ));
        }
    }
    if let Some(entry) = service
        .extra_hosts
        .iter()
        .find(|e| e.contains("host-gateway"))
    {
        return Err(format!("extra_hosts: a swarm has no host-gateway: {entry}"));
    }
    Ok(())
}

/// A memory file system as a swarm takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tmpfs {
    pub path: String,
    pub size_bytes: Option<i64>,
    pub mode: Option<i64>,
}

/// Reads `path:size=64m,mode=1777`.
pub(super) fn tmpfs(entry: &str) -> Result<Tmpfs, String> {
    let (path, options) = entry.split_once(':').unwrap_or((entry, ""));
    let mut read = Tmpfs {
        path: path.to_owned(),
        size_bytes: None,
        mode: None,
    };
    for option in options.split(',').filter(|o| !o.is_empty()) {
        let no = || format!("tmpfs: a swarm takes size and mode only, not {option}");
        let (key, value) = option.split_once('=').ok_or_else(no)?;
        match key {
            "size" => read.size_bytes = Some(bytes(value).ok_or_else(no)?),
            "mode" => read.mode = Some(i64::from_str_radix(value, 8).map_err(|_| no())?),
            _ => return Err(no()),
        }
    }
    Ok(read)
}

/// `1048576`, `64k`, `64m`, `1g`.
fn bytes(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" => 10,
        "m" | "mb" => 20,
        "g" | "gb" => 30,
        _ => return None,
    };
    let number: i64 = digits.parse().ok().filter(|n| *n >= 0)?;
    number.checked_mul(1 << shift)
}

/// The services that must run on the node whose engine is spoken to, each with the reason: what keeps
/// data, what is looked into, and what publishes ports just there.
pub(super) fn held(blueprint: &Blueprint, publish: Publish) -> BTreeSet<(&str, &'static str)> {
    let mut held = BTreeSet::new();
    for service in &blueprint.services {
        let name = service.name.as_str();
        if !service.mounts.is_empty() {
            held.insert((name, "it mounts a volume"));
        }
        if publish == Publish::Host && !service.ports.is_empty() {
            held.insert((name, "it publishes ports there"));
        }
        let jobs = service.environment_files.values();
        held.extend(jobs.map(|f| (f.service.as_str(), "another service takes a file of it")));
    }
    for output in &blueprint.outputs {
        if let OutputValue::File { service, .. } = &output.value {
            held.insert((service, "a file of it is an output"));
        }
    }
    for file in &blueprint.files {
        if let HolderContent::Folder { service, .. } = &file.content {
            held.insert((service, "its holder takes files of it along"));
        }
    }
    for Probe { check, .. } in &blueprint.readiness {
        if let Check::Exec { service, .. } = check {
            held.insert((service, "a readiness test runs a command in it"));
        }
    }
    for step in &blueprint.reset {
        if let ResetStep::Exec { service, .. } = step {
            held.insert((service, "a reset runs a command in it"));
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::{File, Mount, Port, Protocol};

    fn service(name: &str) -> Service {
        Service {
            name: name.into(),
            ..Service::default()
        }
    }

    #[test]
    fn what_a_swarm_cannot_do_is_named() {
        let mut secured = service("a");
        secured.security_opt = vec!["seccomp:unconfined".into()];
        let mut odd = service("a");
        odd.tmpfs = vec!["/run:noexec".into()];
        let mut empty = service("a");
        empty.files.push(File {
            path: "/x".into(),
            content: String::new(),
            mode: 0o444,
        });
        let mut gateway = service("a");
        gateway.extra_hosts = vec!["me:host-gateway".into()];
        for (service, why) in [
            (secured, "security_opt"),
            (odd, "tmpfs"),
            (empty, "configs: /x has 0 bytes"),
            (gateway, "extra_hosts"),
        ] {
            let blueprint = Blueprint {
                services: vec![service],
                ..Blueprint::default()
            };
            let refused = fits(&blueprint).unwrap_err();
            assert!(
                refused.starts_with("a: ") && refused.contains(why),
                "{refused}"
            );
        }
    }

    #[test]
    fn sizes_of_memory_file_systems_are_read_as_engines_read_them() {
        let read = tmpfs("/run:size=64m,mode=1777").unwrap();
        assert_eq!((read.size_bytes, read.mode), (Some(64 << 20), Some(0o1777)));
        assert_eq!(tmpfs("/run").unwrap().size_bytes, None);
        assert_eq!(tmpfs("/run:size=4096").unwrap().size_bytes, Some(4_096));
        assert!(tmpfs("/run:size=many").is_err() && tmpfs("/run:size=99999999999g").is_err());
    }

    #[test]
    fn what_keeps_data_or_is_looked_into_is_held() {
        let mut data = service("data");
        data.mounts.push(Mount {
            volume: "v".into(),
            path: "/v".into(),
            read_only: false,
        });
        let mut web = service("web");
        web.ports.push(Port {
            container: 80,
            host: 20_000,
            protocol: Protocol::Tcp,
        });
        let mut blueprint = Blueprint {
            services: vec![data, web, service("free"), service("asked")],
            ..Blueprint::default()
        };
        blueprint.readiness.push(Probe {
            check: Check::Exec {
                service: "asked".into(),
                command: vec![],
                contains: None,
            },
            interval_ms: 1,
            timeout_ms: 1,
            within_ms: 1,
        });
        let names = |publish| -> Vec<_> {
            let held = held(&blueprint, publish).into_iter();
            held.map(|(name, _)| name.to_owned()).collect()
        };
        assert_eq!(names(Publish::Ingress), ["asked", "data"]);
        assert_eq!(names(Publish::Host), ["asked", "data", "web"]);
    }
}
