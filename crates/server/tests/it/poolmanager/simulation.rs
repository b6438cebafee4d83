//! The old soak test, and a rush.

use std::collections::{BTreeMap, BTreeSet};

use caviada_fuzz::Chance;
use caviada_server::compat::poolmanager::Version;
use futures_util::future::join_all;

use super::Old;

/// The script of §15: a thousand random calls of 26 users, with its blank after the user, bare and
/// written out. Here every user applies now and then, so that each has his turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_random_calls_give_each_user_a_cluster_and_nobody_two() {
    for (clusters, blank) in [(30, " "), (8, "%20")] {
        let old = Old::start(Version::Cello07, clusters).await;
        let mut held = BTreeMap::<String, String>::new();
        let mut served = BTreeSet::new();
        for case in 0..1_000 {
            let mut chance = Chance::new(26, case);
            let user = char::from(b'a' + u8::try_from(chance.below(26)).unwrap()).to_string();
            let apply = chance.below(2) == 0;
            let call = if apply {
                "cluster_apply"
            } else {
                "cluster_release"
            };
            let answer = old.get(&format!("/v1/{call}?user_id={user}{blank}")).await;
            if answer.status == 400 {
                answer.refused(&format!("No available res for {user}"));
                assert!(apply && held.len() == clusters && !held.contains_key(&user));
                continue;
            }
            let data = answer.done();
            if !apply {
                held.remove(&user);
                continue;
            }
            assert_eq!(data["user_id"], user.as_str());
            let id = data["id"].as_str().unwrap().to_owned();
            let others = held.iter().any(|(u, i)| *i == id && *u != user);
            assert!(!others, "{id} is {user}'s and another's");
            let before = held.insert(user.clone(), id.clone());
            assert!(before.is_none_or(|b| b == id), "{user} has two");
            served.insert(user);
        }
        assert_eq!(served.len(), 26, "{served:?}");
        for user in held.keys() {
            old.get(&format!("/v1/cluster_release?user_id={user}"))
                .await
                .done();
        }
        let free = old.get("/v2/clusters?user_id=").await;
        assert_eq!(free.done().as_array().unwrap().len(), clusters);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_share_out_fifty() {
    let old = Old::start(Version::Cello07, 50).await;
    let asks = (0..200).map(|n| {
        let old = &old;
        async move { old.get(&format!("/v1/cluster_apply?user_id=user{n}")).await }
    });
    let answers = join_all(asks).await;
    let given = answers.iter().filter(|a| a.status == 200);
    let ids: BTreeSet<String> = given.map(|a| a.body["data"]["id"].to_string()).collect();
    assert_eq!(ids.len(), 50);
    let refused = answers.iter().filter(|a| a.status == 400);
    assert_eq!(refused.inspect(|a| a.is_refusal()).count(), 150);
}
