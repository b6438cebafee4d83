//! A pool on a swarm.

use super::{Running, answers, stall_host, stalls};

#[test]
fn a_pool_on_a_swarm_keeps_one_warm_and_leases_it() {
    let Some(own) = caviada_testbed::swarm_engine(&[]) else {
        return;
    };
    let mut running = Running::start();
    let mut host = stall_host(&format!("unix://{}", own.socket().display()));
    host["driver"] = "swarm".into();
    host["reach"] = own.address().to_string().into();
    host["options"]["publish"] = "host".into();
    running.put("hosts/lab", host);
    running.until("it is told what the engine lacks", |running| {
        let host = running.get("/api/v1/hosts/lab");
        let why = host["why"].as_str().unwrap_or_default();
        why.contains("docker swarm init")
    });

    own.begin_swarm(own.address());
    stalls(&mut running.wire, "stalls", "lab", &own.image(), 1);
    running.until_offerable("stalls", 1);
    let lease = running.site.json(&["acquire", "stalls", "--no-wait"]);
    let url = lease["resources"][0]["endpoints"]["web"].as_str().unwrap();
    assert!(url.contains(&own.address().to_string()), "{url}");
    assert!(answers(url));
    running.site.ok(&["release", lease["id"].as_str().unwrap()]);
    running.until_offerable("stalls", 1);
}
