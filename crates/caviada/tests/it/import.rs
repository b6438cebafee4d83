//! Exports of older databases, as `mongoexport` writes them from the fields that the specification
//! of PoolManager and Cello lists (§3), brought over to the real server.

use std::time::{SystemTime, UNIX_EPOCH};

use caviada_api::timestamp::Timestamp;
use serde_json::Value;

use crate::poolmanager::{get, listener, post, posted};
use crate::site::{ADMIN, Site};

/// Cello 0.7, canonical: one document after another.
const HOSTS: &str = r#"{"_id":{"$oid":"5be94ac0e1382300011a0001"},"id":"5be94ac0e1382300011a0001","name":"Node_1","worker_api":"tcp://127.0.0.1:9","create_ts":{"$date":{"$numberLong":"1542009600000"}},"capacity":{"$numberInt":"5"},"status":"active","clusters":["5be94ac0e1382300011b0001"],"type":"docker","log_level":"INFO","log_type":"local","log_server":"","autofill":"true","schedulable":"true"}
{"_id":{"$oid":"5be94ac0e1382300011a0002"},"name":"swarm","worker_api":"tcp://127.0.0.1:8","capacity":{"$numberInt":"5"},"type":"swarm"}
{"_id":{"$oid":"5be94ac0e1382300011a0003"},"name":"node-1","worker_api":"10.0.0.3:2375","capacity":{"$numberInt":"2"},"type":"docker"}
{"_id":{"$oid":"5be94ac0e1382300011a0004"},"name":"lost","capacity":{"$numberInt":"2"}}
"#;

const CLUSTERS: &str = r#"{"_id":{"$oid":"5be94ac0e1382300011b0001"},"id":"5be94ac0e1382300011b0001","name":"Node_1_0","user_id":"ann","host_id":"5be94ac0e1382300011a0001","worker_api":"tcp://127.0.0.1:9","consensus_plugin":"solo","consensus_mode":"","network_type":"fabric-1.0","size":{"$numberInt":"4"},"status":"running","health":"OK","create_ts":{"$date":{"$numberLong":"1542009600000"}},"apply_ts":{"$date":{"$numberLong":"1542013200000"}},"release_ts":"","duration":"","service_url":{"rest":"10.0.0.1:7050","grpc":"10.0.0.1:7051"},"mapped_ports":{"rest":{"$numberInt":"7050"},"grpc":{"$numberInt":"7051"}},"node_containers":{}}
{"_id":{"$oid":"5be94ac0e1382300011b0002"},"name":"Node_1_1","user_id":"","consensus_plugin":"kafka","size":{"$numberInt":"4"},"service_url":{"rest":"10.0.0.1:7150"}}
{"_id":{"$oid":"5be94ac0e1382300011b0003"},"name":"Node_1_2","user_id":"__SYSTEM__DELETINGann","consensus_plugin":"solo"}
{"_id":{"$oid":"5be94ac0e1382300011b0004"},"name":"Node_1_0","user_id":" bob ","consensus_plugin":"solo","size":{"$numberInt":"4"},"service_url":{"rest":"10.0.0.1:7250"}}
{"_id":{"$oid":"5be94ac0e1382300011b0001"},"name":"again","user_id":"ann"}
{"broken
{"_id":{"$oid":"5be94ac0e1382300011b0005"},"name":"odd","user_id":"a\u0000b","consensus_plugin":"solo"}
"#;

/// `U*U` as bcrypt has it; the second is what no hash looks like.
const USERS: &str = r#"[
{"_id":"u1","username":"ann","password":"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW","active":true,"isAdmin":false,"role":2,"balance":3,"timestamp":{"$date":"2018-11-12T08:00:00.000Z"},"profile":{"$oid":"5be94ac0e1382300011c0001"}},
{"_id":"u2","username":"admin","password":"pass","active":true,"isAdmin":true,"role":0,"balance":0},
{"_id":"u3","username":"odd","password":"x","role":7},
{"_id":"u4","username":"","password":"x","role":2}
]
"#;

const PROFILES: &str = r#"[{"_id":{"$oid":"5be94ac0e1382300011c0001"},"username":"ann","name":"Ann Lee","email":"ann@example.org","bio":"Rides.\nShoes.","url":"http://a.example","location":"Town"}]"#;

const RELEASED: &str = r#"{"_id":{"$oid":"5be94ac0e1382300011d0001"},"name":"Node_1_0","user_id":"cid","release_ts":{"$date":"2018-11-12T09:00:00.000Z"},"duration":"0:12:31.000213"}
"#;

/// A server that speaks the old API, and the folder of an export.
fn site() -> (Site, String) {
    let mut site = Site::new();
    let variables = [
        ("CAVIADA_ADMIN_KEY", ADMIN),
        ("CAVIADA_COMPAT__POOLMANAGER__PRINCIPAL", "old"),
    ];
    site.serve(&["--compat", "poolmanager=127.0.0.1:0"], &variables);
    let folder = site.path("export");
    std::fs::create_dir(&folder).unwrap();
    for (name, text) in [
        ("host.json", HOSTS),
        ("cluster_active.json", CLUSTERS),
        ("cluster_released.json", RELEASED),
        ("user.json", USERS),
        ("profile.json", PROFILES),
        ("login_history.json", "what is not looked at"),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    (site, folder.display().to_string())
}

#[test]
fn a_dry_run_says_what_would_be_made_and_changes_nothing() {
    let (site, folder) = site();
    let dry = [
        "import",
        "poolmanager",
        &folder,
        "--allow-plain-tcp",
        "--dry-run",
    ];
    let said = site.json(&dry);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let made: Vec<String> = said["made"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| format!("{} {}", text(&m["noun"]), text(&m["name"])))
        .collect();
    assert_eq!(
        made,
        [
            "host node-1",
            "host node-1-2300011a0003",
            "pool of clusters",
            "resource Node_1_0",
            "lease ann",
            "resource Node_1_1",
            "resource Node_1_0-5be94ac0e1382300011b0004",
            "lease bob",
            "visibility of the pool for everybody",
            "user ann",
            "user admin",
        ]
    );
    let skipped: Vec<(String, String)> = said["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (text(&s["at"]), text(&s["why"])))
        .collect();
    for (at, why) in [
        ("host.json:2", "a swarm is entered by hand"),
        ("host.json:4", "it has no daemon_url"),
        (
            "cluster_active.json:3",
            "it was being worked on: __SYSTEM__DELETINGann",
        ),
        (
            "cluster_active.json:5",
            "it stands at cluster_active.json:1, too",
        ),
        ("cluster_active.json:6", ""),
        ("cluster_active.json:7", "its user_id can be no owner"),
        ("user.json:4", "there is no role 7"),
        ("user.json:5", "his username can be no owner"),
    ] {
        let found = skipped.iter().any(|(a, w)| a == at && w.contains(why));
        assert!(found, "{at}: {why} is not in {skipped:?}");
    }
    assert_eq!(skipped.len(), 8, "{skipped:?}");
    let notes = said["notes"].to_string();
    assert!(
        notes.contains("1 clusters were released before the 90 days that the history keeps"),
        "{notes}"
    );
    assert!(
        notes.contains("login_history is no collection that is read"),
        "{notes}"
    );
    // Nothing is there yet.
    for list in ["host", "pool", "user"] {
        assert_eq!(
            site.json(&[list, "ls"])["items"],
            Value::Array(vec![]),
            "{list}"
        );
    }
    // Without the flag no engine is taken whose port is open.
    let said = site.json(&["import", "poolmanager", &folder, "--dry-run"]);
    assert!(!said["made"].to_string().contains("host"));
    assert!(said["skipped"].to_string().contains("listens without TLS"));
}

#[test]
fn who_had_a_cluster_has_it_still_and_signs_in_as_before() {
    let (mut site, folder) = site();
    let import = ["import", "poolmanager", &folder, "--allow-plain-tcp"];
    let said = site.ok(&import);
    assert!(
        said.contains("+ lease ann  cluster_active.json:1"),
        "{said}"
    );
    assert!(
        said.contains("without a password: its hash is none that is taken"),
        "{said}"
    );
    site.ok(&["key", "add", "old", "--act-for", "imported"]);
    let old = &listener(&site);
    // The same cluster at the same address, not another one.
    let (status, given) = get(old, "/v2/cluster_apply?user_id=ann", "");
    let data = &given["data"];
    assert_eq!(
        (status, &data["name"]),
        (200, &"Node_1_0".into()),
        "{given}"
    );
    assert_eq!(data["service_url"]["grpc"], "10.0.0.1:7051");
    assert_eq!(
        (&data["consensus_plugin"], &data["size"]),
        (&"solo".into(), &4.into())
    );
    // What nobody had is not handed out before somebody has looked.
    assert_eq!(get(old, "/v2/cluster_apply?user_id=cid", "").0, 400);
    site.ok(&["resource", "return", "imported/Node_1_1"]);
    let (status, given) = get(old, "/v2/cluster_apply?user_id=cid", "");
    assert_eq!((status, &given["data"]["name"]), (200, &"Node_1_1".into()));
    // Nor is what was given back, which nobody here can make clean.
    assert_eq!(get(old, "/v2/cluster_release?user_id=bob", "").0, 200);
    assert_eq!(get(old, "/v2/cluster_apply?user_id=dan", "").0, 400);
    let bobs = "imported/Node_1_0-5be94ac0e1382300011b0004";
    assert_eq!(site.json(&["resource", "show", bobs])["state"], "dirty");

    let host = site.json(&["host", "show", "node-1"]);
    assert_eq!(host["spec"]["schedulable"], false);
    assert_eq!(host["spec"]["labels"]["poolmanager/name"], "Node_1");
    let ann = site.json(&["user", "show", "ann"]);
    assert_eq!(
        (&ann["balance"], &ann["profile"]["bio"]),
        (&3.into(), &"Rides.\nShoes.".into())
    );
    assert_eq!(
        post(old, "/api/auth/login", "username=ann&password=U*V", "").0,
        401
    );
    let (status, login) = post(old, "/api/auth/login", "username=ann&password=U*U", "");
    assert_eq!((status, &login["success"]), (200, &true.into()));
    assert_eq!(
        post(old, "/api/auth/login", "username=admin&password=pass", "").0,
        401
    );

    // A session outlives a restart.
    let signed_in = posted(old, "/api/auth/login", "username=ann&password=U*U");
    let cookie = signed_in.split("caviada_poolmanager=").nth(1).unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let header = format!("Cookie: caviada_poolmanager={cookie}\r\n");
    let account = format!("/api/user/account/{}", login["id"].as_str().unwrap());
    assert!(site.stop().success());
    let principal = ("CAVIADA_COMPAT__POOLMANAGER__PRINCIPAL", "old");
    site.serve(&["--compat", "poolmanager=127.0.0.1:0"], &[principal]);
    let old = &listener(&site);
    assert_eq!(get(old, &account, "").0, 400);
    let (status, shown) = get(old, &account, &header);
    assert_eq!((status, &shown["username"]), (200, &"ann".into()));

    // Again it makes nothing, whatever became of what was there.
    let again = site.json(&import);
    assert_eq!(again["made"], Value::Array(vec![]), "{again}");
    let leases = site.json(&["ls"]);
    assert_eq!(leases["items"].as_array().unwrap().len(), 2);
    assert!(site.stop().success());
}

#[test]
fn whose_lease_is_refused_his_cluster_is_nobody_elses() {
    let (site, folder) = site();
    site.ok(&["quota", "set", "bob", "--leases", "0"]);
    let import = ["import", "poolmanager", &folder];
    let output = site.run(&import);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("- lease bob  cluster_active.json:4"),
        "{said}"
    );
    let bobs = "imported/Node_1_0-5be94ac0e1382300011b0004";
    assert_eq!(site.json(&["resource", "show", bobs])["state"], "withheld");
    // All else is there.
    assert_eq!(site.json(&["user", "show", "ann"])["balance"], 3);
    assert_eq!(site.json(&["ls"])["items"][0]["owner"], "ann");
}

/// An hour ago, and at the very same time in the words of the old systems.
fn an_hour_ago() -> (Timestamp, String) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ms = u64::try_from(now.as_millis()).unwrap() - 3_600_000;
    (Timestamp(ms), Timestamp(ms).to_string())
}

#[test]
fn what_was_released_in_the_old_system_stands_in_the_history() {
    let (site, _) = site();
    let (at, ended) = an_hour_ago();
    let granted = Timestamp(at.0 - 751_000).to_string();
    let released = site.file(
        "cluster_released.json",
        &format!(
            r#"[{{"_id":{{"$oid":"5be94ac0e1382300011d0001"}},"name":"Node_1_0","user_id":"cid","consensus_plugin":"kafka","size":6,"release_ts":{{"$date":"{ended}"}},"duration":"0:12:31.000213"}},
{{"_id":{{"$oid":"5be94ac0e1382300011d0002"}},"name":"Node_1_1","user_id":"u1","apply_ts":{{"$date":"{granted}"}},"release_ts":{{"$date":"{ended}"}}}},
{{"_id":{{"$oid":"5be94ac0e1382300011d0003"}},"name":"old","user_id":"cid","release_ts":{{"$date":"2018-11-12T09:00:00.000Z"}}}},
{{"_id":{{"$oid":"5be94ac0e1382300011d0004"}},"name":"when","user_id":"cid"}},
{{"_id":{{"$oid":"5be94ac0e1382300011d0005"}},"name":"odd","user_id":"","release_ts":{{"$date":"{ended}"}}}}]"#
        ),
    );
    let users = site.file("user.json", r#"{"_id":"u1","username":"ann","role":2}"#);
    let import = [
        "import",
        "poolmanager",
        "--released",
        &released,
        "--users",
        &users,
    ];
    let said = site.json(&import);
    let skipped = said["skipped"].to_string();
    assert!(skipped.contains("nobody knows when it was released"));
    assert!(skipped.contains("its user_id can be no owner"), "{skipped}");
    assert!(
        said["notes"]
            .to_string()
            .contains("1 clusters were released before")
    );
    let past = |site: &Site| site.json(&["ls", "--state", "ended", "--pool", "imported"]);
    let leases = past(&site);
    let owners: Vec<_> = leases["items"].as_array().unwrap().iter().collect();
    assert_eq!(owners.len(), 2, "{leases}");
    for lease in owners {
        assert_eq!(lease["granted_at"], granted.as_str(), "{lease}");
        assert_eq!(lease["ended_at"], ended.as_str(), "{lease}");
        assert_eq!(lease["end"], "released", "{lease}");
    }
    // As the old API showed it.
    site.ok(&["key", "add", "old", "--act-for", "imported"]);
    let old = &listener(&site);
    let (status, told) = get(old, "/v2/clusters?state=released", "");
    assert_eq!(status, 200, "{told}");
    let records = told["data"].as_array().unwrap();
    let of = |user: &str| records.iter().find(|r| r["user_id"] == user).unwrap();
    let cid = of("cid");
    assert_eq!(cid["id"], "5be94ac0e1382300011d0001");
    assert_eq!(
        (&cid["name"], &cid["size"]),
        (&"Node_1_0".into(), &6.into())
    );
    assert_eq!(
        (&cid["consensus_plugin"], &cid["duration"]),
        (&"kafka".into(), &"0:12:31".into())
    );
    assert_eq!(of("ann")["name"], "Node_1_1");
    // Again it makes nothing.
    let again = site.json(&import);
    assert_eq!(again["made"], Value::Array(vec![]), "{again}");
    assert_eq!(past(&site)["items"].as_array().unwrap().len(), 2);
}

/// PoolManager 1: no hosts, one address for each cluster, and one kind of them.
#[test]
fn the_documents_of_poolmanager_1_are_read_too() {
    let (site, _) = site();
    let clusters = site.file(
        "cluster.json",
        r#"{"_id":{"$oid":"5be94ac0e1382300011b0001"},"name":"c0","user_id":"ann","daemon_url":"tcp://10.0.0.1:2375","api_url":"http://10.0.0.1:5000","apply_ts":{"$date":"2016-05-01T08:00:00.000Z"}}"#,
    );
    site.ok(&["import", "poolmanager", "--clusters", &clusters]);
    let c0 = site.json(&["resource", "show", "imported/c0"]);
    assert_eq!(c0["endpoints"]["rest"], "http://10.0.0.1:5000");
    assert_eq!(c0["attributes"]["consensus_plugin"], "pbft");
    assert_eq!(c0["labels"]["poolmanager/host"], "tcp://10.0.0.1:2375");
    let lease = &site.json(&["ls"])["items"][0];
    assert_eq!(
        lease["labels"]["poolmanager/apply_ts"],
        "2016-05-01T08:00:00.000Z"
    );
    assert!(lease["expires_at"].is_null(), "{lease}");
}

/// Cello 0.8: other ids, ports in a collection of their own, states in the document.
#[test]
fn the_documents_of_0_8_are_read_too() {
    let (site, _) = site();
    let clusters = site.file(
        "cluster.json",
        r#"[{"_id":"2f1c7a52d1a84f5f9a4bd0a2a51c0b11","name":"net","user_id":"ann","host":"h","state":"active","status":"running","network_type":"fabric-1.2","consensus_plugin":"solo","size":4},
{"_id":"2f1c7a52d1a84f5f9a4bd0a2a51c0b12","name":"gone","user_id":"ann","state":"released"},
{"_id":"2f1c7a52d1a84f5f9a4bd0a2a51c0b13","name":"new","user_id":"","state":"active","status":"creating"}]"#,
    );
    let ports = site.file(
        "ports.json",
        r#"[{"_id":{"$oid":"5be94ac0e1382300011e0001"},"name":"orderer","ip":"10.0.0.1","port":7050,"cluster":"2f1c7a52d1a84f5f9a4bd0a2a51c0b11"}]"#,
    );
    let said = site.json(&[
        "import",
        "poolmanager",
        "--clusters",
        &clusters,
        "--service-ports",
        &ports,
        "--pool",
        "nets",
    ]);
    assert_eq!(said["skipped"].as_array().unwrap().len(), 2, "{said}");
    let net = site.json(&["resource", "show", "nets/net"]);
    assert_eq!(
        (&net["state"], &net["endpoints"]["orderer"]),
        (&"leased".into(), &"10.0.0.1:7050".into())
    );
    let nothing = site.fails(2, &["import", "poolmanager"]);
    assert!(nothing.contains("name a folder"), "{nothing}");
}

/// In the old systems everybody could make himself an admin, and `admin` came with `pass`.
#[test]
fn roles_and_passwords_that_everybody_knows_are_not_brought_over() {
    let (site, _) = site();
    let hash = |end: &str| format!("$2b$05$CCCCCCCCCCCCCCCCCCCCC.{end}");
    let users = format!(
        r#"[{{"_id":"u1","username":"admin","password":"{}","role":{{"$numberDouble":"0.0"}}}},
{{"_id":"u2","username":"ann","password":"{}","role":1,"active":[false]}},
{{"_id":"u3","username":"bob","password":"{}","isAdmin":true}},
{{"_id":"u4","username":"odd","role":[0]}},
{{"_id":"u5","username":"..","role":2}}]"#,
        hash("9JXofHN.pDSNKTkK2gqWn2UvOF6E9d6"),
        hash("y5FDepihsDUaso0d1VDsepInBVGh1Pm"),
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    );
    let users = site.file("users.json", &users);
    let import = ["import", "poolmanager", "--users", &users];
    let said = site.json(&import);
    assert_eq!(said["skipped"].as_array().unwrap().len(), 2, "{said}");
    assert!(said["notes"].to_string().contains("admin, ann, bob had"));
    assert!(
        said["made"]
            .to_string()
            .contains("one that everybody knows")
    );
    for (name, active, has_password) in [
        ("admin", true, false),
        ("ann", false, false),
        ("bob", true, true),
    ] {
        let user = site.json(&["user", "show", name]);
        assert_eq!(user["role"], "user", "{user}");
        assert_eq!(user["active"], active, "{user}");
        assert_eq!(user["has_password"], has_password, "{user}");
        site.ok(&["user", "rm", name]);
    }
    site.ok(&[&import[..], &["--roles"]].concat());
    assert_eq!(site.json(&["user", "show", "admin"])["role"], "admin");
    assert_eq!(site.json(&["user", "show", "ann"])["role"], "operator");
    let no = site.fails(2, &[&import[..], &["--pool", "No Name"]].concat());
    assert!(no.contains("a name has 1 to 63 characters"), "{no}");
}

const HELD: &str = r#"{"_id":"2f1c7a52d1a84f5f9a4bd0a2a51c0b11","name":"net","user_id":"u1","consensus_plugin":"solo","size":4.0}"#;

/// From Cello 0.8 on a dashboard applied with the user's id.
#[test]
fn who_is_named_by_his_id_holds_by_his_name_and_an_undone_import_is_done_anew() {
    let (site, _) = site();
    let clusters = site.file("cluster.json", HELD);
    let users = site.file("user.json", r#"{"_id":"u1","username":"ann","role":2}"#);
    let import = [
        "import",
        "poolmanager",
        "--clusters",
        &clusters,
        "--users",
        &users,
    ];
    for _ in 0..2 {
        site.ok(&import);
        let lease = site.json(&["ls"])["items"][0].clone();
        assert_eq!(lease["owner"], "ann");
        let net = site.json(&["resource", "show", "imported/net"]);
        assert_eq!(net["state"], "leased");
        site.ok(&["release", lease["id"].as_str().unwrap()]);
        site.ok(&["resource", "rm", "imported/net"]);
        site.ok(&["pool", "rm", "imported"]);
    }
}

#[test]
fn a_pool_that_is_there_is_neither_opened_nor_filled_under_others_eyes() {
    let (site, _) = site();
    let clusters = site.file("cluster.json", HELD);
    let pool = |owners: &str| {
        let text = format!(
            "name = \"file\"\n[[pool]]\nname = \"nets\"\nlease = {{ ttl = \"none\" }}\n{owners}\n"
        );
        site.ok(&["load", &site.file("nets.toml", &text)]);
    };
    let import = [
        "import",
        "poolmanager",
        "--clusters",
        &clusters,
        "--pool",
        "nets",
    ];
    pool("");
    let said = site.json(&import);
    assert_eq!(said["made"], Value::Array(vec![]), "{said}");
    assert!(
        said["skipped"]
            .to_string()
            .contains("others lease from the pool nets")
    );
    pool("visibility = { owners = [] }");
    site.ok(&import);
    assert_eq!(
        site.json(&["resource", "show", "nets/net"])["state"],
        "leased"
    );
    let hidden = site.json(&["pool", "show", "nets"]);
    assert!(hidden.to_string().contains(r#""owners":[]"#), "{hidden}");
}
