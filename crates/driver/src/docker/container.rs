//! One service as the engine is told of it.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, HostConfigLogConfig, Mount as EngineMount,
    MountType, MountVolumeOptions, NetworkingConfig, PortBinding, RestartPolicy,
    RestartPolicyNameEnum,
};

use super::files;
use super::label::{self, Mark, Role};
use super::spec;
use crate::Identity;
use crate::blueprint::{Port, Protocol, Restart, Service};

/// What a service's container is told beside the service itself.
pub(super) struct Place<'a> {
    pub identity: &'a Identity,
    /// Host address its ports are bound to.
    pub bind_address: &'a str,
    pub role: Role,
    pub services: usize,
    pub depth: usize,
}

impl Place<'_> {
    fn mark(&self, service: &Service) -> Mark {
        Mark {
            identity: self.identity.clone(),
            service: Some(service.name.clone()),
            role: self.role,
            services: self.services,
            depth: self.depth,
            swarm: false,
        }
    }
}

/// The request that makes the service's container.
pub(super) fn body(service: &Service, place: &Place<'_>) -> ContainerCreateBody {
    let (first, aliases) = spec::networks(service).swap_remove(0);
    let endpoint = (label::name(place.identity, first), endpoint(aliases));
    let healthcheck = service.healthcheck.as_ref();
    let environment = service.environment.iter();
    let mut labels = place.mark(service).labels(service);
    labels.insert(label::DEFINITION.to_owned(), label::definition(service));
    ContainerCreateBody {
        hostname: service.hostname.clone(),
        user: service.user.clone(),
        exposed_ports: Some(service.ports.iter().map(port_key).collect()),
        env: Some(environment.map(|(k, v)| format!("{k}={v}")).collect()),
        cmd: service.command.clone(),
        healthcheck: healthcheck.map(spec::health),
        image: Some(service.image.clone()),
        working_dir: service.working_dir.clone(),
        entrypoint: service.entrypoint.clone(),
        labels: Some(labels),
        stop_signal: service.stop_signal.clone(),
        stop_timeout: Some(i64::from(service.stop_grace_s)),
        host_config: Some(host_config(service, place)),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([endpoint])),
        }),
        ..ContainerCreateBody::default()
    }
}

fn host_config(service: &Service, place: &Place<'_>) -> HostConfig {
    let (first, _) = spec::networks(service).swap_remove(0);
    let bytes = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let limits = &service.limits;
    let (log, log_options) = spec::log(service);
    HostConfig {
        memory: limits.memory_bytes.map(bytes),
        nano_cpus: limits.cpu_milli.map(|m| bytes(m.saturating_mul(1_000_000))),
        pids_limit: limits.pids.map(i64::from),
        init: Some(service.init),
        ulimits: Some(spec::ulimits(service)),
        log_config: Some(HostConfigLogConfig {
            typ: Some(log.to_owned()),
            config: Some(log_options),
        }),
        network_mode: Some(label::name(place.identity, first)),
        port_bindings: Some(port_bindings(service, place.bind_address)),
        restart_policy: Some(restart(service.restart)),
        mounts: Some(mounts(service, place.identity)),
        cap_add: Some(service.cap_add.clone()),
        cap_drop: Some(service.cap_drop.clone()),
        extra_hosts: Some(service.extra_hosts.clone()),
        readonly_rootfs: Some(service.read_only),
        security_opt: Some(service.security_opt.clone()),
        tmpfs: Some(tmpfs(service)),
        ..HostConfig::default()
    }
}

/// A service's place in one network.
pub(super) fn endpoint(aliases: Vec<String>) -> EndpointSettings {
    EndpointSettings {
        aliases: Some(aliases),
        ..EndpointSettings::default()
    }
}

fn port_key(port: &Port) -> String {
    let protocol = match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    format!("{}/{protocol}", port.container)
}

fn port_bindings(
    service: &Service,
    bind_address: &str,
) -> HashMap<String, Option<Vec<PortBinding>>> {
    let mut all: HashMap<_, Option<Vec<_>>> = HashMap::new();
    for port in &service.ports {
        let binding = PortBinding {
            host_ip: Some(bind_address.to_owned()),
            host_port: Some(port.host.to_string()),
        };
        let bindings = all.entry(port_key(port)).or_default();
        bindings.get_or_insert_default().push(binding);
    }
    all
}

fn restart(restart: Restart) -> RestartPolicy {
    let name = match restart {
        Restart::No => RestartPolicyNameEnum::NO,
        Restart::Always => RestartPolicyNameEnum::ALWAYS,
        Restart::OnFailure => RestartPolicyNameEnum::ON_FAILURE,
        Restart::UnlessStopped => RestartPolicyNameEnum::UNLESS_STOPPED,
    };
    RestartPolicy {
        name: Some(name),
        maximum_retry_count: None,
    }
}

fn mounts(service: &Service, identity: &Identity) -> Vec<EngineMount> {
    let named = service.mounts.iter().map(|mount| EngineMount {
        typ: Some(MountType::VOLUME),
        source: Some(label::name(identity, &mount.volume)),
        target: Some(mount.path.clone()),
        read_only: Some(mount.read_only),
        ..EngineMount::default()
    });
    let folders = files::folders(service).into_iter();
    let anonymous = folders.map(|folder| EngineMount {
        typ: Some(MountType::VOLUME),
        target: Some(folder.to_owned()),
        volume_options: Some(MountVolumeOptions {
            labels: Some(label::labels(identity)),
            ..MountVolumeOptions::default()
        }),
        ..EngineMount::default()
    });
    named.chain(anonymous).collect()
}

fn tmpfs(service: &Service) -> HashMap<String, String> {
    let all = service.tmpfs.iter();
    all.map(|entry| match entry.split_once(':') {
        Some((path, options)) => (path.to_owned(), options.to_owned()),
        None => (entry.clone(), String::new()),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use caviada_core::id::ResourceId;

    fn place(identity: &Identity) -> Place<'_> {
        Place {
            identity,
            bind_address: "127.0.0.1",
            role: Role::Service,
            services: 1,
            depth: 0,
        }
    }

    fn identity() -> Identity {
        Identity {
            installation: "i".into(),
            resource: ResourceId(1),
            generation: 1,
            revision: 1,
        }
    }

    #[test]
    fn a_template_cannot_label_itself_as_another_resource() {
        let identity = identity();
        let service = Service {
            name: "web".into(),
            labels: [("caviada.resource".to_owned(), "res_other".to_owned())].into(),
            ..Service::default()
        };
        let labels = body(&service, &place(&identity)).labels.unwrap();
        assert_eq!(labels[label::RESOURCE], identity.resource.to_string());
        assert_eq!(labels[label::SERVICE], "web");
    }

    #[test]
    fn a_port_of_both_transports_is_published_for_each() {
        let identity = identity();
        let port = |host, protocol| Port {
            container: 53,
            host,
            protocol,
        };
        let service = Service {
            name: "dns".into(),
            ports: vec![port(20001, Protocol::Tcp), port(20002, Protocol::Udp)],
            ..Service::default()
        };
        let config = body(&service, &place(&identity)).host_config.unwrap();
        let bindings = config.port_bindings.unwrap();
        assert_eq!(
            bindings["53/tcp"].as_ref().unwrap()[0].host_port.as_deref(),
            Some("20001")
        );
        assert_eq!(
            bindings["53/udp"].as_ref().unwrap()[0].host_port.as_deref(),
            Some("20002")
        );
    }
}
