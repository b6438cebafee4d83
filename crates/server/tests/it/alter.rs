//! What a holder makes of what he holds, over HTTP.

use std::sync::Arc;

use caviada_api::client::Client;
use caviada_api::host::{DriverName, HostSpec};
use caviada_api::key::Role;
use caviada_api::lease::{Acquire, Share};
use caviada_api::pool::PoolSpec;
use caviada_api::resource::{Alter, Alteration, ResourceQuery};
use caviada_api::template::TemplateSpec;
use caviada_core::command::{Act, AttemptOutcome, By, Command};
use caviada_core::id::ResourceId;
use caviada_server::host::Templates;
use caviada_server::http::Options;
use caviada_server::progress::Progress;
use serde_json::json;

use crate::site::Site;

/// A template whose holder says how many of a service there are, and which image one runs.
const MANIFEST: &str = "name = \"words\"
drivers = [\"docker\"]
[parameters.sides]
type = \"int\"
min = 0
max = 3
default = 1
holder = true
[parameters.image]
type = \"string\"
default = \"side:1\"
holder = true
";

const COMPOSE: &str = "services:
  main: {image: main:1}
{% for n in range(sides) %}
  side{{ n }}: {image: {{ image|tojson }}}
{% endfor %}
";

async fn does(site: &Site, act: Act) {
    let command = Command {
        by: By::System,
        idempotency: None,
        act,
    };
    site.handle.submit(command).await.unwrap();
}

/// Whatever is under way ends so.
async fn drivers_end(site: &Site, failed: Option<&str>) {
    let state = site.handle.snapshot().await.unwrap();
    for r in state.resources.values().filter(|r| r.open) {
        let outcome = match failed {
            None => AttemptOutcome::Done(vec![]),
            Some(detail) => AttemptOutcome::Failed {
                kind: "not_ready".into(),
                detail: detail.into(),
            },
        };
        let record = Act::Record {
            resource: r.id,
            generation: r.generation,
            attempt: r.attempt,
            outcome,
        };
        does(site, record).await;
    }
}

/// One member, built, that its holder has.
async fn held(site: &Site, holder: &Client) -> ResourceId {
    let admin = site.admin();
    let files = [("template.toml", MANIFEST), ("compose.yaml", COMPOSE)];
    let spec = TemplateSpec {
        files: files.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        declared_in: None,
    };
    admin.put_template("words", &spec, None).await.unwrap();
    let mut host = HostSpec::new(DriverName::Docker);
    host.address = Some("unix:///nowhere/docker.sock".into());
    host.capacity = [("resources".into(), 1)].into();
    admin.put_host("box", &host, None).await.unwrap();
    let state = site.handle.snapshot().await.unwrap();
    let host = *state.hosts.iter().next().unwrap().0;
    does(site, Act::RecordHost { host, seen: true }).await;
    let pool = PoolSpec {
        template: Some("words".into()),
        warm: 1,
        ..PoolSpec::default()
    };
    admin.put_pool("networks", &pool, None).await.unwrap();
    drivers_end(site, None).await;
    let lease = holder.acquire(&want("networks")).await.unwrap();
    lease.resources[0].id
}

fn want(pool: &str) -> Acquire {
    Acquire {
        pool: Some(pool.into()),
        ..Acquire::default()
    }
}

fn parameters(said: serde_json::Value) -> Alter {
    Alter {
        parameters: serde_json::from_value(said).unwrap(),
        lease: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_of_a_template_is_read_once_and_what_only_comes_may_go_again() {
    let templates = Arc::new(Templates::default());
    let options = Options {
        templates: templates.clone(),
        ..Options::default()
    };
    let site = Site::with(options).await;
    let ann = site.user("ann").await;
    let id = held(&site, &ann).await;
    let knows = || format!("{templates:?}").contains("\"words\"");
    assert!(!knows(), "nothing was rendered yet");
    for sides in [2, 0, 3, 1] {
        let wanted = parameters(json!({ "sides": sides }));
        let now = ann.alter(id, &wanted, None).await.unwrap();
        assert_eq!(now.alteration, Some(Alteration::Altering));
        drivers_end(&site, None).await;
        let now = ann.resource(id).await.unwrap();
        assert_eq!(now.parameters["sides"], json!(sides));
    }
    assert!(knows(), "others need not read it again");
    let brought = parameters(json!({"image": "other:1"}));
    let refused = ann.alter(id, &brought, None).await.unwrap_err();
    assert_eq!(refused.code(), Some("invalid"));
    let own = parameters(json!({"nothing": 1}));
    let refused = ann.alter(id, &own, None).await.unwrap_err();
    assert!(
        refused.to_string().contains("parameters.nothing"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_undone_is_torn_and_whatever_is_asked_for_next_is_made() {
    let site = Site::start().await;
    let ann = site.user("ann").await;
    let id = held(&site, &ann).await;
    ann.alter(id, &parameters(json!({"sides": 2})), None)
        .await
        .unwrap();
    for why in ["it never answered", "that went wrong, too"] {
        drivers_end(&site, Some(why)).await;
    }
    let torn = ann.resource(id).await.unwrap();
    assert_eq!(torn.alteration, Some(Alteration::Torn));
    assert_eq!(torn.failure.unwrap().cause, "not_ready");
    let before = parameters(json!({"sides": 1}));
    let again = ann.alter(id, &before, None).await.unwrap();
    assert_eq!(again.alteration, Some(Alteration::Altering));
    drivers_end(&site, None).await;
    let whole = ann.resource(id).await.unwrap();
    assert_eq!(whole.alteration, Some(Alteration::Altered));
    assert_eq!(
        (whole.failure, &whole.parameters["sides"]),
        (None, &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_it_is_with_what_is_leased_is_for_those_who_see_the_lease() {
    let progress = Progress::default();
    let options = Options {
        progress: progress.clone(),
        ..Options::default()
    };
    let site = Site::with(options).await;
    let id = site.pool("boards", 1).await[0].id;
    let (ann, bob, eve) = (
        site.user("ann").await,
        site.user("bob").await,
        site.user("eve").await,
    );
    let operator = site.client(&site.key("op", Role::Operator).await);
    let building = progress.begin(id, None, "boards");
    building.tell("pulling", "node:1".into(), 1, 2);
    let shown = async |who: &Client| {
        let one = who.resource(id).await.unwrap().progress;
        let all = who.resources(&ResourceQuery::default()).await.unwrap();
        assert_eq!(all.items[0].progress, one);
        one.map(|step| step.subject)
    };
    assert_eq!(shown(&eve).await.as_deref(), Some("node:1"));
    drop(building);
    let lease = ann.acquire(&want("boards")).await.unwrap().id;
    let share = Share {
        owners: vec!["bob".into()],
        fence: None,
    };
    ann.share(lease, &share).await.unwrap();
    let altering = progress.begin(id, Some(lease), "boards");
    altering.tell("pulling", "secret-of-ann:1".into(), 1, 2);
    assert_eq!(shown(&eve).await, None);
    for who in [&ann, &bob, &operator] {
        assert_eq!(shown(who).await.as_deref(), Some("secret-of-ann:1"));
    }
    // What still runs once the lease is over is not the next holder's to see.
    ann.release(lease, &Default::default()).await.unwrap();
    assert_eq!((shown(&eve).await, shown(&bob).await), (None, None));
}
