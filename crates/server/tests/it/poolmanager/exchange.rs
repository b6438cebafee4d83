//! What each version answers to what its tenants ask.

use std::time::{Duration, Instant};

use caviada_server::compat::poolmanager::Version;
use serde_json::{Value, json};

use super::{Answer, Old};

/// The names of an object's fields.
#[track_caller]
fn fields(object: &Value) -> Vec<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// The id of what an apply gave.
#[track_caller]
fn id(given: &Answer) -> String {
    given.done()["id"].as_str().unwrap().to_owned()
}

/// §7.1: the bare object, the one the user has already, and the errors with what was asked.
#[tokio::test]
async fn poolmanager_1_answers_with_the_bare_cluster() {
    let old = Old::start(Version::Pm1, 1).await;
    let given = old.get("/v1/cluster_apply?user_id=ann").await;
    assert_eq!(given.status, 200);
    assert_eq!(fields(&given.body), ["api_url", "id", "name", "user_id"]);
    assert_eq!(given.body["api_url"], "http://10.0.0.1:7050");
    assert_eq!(given.body["name"], "chains_1");
    assert_eq!(given.body["user_id"], "ann");
    assert_eq!(given.body["id"].as_str().unwrap().len(), 24);
    let again = old.get("/v1/cluster_apply?user_id=ann").await;
    assert_eq!(again, given);
    let none = old.get("/v1/cluster_apply?user_id=bob").await;
    assert_eq!(
        *none.refused("No available res for bob"),
        json!({"user_id": "bob"})
    );
    let nobody = old.get("/v1/cluster_apply?x=y").await;
    assert_eq!(*nobody.refused("No user_id is given"), json!({"x": "y"}));
    let released = old.get("/v1/cluster_release?user_id=ann").await;
    assert_eq!(*released.done(), json!(""));
    old.get("/v1/cluster_release?user_id=ann")
        .await
        .refused("release fail for ann");
    old.get("/v1/cluster_release")
        .await
        .refused("No user_id is given");
}

/// §7.2: exactly these fields, and the errors with the JSON of the body or null.
#[tokio::test]
async fn poolmanager_2_answers_with_its_eight_fields() {
    let old = Old::start(Version::Pm2, 1).await;
    let given = old
        .get("/v1/cluster_apply?user_id=ann&consensus_plugin=pbft&consensus_mode=batch&size=4")
        .await;
    let data = given.done();
    let names = "api_url,consensus_mode,consensus_plugin,daemon_url,id,name,size,user_id";
    assert_eq!(fields(data).join(","), names);
    assert_eq!(
        (&data["consensus_plugin"], &data["consensus_mode"]),
        (&json!("pbft"), &json!("batch"))
    );
    assert_eq!(
        (&data["size"], &data["api_url"]),
        (&json!(4), &json!("http://10.0.0.1:7050"))
    );
    // §B: who has the address of an engine has its host.
    assert_eq!(data["daemon_url"], "");
    let asked = json!({"user_id": "bob"});
    let none = old.json("/v2/cluster_apply", &asked).await;
    assert_eq!(*none.refused("No available res for bob"), asked);
    assert_eq!(
        *old.get("/v2/cluster_apply")
            .await
            .refused("cluster_apply without user_id"),
        Value::Null
    );
    for (filter, error) in [
        ("consensus_plugin=raft", "Invalid consensus_plugin"),
        ("consensus_mode=sieve", "Invalid consensus_mode"),
        ("size=5", "Invalid cluster_size"),
        // §6: was a crash.
        ("size=x", "Invalid cluster_size"),
        ("size=0", "Invalid cluster_size"),
    ] {
        old.get(&format!("/v1/cluster_apply?user_id=bob&{filter}"))
            .await
            .refused(error);
    }
}

/// §7.2: by id once and not again, of a user all and also none.
#[tokio::test]
async fn poolmanager_2_releases_by_cluster_once_and_by_user_always() {
    let old = Old::start(Version::Pm2, 2).await;
    let first = id(&old.get("/v1/cluster_apply?user_id=ann").await);
    let released = old
        .get(&format!("/v1/cluster_release?cluster_id={first}"))
        .await;
    assert_eq!(*released.done(), json!(""));
    let late = old
        .get(&format!(
            "/v1/cluster_release?cluster_id={first}&user_id=ann"
        ))
        .await;
    assert_eq!(
        *late.refused("release fail"),
        json!({"cluster_id": first, "user_id": "ann"})
    );
    // Where a cluster is named, nobody asks who the user is.
    for more in ["", "&user_id=__SYSTEM__x"] {
        old.get(&format!("/v1/cluster_release?cluster_id=unknown{more}"))
            .await
            .refused("release fail");
    }
    old.get("/v1/cluster_release?user_id=ann").await.done();
    old.get("/v1/cluster_release")
        .await
        .refused("No id in release");
    // A late release does not take away what the next one was given.
    let next = id(&old.get("/v1/cluster_apply?user_id=bob").await);
    assert_ne!(next, first);
    old.get(&format!("/v1/cluster_release?cluster_id={first}"))
        .await
        .refused("release fail");
    assert_eq!(id(&old.get("/v1/cluster_apply?user_id=bob").await), next);
}

/// §7.2 and §3.2: ids of the clusters with these fields.
#[tokio::test]
async fn poolmanager_2_lists_ids() {
    let old = Old::start(Version::Pm2, 2).await;
    let held = id(&old.get("/v1/cluster_apply?user_id=ann").await);
    let ids = old
        .json("/v2/cluster_list", &json!({"user_id": "ann"}))
        .await;
    assert_eq!(*ids.done(), json!([held]));
    assert_eq!(
        old.json("/v2/cluster_list", &json!({}))
            .await
            .done()
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

/// §7.3: apply gives the whole cluster; §6: status 400 whatever the code; §10: release is safe.
#[tokio::test]
async fn cello_applies_and_releases_by_one_call() {
    for version in [
        Version::Cello06,
        Version::Cello07,
        Version::Cello08,
        Version::Cello09,
    ] {
        let old = Old::start(version, 1).await;
        for prefix in ["/v2", "/api"] {
            let op = format!("{prefix}/cluster_op");
            let given = old.form(&op, "action=apply&user_id=ann").await;
            let first = id(&given);
            let same = old.get(&format!("{prefix}/cluster/{first}")).await;
            assert_eq!(same.done(), given.done());
            let none = old.get(&format!("{op}?action=apply&user_id=bob")).await;
            assert_eq!(*none.refused("No available res for bob"), json!({}));
            old.get(&format!("{op}?action=apply"))
                .await
                .refused("cluster_apply without user_id");
            old.get(&format!("{op}?action=x"))
                .await
                .refused("Unknown action type");
            old.get(&op).await.refused("Unknown action type");
            old.form(&op, "action=release")
                .await
                .refused("No cluster_id is given");
            let release = json!({"action": "release", "cluster_id": first});
            assert_eq!(*old.json(&op, &release).await.done(), json!({}));
            old.json(&op, &release).await.done();
            let gone = old.get(&format!("{prefix}/cluster/{first}")).await;
            gone.refused(&format!("cluster not found with id={first}"));
            assert_eq!(gone.body["code"], 404);
        }
    }
}

/// §7.3: the deprecated twins.
#[tokio::test]
async fn cello_keeps_the_deprecated_calls() {
    let old = Old::start(Version::Cello07, 2).await;
    let first = id(&old.get("/v2/cluster_apply?user_id=ann").await);
    assert_eq!(
        id(&old.form("/v2/cluster_apply", "user_id=ann").await),
        first
    );
    old.form("/v2/cluster_release", "user_id=ann").await.done();
    let none = old.get("/v2/cluster_release?x=y").await;
    assert_eq!(
        *none.refused("cluster_release without id"),
        json!({"x": "y"})
    );
    old.get("/v2/cluster_release?cluster_id=unknown")
        .await
        .done();
}

/// §6: text that is plainly no is no; §10: then the user has a second one.
#[tokio::test]
async fn cello_gives_several_only_to_who_asks_for_several() {
    let old = Old::start(Version::Cello07, 3).await;
    let apply = |more: &str| format!("/v2/cluster_apply?user_id=ann{more}");
    let first = id(&old.get(&apply("")).await);
    for no in [
        "&allow_multiple=false",
        "&allow_multiple=0",
        "&allow_multiple=",
    ] {
        assert_eq!(id(&old.get(&apply(no)).await), first, "{no}");
    }
    let body = json!({"user_id": "ann", "allow_multiple": false});
    assert_eq!(id(&old.json("/v2/cluster_apply", &body).await), first);
    let second = id(&old.get(&apply("&allow_multiple=true")).await);
    assert_ne!(second, first);
    let mine = old.get("/v2/clusters?user_id=ann%20").await;
    assert_eq!(mine.done().as_array().unwrap().len(), 2);
    old.get("/v2/cluster_release?user_id=ann").await.done();
    assert_eq!(*old.get("/v2/clusters?user_id=ann").await.done(), json!([]));
}

/// §10: who holds another kind gets one of the kind he asks for.
#[tokio::test]
async fn a_filter_chooses_the_kind() {
    let old = Old::start(Version::Cello07, 1).await;
    old.chains("more", 1, "noops", 6).await;
    let pbft = old
        .get("/v2/cluster_apply?user_id=ann&consensus_plugin=pbft")
        .await;
    assert_eq!(pbft.done()["size"], 4);
    let noops = old
        .get("/v2/cluster_apply?user_id=ann&consensus_plugin=noops")
        .await;
    assert_ne!(id(&noops), id(&pbft));
    let six = json!({"user_id": "ann", "size": 6});
    assert_eq!(id(&old.json("/v2/cluster_apply", &six).await), id(&noops));
    // A number 0 in JSON is no filter.
    let any = json!({"user_id": "ann", "size": 0});
    old.json("/v2/cluster_apply", &any).await.done();
    let no = old.get("/v2/cluster_apply?user_id=bob&size=6").await;
    no.refused("No available res for bob");
}

/// §7.3: equality on any field, with the types of the answer.
#[tokio::test]
async fn a_list_holds_what_equals_in_every_field() {
    let old = Old::start(Version::Cello07, 3).await;
    old.get("/v2/cluster_apply?user_id=ann").await.done();
    let many = async |query: &str| {
        let list = old.get(&format!("/v2/clusters{query}")).await;
        list.done().as_array().unwrap().len()
    };
    assert_eq!(many("").await, 3);
    assert_eq!(many("?user_id=").await, 2);
    assert_eq!(many("?user_id=ann&consensus_plugin=pbft").await, 1);
    // §7.3: what comes in an address is text, which no number equals.
    assert_eq!(many("?size=4").await, 0);
    assert_eq!(many("?no_such_field=1").await, 0);
    assert_eq!(many("?user_id=__SYSTEM__CREATING").await, 0);
    let sized = old
        .json("/v2/clusters", &json!({"size": 4, "user_id": ""}))
        .await;
    assert_eq!(sized.done().as_array().unwrap().len(), 2);
    // §B.15: what reached the database.
    for wrong in [json!({"user_id": {"$ne": ""}}), json!({"$where": ["1"]})] {
        old.json("/v2/clusters", &wrong).await.is_refusal();
    }
    // §4: what is kept out of the pool is free for nobody.
    let held = old
        .site
        .admin()
        .resources(&Default::default())
        .await
        .unwrap();
    let free = held.items.iter().find(|r| r.name == "chains_3").unwrap();
    let reason = caviada_api::resource::Withhold::default();
    old.site.admin().withhold(free.id, &reason).await.unwrap();
    assert_eq!(many("?user_id=__SYSTEM__RESETTING").await, 1);
}

/// §3.2: the fields of each version, and what they hold.
#[tokio::test]
async fn a_cluster_has_the_fields_of_its_version() {
    let before = "consensus_mode,consensus_plugin,containers,create_ts";
    for (version, names) in [
        (
            Version::Cello06,
            format!("apply_ts,{before},daemon_url,duration,fabric_version,health,host_id,id,mapped_ports,name,node_containers,release_ts,service_url,size,status,user_id"),
        ),
        (
            Version::Cello07,
            format!("api_url,apply_ts,{before},daemon_url,duration,fabric_version,health,host_id,id,mapped_ports,name,network_type,node_containers,release_ts,service_ports,service_url,size,status,user_id,worker_api"),
        ),
        (
            Version::Cello09,
            "api_url,apply_ts,consensus_plugin,containers,create_ts,duration,health,host,host_id,id,mapped_ports,name,network_type,release_ts,service_ports,service_url,size,status,user_id,worker_api".into(),
        ),
    ] {
        let old = Old::start(version, 1).await;
        let given = old.get("/v2/cluster_apply?user_id=ann").await;
        let data = given.done();
        assert_eq!(fields(data).join(","), names, "{version}");
        assert_eq!(data["service_url"], json!({"grpc": "10.0.0.1:7051", "rest": "10.0.0.1:7050"}));
        assert_eq!(data["mapped_ports"], json!({"grpc": 7051, "rest": 7050}));
        assert_eq!((&data["status"], &data["health"]), (&json!("running"), &json!("OK")));
        let applied = data["apply_ts"].as_str().unwrap();
        if version == Version::Cello09 {
            assert_eq!(data["service_ports"], json!([7050, 7051]));
            assert!(applied.contains('T') && data["release_ts"].is_null(), "{data}");
            assert_eq!((&data["duration"], &data["api_url"]), (&json!(0), &json!("")));
        } else {
            assert!(applied.ends_with(" GMT") && data["release_ts"] == "", "{data}");
        }
    }
}

/// §6: parameters of the query, then of the form, then of the JSON.
#[tokio::test]
async fn parameters_are_found_wherever_they_stand() {
    let old = Old::start(Version::Cello07, 4).await;
    let whose = async |answer: Answer| answer.done()["user_id"].as_str().unwrap().to_owned();
    assert_eq!(
        whose(old.form("/v2/cluster_apply?user_id=q", "user_id=f").await).await,
        "q"
    );
    assert_eq!(
        whose(old.form("/v2/cluster_apply", "user_id=f").await).await,
        "f"
    );
    let kind = "application/x-www-form-urlencoded";
    let json = r#"{"user_id": "j"}"#;
    assert_eq!(
        whose(old.send("POST", "/v2/cluster_apply", kind, json).await).await,
        "j"
    );
    let parts = "--x\r\nContent-Disposition: form-data; name=\"user_id\"\r\n\r\np\r\n--x--\r\n";
    let kind = "multipart/form-data; boundary=x";
    assert_eq!(
        whose(old.send("POST", "/v2/cluster_apply", kind, parts).await).await,
        "p"
    );
    // Where a GET has a body, it counts.
    assert_eq!(
        whose(
            old.send("GET", "/v2/cluster_apply", "text/plain", json)
                .await
        )
        .await,
        "j"
    );
}

/// The request line of the old script has a blank after the user; §15.
#[tokio::test]
async fn the_user_is_the_text_before_the_blank() {
    let old = Old::start(Version::Cello07, 2).await;
    for blank in [" ", "%20", "+", "  "] {
        let given = old
            .get(&format!("/v1/cluster_apply?user_id=ann{blank}"))
            .await;
        assert_eq!(given.done()["user_id"], "ann", "{blank:?}");
    }
    // §4: any text. The specification is silent about what an address cannot hold.
    let wide = old.get("/v1/cluster_apply?user_id=Zoë Ó").await;
    assert_eq!(wide.done()["user_id"], "Zoë Ó");
    old.get("/v1/cluster_apply?user_id=__SYSTEM__X")
        .await
        .is_refusal();
}

/// §7: under 0.7 `/v1` is PoolManager 2; what a version does not have it says in the envelope.
#[tokio::test]
async fn each_version_knows_its_own_calls() {
    let old = Old::start(Version::Cello07, 1).await;
    let given = old.get("/v1/cluster_apply?user_id=ann").await;
    assert_eq!(fields(given.done()).len(), 8);
    for wrong in [
        "/about",
        "/v1/clusters",
        "/v3/clusters",
        "/v2",
        "/v2/cluster/a/b",
        "/x/../y",
    ] {
        let no = old.get(wrong).await;
        no.is_refusal();
    }
    old.form("/v1/cluster_apply", "user_id=ann")
        .await
        .is_refusal();
    old.send("DELETE", "/v2/cluster_apply", "text/plain", "")
        .await
        .is_refusal();
    // The version's part of the path is a part of it.
    let pm = Old::start(Version::Pm2, 1).await;
    for wrong in ["cluster", "host", "_stat"] {
        pm.get(&format!("/{wrong}/cluster_apply?user_id=ann"))
            .await
            .is_refusal();
    }
    let dropped = Old::start(Version::Cello08, 1).await;
    dropped
        .get("/v1/cluster_apply?user_id=ann")
        .await
        .is_refusal();
}

/// §3.2 and §7.3: who had it, and how long; the history is a moment behind.
#[tokio::test]
async fn what_was_released_stands_in_the_history() {
    for version in [Version::Cello07, Version::Cello09] {
        let old = Old::start(version, 1).await;
        for user in ["ann", "bob"] {
            old.get(&format!("/v2/cluster_apply?user_id={user}"))
                .await
                .done();
            old.get(&format!("/v2/cluster_release?user_id={user}"))
                .await
                .done();
        }
        old.get("/v2/cluster_apply?user_id=cid").await.done();
        let deadline = Instant::now() + Duration::from_secs(60);
        let all = loop {
            let all = old.get("/v2/clusters?state=released").await;
            if all.done().as_array().unwrap().len() == 2 {
                break all;
            }
            assert!(Instant::now() < deadline, "{all:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let bobs = &all.done()[0];
        assert_eq!(
            (&bobs["user_id"], &bobs["name"]),
            (&json!("bob"), &json!("chains_1"))
        );
        assert_eq!(bobs["duration"].is_number(), version == Version::Cello09);
        let anns = old.get("/v2/clusters?state=released&user_id=ann").await;
        assert_eq!(*anns.done(), json!([all.done()[1]]));
        let active = old.get("/v2/clusters?state=active").await;
        assert_eq!(active.done()[0]["user_id"], "cid");
        old.get("/v2/clusters?state=x").await.is_refusal();
    }
}

/// §7.3, start/stop/restart. What was entered by somebody has nothing to be started: the
/// specification is silent about that.
#[tokio::test]
async fn power_fails_in_the_words_of_the_old_errors() {
    let old = Old::start(Version::Cello07, 1).await;
    let held = id(&old.get("/v2/cluster_apply?user_id=ann").await);
    for action in ["start", "stop", "restart"] {
        for cluster in [held.as_str(), "5b0d8b3c8b3c8b3c8b3c8b3c", "x"] {
            let asked = format!("action={action}&cluster_id={cluster}");
            let no = old.form("/v2/cluster_op", &asked).await;
            no.is_refusal();
            let error = no.body["error"].as_str().unwrap();
            let begins = format!("cluster {action} failed");
            assert!(error.starts_with(&begins), "{error}");
        }
        let no = old
            .form("/v2/cluster_op", &format!("action={action}"))
            .await;
        no.refused("No cluster_id is given");
    }
}
