//! Each key of a blueprint does on a real engine what it says.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::models::{ContainerInspectResponse, Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::InspectContainerOptions;
use caviada_driver::blueprint::{
    Blueprint, Check, Dependency, Expect, File, Healthcheck, Job, JobFile, JsonRpc, Limits,
    LogRotation, Mount, Output, OutputValue, Port, Probe, Protocol, Restart, Service, Subnet,
};
use caviada_driver::{Condition, Failure, Identity, Power};
use tokio::net::UdpSocket;

use super::{Engine, on_the_engine};
use crate::contract::{self, Fixture, create, get, identity, port, seen, serving};

async fn inspect(engine: &Engine, identity: &Identity, part: &str) -> ContainerInspectResponse {
    let name = engine.name(identity, part);
    let found = engine
        .engine
        .inspect_container(&name, None::<InspectContainerOptions>);
    found.await.unwrap()
}

fn plan(services: Vec<Service>) -> Blueprint {
    Blueprint {
        services,
        create_ms_max: 60_000,
        ..Blueprint::default()
    }
}

fn job(engine: &Engine, name: &str, words: &[&str], wants: Option<&str>) -> Service {
    Service {
        job: Some(Job {
            output_contains: wants.map(str::to_owned),
        }),
        ..engine.service(name, words)
    }
}

fn probe(check: Check) -> Probe {
    Probe {
        check,
        interval_ms: 50,
        timeout_ms: 2_000,
        within_ms: 20_000,
    }
}

/// A /24 of its own for this process; each test of it that needs one takes another /26.
fn subnet(quarter: u8) -> Subnet {
    let third = u8::try_from(std::process::id() % 250).unwrap();
    Subnet {
        address: [10, 213, third, quarter * 64].into(),
        prefix: 26,
    }
}

on_the_engine! {
    async fn each_key_of_a_service_reaches_its_container(engine: &Engine) {
        let mut service = engine.serve("web", port(), Duration::ZERO);
        service.environment = BTreeMap::from([("COLOUR".into(), "blue = green".into())]);
        service.working_dir = Some("/tmp".into());
        service.user = Some("65534:65534".into());
        service.restart = Restart::UnlessStopped;
        service.limits = Limits {
            cpu_milli: Some(250),
            memory_bytes: Some(64 << 20),
            pids: Some(33),
        };
        service.log = Some(LogRotation { max_bytes: 1 << 20, max_files: 2 });
        service.ulimits = BTreeMap::from([("nofile".into(), (512, 1024))]);
        service.cap_add = vec!["NET_ADMIN".into()];
        service.cap_drop = vec!["ALL".into()];
        service.security_opt = vec!["no-new-privileges:true".into()];
        service.labels = BTreeMap::from([("team".into(), "blue".into())]);
        service.extra_hosts = vec!["elsewhere:192.0.2.7".into()];
        service.read_only = true;
        service.tmpfs = vec!["/scratch:size=1m".into(), "/plain".into()];
        service.init = true;
        service.hostname = Some("the-web".into());
        service.stop_signal = Some("SIGINT".into());
        service.stop_grace_s = 3;
        let id = identity(engine, 1, 1);
        create(&*engine.driver(), &id, &plan(vec![service])).await.unwrap();

        let found = inspect(engine, &id, "web").await;
        let config = found.config.unwrap();
        let host = found.host_config.unwrap();
        assert!(config.env.unwrap().contains(&"COLOUR=blue = green".to_owned()));
        assert_eq!(config.working_dir.as_deref(), Some("/tmp"));
        assert_eq!(config.user.as_deref(), Some("65534:65534"));
        assert_eq!(config.hostname.as_deref(), Some("the-web"));
        assert_eq!(config.stop_signal.as_deref(), Some("SIGINT"));
        assert_eq!(config.stop_timeout, Some(3));
        assert_eq!(config.labels.unwrap()["team"], "blue");
        assert_eq!(host.nano_cpus, Some(250_000_000));
        assert_eq!(host.memory, Some(64 << 20));
        assert_eq!(host.pids_limit, Some(33));
        let log = host.log_config.unwrap();
        assert_eq!(log.typ.as_deref(), Some("json-file"));
        assert_eq!(log.config.unwrap()["max-size"], "1048576");
        let ulimit = &host.ulimits.unwrap()[0];
        assert_eq!((ulimit.soft, ulimit.hard), (Some(512), Some(1024)));
        assert_eq!(host.cap_add.unwrap(), ["NET_ADMIN"]);
        assert_eq!(host.cap_drop.unwrap(), ["ALL"]);
        assert_eq!(host.security_opt.unwrap(), ["no-new-privileges:true"]);
        assert_eq!(host.extra_hosts.unwrap(), ["elsewhere:192.0.2.7"]);
        assert_eq!(host.readonly_rootfs, Some(true));
        assert_eq!(host.tmpfs.unwrap()["/scratch"], "size=1m");
        assert_eq!(host.init, Some(true));
        let restart = host.restart_policy.unwrap().name.unwrap();
        assert_eq!(restart.to_string(), "unless-stopped");
    }

    async fn services_find_each_other_by_name_and_alias_in_networks_of_the_reserved_size(
        engine: &Engine
    ) {
        let mut web = engine.serve("web", port(), Duration::ZERO);
        web.networks = BTreeMap::from([
            ("default".into(), vec![]),
            ("back".into(), vec!["store".into()]),
        ]);
        let by = |name: &str, url: &str, network: &str| {
            let mut asking = job(engine, name, &["probe", url], None);
            asking.networks = BTreeMap::from([(network.to_owned(), vec![])]);
            asking.depends_on.insert("web".into(), Dependency::ServiceHealthy);
            asking
        };
        web.healthcheck = Some(healthcheck(&["/caviada-testimage", "probe", "localhost:8080"]));
        let mut blueprint = plan(vec![
            web,
            by("by-name", "http://web:8080/", "default"),
            by("by-alias", "http://store:8080/", "back"),
        ]);
        blueprint.networks = vec!["back".into()];
        blueprint.subnet = Some(subnet(0));
        let id = identity(engine, 1, 1);
        create(&*engine.driver(), &id, &blueprint).await.unwrap();

        for (part, offset) in [("default", 0), ("back", 32)] {
            let network = engine.engine.inspect_network(&engine.name(&id, part), None).await;
            let ipam = network.unwrap().ipam.unwrap().config.unwrap();
            let [a, b, c, d] = subnet(0).address.octets();
            let wanted = format!("{a}.{b}.{c}.{}/27", d + offset);
            assert_eq!(ipam[0].subnet.as_deref(), Some(wanted.as_str()));
        }
        assert_eq!(seen(&*engine.driver(), &id).await.unwrap().condition, Condition::Up);
    }

    async fn a_subnet_that_is_freed_meanwhile_is_taken_and_one_in_use_is_no_room(engine: &Engine) {
        let Subnet { address, prefix } = subnet(1);
        let request = NetworkCreateRequest {
            name: format!("{}-guest", engine.installation),
            ipam: Some(Ipam {
                config: Some(vec![IpamConfig {
                    subnet: Some(format!("{address}/{prefix}")),
                    ..IpamConfig::default()
                }]),
                ..Ipam::default()
            }),
            ..NetworkCreateRequest::default()
        };
        let guest = engine.engine.create_network(request).await.unwrap().id;
        let mut blueprint = serving(engine, port());
        blueprint.subnet = Some(subnet(1));
        // Told just before the networks are made.
        let pulled = tokio::sync::Notify::new();
        let tell = |_| pulled.notify_one();
        let id = identity(engine, 1, 1);
        let driver = engine.driver();
        let goes = async {
            pulled.notified().await;
            engine.engine.remove_network(&guest).await.unwrap();
        };
        let (made, ()) = tokio::join!(driver.create(&id, &blueprint, &tell), goes);
        made.unwrap();
        let second = create(&*driver, &identity(engine, 2, 1), &blueprint).await;
        assert_eq!(second.unwrap_err().kind, Failure::NoRoom);
    }

    async fn a_volume_and_what_a_job_found_out_are_shared_within_a_generation_and_gone_with_it(engine: &Engine) {
        let mount = |service: Service, read_only| Service {
            mounts: vec![Mount {
                volume: "shared".into(),
                path: "/data".into(),
                read_only,
            }],
            ..service
        };
        let writer = mount(job(engine, "writer", &["write", "/data/x", "generation 1"], None), false);
        let mut reader =
            mount(job(engine, "reader", &["read", "/data/x"], Some("generation 1")), true);
        reader.depends_on.insert("writer".into(), Dependency::ServiceCompletedSuccessfully);
        let found = JobFile { service: "writer".into(), path: "/data/x".into() };
        reader.environment_files.insert("FOUND".into(), found);
        let mut blueprint = plan(vec![writer, reader]);
        blueprint.volumes = vec!["shared".into()];
        let (first, second) = (identity(engine, 1, 1), identity(engine, 1, 2));
        create(&*engine.driver(), &first, &blueprint).await.unwrap();
        create(&*engine.driver(), &first, &blueprint).await.unwrap();
        let environment = inspect(engine, &first, "reader").await.config.unwrap().env.unwrap();
        assert!(environment.contains(&"FOUND=generation 1".to_owned()), "{environment:?}");

        // The next generation's reader finds nothing: its volume is new.
        blueprint.services = vec![mount(job(engine, "reader", &["read", "/data/x"], None), true)];
        let failed = create(&*engine.driver(), &second, &blueprint).await.unwrap_err();
        assert_eq!(failed.kind, Failure::NotReady, "{failed}");
        assert!(engine.engine.inspect_volume(&engine.name(&first, "shared")).await.is_err());
        engine.driver().delete(first.resource, 2).await.unwrap();
        assert!(engine.engine.inspect_volume(&engine.name(&second, "shared")).await.is_err());
    }

    async fn files_are_there_before_the_start_even_where_the_root_is_read_only(engine: &Engine) {
        for (resource, read_only) in [(1, false), (2, true)] {
            let mut blueprint = serving(engine, port());
            let service = &mut blueprint.services[0];
            service.read_only = read_only;
            service.files = vec![
                File {
                    path: "/etc/web/site.conf".into(),
                    content: "colour = \"blue\"\n".into(),
                    mode: 0o640,
                },
                File {
                    path: "/etc/web/deep/er/empty".into(),
                    content: String::new(),
                    mode: 0o600,
                },
            ];
            blueprint.outputs.push(Output {
                name: "config".into(),
                value: OutputValue::File {
                    service: "web".into(),
                    path: "/etc/web/site.conf".into(),
                },
            });
            let id = identity(engine, resource, 1);
            let built = create(&*engine.driver(), &id, &blueprint).await.unwrap();
            let shown = get(&built.outputs[0].1, "/file/etc/web/site.conf").await.unwrap();
            assert_eq!(shown, "colour = \"blue\"\n");
            let config = built.outputs.last().unwrap();
            assert_eq!(config.1, "colour = \"blue\"\n");
        }
        let options = None::<bollard::query_parameters::ListVolumesOptions>;
        for seen in engine.driver().list().await.unwrap() {
            engine.driver().delete(seen.identity.resource, 1).await.unwrap();
        }
        let volumes = engine.engine.list_volumes(options).await.unwrap().volumes.unwrap_or_default();
        let ours = volumes.iter().filter(|v| v.labels.values().any(|l| *l == engine.installation));
        assert_eq!(ours.count(), 0);
    }

    async fn an_output_file_that_is_no_file_or_too_large_is_refused(engine: &Engine) {
        let serving = serving(engine, port());
        // What stands is asked again: no container more.
        for path in ["/etc", "/caviada-testimage", "/nothing"] {
            let mut blueprint = serving.clone();
            blueprint.outputs.push(Output {
                name: "f".into(),
                value: OutputValue::File {
                    service: "web".into(),
                    path: path.into(),
                },
            });
            let id = identity(engine, 1, 1);
            let refused = create(&*engine.driver(), &id, &blueprint).await.unwrap_err();
            assert_eq!(refused.kind, Failure::Refused, "{path}: {refused}");
            assert!(refused.to_string().contains(path), "{refused}");
        }
    }

    async fn every_kind_of_probe_passes_and_fails_as_it_should(engine: &Engine) {
        let at = |path: &str, expect| Check::JsonRpc {
            call: JsonRpc {
                service: "web".into(),
                port: 8080,
                path: path.into(),
                method: "count".into(),
                params: "[]".into(),
            },
            expect,
        };
        let rpc = |expect| at("/", expect);
        let exec = |words: &[&str], contains: Option<&str>| Check::Exec {
            service: "web".into(),
            command: words.iter().map(|w| (*w).to_owned()).collect(),
            contains: contains.map(str::to_owned),
        };
        let mut blueprint = serving(engine, port());
        blueprint.readiness = [
            Check::Tcp { service: "web".into(), port: 8080 },
            exec(&["/caviada-testimage", "job", "--print", "well"], Some("well")),
            rpc(Expect::Any),
            rpc(Expect::Grows),
            at("/rpc", Expect::AtLeast(5)),
        ]
        .map(probe)
        .into();
        let id = identity(engine, 1, 1);
        create(&*engine.driver(), &id, &blueprint).await.unwrap();

        // What stands is asked again: no container more.
        for (check, why) in [
            (exec(&["/caviada-testimage", "exit", "9"], None), "exit code 9"),
            (exec(&["/caviada-testimage", "job"], Some("never")), "'never'"),
            (rpc(Expect::Equals("\"no\"".into())), "instead of \"no\""),
            (rpc(Expect::AtLeast(1_000_000)), "less than 1000000"),
            (at("/nowhere", Expect::Any), "status 405"),
            (Check::Tcp { service: "web".into(), port: 9 }, "publishes no port 9"),
        ] {
            let within_ms = 2_500;
            blueprint.readiness = vec![Probe { within_ms, ..probe(check) }];
            let failed = create(&*engine.driver(), &id, &blueprint).await.unwrap_err();
            assert_eq!(failed.kind, Failure::NotReady, "{failed}");
            assert!(failed.to_string().contains(why), "{failed}");
        }
    }

    async fn udp_ports_are_published(engine: &Engine) {
        let host = port();
        let mut echo = engine.service("echo", &["udp-echo", "--port", "7"]);
        echo.ports = vec![Port { container: 7, host, protocol: Protocol::Udp }];
        let mut blueprint = plan(vec![echo]);
        blueprint.outputs = vec![Output {
            name: "echo".into(),
            value: OutputValue::Port {
                service: "echo".into(),
                port: 7,
                protocol: Protocol::Udp,
                format: "{address}:{port}".into(),
            },
        }];
        let built = create(&*engine.driver(), &identity(engine, 1, 1), &blueprint).await.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut answer = [0; 8];
        let echoed = async {
            loop {
                socket.send_to(b"hello", &built.outputs[0].1).await.unwrap();
                // The program may not have bound its port when the container runs.
                let wait = Duration::from_millis(200);
                if let Ok(read) = tokio::time::timeout(wait, socket.recv(&mut answer)).await {
                    return read.unwrap();
                }
            }
        };
        let length = tokio::time::timeout(Duration::from_secs(20), echoed).await.unwrap();
        assert_eq!(&answer[..length], b"hello");
    }

    async fn a_service_that_reports_itself_unhealthy_is_not_ready(engine: &Engine) {
        let mut blueprint = serving(engine, port());
        blueprint.readiness.clear();
        let check = healthcheck(&["/caviada-testimage", "read", "/none"]);
        blueprint.services[0].healthcheck = Some(check);
        let id = identity(engine, 1, 1);
        let failed = create(&*engine.driver(), &id, &blueprint).await.unwrap_err();
        assert_eq!(failed.kind, Failure::NotReady, "{failed}");
        let told = failed.to_string();
        assert!(told.contains("web reports itself unhealthy: ") && told.contains("No such file"), "{told}");
        let seen = contract::until(&*engine.driver(), &id, Condition::Down).await;
        assert!(seen.detail.unwrap().contains("unhealthy"));
    }

    async fn a_service_killed_at_its_memory_limit_says_so(engine: &Engine) {
        let mut eater = engine.service("eater", &["eat-memory", "64"]);
        eater.limits.memory_bytes = Some(16 << 20);
        let mut blueprint = plan(vec![eater]);
        blueprint.readiness = vec![probe(Check::Exec {
            service: "eater".into(),
            command: vec!["/caviada-testimage".into(), "exit".into(), "1".into()],
            contains: None,
        })];
        let id = identity(engine, 1, 1);
        let failed = create(&*engine.driver(), &id, &blueprint).await.unwrap_err();
        assert_eq!(failed.kind, Failure::NotReady, "{failed}");
        // Whether the limit was met the engine does not always learn.
        assert!(failed.to_string().contains("memory limit of 16777216 bytes"), "{failed}");
    }

    async fn a_job_does_not_wait_for_a_service_beside_it_that_does_not_come_up(engine: &Engine) {
        for (generation, restart, why) in [
            (1, Restart::UnlessStopped, "broken was started again 5 times and ended with exit code 7"),
            (2, Restart::No, "broken ended with exit code 7"),
        ] {
            let mut broken = engine.service("broken", &["exit", "7"]);
            broken.restart = restart;
            let mut waits = job(engine, "waits", &["job", "--print", "well", "--after", "3600"], None);
            waits.depends_on.insert("broken".into(), Dependency::ServiceStarted);
            let id = identity(engine, 1, generation);
            let failed = create(&*engine.driver(), &id, &plan(vec![broken, waits])).await.unwrap_err();
            assert_eq!(failed.kind, Failure::NotReady, "{failed}");
            assert!(failed.to_string().contains(why), "{failed}");
        }
    }

    async fn a_service_deaf_to_its_stop_signal_is_killed_after_its_grace(engine: &Engine) {
        let mut deaf = engine.service("deaf", &["ignore-term"]);
        deaf.stop_grace_s = 1;
        let id = identity(engine, 1, 1);
        create(&*engine.driver(), &id, &plan(vec![deaf])).await.unwrap();
        engine.driver().power(&id, None, Power::Stop).await.unwrap();
        let state = inspect(engine, &id, "deaf").await.state.unwrap();
        assert_eq!((state.running, state.exit_code), (Some(false), Some(137)));
    }
}

fn healthcheck(command: &[&str]) -> Healthcheck {
    let mut test = vec!["CMD".to_owned()];
    test.extend(command.iter().map(|w| (*w).to_owned()));
    Healthcheck {
        test,
        interval_ms: 100,
        timeout_ms: 2_000,
        retries: 2,
        start_period_ms: 0,
        start_interval_ms: None,
    }
}
