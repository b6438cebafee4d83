//! Hosts, templates, quotas, keys and numbers over HTTP.

use caviada_api::client::Error;
use caviada_api::host::{DeleteHost, DriverName, HostPatch, HostSpec, HostState};
use caviada_api::key::Role;
use caviada_api::lease::{Acquire, LeaseQuery, LeaseState, Renew, Revoke, SliceSize};
use caviada_api::list::PageQuery;
use caviada_api::pool::PoolSpec;
use caviada_api::problem::code;
use caviada_api::quota::QuotaSpec;
use caviada_api::resource::{Divisible, ResourceQuery, ResourceSpec, Withhold};
use caviada_api::template::TemplateSpec;
use caviada_driver::template::builtin;

use crate::site::{Site, new_key};

fn tiny() -> TemplateSpec {
    TemplateSpec {
        files: builtin::source("tiny").unwrap().files,
        declared_in: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_declared_cordoned_and_drained() {
    let site = Site::start().await;
    let admin = site.admin();
    let spec = HostSpec::new(DriverName::Process);
    let host = admin.put_host("box", &spec, None).await.unwrap();
    assert_eq!((host.state, host.draining), (HostState::Unseen, false));
    let cordon = HostPatch {
        schedulable: Some(false),
        ..HostPatch::default()
    };
    let cordoned = admin.patch_host("box", &cordon).await.unwrap();
    assert!(!cordoned.spec.schedulable && cordoned.etag != host.etag);
    let patch = async |schedulable, drain| {
        let patch = HostPatch {
            schedulable,
            drain,
            ..HostPatch::default()
        };
        let spec = admin.patch_host("box", &patch).await.unwrap().spec;
        (spec.schedulable, spec.drain)
    };
    assert_eq!(patch(Some(true), None).await, (true, false));
    assert_eq!(patch(None, Some(true)).await, (false, true));
    assert_eq!(patch(Some(true), None).await, (true, false));
    let both = HostPatch {
        schedulable: Some(true),
        drain: Some(true),
        ..HostPatch::default()
    };
    let refused = admin.patch_host("box", &both).await.unwrap_err();
    assert!(format!("{refused:?}").contains("drain"), "{refused:?}");
    assert_eq!(patch(Some(false), Some(false)).await, (false, false));
    let cordoned = admin.host("box").await.unwrap();
    let stale = admin.put_host("box", &spec, Some(&host.etag)).await;
    assert_eq!(stale.unwrap_err().code(), Some(code::CHANGED));
    let listed = admin.hosts(&PageQuery::default()).await.unwrap();
    assert_eq!(listed.items, [cordoned]);
    admin
        .delete_host("box", &DeleteHost::default())
        .await
        .unwrap();
    assert!(admin.host("box").await.unwrap_err().is_unknown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_makes_a_revision_only_when_its_files_change() {
    let site = Site::start().await;
    let admin = site.admin();
    let first = admin.put_template("tiny", &tiny(), None).await.unwrap();
    assert!(first.built_in);
    let again = admin.put_template("tiny", &tiny(), None).await.unwrap();
    assert_eq!(again.id, first.id);
    let mut other = tiny();
    other.files.insert("notes.txt".into(), "hello\n".into());
    let second = admin
        .put_template("tiny", &other, Some(&first.etag))
        .await
        .unwrap();
    assert!(second.revision > first.revision && !second.built_in);
    let stale = admin.put_template("tiny", &tiny(), Some(&first.etag)).await;
    assert_eq!(stale.unwrap_err().code(), Some(code::CHANGED));
    assert_eq!(admin.template("tiny").await.unwrap().files, other.files);
    let list = admin.templates(&PageQuery::default()).await.unwrap();
    assert!(list.items.len() == 1 && list.items[0].files.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_template_is_refused_with_file_and_line() {
    let site = Site::start().await;
    let mut broken = tiny();
    let compose = broken.files.get_mut("compose.yaml").unwrap();
    compose.push_str("\n    privileged: true\n");
    let error = site.admin().put_template("tiny", &broken, None).await;
    let Error::Refused(problem) = error.unwrap_err() else {
        panic!("not a refusal");
    };
    assert_eq!((problem.status, problem.code.as_str()), (422, "invalid"));
    assert!(
        problem.errors[0].field.starts_with("compose.yaml:"),
        "{problem:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_takes_only_parameters_that_its_template_takes() {
    let site = Site::start().await;
    let admin = site.admin();
    admin.put_template("tiny", &tiny(), None).await.unwrap();
    let mut spec = PoolSpec {
        template: Some("tiny".into()),
        ..PoolSpec::default()
    };
    let pool = admin.put_pool("built", &spec, None).await.unwrap();
    assert!(pool.template_revision.is_some());
    spec.parameters.insert("colour".into(), "red".into());
    let error = admin.put_pool("built", &spec, None).await.unwrap_err();
    assert_eq!(error.code(), Some("invalid"));
    let gone = admin.delete_template("tiny").await.unwrap_err();
    assert_eq!(gone.code(), Some("conflict"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_bounds_an_owner_and_shows_what_he_uses() {
    let site = Site::start().await;
    site.pool("boards", 3).await;
    let (admin, ann) = (site.admin(), site.user("ann").await);
    let spec = QuotaSpec {
        leases_max: Some(1),
        ..QuotaSpec::default()
    };
    admin.put_quota("ann", &spec, None).await.unwrap();
    let want = Acquire {
        pool: Some("boards".into()),
        ..Acquire::default()
    };
    ann.acquire(&want).await.unwrap();
    let error = ann.acquire(&want).await.unwrap_err();
    assert_eq!(error.code(), Some(code::QUOTA_EXCEEDED));
    assert_eq!(ann.quota("ann").await.unwrap().used.leases, 1);
    admin.delete_quota("ann").await.unwrap();
    ann.acquire(&want).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once_and_works_until_its_key_is_deleted() {
    let site = Site::start().await;
    let admin = site.admin();
    let created = admin.create_key(&new_key("ci", Role::User)).await.unwrap();
    let client = site.client(&created.secret.unwrap());
    assert_eq!(client.own_key().await.unwrap(), created.key);
    let again = admin.create_key(&new_key("ci", Role::User)).await.unwrap();
    assert_eq!((again.key.id, again.secret), (created.key.id, None));
    let other = admin.create_key(&new_key("ci", Role::Operator)).await;
    assert_eq!(other.unwrap_err().code(), Some("conflict"));
    admin.delete_key(created.key.id).await.unwrap();
    let error = client.own_key().await.unwrap_err();
    assert_eq!(error.code(), Some(code::UNAUTHENTICATED));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_key_stays() {
    let site = Site::start().await;
    let admin = site.admin();
    let own = admin.own_key().await.unwrap();
    let error = admin.delete_key(own.id).await.unwrap_err();
    assert_eq!(error.code(), Some("conflict"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_that_miss_nothing() {
    let site = Site::start().await;
    site.pool("boards", 25).await;
    let admin = site.admin();
    for sort in [None, Some("-name"), Some("uses"), Some("-state")] {
        let mut query = ResourceQuery {
            pool: Some("boards".into()),
            sort: sort.map(str::to_owned),
            limit: Some(10),
            ..ResourceQuery::default()
        };
        let mut names = Vec::new();
        loop {
            let page = admin.resources(&query).await.unwrap();
            names.extend(page.items.into_iter().map(|r| r.name));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 25, "{sort:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withheld_counts_as_such_until_it_is_returned() {
    let site = Site::start().await;
    let boards = site.pool("boards", 2).await;
    let admin = site.admin();
    let withhold = Withhold {
        note: Some("fan broken".into()),
        ..Withhold::default()
    };
    let out = admin.withhold(boards[0].id, &withhold).await.unwrap();
    assert_eq!(out.withheld.unwrap().note.as_deref(), Some("fan broken"));
    let stats = admin.stats().await.unwrap();
    assert_eq!((stats.resources.withheld, stats.resources.free), (1, 1));
    admin.return_resource(boards[0].id).await.unwrap();
    assert_eq!(admin.stats().await.unwrap().resources.free, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_of_the_ledger_the_pools_and_the_hosts() {
    let site = Site::start().await;
    site.pool("boards", 3).await;
    let host = HostSpec::new(DriverName::Process);
    site.admin().put_host("box", &host, None).await.unwrap();
    let request = site.request(reqwest::Method::GET, "/metrics", Some(crate::site::ADMIN));
    let text = request.send().await.unwrap().text().await.unwrap();
    for line in [
        "caviada_pool_resources{pool=\"boards\",state=\"free\"} 3",
        "caviada_pool_waiting{pool=\"boards\"} 0",
        "caviada_leases 0",
        "caviada_host_rounds_total{host=\"box\"} 0",
        "caviada_host_calls{host=\"box\"} 0",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    for name in [
        "caviada_http_requests_total",
        "caviada_ledger_commits_total",
        "caviada_ledger_turn_us{quantile=\"1\"}",
        "caviada_ledger_commit_us{quantile=\"1\"}",
    ] {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
    let stats = site.admin().stats().await.unwrap();
    let ledger = stats.ledger.unwrap();
    assert!(ledger.commits > 0 && ledger.work_us_max > 0, "{ledger:?}");
    let (turn, commit) = (ledger.turn_us_max, ledger.commit_us_max);
    assert!(0 < commit && commit < turn, "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_hold_what_pools_need_and_quotas_bound_amounts() {
    let site = Site::start().await;
    let (admin, ann) = (site.admin(), site.user("ann").await);
    let mut host = HostSpec::new(DriverName::Process);
    host.capacity = [("resources".into(), 4), ("cpu".into(), 16)].into();
    let host = admin.put_host("box", &host, None).await.unwrap();
    assert_eq!(host.spec.capacity.get("cpu"), Some(&16));
    assert_eq!(
        host.reserved,
        [("resources".into(), 0), ("cpu".into(), 0)].into()
    );
    admin.put_template("tiny", &tiny(), None).await.unwrap();
    let mut spec = PoolSpec {
        template: Some("tiny".into()),
        needs: [("cpu".into(), 2)].into(),
        ..PoolSpec::default()
    };
    let pool = admin.put_pool("built", &spec, None).await.unwrap();
    assert_eq!(pool.spec.needs, spec.needs);
    spec.template = None;
    let refused = admin.put_pool("bare", &spec, None).await.unwrap_err();
    assert_eq!(refused.code(), Some("invalid"));

    let cores = PoolSpec {
        slice: Some(SliceSize::Quantity([("cpu".into(), 1)].into())),
        ..PoolSpec::default()
    };
    admin.put_pool("cores", &cores, None).await.unwrap();
    let whole = ResourceSpec {
        pool: "cores".into(),
        name: "all".into(),
        divisible: Some(Divisible {
            quantity: Some([("cpu".into(), 8)].into()),
            ..Divisible::default()
        }),
        ..ResourceSpec::default()
    };
    admin.declare(vec![whole]).await.unwrap();
    let quota = QuotaSpec {
        quantity_max: [("cpu".into(), 1)].into(),
        ..QuotaSpec::default()
    };
    admin.put_quota("ann", &quota, None).await.unwrap();
    let want = Acquire {
        pool: Some("cores".into()),
        ..Acquire::default()
    };
    let lease = ann.acquire(&want).await.unwrap();
    let error = ann.acquire(&want).await.unwrap_err();
    assert_eq!(error.code(), Some(code::QUOTA_EXCEEDED));
    let shown = ann.quota("ann").await.unwrap();
    assert_eq!(
        (shown.spec, shown.used.quantity),
        (quota.clone(), quota.quantity_max)
    );

    let revoke = Revoke {
        reason: Some("the rack moves".into()),
    };
    admin.revoke(lease.id, &revoke).await.unwrap();
    let ended = ann.lease(lease.id).await.unwrap();
    assert_eq!(ended.why.as_deref(), Some("the rack moves"));
    let error = ann.renew(lease.id, &Renew::default()).await.unwrap_err();
    assert!(error.to_string().contains("the rack moves"), "{error}");
    let ended = LeaseQuery {
        state: Some(LeaseState::Ended),
        ..LeaseQuery::default()
    };
    let past = ann.leases(&ended).await.unwrap().items;
    assert_eq!(past[0].why.as_deref(), Some("the rack moves"));
}
