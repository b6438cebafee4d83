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

#[test]
fn a_network_comes_up_in_order_with_its_chaincode_and_its_keys_are_its_holders() {
    let Some(image) = caviada_testbed::fabric() else {
        return;
    };
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
    let mut words = vec![
        "pool",
        "set",
        "networks",
        "--template",
        "fabric",
        "--max",
        "1",
    ];
    let chaincode = format!(r#"chaincode=[{{"name": "notes", "image": "{image}"}}]"#);
    let images = ["peer_image", "orderer_image", "tools_image"];
    let images = images.map(|name| format!("{name}={image}"));
    for parameter in ["plan=tiny", &chaincode]
        .into_iter()
        .chain(images.iter().map(String::as_str))
    {
        words.extend(["--parameter", parameter]);
    }
    running.site.ok(&words);
    let into = format!("dir={}", running.site.typed("net"));
    let said = running
        .site
        .ok(&["acquire", "networks", "--wait", "2m", "-o", &into]);
    let lease = said[said.find("lease_").unwrap()..]
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    let resource = running.get(&format!("/api/v1/leases/{lease}"))["resources"][0].clone();

    in_order(&running, &resource);
    what_the_holder_takes_along(&running, &resource);

    running.site.ok(&["pool", "set", "networks", "--max", "0"]);
    running.site.ok(&["release", &lease]);
    running.until("all of it is gone", |running| {
        running.engine.things().is_empty()
    });
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
    let [chaincode_made, chaincode_starts, _] = times("chaincode-notes");
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
