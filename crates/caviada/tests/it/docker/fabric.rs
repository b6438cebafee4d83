//! The life of a Fabric network on a real engine, with stand-ins for Fabric's programs: jobs in their
//! order, health, chaincode that is told who it is, and what its holder takes along. Of what Fabric
//! itself does nothing is tried here.

use serde_json::{Value, json};

use super::engine::docker;
use super::{ENGINE, Room, Running};
use crate::site::holds;

/// When the container of a service was made, started, and ended.
fn times(running: &Running, resource: &Value, service: &str) -> [String; 3] {
    let id = resource["id"].as_str().unwrap();
    let name = format!("{}{id}-g1-{service}", running.engine.prefix());
    let format = "{{.Created}} {{.State.StartedAt}} {{.State.FinishedAt}}";
    let said = docker(["inspect", "--format", format, &name]).expect(service);
    let times: Vec<String> = said.split_whitespace().map(str::to_owned).collect();
    times.try_into().unwrap()
}

/// A server with a pool of one network of stand-ins, of these parameters.
fn networks(image: &str, parameters: &[&str]) -> Running {
    let mut running = Running::start();
    let room = Room::with_blocks_of(4);
    let host = json!({
        "driver": "docker",
        "address": ENGINE,
        "capacity": {"resources": 1},
        "ports": {"first": room.first, "last": room.last, "block": 4},
        "subnets": {"range": room.range, "prefix": 27},
    });
    running.put("hosts/here", host);
    running.site.ok(&["template", "put", "fabric"]);
    let mut words = vec!["pool", "set", "networks", "--template", "fabric"];
    words.extend(["--max", "1", "--parameter", "plan=tiny"]);
    let images = ["peer_image", "orderer_image", "tools_image"];
    let images = images.map(|name| format!("{name}={image}"));
    let all = parameters.iter().copied();
    for parameter in all.chain(images.iter().map(String::as_str)) {
        words.extend(["--parameter", parameter]);
    }
    running.site.ok(&words);
    running
}

/// Acquires a network, and writes what its holder takes along into a folder. Returns the lease and
/// the network.
fn acquire(running: &mut Running, folder: &str) -> (String, Value) {
    let into = format!("dir={}", running.site.typed(folder));
    let said = running
        .site
        .ok(&["acquire", "networks", "--wait", "3m", "-o", &into]);
    let lease = said[said.find("lease_").unwrap()..]
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    let resource = running.get(&format!("/api/v1/leases/{lease}"))["resources"][0].clone();
    (lease, resource)
}

/// The container of a service of a network, if there is one.
fn container(running: &Running, network: &Value, service: &str) -> Option<String> {
    let id = network["id"].as_str().unwrap();
    let name = format!("{}{id}-g1-{service}", running.engine.prefix());
    docker(["inspect", "--format", "{{.Id}}", &name])
}

#[test]
fn a_network_comes_up_in_order_its_holder_brings_chaincode_and_the_next_one_has_none_of_it() {
    let Some(image) = caviada_testbed::fabric() else {
        return;
    };
    let chaincode = format!(r#"chaincode=[{{"name": "notes", "image": "{image}"}}]"#);
    let mut running = networks(&image, &[&chaincode]);
    let (lease, network) = acquire(&mut running, "net");
    in_order(&running, &network);
    what_the_holder_takes_along(&running, &network);

    a_holder_deploys_and_upgrades_chaincode(&mut running, &lease, &network, &image);
    the_next_one_has_none_of_it(&mut running, &lease, &network);
}

fn a_holder_deploys_and_upgrades_chaincode(
    running: &mut Running,
    lease: &str,
    network: &Value,
    image: &str,
) {
    let id = network["id"].as_str().unwrap();
    let chaincode = |running: &Running, words: &[&str]| {
        let all = ["chaincode"].iter().chain(words).copied();
        running.site.ok(&all.collect::<Vec<_>>())
    };
    let stands = |running: &Running, service: &str| container(running, network, service);
    let peer = stands(running, "peer0-org1");
    let notes = stands(running, "chaincode-notes--1-0");
    assert!(notes.is_some());

    chaincode(running, &["deploy", lease, "silver", "--image", image]);
    let first = stands(running, "chaincode-silver--1-0");
    assert!(first.is_some());
    chaincode(running, &["upgrade", lease, "silver", "--version", "2.0"]);
    let second = stands(running, "chaincode-silver--2-0");
    assert!(second.is_some());
    assert_eq!(stands(running, "chaincode-silver--1-0"), None);
    let again = format!("dir={}", running.site.typed("again"));
    running.site.ok(&["wait", lease, "-o", &again]);
    let profile = running.site.path("again").join("connection.json");
    let profile: Value = serde_json::from_slice(&std::fs::read(profile).unwrap()).unwrap();
    let committed = json!([
        {"name": "notes", "version": "1.0", "channel": "ch1"},
        {"name": "silver", "version": "2.0", "channel": "ch1"},
    ]);
    assert_eq!(profile["chaincodes"], committed);

    what_fails_changes_nothing(running, lease, image, id);
    assert_eq!(stands(running, "chaincode-silver--2-0"), second);
    assert_eq!(stands(running, "chaincode-silver--broken"), None);
    assert_eq!(stands(running, "chaincode-notes--1-0"), notes);
    assert_eq!(stands(running, "peer0-org1"), peer, "no node was touched");
    let now = running.get(&format!("/api/v1/resources/{id}"));
    assert_eq!(now["parameters"]["chaincode"][1]["version"], "2.0");
    assert_eq!(
        (&now["alteration"], &now["state"]),
        (&json!("altered"), &json!("leased"))
    );
}

/// Nor of what the pool gave the last one: it gives none any more.
fn the_next_one_has_none_of_it(running: &mut Running, lease: &str, network: &Value) {
    let mut spec = running.get("/api/v1/pools/networks")["spec"].clone();
    let parameters = spec["parameters"].as_object_mut().unwrap();
    assert!(parameters.remove("chaincode").is_some());
    running.put("pools/networks", spec);
    let id = network["id"].as_str().unwrap();
    running.site.ok(&["release", lease]);
    running.until("all of it is gone", |running| {
        let things = running.engine.things();
        !things.iter().any(|(_, name, _)| name.contains(id))
    });
    let (_, next) = acquire(running, "next");
    assert_ne!(next["id"], id);
    let now = running.get(&format!(
        "/api/v1/resources/{}",
        next["id"].as_str().unwrap()
    ));
    assert_eq!(now["parameters"].get("chaincode"), None);
    assert_eq!(container(running, &next, "chaincode-silver--2-0"), None);
    let key = "organizations/peerOrganizations/org1.example.com/users/User1@org1.example.com/msp/keystore/priv_sk";
    let key_of = |folder: &str| std::fs::read(running.site.path(folder).join(key)).unwrap();
    assert_ne!(key_of("net"), key_of("next"));
}

fn what_fails_changes_nothing(running: &mut Running, lease: &str, image: &str, id: &str) {
    let fails = |running: &Running, words: &[&str]| {
        let all = ["chaincode"].iter().chain(words).copied();
        running.site.fails(1, &all.collect::<Vec<_>>())
    };
    let said = fails(
        running,
        &["upgrade", lease, "silver", "--version", "broken"],
    );
    assert!(said.contains("it is broken"), "{said}");
    let nowhere = "127.0.0.1:1/none:1";
    let said = fails(running, &["deploy", lease, "gold", "--image", nowhere]);
    assert!(said.contains("not on the host"), "{said}");
    let said = fails(running, &["deploy", lease, "notes", "--image", image]);
    assert!(said.contains("chaincode upgrade"), "{said}");
    // A tenant brings only what the pool lets holders bring.
    let made = running
        .site
        .json(&["key", "add", "ann", "--role", "user", "--owner", "ann"]);
    running.site.ok(&["share", lease, "ann"]);
    let ann = |words: &[&str]| {
        let mut command = running.site.command(words);
        command.env("CAVIADA_KEY", made["secret"].as_str().unwrap());
        crate::site::text(&command.output().unwrap().stderr)
    };
    let deploy = ["chaincode", "deploy", lease, "gold", "--image", nowhere];
    let said = ann(&deploy);
    assert!(said.contains("holder_images"), "{said}");
    let let_in = ["pool", "set", "networks", "--holder-images", "127.0.0.1:1/"];
    running.site.ok(&let_in);
    let said = ann(&deploy);
    assert!(said.contains("not on the host"), "{said}");
    let words = ["resource", "alter", id, "--parameter", "orgs=2"];
    let said = running.site.run(&words);
    let said = crate::site::text(&said.stderr);
    assert!(said.contains("parameters.orgs"), "{said}");
}

fn in_order(running: &Running, resource: &Value) {
    let times = |service| times(running, resource, service);
    let [_, _, crypto_done] = times("crypto");
    let [_, orderer_starts, _] = times("orderer0");
    let [_, peer_starts, _] = times("peer0-org1");
    assert!(crypto_done <= orderer_starts && crypto_done <= peer_starts);
    let [_, orderers_join, orderers_joined] = times("join-orderers");
    let [_, peers_join, peers_joined] = times("join-peers");
    assert!(orderer_starts <= orderers_join && orderers_joined <= peers_join);
    let [_, _, packed] = times("package");
    let [chaincode_made, chaincode_starts, _] = times("chaincode-notes--1-0");
    assert!(packed <= chaincode_made, "it is told what the package is");
    let [_, deploy, deployed] = times("chaincode");
    assert!(peers_joined <= deploy && chaincode_starts <= deploy);
    let [_, tools_start, _] = times("tools");
    assert!(deployed <= tools_start);
}

fn what_the_holder_takes_along(running: &Running, resource: &Value) {
    let net = running.site.path("net");
    let read = |name: &str| std::fs::read_to_string(net.join(name)).unwrap();
    let profile: Value = serde_json::from_str(&read("connection.json")).unwrap();
    assert_eq!(
        profile["chaincodes"],
        json!([{"name": "notes", "version": "1.0", "channel": "ch1"}])
    );
    let organization = &profile["organizations"][0];
    let peer = &organization["peers"][0];
    assert_eq!(peer["endpoint"], resource["endpoints"]["peer0-org1"]);
    let user = "organizations/peerOrganizations/org1.example.com/users/User1@org1.example.com/msp";
    let key = read(&format!("{user}/keystore/priv_sk"));
    assert_eq!(organization["identities"][1]["privateKey"], key.as_str());
    assert!(read("org1.env").contains("export CORE_PEER_LOCALMSPID=Org1MSP"));
    let common: Value = serde_json::from_str(&read("connection-org1.json")).unwrap();
    assert_eq!(common["client"]["organization"], "Org1");

    assert_eq!(key.len(), 32);
    assert!(!holds(&running.site.path("data"), &key));
    assert!(!running.site.log().contains(&key));
}
