//! What is shown of what others have: in lists, beside resources, and after its end.

use caviada_api::key::{NewKey, Role};
use caviada_api::lease::{Acquire, LeaseQuery, LeaseState, Release, Revoke, Share};
use caviada_api::list::PageQuery;
use caviada_api::pool::{Holders, PoolSpec, Visibility};
use caviada_api::problem::code;
use caviada_api::resource::ResourceQuery;
use caviada_core::id::LeaseId;
use reqwest::StatusCode;
use serde_json::Value;

use super::NEVER;
use super::row::{Needs, rows};
use super::world::{Standing, World, bare, of};
use crate::site::{Site, new_key};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pool_does_not_show_does_not_exist_for_others() {
    let site = Site::start().await;
    let closed = PoolSpec {
        visibility: Visibility {
            owners: Some(vec!["ann".into(), "team".into()]),
            ..Visibility::default()
        },
        ..PoolSpec::default()
    };
    let members = site.pool_with("closed", 2, closed).await;
    let ann = site.user("ann").await;
    let tim = grouped(&site, "tim", "team").await;
    let eve = grouped(&site, "eve", "other").await;
    let held = ann.acquire(&of("closed")).await.unwrap();
    // By group as by name.
    tim.acquire(&of("closed")).await.unwrap();
    assert_eq!(tim.pool("closed").await.unwrap().counts.leased, 2);
    tim.resource(members[0].id).await.unwrap();

    assert!(eve.acquire(&of("closed")).await.unwrap_err().is_unknown());
    assert!(eve.pool("closed").await.unwrap_err().is_unknown());
    assert!(eve.resource(members[0].id).await.unwrap_err().is_unknown());
    assert!(eve.lease(held.id).await.unwrap_err().is_unknown());
    let pools = eve.pools(&PageQuery::default()).await.unwrap();
    assert!(pools.items.is_empty());
    let all = eve.resources(&ResourceQuery::default()).await.unwrap();
    assert!(all.items.is_empty());
    let leases = eve.leases(&LeaseQuery::default()).await.unwrap();
    assert!(leases.items.is_empty());
    let stats = eve.stats().await.unwrap();
    assert_eq!(stats.resources.total(), 0);
    assert!(stats.pools.is_empty());
    let of_pool = ResourceQuery {
        pool: Some("closed".into()),
        ..ResourceQuery::default()
    };
    assert!(eve.resources(&of_pool).await.unwrap_err().is_unknown());
    let of_pool = LeaseQuery {
        pool: Some("closed".into()),
        ..LeaseQuery::default()
    };
    assert!(eve.leases(&of_pool).await.unwrap_err().is_unknown());
    let logs = format!("/api/v1/resources/{}/logs?service=main", members[0].id);
    let secret = site.key("mal", Role::User).await;
    let logs = site.request(reqwest::Method::GET, &logs, Some(&secret));
    assert_eq!(logs.send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

async fn grouped(site: &Site, name: &str, group: &str) -> caviada_api::client::Client {
    let key = NewKey {
        groups: vec![group.into()],
        ..new_key(name, Role::User)
    };
    let made = site.admin().create_key(&key).await.unwrap();
    site.client(&made.secret.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn holders_and_endpoints_are_shown_to_whom_they_concern() {
    let site = Site::start().await;
    let members = site.pool("boards", 1).await;
    let ann = grouped(&site, "ann", "team").await;
    let tim = grouped(&site, "tim", "team").await;
    let eve = grouped(&site, "eve", "other").await;
    let held = ann.acquire(&of("boards")).await.unwrap();
    let holder = async |who: &caviada_api::client::Client| {
        let seen = who.resource(members[0].id).await.unwrap();
        seen.holder.map(|h| h.owner)
    };
    let own = ann.resource(members[0].id).await.unwrap().holder.unwrap();
    assert_eq!(own.lease, held.id);
    let ann_has_it = Some("ann".to_owned());
    for (holders, group_sees, all_see) in [
        (Holders::Nobody, false, false),
        (Holders::Group, true, false),
        (Holders::Everyone, true, true),
    ] {
        let mut spec = PoolSpec::default();
        spec.visibility.holders = holders;
        site.admin().put_pool("boards", &spec, None).await.unwrap();
        assert_eq!(
            holder(&tim).await,
            ann_has_it.clone().filter(|_| group_sees)
        );
        assert_eq!(holder(&eve).await, ann_has_it.clone().filter(|_| all_see));
        // Who has it may be told; the lease itself stays its holder's.
        assert!(eve.lease(held.id).await.unwrap_err().is_unknown());
        assert!(tim.lease(held.id).await.unwrap_err().is_unknown());
    }
    let with = Share {
        owners: vec!["other".into()],
        fence: None,
    };
    ann.share(held.id, &with).await.unwrap();
    assert_eq!(eve.lease(held.id).await.unwrap().owner, "ann");
    // And it is taken back.
    let with = Share {
        owners: vec![],
        fence: None,
    };
    ann.share(held.id, &with).await.unwrap();
    assert!(eve.lease(held.id).await.unwrap_err().is_unknown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_holds_what_may_be_read_one_by_one() {
    let world = World::new().await;
    for caller in &world.callers {
        let mut all = Vec::new();
        for standing in Standing::of(Needs::OfLease(caviada_core::access::Verb::SeeLease)) {
            all.push(world.lease(caller, *standing).await.id);
        }
        let mut readable = Vec::new();
        for id in all {
            if caller.client.lease(id).await.is_ok() {
                readable.push(id);
            }
        }
        let query = LeaseQuery {
            limit: Some(1_000),
            ..LeaseQuery::default()
        };
        let listed = caller.client.leases(&query).await.unwrap().items;
        let listed: Vec<LeaseId> = listed.iter().map(|l| l.id).collect();
        assert!(!readable.is_empty());
        for id in &readable {
            assert!(listed.contains(id), "{} does not list {id}", caller.name);
        }
        for id in listed {
            let seen = caller.client.lease(id).await;
            assert!(
                seen.is_ok(),
                "{} lists {id}, which it may not read",
                caller.name
            );
        }
    }
}

/// Its id names nothing for who never could read it: neither whose it was nor how it ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_of_another_does_not_exist_after_its_end_either() {
    let world = World::new().await;
    let revoke = Revoke {
        reason: Some("between you and me".into()),
    };
    let lease = world.bob.acquire(&of("elsewhere")).await.unwrap();
    world.site.admin().revoke(lease.id, &revoke).await.unwrap();
    let id = lease.id.to_string();
    let of_lease = |row: &super::Row| matches!(row.needs, Needs::OfLease(_));
    for row in rows().into_iter().filter(of_lease) {
        for caller in &world.callers {
            let [path, never] = [&id, NEVER].map(|id| row.path.replace("{id}", id));
            let (status, body) = world.call(&row, &path, Some(&caller.secret)).await;
            let what = format!("{} {path} by {}: {body}", row.method, caller.name);
            if caller.name == "ann" || caller.acts {
                let (_, other) = world.call(&row, &never, Some(&caller.secret)).await;
                assert_eq!(status, 404, "{what}");
                assert_eq!(bare(&body, &id), bare(&other, NEVER), "{what}");
            } else {
                assert!(status == 200 || status == 409, "{what}: {status}");
            }
        }
    }
    let query = LeaseQuery {
        state: Some(LeaseState::Ended),
        ..LeaseQuery::default()
    };
    for caller in &world.callers {
        let listed = caller.client.leases(&query).await.unwrap().items;
        let there = listed.iter().any(|l| l.id == lease.id);
        assert_eq!(there, caller.name == "root" || caller.name == "op");
    }
}

/// What a key did for another it may say again, and be told the same.
#[tokio::test(flavor = "multi_thread")]
async fn who_acts_for_an_owner_repeats_a_release_for_him() {
    let world = World::new().await;
    let gate = world.callers.iter().find(|c| c.acts).unwrap();
    let named = Acquire {
        owner: Some("carl".into()),
        ..of("open")
    };
    let his = gate.client.acquire(&named).await.unwrap();
    assert_eq!(his.owner, "carl");
    // Of its own asking, and of his own: both are in the pool that it acts in.
    for id in [his.id, world.bob.acquire(&of("open")).await.unwrap().id] {
        let first = gate.client.release(id, &Release::default()).await.unwrap();
        for _ in 0..3 {
            let again = gate.client.release(id, &Release::default()).await;
            assert_eq!(again.unwrap(), first);
        }
        let late = gate.client.renew(id, &Default::default()).await;
        assert_eq!(late.unwrap_err().code(), Some(code::LEASE_ENDED));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_asks_for_others_where_it_acts_for_them_and_nowhere_else() {
    let world = World::new().await;
    let wish = |pool: &str| Acquire {
        owner: Some("carl".into()),
        ..of(pool)
    };
    for caller in &world.callers {
        for pool in ["open", "elsewhere"] {
            let may = caller.name == "root" || caller.name == "op" || caller.acts && pool == "open";
            let before = world.revision();
            let request = world.site.request(
                reqwest::Method::POST,
                "/api/v1/leases",
                Some(&caller.secret),
            );
            let answer = request.json(&wish(pool)).send().await.unwrap();
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap();
            let what = format!("{} in {pool}: {body}", caller.name);
            if may {
                assert_eq!((status, &body["owner"]), (201, &"carl".into()), "{what}");
                continue;
            }
            assert_eq!(
                (status, &body["code"]),
                (403, &"not-owner".into()),
                "{what}"
            );
            assert_eq!(body["errors"][0]["field"], "owner", "{what}");
            assert_eq!(world.revision(), before, "{what}");
        }
    }
}
