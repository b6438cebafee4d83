//! The docker driver on a real engine.

mod adoption;
mod health;
mod host;
mod image;
mod keys;
mod outage;
mod registry;
mod sick;
mod ssh;
mod stand_in;
mod swarm;
mod template;
mod tls;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::models::{ContainerCreateBody, NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};
use caviada_driver::blueprint::{Port, Protocol, Service};
use caviada_driver::docker::{Credentials, Docker, DockerAddress, DockerOptions, Material};
use caviada_driver::{Driver, Identity};

use crate::contract::{self, Fixture};

pub const SOCKET: &str = "unix:///var/run/docker.sock";

crate::contract::contract!(Engine::there);

/// Tests on the real engine.
macro_rules! on_the_engine {
    ($(async fn $name:ident($engine:ident: &Engine) $body:block)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            async fn promise($engine: &$crate::docker::Engine) $body
            let Some(engine) = $crate::docker::Engine::there() else { return };
            $crate::contract::keep(engine, |engine| Box::pin(promise(engine))).await;
        }
    )*};
}
pub(crate) use on_the_engine;

/// A service of the tests' image.
fn service(image: &str, name: &str, words: &[&str]) -> Service {
    Service {
        name: name.to_owned(),
        image: image.to_owned(),
        entrypoint: Some(vec!["/caviada-testimage".to_owned()]),
        command: Some(words.iter().map(|w| (*w).to_owned()).collect()),
        stop_grace_s: 5,
        ..Service::default()
    }
}

/// One that answers on port 8080, published as `host`, and is well after a while.
fn serve(image: &str, name: &str, host: u16, healthy_after: Duration) -> Service {
    let after = healthy_after.as_millis().to_string();
    let mut service = service(image, name, &["serve", "--healthy-after-ms", &after]);
    service.ports.push(Port {
        container: 8080,
        host,
        protocol: Protocol::Tcp,
    });
    service
}

/// What a file says, without the file.
fn text(material: &Material) -> Material {
    let Material::File(path) = material else {
        panic!("{material:?}");
    };
    Material::Text(std::fs::read_to_string(path).unwrap().into())
}

/// An engine on this machine, the driver's options for it, and the engine's own API to check what
/// the driver did and to break things.
pub struct Engine {
    pub image: String,
    pub installation: String,
    pub engine: bollard::Docker,
    options: DockerOptions,
}

impl Engine {
    /// The one on the default socket, which all tests share.
    pub fn there() -> Option<Self> {
        let image = caviada_testbed::image()?;
        let installation = contract::installation();
        let address = DockerAddress::parse(SOCKET, Credentials::default()).unwrap();
        Some(Self {
            image,
            options: DockerOptions::new(&installation, address),
            installation,
            engine: bollard::Docker::connect_with_socket_defaults().unwrap(),
        })
    }

    /// One of the test's own.
    pub fn own(own: &caviada_testbed::Engine) -> Self {
        let installation = contract::installation();
        let socket = format!("unix://{}", own.socket().display());
        let address = DockerAddress::parse(&socket, Credentials::default()).unwrap();
        let mut options = DockerOptions::new(&installation, address);
        options.published_at = Some(own.address().to_string());
        let version = bollard::API_DEFAULT_VERSION;
        Self {
            image: own.image(),
            options,
            installation,
            engine: bollard::Docker::connect_with_unix(&socket, 60, version).unwrap(),
        }
    }

    /// The same, reached in another way.
    pub fn by(mut self, address: DockerAddress) -> Self {
        self.options.address = address;
        self
    }

    pub fn options(&self) -> DockerOptions {
        self.options.clone()
    }

    /// The name the driver gives a part of a resource.
    pub fn name(&self, identity: &Identity, part: &str) -> String {
        let (short, resource) = (&self.installation[..8], identity.resource);
        format!("caviada-{short}-{resource}-g{}-{part}", identity.generation)
    }

    /// Makes a container, a network and a volume.
    async fn put_up(&self, name: &str, labels: HashMap<String, String>) {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let body = ContainerCreateBody {
            image: Some(self.image.clone()),
            labels: Some(labels.clone()),
            ..ContainerCreateBody::default()
        };
        self.engine
            .create_container(Some(options), body)
            .await
            .unwrap();
        let network = NetworkCreateRequest {
            name: name.to_owned(),
            labels: Some(labels.clone()),
            ..NetworkCreateRequest::default()
        };
        self.engine.create_network(network).await.unwrap();
        let volume = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels),
            ..VolumeCreateRequest::default()
        };
        self.engine.create_volume(volume).await.unwrap();
    }
}

#[async_trait]
impl Fixture for Engine {
    fn installation(&self) -> &str {
        &self.installation
    }

    fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(Docker::new(self.options()))
    }

    fn service(&self, name: &str, words: &[&str]) -> Service {
        service(&self.image, name, words)
    }

    fn serve(&self, name: &str, host: u16, healthy_after: Duration) -> Service {
        serve(&self.image, name, host, healthy_after)
    }

    async fn kill(&self, identity: &Identity, service: &str) {
        let name = self.name(identity, service);
        self.engine.kill_container(&name, None).await.unwrap();
    }

    async fn members(&self, identity: &Identity) -> Vec<String> {
        let labels = vec![
            format!("caviada.installation={}", self.installation),
            format!("caviada.resource={}", identity.resource),
            format!("caviada.generation={}", identity.generation),
        ];
        let filter = HashMap::from([("label".to_owned(), labels)]);
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filter)
            .build();
        let found = self.engine.list_containers(Some(options)).await.unwrap();
        let mut ids: Vec<_> = found.into_iter().filter_map(|c| c.id).collect();
        ids.sort();
        ids
    }

    async fn plant(&self, identity: &Identity) -> Vec<String> {
        let unlabelled = self.name(identity, "web");
        self.put_up(&unlabelled, HashMap::new()).await;
        let other = format!("{unlabelled}-foreign");
        let labels = [
            ("caviada.installation", "another"),
            ("caviada.resource", &identity.resource.to_string()),
            ("caviada.generation", "1"),
            ("caviada.revision", "1"),
        ];
        let labels = labels.map(|(k, v)| (k.to_owned(), v.to_owned()));
        self.put_up(&other, labels.into()).await;
        vec![unlabelled, other]
    }

    async fn standing(&self, planted: &[String]) -> Vec<String> {
        let mut standing = Vec::new();
        for name in planted {
            let container = self
                .engine
                .inspect_container(name, None::<InspectContainerOptions>);
            let network = self.engine.inspect_network(name, None);
            let volume = self.engine.inspect_volume(name);
            let (container, network, volume) = tokio::join!(container, network, volume);
            if container.is_ok() && network.is_ok() && volume.is_ok() {
                standing.push(name.clone());
            }
        }
        standing
    }

    async fn uproot(&self, planted: &[String]) {
        for name in planted {
            let options = RemoveContainerOptionsBuilder::new()
                .force(true)
                .v(true)
                .build();
            let _ = self.engine.remove_container(name, Some(options)).await;
            let _ = self.engine.remove_network(name).await;
            let _ = self
                .engine
                .remove_volume(name, None::<RemoveVolumeOptions>)
                .await;
        }
    }
}
