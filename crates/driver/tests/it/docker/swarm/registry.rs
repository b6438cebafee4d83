//! Nodes of a swarm pull by themselves: from the mirror, and with what proves who we are. What was loaded
//! they do not pull.

use std::sync::Arc;

use bollard::query_parameters::{InspectServiceOptions, TagImageOptionsBuilder};
use caviada_driver::Driver;
use caviada_driver::swarm::Swarm;
use caviada_testbed::Registry;

use super::Cluster;
use crate::contract::{create, identity, keep, port, serving};
use crate::docker::registry::signed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_a_swarm_pull_from_the_mirror_with_the_hosts_credential_and_nothing_that_was_loaded()
 {
    // The range that links of engines are cut from.
    let flags = ["--insecure-registry", "198.18.0.0/15"];
    let Some(own) = caviada_testbed::swarm_engine(&flags) else {
        return;
    };
    let Some(registry) = caviada_testbed::registry_at(own.machine()) else {
        return;
    };
    own.begin_swarm(own.address());
    let cluster = Cluster::on(&Arc::new(own));
    keep(cluster, |cluster| {
        Box::pin(async move {
            by_its_id(cluster, &registry).await;
            through_the_mirror(cluster, registry).await;
        })
    })
    .await;
}

/// What was loaded and is pinned has lost its digest: nodes run what is there, and ask nobody for a tag
/// that says the same.
async fn by_its_id(cluster: &Cluster, registry: &Registry) {
    let name = format!("caviada-test/kept-{}", cluster.installation);
    let repository = format!("{}/{name}", registry.address());
    let digest = "0".repeat(64);
    let tag = format!("sha256-{digest}");
    let options = TagImageOptionsBuilder::new().repo(&repository).tag(&tag);
    let tagged = cluster
        .engine
        .tag_image(&cluster.image, Some(options.build()));
    tagged.await.unwrap();
    let pinned = format!("{repository}@sha256:{digest}");
    let mut options = cluster.options();
    options.images = signed(registry, Registry::PASSWORD);
    let driver = Swarm::new(options);
    driver.pull(&pinned, &|_, _| {}).await.unwrap();
    let mut plan = serving(cluster, port());
    plan.services[0].image.clone_from(&pinned);
    let at = identity(cluster, 2, 1);
    create(&driver, &at, &plan).await.unwrap();
    let kept = cluster.engine.inspect_image(&cluster.image).await.unwrap();
    let image = image_of(cluster, &cluster.name(&at, "web")).await;
    assert_eq!(Some(image), kept.id);
    assert!(!registry.log().contains(&name), "{}", registry.log());
    driver.delete(at.resource, 1).await.unwrap();
}

/// By what name a service asks for its image.
async fn image_of(cluster: &Cluster, service: &str) -> String {
    let service = cluster
        .engine
        .inspect_service(service, None::<InspectServiceOptions>);
    let spec = service.await.unwrap().spec.unwrap().task_template.unwrap();
    spec.container_spec.unwrap().image.unwrap()
}

async fn through_the_mirror(cluster: &Cluster, registry: Registry) {
    let name = format!("caviada-test/mirrored-{}:1", cluster.installation);
    let socket = cluster.own.socket();
    let _ = registry.push(Some(&socket), &cluster.image, &name);
    let mirrored = format!("{}/{name}", registry.address());
    let mut options = cluster.options();
    options.images = signed(&registry, Registry::PASSWORD);
    options.images.mirror = Some(registry.address().to_owned());
    let driver = Swarm::new(options);
    let mut plan = serving(cluster, port());
    plan.services[0].image.clone_from(&name);
    let at = identity(cluster, 1, 1);
    create(&driver, &at, &plan).await.unwrap();
    let image = image_of(cluster, &cluster.name(&at, "web")).await;
    // The manager adds the digest that it found.
    assert!(image.starts_with(&mirrored), "{image}");
    assert!(cluster.engine.inspect_image(&mirrored).await.is_ok());
    driver.pull(&name, &|_, _| {}).await.unwrap();
    driver.delete(at.resource, 1).await.unwrap();
}
