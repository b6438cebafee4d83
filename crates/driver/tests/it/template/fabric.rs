//! The Fabric template: what its plans run, in which order, with which files.

use std::collections::{BTreeMap, BTreeSet};

use caviada_driver::blueprint::{Blueprint, Check, Dependency, HolderContent, Restart, Service};
use caviada_driver::template::{Parameters, Template, builtin};

use super::{int, reserved, said, text};

fn template() -> Template {
    Template::parse(&builtin::source("fabric").unwrap()).unwrap()
}

fn with(parameters: &[(&str, &str)]) -> Parameters {
    let value = |v: &str| match (v.parse(), v.parse()) {
        (Ok(n), _) => int(n),
        (_, Ok(b)) => caviada_driver::template::ParameterValue::Bool(b),
        _ => text(v),
    };
    let pairs = parameters.iter();
    pairs.map(|(k, v)| ((*k).to_owned(), value(v))).collect()
}

fn network(parameters: &[(&str, &str)]) -> Blueprint {
    let mut all = vec![("tools_image", "tools:3")];
    all.extend(parameters);
    template().render(&with(&all), &reserved()).unwrap()
}

/// What the template says to parameters that do not go together.
fn refusal(parameters: &[(&str, &str)]) -> Vec<String> {
    said(
        template()
            .render(&with(parameters), &reserved())
            .unwrap_err(),
    )
}

fn file<'a>(service: &'a Service, path: &str) -> &'a str {
    let mut files = service.files.iter();
    &files.find(|f| f.path == path).unwrap().content
}

fn names<'a>(blueprint: &'a Blueprint, prefix: &str) -> Vec<&'a str> {
    let services = blueprint.services.iter().map(|s| s.name.as_str());
    let mut names: Vec<_> = services.filter(|n| n.starts_with(prefix)).collect();
    names.sort_unstable();
    names
}

#[test]
fn the_plans_have_the_sizes_they_promise() {
    for (plan, peers, orderers, ports) in [
        ("tiny", 1, 1, 3),
        ("small", 2, 1, 4),
        ("medium", 4, 1, 6),
        ("large", 4, 3, 10),
        ("bft", 2, 4, 10),
    ] {
        let network = network(&[("plan", plan)]);
        assert_eq!(names(&network, "peer").len(), peers, "{plan}");
        assert_eq!(names(&network, "orderer").len(), orderers, "{plan}");
        let published: usize = network.services.iter().map(|s| s.ports.len()).sum();
        assert_eq!(published, ports, "{plan}");
    }
}

#[test]
fn what_is_given_counts_more_than_the_plan() {
    let network = network(&[("plan", "tiny"), ("peers", "2")]);
    assert_eq!(names(&network, "peer"), ["peer0-org1", "peer1-org1"]);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let bft = [("plan", "bft")];
    assert!(refusal(&bft)[0].contains("bft needs tools_image"));
    let old = [
        ("consensus", "bft"),
        ("orderers", "4"),
        ("tools_image", "t"),
    ];
    assert!(refusal(&old)[0].contains("bft needs Fabric 3"));
    assert!(refusal(&[("orderers", "2")])[0].contains("raft takes 1, 3, 5 or 7"));
    let five = [("plan", "bft"), ("tools_image", "t"), ("orderers", "5")];
    assert!(refusal(&five)[0].contains("bft takes 4, 7 or 10"));
}

#[test]
fn nodes_come_after_their_keys_and_channels_after_their_nodes() {
    let network = network(&[("plan", "large")]);
    let on = |service: &str| network.service(service).unwrap().depends_on.clone();
    let done = Dependency::ServiceCompletedSuccessfully;
    for node in names(&network, "peer")
        .into_iter()
        .chain(names(&network, "orderer"))
    {
        assert_eq!(
            on(node),
            BTreeMap::from([("crypto".to_owned(), done)]),
            "{node}"
        );
    }
    let orderers = on("join-orderers");
    assert_eq!(orderers.len(), 3);
    assert!(orderers.values().all(|d| *d == Dependency::ServiceHealthy));
    let peers = on("join-peers");
    assert_eq!(peers.len(), 5);
    assert_eq!(peers["join-orderers"], done);
    assert_eq!(on("tools")["join-peers"], done);
}

#[test]
fn a_job_must_say_that_it_did_its_work() {
    let network = network(&[]);
    for job in ["crypto", "join-orderers", "join-peers"] {
        let job = network.service(job).unwrap();
        let wanted = job.job.as_ref().unwrap().output_contains.as_ref().unwrap();
        let script = file(job, job.command.as_ref().unwrap()[1].as_str());
        assert!(
            script.trim_end().ends_with(&format!("echo \"{wanted}\"")),
            "{}",
            job.name
        );
    }
    // osnadmin ends with 0 whatever it is answered.
    let join = network.service("join-orderers").unwrap();
    let script = file(join, "/caviada/join-orderers.sh");
    assert!(script.contains("Status: 201"), "{script}");
}

#[test]
fn a_network_is_ready_only_once_it_can_transact_and_stays_so_by_the_same_test() {
    let network = network(&[("plan", "large"), ("channels", "2")]);
    let [probe] = network.readiness.as_slice() else {
        panic!("{:?}", network.readiness);
    };
    let Check::Exec {
        service, command, ..
    } = &probe.check
    else {
        panic!("{probe:?}");
    };
    assert_eq!(service, "tools");
    let tools = network.service("tools").unwrap();
    assert_eq!(tools.healthcheck.as_ref().unwrap().test[1..], command[..]);
    let script = file(tools, "/caviada/ready.sh");
    let count = |line: &str| script.lines().filter(|l| l.starts_with(line)).count();
    // Every orderer of every channel knows a leader, every peer of every channel all peers.
    assert_eq!((count("leads orderer"), count("knows ")), (6, 8));
    assert!(script.contains("[ \"$known\" -eq 4 ]"), "{script}");
}

#[test]
fn all_nodes_come_back_with_their_host() {
    for service in &network(&[("ca", "true")]).services {
        let expected = match service.job {
            Some(_) => Restart::No,
            None => Restart::UnlessStopped,
        };
        assert_eq!(service.restart, expected, "{}", service.name);
    }
}

#[test]
fn the_engines_socket_is_in_no_container() {
    let network = network(&[]);
    let peer = network.service("peer0-org1").unwrap();
    let start = peer.command.as_ref().unwrap().last().unwrap();
    assert!(start.contains("s#unix:///var/run/docker.sock##"), "{start}");
    assert!(start.ends_with("exec peer node start"), "{start}");
    let mounted = |s: &Service| s.mounts.iter().any(|m| m.path.contains("docker"));
    assert!(!network.services.iter().any(mounted));
}

#[test]
fn gossip_and_elections_are_quick() {
    let network = network(&[]);
    let peer = network.service("peer0-org1").unwrap();
    assert_eq!(peer.environment["CORE_PEER_GOSSIP_RECONNECTINTERVAL"], "2s");
    assert_eq!(peer.environment["FABRIC_LOGGING_SPEC"], "info");
    let configtx = file(network.service("crypto").unwrap(), "/caviada/configtx.yaml");
    assert!(configtx.contains("TickInterval: 100ms"));
    assert!(configtx.contains("BatchTimeout: 500ms"));
}

#[test]
fn lists_in_the_environment_are_as_fabric_reads_them() {
    let network = network(&[("plan", "large")]);
    for orderer in names(&network, "orderer") {
        let environment = &network.service(orderer).unwrap().environment;
        for name in [
            "ORDERER_GENERAL_TLS_ROOTCAS",
            "ORDERER_ADMIN_TLS_CLIENTROOTCAS",
        ] {
            let list = &environment[name];
            assert!(list.starts_with("[/") && list.ends_with(']'), "{list}");
        }
    }
}

#[test]
fn the_address_of_the_host_is_in_every_certificate() {
    let network = network(&[("plan", "large"), ("ca", "true")]);
    let config = file(
        network.service("crypto").unwrap(),
        "/caviada/crypto-config.yaml",
    );
    let sans = config.matches("SANS: [localhost, 127.0.0.1, \"192.0.2.7\"]");
    // Three orderers, two organizations.
    assert_eq!(sans.count(), 5, "{config}");
    let ca = network.service("ca-org2").unwrap();
    assert!(ca.environment["FABRIC_CA_SERVER_CSR_HOSTS"].ends_with(",192.0.2.7"));
}

#[test]
fn consensus_and_version_decide_capabilities_and_consenters() {
    let configtx = |parameters: &[(&str, &str)]| {
        let network = network(parameters);
        file(network.service("crypto").unwrap(), "/caviada/configtx.yaml").to_owned()
    };
    let raft = configtx(&[("plan", "large"), ("version", "3.1")]);
    assert!(raft.contains("OrdererType: etcdraft\n") && raft.contains("V2_0: true"));
    assert_eq!(raft.matches("- Host: orderer").count(), 3);
    assert!(!raft.contains("V3_0") && !raft.contains("ConsenterMapping"));
    let bft = configtx(&[("plan", "bft")]);
    assert!(bft.contains("OrdererType: BFT\n") && bft.contains("V3_0: true"));
    assert_eq!(bft.matches("MSPID: OrdererMSP").count(), 4);
    assert!(!bft.contains("EtcdRaft"));
}

#[test]
fn nodes_tools_and_cas_have_images_of_their_own() {
    let images = |parameters: &[(&str, &str)]| -> BTreeSet<String> {
        let network = template().render(&with(parameters), &reserved()).unwrap();
        network.services.into_iter().map(|s| s.image).collect()
    };
    let of = |names: [&str; 4]| BTreeSet::from(names.map(str::to_owned));
    assert_eq!(
        images(&[("ca", "true"), ("version", "3.1")]),
        of([
            "hyperledger/fabric-ca:1.5",
            "hyperledger/fabric-orderer:3.1",
            "hyperledger/fabric-peer:3.1",
            "hyperledger/fabric-tools:2.5",
        ])
    );
    assert_eq!(
        images(&[
            ("ca", "true"),
            ("peer_image", "p:1"),
            ("orderer_image", "o:1"),
            ("tools_image", "t:1"),
            ("ca_image", "c:1"),
        ]),
        of(["p:1", "o:1", "t:1", "c:1"])
    );
}

#[test]
fn operations_are_for_nobody_outside() {
    let network = network(&[("plan", "large"), ("ca", "true")]);
    let ports: BTreeSet<u16> = network
        .services
        .iter()
        .flat_map(|s| s.ports.iter().map(|p| p.container))
        .collect();
    assert_eq!(ports, BTreeSet::from([7050, 7051, 7053, 7054]));
}

#[test]
fn every_container_has_limits() {
    let parameters = [
        ("plan", "large"),
        ("ca", "true"),
        ("peer_memory_mb", "300"),
        ("log_mb", "2"),
    ];
    for service in network(&parameters).services {
        assert!(service.limits.memory_bytes.is_some(), "{}", service.name);
        assert!(service.limits.pids.is_some(), "{}", service.name);
        let log = service.log.as_ref().unwrap();
        assert_eq!((log.max_bytes, log.max_files), (2 << 20, 3));
        if service.name.starts_with("peer") {
            assert_eq!(service.limits.memory_bytes, Some(300 << 20));
        }
    }
}

#[test]
fn a_holder_gets_both_forms_of_the_profile_the_keys_and_an_environment() {
    let network = network(&[("plan", "large"), ("ca", "true"), ("channels", "2")]);
    let names: Vec<_> = network.files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "organizations",
            "connection.json",
            "connection-org1.json",
            "connection-org2.json",
            "org1.env",
            "org2.env"
        ]
    );
    for file in &network.files {
        let HolderContent::Document(document) = &file.content else {
            continue;
        };
        if file.name.ends_with(".json") {
            // Placeholders stand inside texts, so it is JSON before they are filled in.
            let profile: serde_json::Value = serde_json::from_str(document).unwrap();
            if file.name == "connection.json" {
                assert_eq!(profile["channels"], serde_json::json!(["ch1", "ch2"]));
                assert_eq!(
                    profile["organizations"][1]["peers"][1]["endpoint"],
                    "{peer1-org2}"
                );
                assert_eq!(profile["orderers"].as_array().unwrap().len(), 3);
                assert_eq!(
                    profile["organizations"][0]["certificateAuthority"]["name"],
                    "ca-org1"
                );
            } else {
                let organization = &profile["client"]["organization"];
                let known = &profile["organizations"][organization.as_str().unwrap()];
                let peers = known["peers"].as_array().unwrap();
                assert!(
                    peers
                        .iter()
                        .all(|p| profile["peers"][p.as_str().unwrap()].is_object())
                );
            }
        }
        // Keys are for the files, never for the endpoints that stand in the ledger.
        assert!(!document.contains("PRIVATE KEY"));
    }
    assert!(
        network
            .outputs
            .iter()
            .all(|o| !format!("{:?}", o.value).contains("crypto"))
    );
}

#[test]
fn keys_and_ledgers_go_together() {
    // Old ledgers under new keys look well to everybody but a client: there is no reset in place.
    assert!(!template().can_reset());
    let network = network(&[("plan", "large")]);
    for node in names(&network, "peer")
        .into_iter()
        .chain(names(&network, "orderer"))
    {
        let mounts = &network.service(node).unwrap().mounts;
        let kept: Vec<_> = mounts
            .iter()
            .map(|m| (m.volume.as_str(), m.read_only))
            .collect();
        assert_eq!(kept, [("crypto", true), (node, false)], "{node}");
    }
}
