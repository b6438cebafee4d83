//! What is built is started, stopped, frozen and read, on the real server and its own processes.

use caviada_api::lease::{Acquire, LeaseState};
use caviada_api::pool::PoolSpec;
use caviada_api::resource::{Build, LogQuery, Power, PowerAction, Resource, ResourceState, Turn};
use caviada_core::id::ResourceId;

use crate::site::Site;

const LASTS: &str = "echo it is up; while :; do sleep 1; done";

fn one(warm: u32) -> PoolSpec {
    PoolSpec {
        warm,
        max: Some(1),
        ..PoolSpec::default()
    }
}

fn all(action: PowerAction) -> Turn {
    Turn {
        action,
        service: None,
        lease: None,
    }
}

/// The resource once nothing is being done to its power.
async fn turned(site: &Site, id: ResourceId) -> Resource {
    let busy = [Power::Starting, Power::Stopping, Power::Restarting];
    let admin = site.admin();
    site.until("the end of it", async || {
        let r = admin.resource(id).await.unwrap();
        !r.power.is_some_and(|p| busy.contains(&p))
    })
    .await;
    admin.resource(id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_stopped_and_started_and_stays_its_holders() {
    let site = Site::quick();
    let admin = site.admin();
    site.built("things", LASTS, one(1)).await;
    site.warm("things", 1).await;
    let want = Acquire {
        pool: Some("things".into()),
        ..Acquire::default()
    };
    let lease = admin.acquire(&want).await.unwrap();
    let id = lease.resources[0].id;
    let before = admin.resource(id).await.unwrap();
    let pid = site.runs(&before).expect("it runs");

    admin.power(id, &all(PowerAction::Stop)).await.unwrap();
    let stopped = turned(&site, id).await;
    assert_eq!(stopped.power, Some(Power::Stopped), "{:?}", stopped.failure);
    assert_eq!(site.runs(&stopped), None);
    // It is looked at a few times, and nobody takes it for ill.
    let looks = |events: &[caviada_api::event::Event]| events.len();
    let told = looks(&site.events().await);
    site.looked(3).await;
    assert_eq!(looks(&site.events().await), told, "nothing happened to it");

    admin.power(id, &all(PowerAction::Start)).await.unwrap();
    let started = turned(&site, id).await;
    assert_eq!(
        (started.power, started.generation),
        (Some(Power::Running), 1)
    );
    assert_ne!(site.runs(&started), Some(pid));
    admin.power(id, &all(PowerAction::Restart)).await.unwrap();
    let again = turned(&site, id).await;
    assert_eq!((again.power, &again.failure), (Some(Power::Running), &None));
    let logs = LogQuery {
        service: "main".into(),
        lines: None,
    };
    let said = String::from_utf8(admin.logs(id, &logs).await.unwrap()).unwrap();
    assert_eq!(said.matches("it is up").count(), 3, "{said}");
    let still = admin.lease(lease.id).await.unwrap();
    assert_eq!(still.state, LeaseState::Active);

    // The command waits for the end of it, and ends as it did.
    let id = id.to_string();
    let said = site.fails(1, &["resource", "restart", &id, "--service", "nobody"]);
    assert!(said.contains("no service 'nobody'"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_free_is_stopped_started_and_cleaned_by_its_name() {
    let site = Site::quick();
    site.built("things", LASTS, one(0)).await;
    let build = Build {
        host: Some("here".into()),
        name: Some("mine".into()),
    };
    site.until("the host is there", async || {
        site.admin().build("things", &build).await.is_ok()
    })
    .await;
    site.warm("things", 1).await;
    // The command ends when the turn has.
    let stopped = site.json(&["resource", "stop", "things/mine"]);
    assert_eq!(stopped["power"], "stopped", "{stopped}");
    let id = site.members("things", ResourceState::Withheld).await[0].id;
    site.ok(&["resource", "start", "things/mine"]);
    site.warm("things", 1).await;
    let logs = site.ok(&["resource", "logs", "things/mine", "main"]);
    assert_eq!(logs.matches("it is up").count(), 2, "{logs}");
    site.ok(&["resource", "recycle", "things/mine"]);
    site.until("it is built anew", async || {
        let all = site.members("things", ResourceState::Free).await;
        all.iter().any(|r| r.id == id && r.generation == 2)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_free_is_frozen_where_its_pool_says_so_and_thawed_for_who_gets_it() {
    let site = Site::quick();
    let spec = PoolSpec {
        prepare: true,
        pause: true,
        ..one(1)
    };
    site.built("things", LASTS, spec).await;
    site.warm("things", 1).await;
    for _ in 0..2 {
        site.warm("things", 1).await;
        let free = &site.members("things", ResourceState::Free).await[0];
        assert_eq!(site.process_state(free), 'T', "it takes no processor");
        let taken = site.ok(&["acquire", "things", "--wait", "60s", "-o", "name"]);
        let id = taken.trim().parse().unwrap();
        let lease = site.admin().lease(id).await.unwrap();
        assert_eq!(lease.state, LeaseState::Active);
        let held = &site.members("things", ResourceState::Leased).await[0];
        assert_ne!(site.process_state(held), 'T');
        site.ok(&["release", taken.trim()]);
    }
}
