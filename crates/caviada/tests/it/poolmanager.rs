//! The old API of the server that ships, as the guide sets it up.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use caviada_api::pool::PoolSpec;
use caviada_api::resource::ResourceState;
use serde_json::Value;

use crate::site::{ADMIN, QUICK, Site, until};

const CHAINS: &str = r#"
name = "chains"
[[pool]]
name = "chains"
lease = { ttl = "none" }
[[resource]]
pool = "chains"
names = ["c1", "c2"]
attributes = { consensus_plugin = "pbft", consensus_mode = "batch", size = 4 }
endpoints = { rest = "{name}.lab:7050" }
"#;

pub fn get(address: &str, target: &str, header: &str) -> (u16, Value) {
    sent(
        address,
        &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n"),
    )
}

/// A form.
pub fn post(address: &str, target: &str, form: &str, header: &str) -> (u16, Value) {
    sent(address, &form_of(target, form, header))
}

/// The same; the whole answer.
pub fn posted(address: &str, target: &str, form: &str) -> String {
    said(address, &form_of(target, form, ""))
}

fn form_of(target: &str, form: &str, header: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{header}\r\n{form}",
        form.len()
    )
}

fn said(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn sent(address: &str, request: &str) -> (u16, Value) {
    let answer = said(address, request);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// Where the old API listens.
pub fn listener(site: &Site) -> String {
    until("the old API listens", || {
        let log = site.log();
        let (_, at) = log.split_once("is spoken on http://")?;
        at.split(['"', '\n']).next().map(str::to_owned)
    })
}

#[test]
fn an_old_script_leases_at_its_new_address() {
    let mut site = Site::new();
    let flags = ["--compat", "poolmanager=127.0.0.1:0"];
    let variables = [
        ("CAVIADA_ADMIN_KEY", ADMIN),
        ("CAVIADA_COMPAT__POOLMANAGER__PRINCIPAL", "old"),
        ("MONGO_URL", "mongodb://mongo:27017"),
    ];
    site.serve(&flags, &variables);
    let old = &listener(&site);
    let log = site.log();
    assert!(
        log.contains("the variable MONGO_URL does nothing here"),
        "{log}"
    );
    let apply = "/v1/cluster_apply?user_id=ann ";
    let (status, no) = get(old, apply, "");
    assert_eq!(
        (status, &no["error"]),
        (400, &"there is no key old, or it has expired".into())
    );
    site.load(CHAINS);
    site.ok(&["key", "add", "old", "--act-for", "chains"]);
    let (status, given) = get(old, apply, "");
    assert_eq!(
        (status, &given["data"]["api_url"]),
        (200, &"http://c1.lab:7050".into())
    );
    let lease = &site.json(&["ls"])["items"][0];
    assert_eq!(lease["owner"], "ann", "{lease}");
    assert!(lease["expires_at"].is_null(), "{lease}");
    let (_, released) = get(old, "/v1/cluster_release?user_id=ann ", "");
    assert_eq!(released["status"], "OK");
    assert!(site.json(&["ls"])["items"].as_array().unwrap().is_empty());

    // Beside HTTP v1 nobody is let in without a key.
    let main = site.address().to_string();
    let beside = "/compat/poolmanager/v2/clusters";
    assert_eq!(get(&main, beside, "").0, 400);
    let (status, all) = get(&main, beside, &format!("Authorization: Bearer {ADMIN}\r\n"));
    assert_eq!((status, all["data"].as_array().unwrap().len()), (200, 2));
    until("its line in the log", || {
        let log = site.log();
        let told = |l: &str| l.contains(beside) && l.contains("key.name");
        log.lines().any(told).then_some(())
    });
    assert!(site.stop().success());
}

/// A server with a pool of chains that it builds itself, one of them warm.
async fn chains(max: u32) -> Site {
    let mut site = Site::new();
    let principal = ("CAVIADA_COMPAT__POOLMANAGER__PRINCIPAL", "old");
    let variables = [&QUICK[..], &[principal]].concat();
    site.serve(&["--compat", "poolmanager=127.0.0.1:0"], &variables);
    let mut spec = PoolSpec {
        warm: 1,
        max: Some(max),
        prepare: true,
        pause: true,
        attributes: [("consensus_plugin".to_owned(), "pbft".into())].into(),
        ..PoolSpec::default()
    };
    spec.lease.no_deadline = true;
    site.built("chains", "while :; do sleep 1; done", spec)
        .await;
    site.warm("chains", 1).await;
    site.ok(&["key", "add", "old", "--act-for", "chains"]);
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_script_stops_and_starts_its_cluster() {
    let mut site = chains(1).await;
    let old = &listener(&site);
    let (_, given) = get(old, "/v2/cluster_apply?user_id=ann", "");
    let id = given["data"]["id"].as_str().unwrap();
    let held = &site.members("chains", ResourceState::Leased).await[0];
    assert_ne!(
        site.process_state(held),
        'T',
        "it was thawed before the answer"
    );
    let power = |action: &str, node: &str| {
        let target = format!("/v2/cluster_op?action={action}&cluster_id={id}{node}");
        get(old, &target, "")
    };
    let shown = || {
        let (_, one) = get(old, &format!("/v2/cluster/{id}"), "");
        let told = |field: &str| one["data"][field].as_str().unwrap().to_owned();
        [told("status"), told("health"), told("user_id")]
    };
    for (action, status, health) in [
        ("stop", "stopped", ""),
        ("stop", "stopped", ""),
        ("start", "running", "OK"),
        ("restart", "running", "OK"),
    ] {
        let (code, answer) = power(action, "");
        assert_eq!((code, &answer["status"]), (200, &"OK".into()), "{answer}");
        assert_eq!(shown(), [status, health, "ann"], "after {action}");
    }
    let (code, no) = power("stop", "&node_id=vp9");
    let error = no["error"].as_str().unwrap();
    assert!(error.starts_with("cluster stop failed"), "{code} {error}");
    assert!(error.ends_with("refused"), "{error}");
    let (code, _) = power("stop", "&node_id=main");
    assert_eq!((code, &*shown()[0]), (200, "running"), "the others run");
    assert_eq!(power("restart", "").0, 200);
    let (_, again) = get(old, "/v2/cluster_apply?user_id=ann", "");
    assert_eq!(again["data"]["id"], id, "it is still his");
    assert!(site.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_makes_a_cluster_on_a_host() {
    let mut site = chains(2).await;
    let old = &listener(&site);
    let operator = format!("Authorization: Bearer {ADMIN}\r\n");
    let (_, hosts) = get(old, "/api/hosts", &operator);
    let host = hosts["data"][0]["id"].as_str().unwrap();
    let make = |asked: &str| post(old, "/api/cluster", asked, &operator);
    let asked = format!("name=extra&host_id={host}&consensus_plugin=pbft&size=4");
    let (status, no) = make(&asked);
    assert_eq!(status, 400);
    let error = no["error"].as_str().unwrap();
    assert!(error.contains("no pool makes such clusters"), "{error}");
    let asked = format!("name=extra&host_id={host}&consensus_plugin=pbft");
    let (status, made) = make(&asked);
    assert_eq!((status, &made["code"]), (200, &201.into()), "{made}");
    site.warm("chains", 2).await;
    let (_, found) = get(old, "/v2/clusters?name=extra", "");
    assert_eq!(found["data"][0]["host_id"], host);
    let (status, no) = make(&asked.replace("extra", "more"));
    let error = no["error"].as_str().unwrap();
    assert_eq!(status, 400, "{no}");
    assert!(
        error.starts_with("Failed to create cluster more"),
        "{error}"
    );
    assert!(site.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_cluster_is_built_anew_under_another_id() {
    let mut site = chains(1).await;
    let old = &listener(&site);
    let (status, first) = get(old, "/v2/cluster_apply?user_id=ann", "");
    assert_eq!(status, 200, "{first}");
    let id = first["data"]["id"].as_str().unwrap();
    let (_, none) = get(old, "/v2/cluster_apply?user_id=bob", "");
    assert_eq!(none["error"], "No available res for bob");
    assert_eq!(
        get(
            old,
            &format!("/v2/cluster_op?action=release&cluster_id={id}"),
            ""
        )
        .0,
        200
    );
    site.warm("chains", 1).await;
    let (status, second) = get(old, "/v2/cluster_apply?user_id=bob", "");
    assert_eq!(status, 200, "{second}");
    assert_ne!(second["data"]["id"], id);

    let operator = format!("Authorization: Bearer {ADMIN}\r\n");
    let (_, hosts) = get(old, "/api/hosts", &operator);
    let host = &hosts["data"][0];
    assert_eq!(
        (&host["name"], &host["status"]),
        (&"here".into(), &"active".into())
    );
    assert_eq!(host["clusters"][0], second["data"]["id"]);
    assert_eq!(host["id"], second["data"]["host_id"]);
    assert!(site.stop().success());
}
