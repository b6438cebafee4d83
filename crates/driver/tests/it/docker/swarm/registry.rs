//! Nodes of a swarm pull by themselves: from the mirror, and with what proves who we are.

use std::sync::Arc;

use bollard::query_parameters::InspectServiceOptions;
use caviada_driver::Driver;
use caviada_driver::swarm::Swarm;
use caviada_testbed::Registry;

use super::Cluster;
use crate::contract::{create, identity, keep, port, serving};
use crate::docker::registry::signed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_a_swarm_pull_from_the_mirror_with_the_hosts_credential() {
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
        Box::pin(through_the_mirror(cluster, registry))
    })
    .await;
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
    let service = cluster.name(&at, "web");
    let service = cluster
        .engine
        .inspect_service(&service, None::<InspectServiceOptions>);
    let spec = service.await.unwrap().spec.unwrap().task_template.unwrap();
    let image = spec.container_spec.unwrap().image.unwrap();
    // The manager adds the digest that it found.
    assert!(image.starts_with(&mirrored), "{image}");
    assert!(cluster.engine.inspect_image(&mirrored).await.is_ok());
    driver.pull(&name, &|_, _| {}).await.unwrap();
    driver.delete(at.resource, 1).await.unwrap();
}
