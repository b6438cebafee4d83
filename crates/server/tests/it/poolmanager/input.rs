//! Bad input to the old API: an envelope with its error each time, and nothing changes.

use caviada_core::limits::OWNER_BYTES_MAX;
use caviada_core::limits::server::{POOLMANAGER_BODY_BYTES_MAX, POOLMANAGER_PARAMETERS_MAX};
use caviada_server::compat::poolmanager::{Options, Version};
use serde_json::json;

use super::{Answer, Old};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// A server on which callers without a key are operators, too: what is refused is the input.
async fn opened(version: Version) -> Old {
    let options = Options {
        plain_tcp: true,
        ..Options::default()
    };
    Old::opened(version, 3, options).await
}

#[track_caller]
fn says(no: &Answer, what: &str) {
    no.is_refusal();
    let error = no.body["error"].as_str().unwrap();
    assert!(error.contains(what), "{error:?} does not say {what:?}");
    assert!(error.len() < 1_000, "it repeats all that was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_read_is_refused() {
    let old = opened(Version::Cello07).await;
    let before = *old.site.handle.committed().borrow();
    let deep = "[".repeat(60_000);
    let many: Vec<String> = (0..=POOLMANAGER_PARAMETERS_MAX)
        .map(|i| format!("p{i}=1"))
        .collect();
    let many = format!("user_id=ann&{}", many.join("&"));
    let huge = format!("user_id=ann&x={}", "x".repeat(POOLMANAGER_BODY_BYTES_MAX));
    for (kind, body, what) in [
        (JSON, "{", "an object or a form"),
        (JSON, "[]", "an object or a form"),
        (JSON, "null", "an object or a form"),
        (JSON, "\u{0}", "an object or a form"),
        (JSON, &*deep, "an object or a form"),
        (JSON, r#"{"user_id": ["ann"]}"#, "user_id"),
        (JSON, r#"{"user_id": {"$ne": ""}}"#, "user_id"),
        (JSON, r#"{"user_id": "ann", "size": 4.5}"#, "cluster_size"),
        (
            JSON,
            r#"{"user_id": "ann", "size": 1e400}"#,
            "an object or a form",
        ),
        (
            JSON,
            r#"{"user_id": "ann", "size": 9223372036854775808}"#,
            "cluster_size",
        ),
        (JSON, r#"{"user_id": "ann", "size": true}"#, "cluster_size"),
        (
            FORM,
            "user_id=ann&size=99999999999999999999",
            "cluster_size",
        ),
        (FORM, "user_id=ann&size=-2", "cluster_size"),
        (FORM, &*many, "parameters"),
        (FORM, &*huge, "larger than"),
        ("multipart/form-data", "user_id=ann", ""),
    ] {
        let no = old.send("POST", "/v2/cluster_apply", kind, body).await;
        says(&no, what);
    }
    assert_eq!(*old.site.handle.committed().borrow(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_cannot_be_one_is_refused_in_every_version() {
    for (version, path) in [
        (Version::Pm1, "/v1"),
        (Version::Pm2, "/v1"),
        (Version::Cello06, "/v2"),
        (Version::Cello07, "/v1"),
        (Version::Cello07, "/v2"),
        (Version::Cello08, "/api"),
        (Version::Cello09, "/v2"),
    ] {
        let old = opened(version).await;
        let before = *old.site.handle.committed().borrow();
        let long = "u".repeat(OWNER_BYTES_MAX + 1);
        for user in ["a%07b", "a%00", "a%0d%0ab", "__SYSTEM__CREATING", &*long] {
            for call in ["cluster_apply", "cluster_release"] {
                let no = old.get(&format!("{path}/{call}?user_id={user}")).await;
                says(&no, "Invalid user_id");
            }
        }
        assert_eq!(*old.site.handle.committed().borrow(), before, "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_nothing_is_answered_so_and_changes_nothing() {
    let old = opened(Version::Cello07).await;
    let held = old.get("/v2/cluster_apply?user_id=ann").await;
    let held = held.done()["id"].as_str().unwrap().to_owned();
    let before = *old.site.handle.committed().borrow();
    let (other_turn, long) = (format!("{}ff", &held[..22]), "0".repeat(3_000));
    for id in [
        "000000000000000000000001",
        "ffffffffffffffffffffffff",
        "x",
        "%00",
        "5b0d8b3c8b3c8b3c8b3c8b3g",
        &*other_turn,
        &*long,
    ] {
        says(
            &old.get(&format!("/v2/cluster/{id}")).await,
            "cluster not found with id=",
        );
        says(
            &old.get(&format!("/api/host/{id}")).await,
            "host not found with id=",
        );
        let form = format!("id={id}&col_name=active&action=clean&capacity=3");
        for (method, path) in [
            ("DELETE", "/api/cluster"),
            ("PUT", "/api/host"),
            ("DELETE", "/api/host"),
            ("POST", "/api/host_op"),
        ] {
            says(&old.send(method, path, FORM, &form).await, "Failed to ");
        }
        for action in ["start", "stop", "restart"] {
            let form = format!("action={action}&cluster_id={id}");
            says(
                &old.form("/v2/cluster_op", &form).await,
                "there is no such cluster",
            );
        }
        // §7.3: what is not there is released.
        old.form("/v2/cluster_release", &format!("cluster_id={id}"))
            .await
            .done();
    }
    assert_eq!(*old.site.handle.committed().borrow(), before);
    old.get(&format!("/v2/cluster/{held}")).await.done();
}

/// A name that stands twice counts as it stood first; what nobody asks for is nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_twice_counts_once_and_what_is_unknown_not_at_all() {
    let old = opened(Version::Cello07).await;
    let given = old
        .get("/v2/cluster_apply?user_id=ann&user_id=bob&colour=red")
        .await;
    assert_eq!(given.done()["user_id"], "ann");
    let asked = json!({"user_id": "ann", "colour": "red"});
    let again = old.json("/v2/cluster_apply", &asked).await;
    assert_eq!(again.done(), given.done(), "it is the one she has");
    let before = *old.site.handle.committed().borrow();
    old.json("/v2/cluster_apply", &asked).await.done();
    assert_eq!(
        *old.site.handle.committed().borrow(),
        before,
        "a replay gives nothing more"
    );
    for _ in 0..2 {
        old.get("/v2/cluster_release?user_id=ann").await.done();
    }
    // By the id of what was given back nothing of the next one's is taken.
    let next = old.get("/v2/cluster_apply?user_id=bob").await;
    let late = given.done()["id"].as_str().unwrap();
    old.get(&format!("/v2/cluster_release?cluster_id={late}"))
        .await
        .done();
    let still = next.done()["id"].as_str().unwrap();
    old.get(&format!("/v2/cluster/{still}")).await.done();
}

/// A cluster that outlived its lease is not found by the id that it had then.
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_lease_is_gone_for_the_old_api_too() {
    let old = opened(Version::Cello07).await;
    let mut spec = caviada_api::pool::PoolSpec::default();
    spec.lease.ttl_ms = Some(caviada_core::limits::TTL_MS_MIN);
    let admin = old.site.admin();
    admin.put_pool("chains", &spec, None).await.unwrap();
    let given = old.get("/v2/cluster_apply?user_id=ann").await;
    let id = given.done()["id"].as_str().unwrap().to_owned();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while old.get("/v2/clusters?user_id=ann").await.done() != &json!([]) {
        assert!(std::time::Instant::now() < until, "it does not expire");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    says(
        &old.get(&format!("/v2/cluster/{id}")).await,
        "cluster not found with id=",
    );
    let stop = format!("action=stop&cluster_id={id}");
    says(
        &old.form("/v2/cluster_op", &stop).await,
        "there is no such cluster",
    );
    let before = *old.site.handle.committed().borrow();
    old.form("/v2/cluster_release", &format!("cluster_id={id}"))
        .await
        .done();
    assert_eq!(*old.site.handle.committed().borrow(), before);
}
