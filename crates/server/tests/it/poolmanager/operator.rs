//! What operators do, and what is told to nobody else.

use caviada_api::host::HostSpec;
use caviada_api::key::Role;
use caviada_server::compat::poolmanager::{Options, Version};
use serde_json::{Value, json};

use super::{Answer, Old};

/// A host by the driver for plain processes, which nobody looks at here: it is not seen.
async fn host(old: &Old) {
    let spec = json!({"driver": "process", "capacity": {"resources": 3}});
    let spec: HostSpec = serde_json::from_value(spec).unwrap();
    old.site.admin().put_host("h1", &spec, None).await.unwrap();
}

/// A server on which callers without a key are operators, too.
async fn opened() -> Old {
    Old::opened(Version::Cello07, 2, Options::default()).await
}

#[track_caller]
fn first(list: &Answer) -> &Value {
    &list.done()[0]
}

/// §7.4 and §3.1.
#[tokio::test]
async fn hosts_are_the_operators() {
    let closed = Old::start(Version::Cello07, 1).await;
    host(&closed).await;
    for call in ["/api/hosts", "/api/host/1"] {
        closed
            .get(call)
            .await
            .refused("this needs the key of an operator");
    }
    closed
        .form("/api/host_op", "id=1&action=clean")
        .await
        .refused("this needs the key of an operator");

    let old = opened().await;
    host(&old).await;
    let hosts = old.get("/api/hosts").await;
    let h1 = first(&hosts);
    assert_eq!((&h1["name"], &h1["capacity"]), (&json!("h1"), &json!(3)));
    assert_eq!(
        (&h1["status"], &h1["log_level"]),
        (&json!("inactive"), &json!("INFO"))
    );
    assert_eq!(
        (&h1["autofill"], &h1["schedulable"]),
        (&json!("false"), &json!("true"))
    );
    assert_eq!(
        (&h1["clusters"], &h1["log_type"]),
        (&json!([]), &json!("local"))
    );
    let id = h1["id"].as_str().unwrap();
    assert_eq!(old.get(&format!("/api/host/{id}")).await.done(), h1);
    old.get("/api/host/x")
        .await
        .refused("host not found with id=x");
    assert_eq!(*old.get("/api/hosts?name=h2").await.done(), json!([]));

    let form = "application/x-www-form-urlencoded";
    let put = async |body: &str| old.send("PUT", "/api/host", form, body).await;
    put("capacity=5")
        .await
        .refused("host PUT without enough data");
    put("id=x&capacity=5")
        .await
        .refused("Failed to update host None");
    put(&format!("id={id}&capacity=x"))
        .await
        .refused("Failed to update host None");
    put(&format!("id={id}&name=other")).await.is_refusal();
    put(&format!(
        "id={id}&capacity=5&autofill=true&schedulable=false&log_level=ERROR"
    ))
    .await
    .done();
    let now = old.get(&format!("/api/host/{id}")).await;
    let now = now.done();
    assert_eq!(
        (&now["capacity"], &now["log_level"]),
        (&json!(5), &json!("ERROR"))
    );
    assert_eq!(
        (&now["autofill"], &now["schedulable"]),
        (&json!("true"), &json!("false"))
    );

    // §3.1: the levels, and what a log server is for.
    for wrong in ["log_level=LOUD", "log_type=mail", "log_type=syslog"] {
        put(&format!("id={id}&{wrong}")).await.is_refusal();
    }

    let op = async |body: &str| old.form("/api/host_op", body).await;
    op("action=clean")
        .await
        .refused("host POST without enough data");
    op(&format!("id={id}&action=x"))
        .await
        .refused("unknown host action=x");
    // §8: an engine that is not seen is left alone.
    op(&format!("id={id}&action=fillup"))
        .await
        .refused("Failed to fillup the host.");
    op(&format!("id={id}&action=clean"))
        .await
        .refused("Failed to clean the host.");
    op(&format!("id={id}&action=reset"))
        .await
        .refused("Failed to reset the host.");

    let delete = async |body: &str| old.send("DELETE", "/api/host", form, body).await;
    delete("").await.refused("host delete without enough data");
    delete("id=x").await.refused("Failed to delete host x");
    delete(&format!("id={id}")).await.done();
    delete(&format!("id={id}")).await.is_refusal();
}

/// §7.4: equality on whatever field of the answer.
#[tokio::test]
async fn every_field_finds_what_has_it() {
    let old = opened().await;
    host(&old).await;
    old.get("/v2/cluster_apply?user_id=ann").await.done();
    for list in ["/v2/clusters", "/api/hosts"] {
        let all = old.get(list).await;
        let one = first(&all);
        for (name, value) in one.as_object().unwrap() {
            if value.is_object() || value.is_array() {
                continue;
            }
            let ask = async |value: &Value| {
                let asked = json!({ name: value }).to_string();
                let found = old.send("GET", list, "application/json", &asked);
                found.await.done().as_array().unwrap().clone()
            };
            assert!(ask(value).await.contains(one), "{list} {name}");
            assert!(ask(&json!("nonsense")).await.is_empty(), "{list} {name}");
        }
    }
}

/// §7.4 and §8; the specification is silent about the reason beside the error.
#[tokio::test]
async fn a_host_is_added_by_its_address() {
    let add = async |old: &Old, more: &str| {
        let fields = "name=Node_1&worker_api=10.0.0.1:2375&capacity=5&log_type=local&log_server=";
        let body = format!("{fields}&log_level=INFO&autofill=on&schedulable=on{more}");
        old.form("/api/host", &body).await
    };
    let closed = opened().await;
    let no = add(&closed, "").await;
    let reason = no.refused("Failed to create host Node_1")["reason"].clone();
    assert!(reason.as_str().unwrap().contains("plain TCP"), "{reason}");

    let options = Options {
        principal: Some("old".parse().unwrap()),
        operator: Some("ops".parse().unwrap()),
        plain_tcp: true,
        ..Options::default()
    };
    let old = Old::with(Version::Cello07, options).await;
    old.principal().await;
    old.site.key("ops", Role::Operator).await;
    for wrong in ["", "name=a", "name=a&capacity=5", "worker_api=b&capacity=5"] {
        let no = old.form("/api/host", wrong).await;
        no.refused("host POST without enough data");
    }
    for wrong in ["&host_type=vsphere", "&host_type=kubernetes"] {
        add(&old, wrong)
            .await
            .refused("Failed to create host Node_1");
    }
    let added = add(&old, "&host_type=docker").await;
    assert_eq!((added.status, &added.body["code"]), (200, &json!(201)));
    add(&old, "").await.refused("Failed to create host Node_1");
    let hosts = old.get("/api/hosts?name=Node_1").await;
    let h = first(&hosts);
    assert_eq!(h["worker_api"], "tcp://10.0.0.1:2375");
    assert_eq!(
        (&h["capacity"], &h["autofill"]),
        (&json!(5), &json!("true"))
    );
    // §3.1: a server is named without its scheme, and belongs to syslog alone.
    let form = "application/x-www-form-urlencoded";
    let id = h["id"].as_str().unwrap();
    let logs = async |body: &str| {
        let body = format!("id={id}&{body}");
        old.send("PUT", "/api/host", form, &body).await.done();
        let now = old.get(&format!("/api/host/{id}")).await;
        let now = now.done().clone();
        (now["log_type"].clone(), now["log_server"].clone())
    };
    let syslog = (json!("syslog"), json!("udp://10.0.0.9:514"));
    let local = (json!("local"), json!(""));
    assert_eq!(
        logs("log_type=syslog&log_server=10.0.0.9:514").await,
        syslog
    );
    assert_eq!(logs("log_level=NOTICE").await, syslog);
    let same = old.site.admin().host("node-1").await.unwrap();
    let server = same.spec.defaults.log_server.as_deref();
    assert_eq!(server, Some("udp://10.0.0.9:514"));
    assert_eq!(logs("log_type=local&log_server=10.0.0.9:514").await, local);
    let same = old.site.admin().host("node-1").await.unwrap();
    assert_eq!(same.spec.reach.as_deref(), Some("10.0.0.1"));
    // Nobody spoke to it yet.
    assert_eq!(h["status"], "inactive");
}

/// §7.4 and §9.
#[tokio::test]
async fn clusters_are_deleted_by_operators_and_only_free_ones() {
    let old = opened().await;
    let held = old.get("/v2/cluster_apply?user_id=ann").await;
    let held = held.done()["id"].as_str().unwrap();
    let free = old.get("/v2/clusters?user_id=").await;
    let free = first(&free)["id"].as_str().unwrap().to_owned();
    let delete = async |body: &str| {
        let form = "application/x-www-form-urlencoded";
        old.send("DELETE", "/api/cluster", form, body).await
    };
    delete("id=x")
        .await
        .refused("cluster operation post without enough data");
    let no = delete(&format!("id={held}&col_name=active")).await;
    no.refused(&format!("Failed to delete cluster {held}"));
    delete(&format!("id={free}&col_name=active")).await.done();
    let left = old.get("/v2/clusters").await;
    assert_eq!(left.done().as_array().unwrap().len(), 1);
}

/// §7.1 and §7.2; they are silent about most answers, which are then in the envelope.
#[tokio::test]
async fn poolmanager_is_operated_without_a_prefix() {
    let options = Options {
        principal: Some("old".parse().unwrap()),
        operator: Some("ops".parse().unwrap()),
        plain_tcp: true,
        ..Options::default()
    };
    let old = Old::with(Version::Pm2, options.clone()).await;
    old.principal().await;
    old.site.key("ops", Role::Operator).await;
    old.chains("chains", 1, "pbft", 4).await;
    let host = "name=n1&daemon_url=10.0.0.1:2375&capacity=5&schedulable=on";
    let added = old.form("/host", host).await;
    assert_eq!((added.status, &added.body["code"]), (201, &json!(200)));
    let state = old.site.handle.snapshot().await.unwrap();
    let id = format!("{:024x}", state.hosts.values().next().unwrap().id.0);
    let shown = old.get(&format!("/host?id={id}")).await;
    let shown = shown.done();
    assert_eq!(
        (&shown["type"], &shown["daemon_url"]),
        (&json!("single"), &json!("tcp://10.0.0.1:2375"))
    );
    assert!(shown.get("worker_api").is_none());
    let no = old
        .form("/host_action", &format!("id={id}&action=clean"))
        .await;
    no.refused("Failed to clean the host.");
    let stat = old.get("/_stat?res=clusters").await;
    assert_eq!(
        stat.body["status"],
        json!([{"name": "free", "y": 1}, {"name": "used", "y": 0}])
    );

    let one = Old::with(Version::Pm1, options).await;
    one.principal().await;
    one.site.key("ops", Role::Operator).await;
    one.chains("chains", 1, "pbft", 4).await;
    let given = one.get("/v1/cluster_apply?user_id=ann").await;
    let id = given.body["id"].as_str().unwrap();
    let shown = one.get(&format!("/cluster?id={id}")).await;
    assert_eq!(
        (&shown.body["id"], &shown.body["user_id"]),
        (&json!(id), &json!("ann"))
    );
    let form = "application/x-www-form-urlencoded";
    let no = one
        .send("DELETE", "/cluster", form, &format!("id={id}"))
        .await;
    no.refused(&format!("Failed to delete cluster {id}"));
    one.get("/host?id=1").await.is_refusal();
}

/// §7.4: these two have none.
#[tokio::test]
async fn stat_and_health_have_no_envelope() {
    let closed = Old::start(Version::Cello07, 1).await;
    closed
        .get("/api/stat?res=host")
        .await
        .refused("this needs the key of an operator");
    let old = opened().await;
    host(&old).await;
    old.get("/v2/cluster_apply?user_id=ann").await.done();
    let health = old.get("/api/health").await;
    assert_eq!(health.body, json!({"health": "OK", "version": "2.0.0-rc2"}));
    let hosts = old.get("/api/stat?res=host").await;
    let status = json!([{"name": "active", "y": 0}, {"name": "inactive", "y": 1}]);
    assert_eq!(
        hosts.body,
        json!({"status": status, "type": [{"name": "process", "y": 1}]})
    );
    let clusters = old.get("/api/stat?res=cluster").await;
    let status = json!([{"name": "free", "y": 1}, {"name": "used", "y": 1}]);
    assert_eq!(
        clusters.body,
        json!({"status": status, "type": [{"name": "pbft/batch", "y": 2}]})
    );
    let other = old.get("/api/stat").await;
    assert_eq!(
        (other.status, other.body),
        (200, json!({"example": "/api/stat?res=host"}))
    );
    let pm2 = Old::start(Version::Pm2, 1).await;
    assert_eq!(
        pm2.get("/_health").await.body,
        json!({"health": "OK", "version": "0.9.0"})
    );
}

/// §7.6: before anybody is signed in.
#[tokio::test]
async fn pages_are_plain() {
    let old = Old::start(Version::Cello07, 1).await;
    let login = old.get("/login").await;
    assert_eq!(
        (login.status, &*login.kind),
        (200, "text/html; charset=utf-8")
    );
    for moved in ["/", "/index"] {
        assert_eq!(old.get(moved).await.status, 302);
    }
    let earlier = Old::start(Version::Cello06, 1).await;
    assert_eq!(earlier.get("/").await.status, 200);
    earlier.get("/login").await.is_refusal();
}

#[tokio::test]
async fn what_is_not_there_yet_says_so() {
    let old = opened().await;
    old.form("/api/cluster", "name=c")
        .await
        .refused("cluster post without enough data");
    let asked = "name=c&host_id=1&consensus_plugin=raft2&size=4";
    old.form("/api/cluster", asked)
        .await
        .refused("Invalid request");
    let asked = "name=c&host_id=1&consensus_plugin=solo&size=4";
    let no = old.form("/api/cluster", asked).await;
    assert!(
        no.body["error"]
            .as_str()
            .unwrap()
            .starts_with("Failed to create cluster c")
    );
}
