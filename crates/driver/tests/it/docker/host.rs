//! What an engine tells of itself, and what its host says for services.

use std::time::Duration;

use caviada_core::host::Defaults;
use caviada_driver::Identity;
use caviada_driver::blueprint::{Blueprint, Job, Service};
use tokio::net::UdpSocket;

use super::{Engine, on_the_engine};
use crate::contract::{Fixture, create, identity, port, serving};

on_the_engine! {
    async fn an_engine_tells_what_it_has_and_what_others_have_there(engine: &Engine) {
        let driver = engine.driver();
        let id = identity(engine, 1, 1);
        let own = port();
        create(&*driver, &id, &serving(engine, own)).await.unwrap();
        let survey = driver.survey().await.unwrap();
        assert!(survey.cpus > 0 && survey.memory_bytes > 1 << 20, "{survey:?}");
        assert!(survey.clock.is_some() && survey.forwards == Some(true), "{survey:?}");
        assert!(survey.containers >= Some(1) && survey.running >= Some(1), "{survey:?}");
        assert!(survey.networks >= Some(4) && survey.images >= Some(1), "{survey:?}");
        // Its folder is on this machine.
        assert!(survey.disk_free_bytes > Some(0) && survey.disk_free_bytes <= survey.disk_bytes);
        // And so are its processors and its memory: what is in use there is everybody's.
        assert!(survey.cpu_used_millicores <= Some(1_000 * survey.cpus), "{survey:?}");
        assert!(survey.cpu_used_millicores.is_some(), "{survey:?}");
        assert!(survey.memory_used_bytes > Some(1 << 20), "{survey:?}");
        assert!(survey.memory_used_bytes < Some(survey.memory_bytes), "{survey:?}");
        // What is ours is no hindrance to us, what others have is.
        assert!(!survey.ports.contains(&own), "{survey:?}");
        assert!(survey.subnets.iter().any(|(name, ..)| name == "bridge"), "{survey:?}");
        let other = Engine::there().unwrap();
        let survey = other.driver().survey().await.unwrap();
        assert!(survey.ports.contains(&own), "{survey:?}");
    }

    async fn logs_go_to_the_hosts_syslog_server_and_can_be_read_all_the_same(engine: &Engine) {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let job = Service {
            job: Some(Job { output_contains: Some("hello syslog".into()) }),
            ..engine.service("job", &["job", "--print", "hello syslog"])
        };
        let mut blueprint = Blueprint {
            services: vec![job],
            create_ms_max: 60_000,
            ..Blueprint::default()
        };
        let address = server.local_addr().unwrap();
        blueprint.fill(&Defaults {
            log_server: Some(format!("udp://{address}").into()),
            ulimits: [("nofile".into(), (128, 256))].into(),
            pids: Some(32),
            ..Defaults::default()
        });
        let id = identity(engine, 1, 1);
        create(&*engine.driver(), &id, &blueprint).await.unwrap();
        let said = received(&server).await;
        assert!(said.contains("hello syslog") && said.contains(&engine.name(&id, "job")), "{said}");
        let kept = engine.driver().logs(&id, "job", 10).await.unwrap();
        assert!(String::from_utf8(kept).unwrap().contains("hello syslog"));
        let config = inspected(engine, &id, "job").await;
        let nofile = config.ulimits.unwrap().remove(0);
        assert_eq!((nofile.name.as_deref(), nofile.soft, nofile.hard), (Some("nofile"), Some(128), Some(256)));
        assert_eq!(config.pids_limit, Some(32));
    }
}

async fn received(server: &UdpSocket) -> String {
    let mut text = [0; 2_048];
    let read = tokio::time::timeout(Duration::from_secs(20), server.recv(&mut text));
    let length = read.await.expect("nothing came").unwrap();
    String::from_utf8_lossy(&text[..length]).into_owned()
}

async fn inspected(engine: &Engine, id: &Identity, part: &str) -> bollard::models::HostConfig {
    let name = engine.name(id, part);
    let options = None::<bollard::query_parameters::InspectContainerOptions>;
    let found = engine.engine.inspect_container(&name, options).await;
    found.unwrap().host_config.unwrap()
}
