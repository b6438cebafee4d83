//! What is refused by name, before anything is made.

use std::sync::Arc;

use caviada_driver::blueprint::{Blueprint, Mount};
use caviada_driver::docker::{Docker, DockerOptions};
use caviada_driver::swarm::{Publish, Swarm};
use caviada_driver::{Driver, Failure};

use super::{Cluster, options};
use crate::contract::{Fixture, create, identity, installation, keep, port, serving};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_says_what_it_lacks_and_a_swarm_what_it_cannot_do() {
    let Some(own) = caviada_testbed::swarm_engine(&[]) else {
        return;
    };
    let driver = Swarm::new(options(&own, &installation()));
    let refused = driver.probe().await.unwrap_err();
    assert_eq!(refused.kind, Failure::Refused);
    assert!(refused.detail.contains("docker swarm init"), "{refused}");
    assert_eq!(driver.list().await.unwrap_err().kind, Failure::Refused);

    own.begin_swarm(own.address());
    driver.probe().await.unwrap();
    let own = Arc::new(own);
    keep(Cluster::on(&own), |f| Box::pin(cannot(f))).await;
    keep(Cluster::on(&own), |f| Box::pin(mesh(f))).await;
}

/// Keys, and nodes that take nothing.
async fn cannot(f: &Cluster) {
    let driver = f.driver();
    let id = identity(f, 1, 1);
    let mut blueprint = serving(f, port());
    blueprint.services[0].security_opt = vec!["no-new-privileges:true".into()];
    let refused = create(&*driver, &id, &blueprint).await.unwrap_err();
    assert_eq!(refused.kind, Failure::Refused);
    assert!(refused.detail.contains("web: security_opt"), "{refused}");
    assert_eq!(driver.list().await.unwrap(), []);

    let mut blueprint = serving(f, port());
    blueprint.services[0].image = "caviada-test/absent:1".into();
    let refused = create(&*driver, &id, &blueprint).await.unwrap_err();
    assert_eq!(refused.kind, Failure::NoImage, "{refused}");
    driver.delete(id.resource, 1).await.unwrap();

    let mut nowhere = f.service("nowhere", &["serve"]);
    nowhere.constraints = vec!["node.labels.none==here".into()];
    let blueprint = Blueprint {
        services: vec![nowhere],
        create_ms_max: 60_000,
        ..Blueprint::default()
    };
    let refused = create(&*driver, &id, &blueprint).await.unwrap_err();
    assert_eq!(refused.kind, Failure::Refused, "{refused}");
    assert!(
        refused.detail.contains("nowhere: no node takes it"),
        "{refused}"
    );
}

/// Published by the routing mesh.
async fn mesh(f: &Cluster) {
    let mut options = f.options();
    options.publish = Publish::Ingress;
    let driver = Swarm::new(options);
    let taken = port();
    let mut first = serving(f, taken);
    if !f.own.has_routing_mesh() {
        // Whatever is published so answers nobody here.
        eprintln!("LEFT OUT without IPVS in the kernel: that the routing mesh carries traffic");
        first.readiness.clear();
    }
    first.services[0].mounts.push(Mount {
        volume: "data".into(),
        path: "/data".into(),
        read_only: false,
    });
    first.volumes.push("data".into());
    create(&driver, &identity(f, 1, 1), &first).await.unwrap();
    not_of_the_engine(f).await;
    let refused = create(&driver, &identity(f, 2, 1), &first)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, Failure::PortTaken(taken), "{refused}");
    if f.own.has_routing_mesh() {
        return;
    }
    let mut unreached = first.clone();
    unreached.readiness = serving(f, taken).readiness;
    unreached.readiness[0].within_ms = 1_000;
    let failed = create(&driver, &identity(f, 1, 1), &unreached).await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.kind, Failure::NotReady);
    assert!(failed.detail.contains("publish=host"), "{failed}");
}

/// What a swarm put on an engine is not the engine's own, though both be hosts.
async fn not_of_the_engine(f: &Cluster) {
    let swarm = f.options();
    let engine = Docker::new(DockerOptions::new(&f.installation, swarm.address));
    assert_eq!(engine.list().await.unwrap(), []);
    engine.delete(identity(f, 1, 1).resource, 1).await.unwrap();
    assert_eq!(f.driver().list().await.unwrap().len(), 1);
    // Two hosts would be one engine twice if their ids were the same.
    let ids = (
        engine.probe().await.unwrap().engine,
        f.driver().probe().await.unwrap().engine,
    );
    assert_ne!(ids.0, ids.1);
}
