//! Two nodes: what runs where, and what becomes of it when one is lost.

use std::sync::Arc;
use std::time::Duration;

use bollard::query_parameters::ListContainersOptionsBuilder;
use caviada_driver::blueprint::{Blueprint, Dependency, File, Mount, Restart};
use caviada_driver::{Condition, Driver, Failure, Identity};

use super::{Cluster, api};
use crate::contract::{Fixture, create, get, identity, port, seen, serving};

/// A resource of which `web` and `data` are held where the driver is, by ports and a volume, and
/// `free` may run anywhere: the swarm gives it to the node that has less to do.
fn spread(f: &Cluster) -> Blueprint {
    let mut blueprint = serving(f, port());
    let mut data = f.service("data", &["serve"]);
    data.mounts.push(Mount {
        volume: "kept".into(),
        path: "/data".into(),
        read_only: false,
    });
    let mut free = f.service("free", &["serve"]);
    free.restart = Restart::Always;
    free.files.push(File {
        path: "/etc/free/conf".into(),
        content: "brought along".into(),
        mode: 0o444,
    });
    for first in ["web", "data"] {
        let started = Dependency::ServiceStarted;
        free.depends_on.insert(first.into(), started);
    }
    blueprint.volumes.push("kept".into());
    blueprint.services.extend([data, free]);
    blueprint.create_ms_max = 120_000;
    blueprint
}

/// Waits until the list says this of a resource, and tells what it said.
async fn told(driver: &dyn Driver, id: &Identity, condition: Condition, words: &str) -> String {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(90);
    loop {
        let seen = seen(driver, id).await.unwrap();
        let detail = seen.detail.unwrap_or_default();
        if seen.condition == condition && detail.contains(words) {
            return detail;
        }
        let now = tokio::time::Instant::now();
        assert!(now < deadline, "{:?}: {detail}", seen.condition);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ran_on_a_lost_node_runs_on_another_and_that_is_told() {
    let Some(own) = caviada_testbed::swarm_engine(&[]) else {
        return;
    };
    let Some(worker) = caviada_testbed::swarm_engine(&[]) else {
        return;
    };
    let _ = worker.image();
    let [at, address] = own.link(&worker);
    own.begin_swarm(at);
    worker.join_swarm(address, &own, at);
    let f = Cluster::on(&Arc::new(own));
    let driver = f.driver();

    let facts = driver.probe().await.unwrap();
    let one = f.engine.info().await.unwrap();
    assert_eq!(i64::try_from(facts.cpus).ok(), one.ncpu.map(|n| 2 * n));

    let moving = identity(&f, 1, 1);
    let built = create(&*driver, &moving, &spread(&f)).await.unwrap();
    let staying = identity(&f, 2, 1);
    let mut pinned = f.service("pinned", &["sleep", "600"]);
    pinned.constraints = vec!["node.role==worker".into()];
    let blueprint = Blueprint {
        services: vec![pinned],
        create_ms_max: 60_000,
        ..Blueprint::default()
    };
    create(&*driver, &staying, &blueprint).await.unwrap();

    // Who is where.
    let hand = api(&worker);
    for (id, service, containers) in [
        (&moving, "web", 0),
        (&moving, "data", 0),
        (&moving, "free", 1),
        (&staying, "pinned", 1),
    ] {
        let filter = f.filter(id, &[format!("caviada.service={service}")]);
        let options = ListContainersOptionsBuilder::new().filters(&filter).build();
        let there = hand.list_containers(Some(options)).await.unwrap();
        assert_eq!(there.len(), containers, "{service}");
    }
    // Of what runs elsewhere there are logs, but nothing looks into it.
    let log = driver.logs(&moving, "free", 10).await.unwrap();
    assert!(String::from_utf8(log).unwrap().contains("serving on"));
    let probe = ["probe", "http://free:8080/file/etc/free/conf"];
    let probe = f.service("x", &probe);
    let probe = [probe.entrypoint.unwrap(), probe.command.unwrap()].concat();
    let limit = Duration::from_secs(10);
    let refused = driver.exec(&moving, "free", &probe, limit, 64).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, Failure::Unsupported, "{refused}");
    // Each reaches the other by its name, and its files came along.
    let reached = driver.exec(&moving, "web", &probe, limit, 64).await;
    assert_eq!(reached.unwrap().code, 0);

    // The machine is gone, with all that ran on it.
    drop(worker);
    let detail = told(&*driver, &moving, Condition::Up, "rescheduled to").await;
    assert!(detail.starts_with("free: node "), "{detail}");
    get(&built.outputs[0].1, "/").await.unwrap();
    let reached = driver.exec(&moving, "web", &probe, limit, 64).await;
    assert_eq!(reached.unwrap().code, 0);
    let detail = told(
        &*driver,
        &staying,
        Condition::Down,
        "not to be started again",
    )
    .await;
    assert!(detail.starts_with("pinned: its node "), "{detail}");

    // Removal waits for nobody who is gone.
    driver.delete(moving.resource, 1).await.unwrap();
    driver.delete(staying.resource, 1).await.unwrap();
    assert_eq!(driver.list().await.unwrap(), []);
}
