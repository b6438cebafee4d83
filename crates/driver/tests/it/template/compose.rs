//! Each key of the compose file: what it means, and that nothing else passes.

use std::collections::BTreeMap;

use caviada_driver::blueprint::{Dependency, File, Mount, Protocol, Restart};

use super::{refusal, render, said, service};

#[test]
fn a_command_may_be_a_line_or_a_list() {
    let line = service("command: sh -c 'echo \"a b\"'\nentrypoint: [/init, --fast]").unwrap();
    assert_eq!(line.command.unwrap(), ["sh", "-c", "echo \"a b\""]);
    assert_eq!(line.entrypoint.unwrap(), ["/init", "--fast"]);
    let none = service("command:\nentrypoint: []").unwrap();
    assert_eq!(none.command, None);
    assert_eq!(none.entrypoint, Some(Vec::new()));
}

#[test]
fn an_environment_may_be_a_map_or_a_list_and_keeps_its_spelling() {
    let expected: BTreeMap<String, String> =
        [("A", "1.10"), ("B", "true"), ("C", "a=b"), ("D", "")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
    let map = service("environment: {A: 1.10, B: true, C: a=b, D: \"\"}").unwrap();
    assert_eq!(map.environment, expected);
    let list = service("environment: [A=1.10, B=true, C=a=b, D=]").unwrap();
    assert_eq!(list.environment, expected);
    assert!(service("environment: {A: }").is_err());
    assert!(service("environment: [A]").is_err());
}

#[test]
fn ports_get_host_ports_of_the_block_in_order() {
    let ports =
        service("ports: [\"80\", 53/udp, 8000-8002, {target: 9, protocol: udp}, {target: 10}]")
            .unwrap()
            .ports;
    let seen: Vec<_> = ports
        .iter()
        .map(|p| (p.container, p.host, p.protocol))
        .collect();
    let (tcp, udp) = (Protocol::Tcp, Protocol::Udp);
    assert_eq!(
        seen,
        [
            (80, 21_000, tcp),
            (53, 21_001, udp),
            (8000, 21_002, tcp),
            (8001, 21_003, tcp),
            (8002, 21_004, tcp),
            (9, 21_005, udp),
            (10, 21_006, tcp),
        ]
    );
}

#[test]
fn host_ports_of_an_author_are_refused() {
    for bad in [
        "[\"8080:80\"]",
        "[{target: 80, published: 8080}]",
        "[\"127.0.0.1:80:80\"]",
    ] {
        let said = said(service(&format!("ports: {bad}")).unwrap_err());
        assert!(said[0].contains("resource's block"), "{said:?}");
    }
    for bad in ["[0]", "[80/sctp]", "[9-8]", "[80, 80]", "[x]", "80"] {
        assert!(service(&format!("ports: {bad}")).is_err(), "{bad}");
    }
}

#[test]
fn volumes_are_named_and_bind_mounts_are_refused_by_name() {
    let web = service(
        "volumes:\n  - data:/data\n  - more:/more:ro\n  - {type: volume, source: data, target: /again, read_only: true}\n  - {type: tmpfs, target: /tmp, tmpfs: {size: 1m}}\ntmpfs: /run",
    )
    .unwrap();
    let mount = |volume: &str, path: &str, read_only| Mount {
        volume: volume.to_owned(),
        path: path.to_owned(),
        read_only,
    };
    assert_eq!(
        web.mounts,
        [
            mount("data", "/data", false),
            mount("more", "/more", true),
            mount("data", "/again", true),
        ]
    );
    assert_eq!(web.tmpfs, ["/run", "/tmp:size=1048576"]);
    for bind in [
        "./x:/x",
        "/var/run/docker.sock:/s",
        "~/x:/x",
        "{type: bind, source: /, target: /x}",
    ] {
        let said = said(service(&format!("volumes: [{bind}]")).unwrap_err());
        assert!(said[0].contains("bind mount"), "{said:?}");
    }
    for bad in ["other:/x", "data", "data:/x:z", "data:x", "data:/../x"] {
        assert!(service(&format!("volumes: [\"{bad}\"]")).is_err(), "{bad}");
    }
}

#[test]
fn configs_become_files_with_their_content() {
    let web = service("configs: [one, {source: one, target: /etc/one, mode: 0600}]").unwrap();
    let file = |path: &str, mode| File {
        path: path.to_owned(),
        content: "hello $x".to_owned(),
        mode,
    };
    assert_eq!(web.files, [file("/one", 0o444), file("/etc/one", 0o600)]);
    assert!(service("configs: [two]").is_err());
    assert!(service("configs: [{source: one, mode: 600}]").is_err());
}

#[test]
fn networks_may_be_a_list_or_carry_aliases() {
    let list = service("networks: [back]").unwrap();
    assert_eq!(list.networks, [("back".to_owned(), Vec::new())].into());
    let map = service("networks: {back: , default: {aliases: [a.example, b]}}").unwrap();
    assert_eq!(map.networks["default"], ["a.example", "b"]);
    assert!(service("networks: [other]").is_err());
    assert!(service("networks: {back: {ipv4_address: 10.0.0.2}}").is_err());
}

#[test]
fn a_health_check_has_the_defaults_of_compose() {
    let check = |lines: &str| {
        service(&format!("healthcheck: {lines}"))
            .unwrap()
            .healthcheck
            .unwrap()
    };
    let shell = check(
        "{test: curl x, interval: 1s, timeout: 1m30s, retries: 5, start_period: 2s, start_interval: 100ms}",
    );
    assert_eq!(shell.test, ["CMD-SHELL", "curl x"]);
    assert_eq!(
        (
            shell.interval_ms,
            shell.timeout_ms,
            shell.retries,
            shell.start_period_ms,
            shell.start_interval_ms
        ),
        (1_000, 90_000, 5, 2_000, Some(100))
    );
    let plain = check("{test: [CMD, true]}");
    assert_eq!(
        (plain.interval_ms, plain.timeout_ms, plain.retries),
        (30_000, 30_000, 3)
    );
    assert_eq!(check("{disable: true}").test, ["NONE"]);
    for bad in [
        "{}",
        "{test: []}",
        "{test: [true]}",
        "{test: x, interval: 0s}",
        "{test: x, start_interval: 0s}",
    ] {
        assert!(service(&format!("healthcheck: {bad}")).is_err(), "{bad}");
    }
}

#[test]
fn services_stand_after_what_they_depend_on() {
    let blueprint = render(
        "services:\n  c: {image: i, depends_on: [b]}\n  b: {image: i, depends_on: {a: {condition: service_healthy}, j: {condition: service_completed_successfully}}}\n  j: {image: i}\n  a: {image: i, healthcheck: {test: x}}\n",
    )
    .unwrap();
    let names: Vec<_> = blueprint.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["j", "a", "b", "c"]);
    let b = &blueprint.services[2];
    assert_eq!(b.depends_on["a"], Dependency::ServiceHealthy);
    assert_eq!(b.depends_on["j"], Dependency::ServiceCompletedSuccessfully);
    assert!(
        blueprint.services[0].job.is_some(),
        "awaited to its end, so a job"
    );
    assert!(blueprint.services[1].job.is_none());
}

#[test]
fn a_circle_of_dependencies_is_refused_and_named() {
    let said = refusal(
        "services:\n  a: {image: i, depends_on: [b]}\n  b: {image: i, depends_on: [a]}\n  c: {image: i}\n",
    );
    assert_eq!(
        said,
        ["compose.yaml:2:3: services: depend on each other in a circle: a, b"]
    );
    assert!(refusal("services:\n  a: {image: i, depends_on: [b]}\n")[0].contains("no service `b`"));
}

#[test]
fn jobs_restart_limits_and_the_rest_arrive() {
    let web = service(
        "x-caviada-job: {output_contains: \"Status: 201\"}
restart: on-failure
deploy: {resources: {limits: {cpus: 0.5, memory: 64m, pids: 10}}}
logging: {driver: json-file, options: {max-size: 2m, max-file: \"5\"}}
ulimits: {nofile: 1024, nproc: {soft: 10, hard: -1}}
cap_add: [NET_ADMIN]
cap_drop: [ALL]
security_opt: [\"no-new-privileges:true\"]
labels: [a=b]
extra_hosts: [\"h:10.0.0.1\", v6=::1]
read_only: true
init: true
hostname: h.example
working_dir: /w
user: 1000:1000
stop_signal: SIGINT
stop_grace_period: 1m1ms",
    )
    .unwrap();
    assert_eq!(web.job.unwrap().output_contains.unwrap(), "Status: 201");
    assert_eq!(web.restart, Restart::OnFailure);
    assert_eq!(web.limits.cpu_milli, Some(500));
    assert_eq!(web.limits.memory_bytes, Some(64 << 20));
    assert_eq!(web.limits.pids, Some(10));
    let log = web.log.as_ref().unwrap();
    assert_eq!((log.max_bytes, log.max_files), (2 << 20, 5));
    assert_eq!(web.ulimits["nofile"], (1024, 1024));
    assert_eq!(web.ulimits["nproc"], (10, -1));
    assert_eq!(
        (web.cap_add, web.cap_drop),
        (vec!["NET_ADMIN".to_owned()], vec!["ALL".to_owned()])
    );
    assert_eq!(web.security_opt, ["no-new-privileges:true"]);
    assert_eq!(web.labels["a"], "b");
    assert_eq!(web.extra_hosts, ["h:10.0.0.1", "v6:::1"]);
    assert!(web.read_only && web.init);
    assert_eq!(web.hostname.unwrap(), "h.example");
    assert_eq!(web.working_dir.unwrap(), "/w");
    assert_eq!(web.user.unwrap(), "1000:1000");
    assert_eq!(web.stop_signal.unwrap(), "SIGINT");
    assert_eq!(web.stop_grace_s, 61);
}

#[test]
fn limits_said_twice_must_agree() {
    assert!(service("mem_limit: 64m\ndeploy: {resources: {limits: {memory: 64m}}}").is_ok());
    assert!(service("mem_limit: 32m\ndeploy: {resources: {limits: {memory: 64m}}}").is_err());
}

#[test]
fn what_a_key_cannot_be_is_refused() {
    for bad in [
        "restart: sometimes",
        "restart: on-failure:3",
        "x-caviada-job: {}\nrestart: always",
        "logging: {driver: syslog}",
        "logging: {options: {tag: x}}",
        "labels: {caviada.resource: x}",
        "ulimits: {nofile: {soft: 2, hard: 1}}",
        "read_only: maybe",
        "stop_signal: kill -9",
        "stop_grace_period: 5",
        "mem_limit: lots",
        "cpus: -1",
        "pids_limit: 0",
        "deploy: {replicas: 3}",
        "deploy: {resources: {reservations: {memory: 1m}}}",
        "deploy: {placement: {preferences: [{spread: node.labels.zone}]}}",
        "deploy: {placement: {constraints: [node.role==worker]}}",
        "depends_on: {web: {condition: service_running}}",
        "x-caviada-jobs: {}",
        "environment: {A: $HOME}",
        "image: two words",
        "user: {}",
    ] {
        assert!(service(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_key_that_is_not_supported_is_told_with_its_line_and_what_to_do() {
    let said = refusal(
        "version: \"3\"\nservices:\n  web:\n    image: i\n    build: .\n    privileged: true\n    fancy: 1\n",
    );
    assert_eq!(
        said,
        [
            "compose.yaml:1:1: version: is not supported: the format has no versions any more; remove it",
            "compose.yaml:5:5: services.web.build: is not supported: name an image that exists",
            "compose.yaml:6:5: services.web.privileged: is not supported: it would open the host",
            "compose.yaml:7:5: services.web.fancy: is not supported",
        ]
    );
}

#[test]
fn anchors_and_merge_keys_work_and_fragments_may_stand_at_the_top() {
    let blueprint = render(
        "x-base: &base {image: i, environment: {A: \"1\"}}\nservices:\n  a: {<<: *base, command: x}\n  b:\n    <<: [*base]\n    image: j\n",
    )
    .unwrap();
    assert_eq!(blueprint.services[0].environment["A"], "1");
    assert_eq!(blueprint.services[1].image, "j");
    assert!(refusal("x-caviada-odd: 1\nservices: {a: {image: i}}\n")[0].contains("not supported"));
}

#[test]
fn what_is_not_declared_or_named_well_is_refused() {
    assert!(refusal("services: {a_b: {image: i}}\n")[0].contains("must be named"));
    assert!(refusal("services: {}\n")[0].contains("at least one"));
    assert!(refusal("volumes: {}\n")[0].contains("needs `services`"));
    assert!(refusal("services: {a: {command: x}}\n")[0].contains("needs `image`"));
    assert!(
        refusal("services: {a: {image: i}}\nvolumes: {v: {external: true}}\n")[0]
            .contains("brings along")
    );
    assert!(refusal("services: {a: {image: i}, a: {image: j}}\n")[0].contains("twice"));
    assert!(refusal("services: [a]\n")[0].contains("must be a map"));
    assert!(refusal("services: {a: {image: i}}\n---\nx: 1\n")[0].contains("second document"));
}
