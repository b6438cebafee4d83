//! Keys of a blueprint that a swarm does in its own way.

use std::sync::Arc;

use bollard::query_parameters::{ListConfigsOptions, ListVolumesOptions};
use caviada_driver::Condition;
use caviada_driver::blueprint::{
    Blueprint, Dependency, File, Healthcheck, Job, JobFile, Limits, Mount, Output, OutputValue,
    Subnet,
};

use super::Cluster;
use crate::contract::{Fixture, create, get, identity, keep, port, seen, serving};

/// A job that finds something out, a service that needs it, and one that needs that to be well.
fn chain(f: &Cluster) -> Blueprint {
    let mount = |read_only| Mount {
        volume: "data".into(),
        path: "/data".into(),
        read_only,
    };
    let mut blueprint = serving(f, port());
    let mut seed = f.service("seed", &["write", "/data/token", "seven"]);
    seed.job = Some(Job::default());
    seed.mounts.push(mount(false));
    let web = &mut blueprint.services[0];
    web.mounts.push(mount(true));
    web.environment.insert("COLOUR".into(), "blue=green".into());
    let token = JobFile {
        service: "seed".into(),
        path: "/data/token".into(),
    };
    web.environment_files.insert("TOKEN".into(), token);
    let done = Dependency::ServiceCompletedSuccessfully;
    web.depends_on.insert("seed".into(), done);
    web.files.push(File {
        path: "/etc/web/conf".into(),
        content: "of the template".into(),
        mode: 0o444,
    });
    web.hostname = Some("front".into());
    web.read_only = true;
    web.tmpfs = vec!["/run:size=1m,mode=1777".into()];
    web.ulimits.insert("nofile".into(), (1_024, 2_048));
    web.cap_drop = vec!["ALL".into()];
    web.extra_hosts = vec!["elsewhere:10.9.8.7".into()];
    web.limits = Limits {
        cpu_milli: Some(500),
        memory_bytes: Some(64 << 20),
        pids: Some(64),
    };
    let probe = ["/caviada-testimage", "probe", "127.0.0.1:8080"];
    let test = std::iter::once("CMD").chain(probe);
    web.healthcheck = Some(Healthcheck {
        test: test.map(str::to_owned).collect(),
        interval_ms: 500,
        timeout_ms: 5_000,
        retries: 20,
        start_period_ms: 0,
        start_interval_ms: None,
    });
    let mut last = f.service("last", &["probe", "http://front-door:8080/health"]);
    last.job = Some(Job::default());
    last.depends_on
        .insert("web".into(), Dependency::ServiceHealthy);
    last.networks.insert("inner".into(), vec![]);
    let aliases = vec!["front-door".to_owned()];
    web.networks.insert("inner".into(), aliases);
    web.networks.insert("default".into(), vec![]);
    blueprint.services.insert(0, seed);
    blueprint.services.push(last);
    blueprint.volumes.push("data".into());
    blueprint.networks.push("inner".into());
    blueprint.subnet = Some(Subnet {
        address: [10, 77, 0, 0].into(),
        prefix: 27,
    });
    blueprint.outputs.push(Output {
        name: "token".into(),
        value: OutputValue::File {
            service: "web".into(),
            path: "/data/token".into(),
        },
    });
    blueprint
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_service_is_told_arrives_and_what_was_made_for_it_goes() {
    let Some(own) = caviada_testbed::swarm_engine(&[]) else {
        return;
    };
    own.begin_swarm(own.address());
    keep(Cluster::on(&Arc::new(own)), |f| Box::pin(arrives(f))).await;
}

async fn arrives(f: &Cluster) {
    let driver = f.driver();
    let id = identity(f, 1, 1);
    let built = create(&*driver, &id, &chain(f)).await.unwrap();
    let seen = seen(&*driver, &id).await.unwrap();
    assert_eq!((seen.condition, seen.detail), (Condition::Up, None));
    let token = built.outputs.iter().find(|(name, _)| name == "token");
    assert_eq!(token.unwrap().1, "seven");
    let address = &built.outputs[0].1;
    let portrait = get(address, "/").await.unwrap();
    for line in ["hostname=front", "COLOUR=blue=green", "TOKEN=seven"] {
        assert!(portrait.lines().any(|l| l == line), "{line}: {portrait}");
    }
    let file = async |path: &str| get(address, &format!("/file{path}")).await.unwrap();
    assert_eq!(file("/etc/web/conf").await, "of the template");
    assert!(file("/etc/hosts").await.contains("10.9.8.7\telsewhere"));
    let mounts = file("/proc/self/mounts").await;
    assert!(
        mounts
            .lines()
            .any(|l| l.contains(" /run tmpfs ") && l.contains("size=1024k"))
    );
    let limits = file("/proc/self/limits").await;
    assert!(
        limits
            .lines()
            .any(|l| l.contains("open files") && l.contains("1024"))
    );

    driver.delete(id.resource, 1).await.unwrap();
    let volumes = f.engine.list_volumes(None::<ListVolumesOptions>).await;
    assert_eq!(volumes.unwrap().volumes.unwrap_or_default(), []);
    let configs = f.engine.list_configs(None::<ListConfigsOptions>).await;
    assert_eq!(configs.unwrap(), []);
}
