//! What a driver finds after another one was cut off, or beside somebody else's things.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HostConfig, NetworkCreateRequest};
use bollard::query_parameters::{
    CommitContainerOptionsBuilder, CreateContainerOptionsBuilder, ListNetworksOptionsBuilder,
    ListVolumesOptions, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
    StartContainerOptions,
};
use caviada_driver::docker::{Deadlines, Docker};
use caviada_driver::{Condition, Driver, Failure, Identity};
use std::time::Duration;

use super::Engine;
use crate::contract::{Fixture, Standing, create, get, identity, keep, port, seen, serving, until};

fn labels(identity: &Identity) -> HashMap<String, String> {
    let all = [
        ("caviada.installation", identity.installation.clone()),
        ("caviada.resource", identity.resource.to_string()),
        ("caviada.generation", identity.generation.to_string()),
        ("caviada.revision", identity.revision.to_string()),
    ];
    all.map(|(key, value)| (key.to_owned(), value)).into()
}

async fn networks_called(engine: &Engine, name: &str) -> usize {
    let filter = HashMap::from([("name".to_owned(), vec![name.to_owned()])]);
    let options = ListNetworksOptionsBuilder::new().filters(&filter).build();
    let found = engine.engine.list_networks(Some(options)).await.unwrap();
    found
        .iter()
        .filter(|n| n.name.as_deref() == Some(name))
        .count()
}

/// One resource, found in one state after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_doubled_ended_paused_or_removed_meanwhile_is_put_right_by_the_same_create() {
    let Some(engine) = Engine::there() else {
        return;
    };
    keep(engine, |engine| {
        Box::pin(async move {
            let it = a_network_made_twice_by_a_call_that_was_given_up_is_one_again(engine).await;
            what_ended_or_was_paused_is_brought_up_again(engine, &it).await;
            a_member_somebody_removed_is_missed_and_made_again(engine, &it).await;
            anonymous_volumes_of_an_image_go_with_the_resource(engine, &it).await;
            somebody_elses_container_in_our_network_is_left_alone_and_named(engine, &it).await;
        })
    })
    .await;
}

async fn a_network_made_twice_by_a_call_that_was_given_up_is_one_again(
    engine: &Engine,
) -> Standing {
    let id = identity(engine, 1, 1);
    let name = engine.name(&id, "default");
    for _ in 0..2 {
        let request = NetworkCreateRequest {
            name: name.clone(),
            labels: Some(labels(&id)),
            ..NetworkCreateRequest::default()
        };
        // Engines from 25 on refuse the second themselves.
        let _ = engine.engine.create_network(request).await;
    }
    let half = seen(&*engine.driver(), &id).await.unwrap();
    assert_eq!(half.condition, Condition::Partial);
    let mut blueprint = serving(engine, port());
    blueprint
        .services
        .push(engine.service("side", &["sleep", "600"]));
    let built = create(&*engine.driver(), &id, &blueprint).await.unwrap();
    assert_eq!(networks_called(engine, &name).await, 1);
    get(&built.outputs[0].1, "/").await.unwrap();
    Standing {
        id,
        blueprint,
        built,
    }
}

async fn what_ended_or_was_paused_is_brought_up_again(engine: &Engine, it: &Standing) {
    let driver = engine.driver();
    let members = engine.members(&it.id).await;
    engine.kill(&it.id, "side").await;
    until(&*driver, &it.id, Condition::Down).await;
    engine
        .engine
        .pause_container(&engine.name(&it.id, "web"))
        .await
        .unwrap();
    create(&*driver, &it.id, &it.blueprint).await.unwrap();
    let again = seen(&*driver, &it.id).await.unwrap();
    assert_eq!(again.condition, Condition::Up);
    assert_eq!(engine.members(&it.id).await, members);
}

async fn a_member_somebody_removed_is_missed_and_made_again(engine: &Engine, it: &Standing) {
    let driver = engine.driver();
    let options = RemoveContainerOptionsBuilder::new().force(true).build();
    engine
        .engine
        .remove_container(&engine.name(&it.id, "side"), Some(options))
        .await
        .unwrap();
    let missed = seen(&*driver, &it.id).await.unwrap();
    assert_eq!(missed.condition, Condition::Partial);
    assert_eq!(
        missed.detail.as_deref(),
        Some("1 of 2 services are missing")
    );
    create(&*driver, &it.id, &it.blueprint).await.unwrap();
    let again = seen(&*driver, &it.id).await.unwrap();
    assert_eq!(again.condition, Condition::Up);
}

/// Of another resource; the image is one of what stands, with a volume.
async fn anonymous_volumes_of_an_image_go_with_the_resource(engine: &Engine, it: &Standing) {
    let base = engine.name(&it.id, "web");
    let image = format!("caviada-test/{}:volume", engine.installation);
    let options = CommitContainerOptionsBuilder::new()
        .container(&base)
        .repo(image.split(':').next().unwrap())
        .tag("volume")
        .changes("VOLUME /data")
        .pause(false)
        .build();
    let committed = engine
        .engine
        .commit_container(options, bollard::models::ContainerConfig::default())
        .await;
    committed.unwrap();

    let id = identity(engine, 2, 1);
    let mut plan = serving(engine, port());
    plan.services[0].image.clone_from(&image);
    let made = create(&*engine.driver(), &id, &plan).await;
    let found = engine
        .engine
        .inspect_container(&engine.name(&id, "web"), None)
        .await
        .unwrap();
    let mounts = found.mounts.unwrap();
    engine.driver().delete(id.resource, 1).await.unwrap();
    let options = RemoveImageOptionsBuilder::new().force(true).build();
    engine
        .engine
        .remove_image(&image, Some(options), None)
        .await
        .unwrap();
    made.unwrap();
    let volume = mounts[0].name.clone().unwrap();
    let left = engine
        .engine
        .list_volumes(None::<ListVolumesOptions>)
        .await
        .unwrap();
    let names = left.volumes.unwrap_or_default().into_iter().map(|v| v.name);
    assert!(!names.into_iter().any(|name| name == volume));
}

/// In the end of the resource.
async fn somebody_elses_container_in_our_network_is_left_alone_and_named(
    engine: &Engine,
    it: &Standing,
) {
    let id = &it.id;
    let guest = format!("{}-guest", engine.installation);
    let options = CreateContainerOptionsBuilder::new().name(&guest).build();
    let body = ContainerCreateBody {
        image: Some(engine.image.clone()),
        host_config: Some(HostConfig {
            network_mode: Some(engine.name(id, "default")),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    engine
        .engine
        .create_container(Some(options), body)
        .await
        .unwrap();
    engine
        .engine
        .start_container(&guest, None::<StartContainerOptions>)
        .await
        .unwrap();

    let mut options = engine.options();
    options.deadlines = Deadlines {
        heavy: Duration::from_secs(5),
        ..Deadlines::default()
    };
    let refused = Docker::new(options).delete(id.resource, 1).await;
    let running = engine.engine.inspect_container(&guest, None).await;
    let left = engine.driver().list().await;
    let force = RemoveContainerOptionsBuilder::new().force(true).build();
    engine
        .engine
        .remove_container(&guest, Some(force))
        .await
        .unwrap();
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, Failure::Refused);
    assert!(
        refused.to_string().contains("active endpoints"),
        "{refused}"
    );
    assert_eq!(running.unwrap().state.unwrap().running, Some(true));
    assert_eq!(left.unwrap()[0].condition, Condition::Partial);
    engine.driver().delete(id.resource, 1).await.unwrap();
    assert_eq!(engine.driver().list().await.unwrap(), []);
}
