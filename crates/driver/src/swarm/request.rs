//! One service as a manager is told of it.

use std::collections::BTreeMap;

use bollard::models::{
    EndpointPortConfig, EndpointPortConfigProtocolEnum as PortProtocol,
    EndpointPortConfigPublishModeEnum as PublishMode, EndpointSpec, EndpointSpecModeEnum, Limit,
    Mount as EngineMount, MountTmpfsOptions, MountType, MountVolumeOptions,
    NetworkAttachmentConfig, ServiceSpec, ServiceSpecMode, ServiceSpecModeReplicated,
    ServiceSpecModeReplicatedJob, TaskSpec, TaskSpecContainerSpec, TaskSpecContainerSpecConfigs,
    TaskSpecContainerSpecFile1, TaskSpecContainerSpecPrivileges, TaskSpecLogDriver,
    TaskSpecPlacement, TaskSpecResources, TaskSpecRestartPolicy,
    TaskSpecRestartPolicyConditionEnum as Condition,
};
use caviada_core::limits;

use super::config::Config;
use super::label::{self, Mark, Role};
use super::{Publish, plan, spec};
use crate::blueprint::{Port, Protocol, Restart, Service};

const AGAIN_DELAY_NS: i64 = limits::driver::TASK_AGAIN_MS * 1_000_000;

/// What a service of the swarm is told beside the blueprint's own.
pub(super) struct Place<'a> {
    pub mark: &'a Mark,
    /// By what name its nodes ask for its image.
    pub image: &'a str,
    pub publish: Publish,
    /// Where it must run.
    pub constraints: Vec<String>,
    /// The configs of its files, by their text.
    pub configs: &'a BTreeMap<&'a str, Config>,
    /// Variables that jobs found out.
    pub variables: &'a BTreeMap<String, String>,
}

/// The name of a service in its swarm.
pub(super) fn name(identity: &crate::Identity, service: &str) -> String {
    label::short_name(identity, service, limits::driver::SWARM_NAME_CHARS_MAX)
}

/// The request that makes the service.
pub(super) fn body(service: &Service, place: &Place<'_>) -> ServiceSpec {
    let labels = place.mark.labels(service);
    let limits = &service.limits;
    let amount = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let (log, log_options) = spec::log(service);
    ServiceSpec {
        name: Some(name(&place.mark.identity, &service.name)),
        labels: Some(labels),
        task_template: Some(TaskSpec {
            container_spec: Some(container(service, place)),
            resources: Some(TaskSpecResources {
                limits: Some(Limit {
                    nano_cpus: limits
                        .cpu_milli
                        .map(|m| amount(m.saturating_mul(1_000_000))),
                    memory_bytes: limits.memory_bytes.map(amount),
                    pids: limits.pids.map(i64::from),
                }),
                ..TaskSpecResources::default()
            }),
            restart_policy: Some(TaskSpecRestartPolicy {
                condition: Some(again(service.restart)),
                delay: Some(AGAIN_DELAY_NS),
                ..TaskSpecRestartPolicy::default()
            }),
            placement: Some(TaskSpecPlacement {
                constraints: Some(place.constraints.clone()),
                ..TaskSpecPlacement::default()
            }),
            networks: Some(networks(service, place.mark)),
            log_driver: Some(TaskSpecLogDriver {
                name: Some(log.to_owned()),
                options: Some(log_options),
            }),
            ..TaskSpec::default()
        }),
        mode: Some(mode(place.mark.role)),
        endpoint_spec: Some(endpoint(service, place.publish)),
        ..ServiceSpec::default()
    }
}

fn container(service: &Service, place: &Place<'_>) -> TaskSpecContainerSpec {
    let environment = service.environment.iter().chain(place.variables);
    let grace_ns = i64::from(service.stop_grace_s).saturating_mul(1_000_000_000);
    let hosts = service.extra_hosts.iter().filter_map(|entry| {
        let (name, address) = entry.split_once(':')?;
        Some(format!("{address} {name}"))
    });
    let privileges = !service.security_opt.is_empty();
    TaskSpecContainerSpec {
        image: Some(place.image.to_owned()),
        labels: Some(place.mark.labels(service)),
        command: service.entrypoint.clone(),
        args: service.command.clone(),
        hostname: service.hostname.clone(),
        env: Some(environment.map(|(k, v)| format!("{k}={v}")).collect()),
        dir: service.working_dir.clone(),
        user: service.user.clone(),
        privileges: privileges.then(|| TaskSpecContainerSpecPrivileges {
            no_new_privileges: Some(true),
            ..TaskSpecContainerSpecPrivileges::default()
        }),
        read_only: Some(service.read_only),
        mounts: Some(mounts(service, place.mark)),
        stop_signal: service.stop_signal.clone(),
        stop_grace_period: Some(grace_ns),
        health_check: service.healthcheck.as_ref().map(spec::health),
        hosts: Some(hosts.collect()),
        configs: Some(configs(service, place.configs)),
        init: Some(service.init),
        capability_add: Some(service.cap_add.clone()),
        capability_drop: Some(service.cap_drop.clone()),
        ulimits: Some(spec::ulimits(service)),
        ..TaskSpecContainerSpec::default()
    }
}

fn mode(role: Role) -> ServiceSpecMode {
    match role {
        Role::Service => ServiceSpecMode {
            replicated: Some(ServiceSpecModeReplicated { replicas: Some(1) }),
            ..ServiceSpecMode::default()
        },
        Role::Job => ServiceSpecMode {
            replicated_job: Some(ServiceSpecModeReplicatedJob {
                max_concurrent: Some(1),
                total_completions: Some(1),
            }),
            ..ServiceSpecMode::default()
        },
    }
}

fn again(restart: Restart) -> Condition {
    match restart {
        Restart::No => Condition::NONE,
        Restart::OnFailure => Condition::ON_FAILURE,
        Restart::Always | Restart::UnlessStopped => Condition::ANY,
    }
}

/// A name leads straight to the one task, unless the routing mesh asks for an address of the service.
fn endpoint(service: &Service, publish: Publish) -> EndpointSpec {
    let mesh = publish == Publish::Ingress && !service.ports.is_empty();
    let ports = service.ports.iter().map(|port| published(port, publish));
    EndpointSpec {
        mode: Some(match mesh {
            true => EndpointSpecModeEnum::VIP,
            false => EndpointSpecModeEnum::DNSRR,
        }),
        ports: Some(ports.collect()),
    }
}

fn published(port: &Port, publish: Publish) -> EndpointPortConfig {
    EndpointPortConfig {
        name: None,
        protocol: Some(match port.protocol {
            Protocol::Tcp => PortProtocol::TCP,
            Protocol::Udp => PortProtocol::UDP,
        }),
        target_port: Some(i64::from(port.container)),
        published_port: Some(i64::from(port.host)),
        publish_mode: Some(match publish {
            Publish::Ingress => PublishMode::INGRESS,
            Publish::Host => PublishMode::HOST,
        }),
    }
}

fn networks(service: &Service, mark: &Mark) -> Vec<NetworkAttachmentConfig> {
    let joined = spec::networks(service).into_iter();
    joined
        .map(|(network, aliases)| NetworkAttachmentConfig {
            target: Some(label::name(&mark.identity, network)),
            aliases: Some(aliases),
            driver_opts: None,
        })
        .collect()
}

fn mounts(service: &Service, mark: &Mark) -> Vec<EngineMount> {
    let volumes = service.mounts.iter().map(|mount| EngineMount {
        typ: Some(MountType::VOLUME),
        source: Some(label::name(&mark.identity, &mount.volume)),
        target: Some(mount.path.clone()),
        read_only: Some(mount.read_only),
        volume_options: Some(MountVolumeOptions {
            labels: Some(label::labels_in_swarm(&mark.identity)),
            ..MountVolumeOptions::default()
        }),
        ..EngineMount::default()
    });
    // What cannot be read was refused before.
    let tmpfs = service.tmpfs.iter().filter_map(|e| plan::tmpfs(e).ok());
    let tmpfs = tmpfs.map(|tmpfs| EngineMount {
        typ: Some(MountType::TMPFS),
        target: Some(tmpfs.path),
        tmpfs_options: Some(MountTmpfsOptions {
            size_bytes: tmpfs.size_bytes,
            mode: tmpfs.mode,
            ..MountTmpfsOptions::default()
        }),
        ..EngineMount::default()
    });
    volumes.chain(tmpfs).collect()
}

fn configs(
    service: &Service,
    configs: &BTreeMap<&str, Config>,
) -> Vec<TaskSpecContainerSpecConfigs> {
    let files = service.files.iter().filter_map(|file| {
        let config = configs.get(file.content.as_str())?;
        Some(TaskSpecContainerSpecConfigs {
            file: Some(TaskSpecContainerSpecFile1 {
                name: Some(file.path.clone()),
                uid: Some("0".to_owned()),
                gid: Some("0".to_owned()),
                mode: Some(file.mode),
            }),
            config_id: Some(config.id.clone()),
            config_name: Some(config.name.clone()),
            ..TaskSpecContainerSpecConfigs::default()
        })
    });
    files.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;
    use caviada_core::id::ResourceId;

    fn mark(role: Role) -> Mark {
        Mark {
            identity: Identity {
                installation: "i".into(),
                resource: ResourceId(1),
                generation: 1,
                revision: 1,
            },
            service: Some("web".into()),
            role,
            services: 1,
            depth: 0,
            swarm: true,
        }
    }

    fn made(service: &Service, publish: Publish, role: Role) -> ServiceSpec {
        let none = BTreeMap::new();
        let place = Place {
            mark: &mark(role),
            image: &service.image,
            publish,
            constraints: vec!["node.id==n".into()],
            configs: &BTreeMap::new(),
            variables: &none,
        };
        body(service, &place)
    }

    fn web() -> Service {
        Service {
            name: "web".into(),
            ports: vec![Port {
                container: 80,
                host: 20_001,
                protocol: Protocol::Tcp,
            }],
            ..Service::default()
        }
    }

    #[test]
    fn ports_of_the_block_are_published_by_the_mesh_or_by_the_node() {
        let ports = |publish| {
            let endpoint = made(&web(), publish, Role::Service).endpoint_spec.unwrap();
            let port = endpoint.ports.unwrap().remove(0);
            (endpoint.mode, port.published_port, port.publish_mode)
        };
        let mesh = (
            Some(EndpointSpecModeEnum::VIP),
            Some(20_001),
            Some(PublishMode::INGRESS),
        );
        assert_eq!(ports(Publish::Ingress), mesh);
        let node = (
            Some(EndpointSpecModeEnum::DNSRR),
            Some(20_001),
            Some(PublishMode::HOST),
        );
        assert_eq!(ports(Publish::Host), node);
    }

    #[test]
    fn a_job_runs_once_and_a_service_in_one_replica() {
        let job = made(&web(), Publish::Host, Role::Job);
        let once = job.mode.unwrap().replicated_job.unwrap();
        assert_eq!(
            (once.total_completions, once.max_concurrent),
            (Some(1), Some(1))
        );
        let service = made(&web(), Publish::Host, Role::Service);
        assert_eq!(service.mode.unwrap().replicated.unwrap().replicas, Some(1));
        let policy = job.task_template.unwrap().restart_policy.unwrap();
        assert_eq!(policy.condition, Some(Condition::NONE));
    }

    #[test]
    fn a_template_cannot_label_itself_as_another_resource() {
        let mut service = web();
        service.labels = [("caviada.resource".to_owned(), "res_other".to_owned())].into();
        let made = made(&service, Publish::Host, Role::Service);
        let own = mark(Role::Service).identity.resource.to_string();
        assert_eq!(made.labels.unwrap()[label::RESOURCE], own);
        let task = made.task_template.unwrap().container_spec.unwrap();
        assert_eq!(task.labels.unwrap()[label::RESOURCE], own);
    }

    #[test]
    fn extra_hosts_are_turned_round() {
        let mut service = web();
        service.extra_hosts = vec!["db:10.0.0.7".into()];
        let task = made(&service, Publish::Host, Role::Service)
            .task_template
            .unwrap();
        assert_eq!(task.container_spec.unwrap().hosts.unwrap(), ["10.0.0.7 db"]);
    }
}
