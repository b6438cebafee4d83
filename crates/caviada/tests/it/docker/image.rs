//! Images come to a host before something is built there: from a mirror, and from a file.

use caviada_api::client::{Client, Options};
use caviada_api::event::{EventQuery, Message};
use caviada_testbed::Registry;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::engine::docker;
use super::{COMPOSE, Running, TEMPLATE, stall_host};
use crate::site::{ADMIN, holds};

const PASSWORD_FILE: &str = "registry.password";

/// A pool of one such server that is built when somebody asks for it.
fn cold(running: &mut Running, image: &str, host: &str) {
    let files = json!({"template.toml": TEMPLATE, "compose.yaml": COMPOSE});
    running.put("templates/stall", json!({"files": files}));
    let spec = json!({
        "template": "stall",
        "parameters": {"image": image},
        "warm": 0,
        "max": 1,
        "hosts": [host],
    });
    running.put("pools/stalls", spec);
}

/// The only image that a host is to have.
fn only(running: &mut Running, host: &str) -> Value {
    let images = running.get(&format!("/api/v1/hosts/{host}/images"));
    let images = images["images"].as_array().unwrap();
    assert!(images.len() < 2, "{images:?}");
    images.first().cloned().unwrap_or_default()
}

#[test]
fn what_a_pool_needs_is_pulled_from_the_mirror_before_it_is_built() {
    let (Some(image), Some(registry)) = (caviada_testbed::image(), caviada_testbed::registry())
    else {
        return;
    };
    let mut running = Running::start();
    let name = format!("caviada-test/early-{}:1", running.engine.installation());
    let _ = registry.push(None, &image, &name);
    let mirror = registry.address().to_owned();
    let mut host = stall_host(super::ENGINE);
    host["images"] = json!({"mirror": mirror});
    running.put("hosts/lab", host);
    cold(&mut running, &name, "lab");
    // The mirror asks who we are, and the host says what to do.
    running.until("the pull fails", |running| {
        let image = only(running, "lab");
        image["state"] == "failed" && image["wanted"] == true
    });
    let host = running.get("/api/v1/hosts/lab");
    let why = host["why"].as_str().unwrap();
    assert!(why.contains("host set --registry"), "{why}");

    running.site.file(PASSWORD_FILE, Registry::PASSWORD);
    let who = format!("{mirror}={}", Registry::USER);
    let file = running.site.typed(PASSWORD_FILE);
    let set = ["host", "set", "lab", "--registry", &who];
    running
        .site
        .ok(&[&set[..], &["--registry-password", &file]].concat());
    running.until("the image is there", |running| {
        only(running, "lab")["state"] == "there"
    });
    let there = docker(["image", "inspect", name.as_str()]).is_some();
    assert!(running.engine.things().is_empty(), "nothing was built");
    let host = running.get("/api/v1/hosts/lab");
    assert_eq!(host["registries_stored"], json!([mirror]));
    assert_eq!(host["why"], Value::Null);
    // Asked for by hand, what is to be had is told from what is not.
    let absent = format!("{mirror}/nobody/has:1");
    let told = running
        .site
        .fails(1, &["image", "pull", "lab", &name, &absent]);
    assert!(told.is_empty(), "{told}");
    let told = running.site.ok(&["image", "ls", "lab"]);
    assert!(
        told.contains("failed") && told.contains("nobody/has"),
        "{told}"
    );
    running
        .site
        .ok(&["host", "set", "lab", "--no-registry", &mirror]);
    let host = running.get("/api/v1/hosts/lab");
    let mirrored = format!("{mirror}/{name}");
    let _ = docker(["rmi", name.as_str(), mirrored.as_str()]);
    assert!(there);
    assert_eq!(host["registries_stored"], Value::Null);
    // Neither the store nor the log knows the password.
    std::fs::remove_file(running.site.path(PASSWORD_FILE)).unwrap();
    assert!(!running.site.log().contains(Registry::PASSWORD));
    assert!(!holds(running.site.folder(), Registry::PASSWORD));
}

#[test]
fn a_bundle_brings_a_host_without_a_registry_what_a_pool_needs() {
    let (Some(image), Some(own)) = (caviada_testbed::image(), caviada_testbed::engine(&[])) else {
        return;
    };
    let mut running = Running::start();
    let mut host = stall_host(&format!("unix://{}", own.socket().display()));
    host["reach"] = own.address().to_string().into();
    running.put("hosts/far", host);
    cold(&mut running, &image, "far");
    let file = running.site.typed("images.tar");
    running
        .site
        .ok(&["image", "bundle", &file, "--pool", "stalls"]);
    // It is not overwritten, and what is not whole or no bundle goes nowhere.
    running
        .site
        .fails(1, &["image", "bundle", &file, "--pool", "stalls"]);
    let whole = std::fs::read(&file).unwrap();
    let half = &whole[..whole.len() / 2];
    std::fs::write(running.site.path("half.tar"), half).unwrap();
    let halved = running.site.typed("half.tar");
    let refused = running
        .site
        .fails(2, &["image", "load", &halved, "--host", "far"]);
    assert!(refused.contains("cut short after"), "{refused}");
    let foreign = running.site.file("foreign.tar", &"x".repeat(2_000));
    let refused = running
        .site
        .fails(2, &["image", "load", &foreign, "--host", "far"]);
    assert!(refused.contains("caviada image bundle"), "{refused}");

    let url = format!("http://{}", running.site.address());
    let mut options = Options::new(url);
    options.key = Some(ADMIN.to_owned());
    let client = Client::new(&options).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pieces = |bytes: &[u8]| {
        let pieces = bytes.chunks(100_000).map(|piece| Ok(piece.to_vec()));
        stream::iter(pieces.collect::<Vec<_>>())
    };
    // Nor does what another program sends: the server looks, too.
    let refused = runtime.block_on(client.load_images("far", pieces(half)));
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("cut short"), "{refused}");
    let broken = pieces(half).chain(stream::iter([Err(std::io::Error::other("hung up"))]));
    runtime
        .block_on(client.load_images("far", broken))
        .unwrap_err();
    let socket = format!("unix://{}", own.socket().display());
    let images = || docker(["--host", socket.as_str(), "images", "--quiet"]).unwrap();
    assert_eq!(images(), "");

    let query = EventQuery {
        host: Some("far".into()),
        ..EventQuery::default()
    };
    let mut followed = runtime.block_on(client.watch(query)).unwrap();
    running.site.ok(&["image", "load", &file, "--host", "far"]);
    assert_eq!(images().lines().count(), 1);
    let told = runtime.block_on(async {
        loop {
            if let Message::Image(image) = followed.next().await.unwrap()
                && image.step == "there"
            {
                break image;
            }
        }
    });
    assert_eq!(
        (told.host.as_str(), told.bytes_done),
        ("far", whole.len() as u64)
    );
    running.until("it is seen there", |running| {
        only(running, "far")["state"] == "there"
    });
    let lease = running.site.json(&["acquire", "stalls", "--wait", "60s"]);
    let url = lease["resources"][0]["endpoints"]["web"].as_str().unwrap();
    assert!(super::answers(url));
    running.site.ok(&["release", lease["id"].as_str().unwrap()]);
}
