//! The swarm driver on real swarms: one node for the contract, two for what one cannot show.

mod keys;
mod nodes;
mod refusal;
mod registry;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use bollard::models::{
    ConfigSpec, NetworkCreateRequest, ServiceSpec, ServiceSpecMode, ServiceSpecModeReplicated,
    TaskSpec, TaskSpecContainerSpec, VolumeCreateRequest,
};
use bollard::query_parameters::{
    InspectServiceOptions, ListContainersOptionsBuilder, ListServicesOptionsBuilder,
    RemoveVolumeOptions,
};
use caviada_driver::blueprint::Service;
use caviada_driver::docker::{Credentials, DockerAddress};
use caviada_driver::swarm::{Publish, Swarm, SwarmOptions};
use caviada_driver::{Driver, Identity};
use caviada_testbed::Engine as Own;

use crate::contract::{self, Fixture};

/// Promises kept at once on one engine.
const AT_ONCE: usize = 4;
/// A swarm with its manager on this machine, the driver's options for it, and its engine's own API to check what the
/// driver did and to break things.
struct Cluster {
    own: Arc<Own>,
    image: String,
    installation: String,
    engine: bollard::Docker,
    options: SwarmOptions,
}

/// An engine's own API.
fn api(own: &Own) -> bollard::Docker {
    let socket = own.socket().display().to_string();
    bollard::Docker::connect_with_unix(&socket, 60, bollard::API_DEFAULT_VERSION).unwrap()
}

/// The driver's options for a swarm with a manager on this engine.
fn options(own: &Own, installation: &str) -> SwarmOptions {
    let socket = format!("unix://{}", own.socket().display());
    let address = DockerAddress::parse(&socket, Credentials::default()).unwrap();
    let mut options = SwarmOptions::new(installation, address);
    options.published_at = Some(own.address().to_string());
    // The kernel of a test machine need not have what the routing mesh needs.
    options.publish = Publish::Host;
    options
}

impl Cluster {
    /// With an installation of its own, on an engine that others use, too.
    fn on(own: &Arc<Own>) -> Self {
        let installation = contract::installation();
        Self {
            own: own.clone(),
            image: own.image(),
            options: options(own, &installation),
            engine: api(own),
            installation,
        }
    }

    fn options(&self) -> SwarmOptions {
        self.options.clone()
    }

    /// The name the driver gives a part of a resource.
    fn name(&self, identity: &Identity, part: &str) -> String {
        let (short, resource) = (&self.installation[..8], identity.resource);
        format!("caviada-{short}-{resource}-g{}-{part}", identity.generation)
    }

    fn filter(&self, identity: &Identity, more: &[String]) -> HashMap<String, Vec<String>> {
        let mut labels = vec![
            format!("caviada.installation={}", self.installation),
            format!("caviada.resource={}", identity.resource),
            format!("caviada.generation={}", identity.generation),
        ];
        labels.extend_from_slice(more);
        HashMap::from([("label".to_owned(), labels)])
    }

    /// Makes a service that has no task, a network, a volume and a config.
    async fn put_up(&self, name: &str, labels: HashMap<String, String>) {
        let service = ServiceSpec {
            name: Some(name.to_owned()),
            labels: Some(labels.clone()),
            task_template: Some(TaskSpec {
                container_spec: Some(TaskSpecContainerSpec {
                    image: Some(self.image.clone()),
                    ..TaskSpecContainerSpec::default()
                }),
                ..TaskSpec::default()
            }),
            mode: Some(ServiceSpecMode {
                replicated: Some(ServiceSpecModeReplicated { replicas: Some(0) }),
                ..ServiceSpecMode::default()
            }),
            ..ServiceSpec::default()
        };
        self.engine.create_service(service, None).await.unwrap();
        let network = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("overlay".to_owned()),
            labels: Some(labels.clone()),
            ..NetworkCreateRequest::default()
        };
        self.engine.create_network(network).await.unwrap();
        let volume = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels.clone()),
            ..VolumeCreateRequest::default()
        };
        self.engine.create_volume(volume).await.unwrap();
        let config = ConfigSpec {
            name: Some(name.to_owned()),
            labels: Some(labels),
            data: Some(base64::engine::general_purpose::STANDARD.encode("x")),
            ..ConfigSpec::default()
        };
        self.engine.create_config(config).await.unwrap();
    }
}

#[async_trait]
impl Fixture for Cluster {
    fn installation(&self) -> &str {
        &self.installation
    }

    fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(Swarm::new(self.options()))
    }

    fn service(&self, name: &str, words: &[&str]) -> Service {
        super::service(&self.image, name, words)
    }

    fn serve(&self, name: &str, host: u16, healthy_after: Duration) -> Service {
        super::serve(&self.image, name, host, healthy_after)
    }

    async fn kill(&self, identity: &Identity, service: &str) {
        let filter = self.filter(identity, &[format!("caviada.service={service}")]);
        let options = ListContainersOptionsBuilder::new().filters(&filter).build();
        let found = self.engine.list_containers(Some(options)).await.unwrap();
        for container in found.into_iter().filter_map(|c| c.id) {
            self.engine.kill_container(&container, None).await.unwrap();
        }
    }

    async fn members(&self, identity: &Identity) -> Vec<String> {
        let filter = self.filter(identity, &[]);
        let options = ListServicesOptionsBuilder::new().filters(&filter).build();
        let found = self.engine.list_services(Some(options)).await.unwrap();
        let mut ids: Vec<_> = found.into_iter().filter_map(|s| s.id).collect();
        ids.sort();
        ids
    }

    async fn plant(&self, identity: &Identity) -> Vec<String> {
        let unlabelled = self.name(identity, "web");
        self.put_up(&unlabelled, HashMap::new()).await;
        let other = format!("{unlabelled}-f");
        let labels = [
            ("caviada.installation", "another"),
            ("caviada.resource", &identity.resource.to_string()),
            ("caviada.generation", "1"),
            ("caviada.revision", "1"),
            ("caviada.swarm", ""),
        ];
        let labels = labels.map(|(k, v)| (k.to_owned(), v.to_owned()));
        self.put_up(&other, labels.into()).await;
        vec![unlabelled, other]
    }

    async fn standing(&self, planted: &[String]) -> Vec<String> {
        let mut standing = Vec::new();
        for name in planted {
            let service = self
                .engine
                .inspect_service(name, None::<InspectServiceOptions>);
            let network = self.engine.inspect_network(name, None);
            let volume = self.engine.inspect_volume(name);
            let config = self.engine.inspect_config(name);
            let (service, network, volume, config) = tokio::join!(service, network, volume, config);
            if service.is_ok() && network.is_ok() && volume.is_ok() && config.is_ok() {
                standing.push(name.clone());
            }
        }
        standing
    }

    async fn uproot(&self, planted: &[String]) {
        for name in planted {
            let _ = self.engine.delete_service(name).await;
            let _ = self.engine.remove_network(name).await;
            let _ = self.engine.delete_config(name).await;
            let _ = self
                .engine
                .remove_volume(name, None::<RemoveVolumeOptions>)
                .await;
        }
    }

    fn start_ms(&self) -> u64 {
        20_000
    }

    fn occupy(&self, port: u16) -> Box<dyn Any + Send> {
        Box::new(self.own.occupy(port))
    }
}

/// One engine for all of it: to start one for each promise would take longer than to keep it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swarm_of_one_node_keeps_the_whole_contract() {
    let Some(own) = caviada_testbed::swarm_engine(&[]) else {
        return;
    };
    own.begin_swarm(own.address());
    let own = Arc::new(own);
    contract::keep_all(contract::contract!(together Cluster::on(&own)), AT_ONCE).await;
}
