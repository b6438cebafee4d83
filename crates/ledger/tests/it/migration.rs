//! What an earlier program left is what today's finds, and goes on with. `tests/data` holds stores
//! that such programs wrote themselves, all asked for the same as far as they knew it. Their clocks
//! stood in the year 2100: what is older than a week would be forgotten.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use caviada_core::command::{Act, AttemptOutcome};
use caviada_core::event::Number;
use caviada_core::id::ResourceId;
use caviada_core::lease::{End, Lease, LeaseState};
use caviada_core::name::Owner;
use caviada_core::resource::{Origin, Resource, ResourceState};
use caviada_core::state::State;
use caviada_ledger::directory::Directory;
use caviada_ledger::history::{EventSearch, LeaseSearch, PastLease};
use caviada_ledger::store::Store;
use caviada_ledger::{Ledger, Place, PostgresStore, Running, Start, start};
use serde_json::json;

use crate::history::{Site, block, caught_up, events, leases};
use crate::sim::{SimClock, acquire, lease_of, name, one, open, release, system};
use crate::store::{asked, assert_same, nouns};

/// Each schema's table of steps, as SQLite and as PostgreSQL find it.
const STEPS: [(&str, [&str; 2]); 3] = [
    ("ledger", ["migration", "caviada.migration"]),
    (
        "history",
        ["history_migration", "caviada_history.history_migration"],
    ),
    (
        "webhook",
        ["webhook_migration", "caviada_history.webhook_migration"],
    ),
];
const POSTGRES: &str = "postgres.dump";

/// The versions of schemas in a store, by their names.
type Versions = BTreeMap<String, i64>;

/// Every stored store, the oldest first, with what its name says: `ledger-2-history-1-webhook-1`.
fn stored() -> Vec<(PathBuf, Versions)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let folders = std::fs::read_dir(data).unwrap();
    let mut folders: Vec<_> = folders.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let versions = |folder: &PathBuf| {
        let words: Vec<_> = folder
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .split('-')
            .collect();
        let pairs = words.chunks(2);
        pairs
            .map(|pair| (pair[0].to_owned(), pair[1].parse().unwrap()))
            .collect()
    };
    folders
        .into_iter()
        .map(|f| (f.clone(), versions(&f)))
        .collect()
}

#[test]
fn every_step_has_a_store_that_the_program_before_it_wrote() {
    const HOW: &str = "CONTRIBUTING.md says how a store is made";
    let (stored, mut later) = (stored(), 0);
    for (schema, _) in STEPS {
        let folder = format!("{}/src/schema/{schema}", env!("CARGO_MANIFEST_DIR"));
        let newest = std::fs::read_dir(folder).unwrap().count() as i64;
        later += newest - 1;
        for version in 1..newest {
            let has = |(_, versions): &&(PathBuf, Versions)| versions.get(schema) == Some(&version);
            let found = stored.iter().rfind(has);
            let (folder, _) = found.unwrap_or_else(|| panic!("{schema} {version}: {HOW}"));
            // The first program had nothing but SQLite.
            let first = (schema, version) == ("ledger", 1);
            assert!(first || folder.join(POSTGRES).exists(), "{folder:?}: {HOW}");
        }
    }
    // Also of a step that came while other schemas stood where they had never stood before.
    assert_eq!(stored.len() as i64, later, "{HOW}");
}

/// Puts a store where today's program looks for it.
fn put(folder: &Path, versions: &Versions, site: &Site) {
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    if let Some(server) = &site.server {
        let away = "DROP SCHEMA IF EXISTS caviada, caviada_history CASCADE";
        asked(server, away);
        asked(server, &read(POSTGRES));
    }
    for (schema, [on_sqlite, on_postgres]) in STEPS {
        let Some(version) = versions.get(schema) else {
            continue;
        };
        let newest = |table| format!("SELECT MAX(number) FROM {table}");
        let found: i64 = match &site.server {
            Some(server) => asked(server, &newest(on_postgres))[0][0].parse().unwrap(),
            None => {
                let file = site.files.path().join(format!("{schema}.db"));
                let database = rusqlite::Connection::open(file).unwrap();
                database
                    .execute_batch(&read(&format!("{schema}.dump")))
                    .unwrap();
                database
                    .query_row(&newest(on_sqlite), [], |row| row.get(0))
                    .unwrap()
            }
        };
        assert_eq!(found, *version, "{schema} in {folder:?}");
    }
}

#[test]
fn what_every_earlier_program_left_on_sqlite_is_found_and_goes_on() {
    for (folder, versions) in stored() {
        let site = Site::sqlite();
        put(&folder, &versions, &site);
        goes_on(&site, &versions);
    }
}

#[test]
fn what_every_earlier_program_left_on_postgres_is_found_and_goes_on() {
    let Some(site) = Site::postgres() else { return };
    for (folder, versions) in stored() {
        if folder.join(POSTGRES).exists() {
            put(&folder, &versions, &site);
            goes_on(&site, &versions);
        }
    }
}

fn goes_on(site: &Site, versions: &Versions) {
    println!("{versions:?}");
    match &site.place {
        Place::Sqlite => {
            let directory = Directory::lock(site.files.path()).unwrap();
            ledger_goes_on(|| directory.sqlite().unwrap(), versions);
        }
        Place::Postgres(url) => ledger_goes_on(|| PostgresStore::connect(url).unwrap(), versions),
    }
    let directory = Directory::lock(site.files.path()).unwrap();
    let running = start(&directory, &site.place, Start { accept_clock: true }).unwrap();
    caught_up(&running);
    assert_told(&running, versions);
    if versions.contains_key("webhook") {
        let state = block(running.handle.snapshot()).unwrap();
        let webhook = state.webhook_named(&name("chat")).unwrap().id;
        let mark = running.marks.of(webhook).unwrap();
        assert!(mark.is_some_and(|m| m.revision > 50), "{mark:?}");
    }
    running.close();
}

fn ledger_goes_on<S: Store>(store: impl Fn() -> S, versions: &Versions) {
    let at = store().position().unwrap().at;
    let clock = SimClock::at(at);
    let mut ledger = open(store(), &clock);
    // The first programs did not say when a back-off began: their row cannot tell what the journal
    // does, until there is none.
    if versions["history"] > 1 {
        assert_same(&mut store(), ledger.state());
    }
    assert_kept(ledger.state(), versions["ledger"]);
    assert_leases_kept(ledger.state(), versions);
    // Who waits gets what its holder gives back, and what is cut next is another part.
    let state = ledger.state();
    let (held, waiting) = (of(state, "ann", "machines"), of(state, "cy", "machines").id);
    let (held, given) = (held.id, held.members[0].resource);
    one(&mut ledger, release(held)).unwrap();
    let granted = ledger.state().leases.get(&waiting).unwrap();
    assert_eq!(
        (granted.state, granted.members[0].resource),
        (LeaseState::Active, given)
    );
    let cut = lease_of(&one(&mut ledger, acquire("zoe", "addresses", 0)));
    let cut = ledger.state().leases.get(&cut).unwrap();
    assert_eq!(
        member(ledger.state(), cut.members[0].resource),
        "10.0.0.8/30"
    );
    comes_up(&mut ledger, &clock);
    // And there may be what the first program did not know.
    let later = nouns().into_iter().filter(|c| {
        matches!(
            c.act,
            Act::PutWebhook { .. } | Act::PutUser { .. } | Act::PutProfile { .. }
        )
    });
    let turn = ledger.turn(&later.collect::<Vec<_>>()).unwrap();
    assert!(turn.answers.iter().all(Result::is_ok), "{:?}", turn.answers);
    assert_same(&mut store(), ledger.state());
}

/// What could not be built is tried again, and stands this time.
fn comes_up<S: Store>(ledger: &mut Ledger<S, SimClock>, clock: &SimClock) {
    let backoffs = |state: &State| state.host_named(&name("here")).unwrap().backoffs.len();
    for _ in 0..9 {
        clock.pass_ms(60_000);
        ledger.turn(&[]).unwrap();
        let pool = ledger.state().pool_named(&name("broken")).unwrap().id;
        let resources = ledger.state().resources.values();
        let open = resources.filter(|r| r.open && r.pool == pool);
        let done = open.map(|r| {
            system(Act::Record {
                resource: r.id,
                generation: r.generation,
                attempt: r.attempt,
                outcome: AttemptOutcome::Done(vec![]),
            })
        });
        let done: Vec<_> = done.collect();
        ledger.turn(&done).unwrap();
        if backoffs(ledger.state()) == 0 {
            return;
        }
    }
    panic!("{:#?}", ledger.state().host_named(&name("here")));
}

fn owner(text: &str) -> Owner {
    Owner::new(text).unwrap()
}

/// An owner's lease of a pool.
fn of<'a>(state: &'a State, who: &str, pool: &str) -> &'a Lease {
    let pool = state.pool_named(&name(pool)).unwrap().id;
    let is = |l: &&std::sync::Arc<Lease>| l.owner == owner(who) && l.items[0].pool == Some(pool);
    state.leases.values().find(is).unwrap()
}

fn resource<'a>(state: &'a State, called: &str) -> &'a Resource {
    let is = |r: &&std::sync::Arc<Resource>| r.doc.name.as_str() == called;
    state.resources.values().find(is).unwrap()
}

/// What a lease has: a part of something, one that was built, or one by its name.
fn member(state: &State, id: ResourceId) -> String {
    let r = state.resources.get(&id).unwrap();
    match &r.origin {
        Origin::Slice(cut) => cut.part.to_string(),
        Origin::Built(_) => state.pools.get(&r.pool).unwrap().name.to_string(),
        _ => r.doc.name.to_string(),
    }
}

/// All but leases.
fn assert_kept(state: &State, version: i64) {
    let pools: Vec<_> = state.pools.values().map(|p| p.name.as_str()).collect();
    let expected = [
        "machines",
        "boards",
        "washed",
        "addresses",
        "doors",
        "licences",
        "clusters",
        "broken",
    ];
    assert_eq!(pools, expected, "and one is gone");
    let machines = &state.pool_named(&name("machines")).unwrap().spec;
    assert!(machines.indexed.contains("cores"));
    let horse = resource(state, "Größe \"1\" 🐎 o'hara");
    let json = |value| serde_json::to_value(value).unwrap();
    assert_eq!(
        json(&horse.doc.attributes),
        json!({"cores": 4, "gpu": true, "os": "debian; --"})
    );
    assert_eq!(horse.doc.labels.get("rack"), Some("r1"));
    assert_eq!(*horse.doc.endpoints[0].1, *"10.0.0.1:22");
    let withheld = ["b3", "b5"].map(|n| {
        resource(state, n)
            .withheld
            .as_ref()
            .unwrap()
            .reason
            .as_ref()
    });
    assert_eq!(
        withheld,
        ["debugging: look at it", "needs_repair: fan – laut"]
    );
    assert_eq!(resource(state, "w1").state, ResourceState::Dirty);
    let broken = state
        .resources
        .values()
        .find(|r| r.cause.is_some())
        .unwrap();
    assert!(broken.cause.as_ref().unwrap().contains("exit code 3"));
    let host = state.host_named(&name("here")).unwrap();
    assert!(host.seen && !host.backoffs.is_empty());
    assert_eq!(host.spec.labels.get("room"), Some("o'hara's \"5\" – 🐎"));
    assert!(!state.host_named(&name("away")).unwrap().spec.schedulable);
    let text = &state.template_named(&name("tiny")).unwrap().files["template.toml"];
    assert!(text.contains("a second revision"));
    let keys: Vec<_> = state.keys.values().map(|k| k.name.as_str()).collect();
    assert_eq!(keys, ["admin", "ci", "ops"], "and one is gone");
    assert_eq!(
        state.quota_of(&owner("ann")).unwrap().spec.leases_max,
        Some(9)
    );
    let outcome = state.outcomes.values().next().unwrap();
    assert_eq!(&*outcome.at.key, "again-1");
    if version >= 2 {
        let webhook = state.webhook_named(&name("chat")).unwrap();
        assert_eq!(webhook.spec.events, Some(["lease".into()].into()));
    }
    if version >= 4 {
        let ann = state.user_named(&owner("ann")).unwrap();
        assert_eq!(
            (ann.spec.balance, &*ann.profile.location),
            (-3, "Main St. 1\nTown")
        );
        assert!(ann.password.is_some() && !state.user_named(&owner("ben")).unwrap().spec.active);
        assert!(state.user_named(&owner("gone")).is_none());
        let stopped = |r: &std::sync::Arc<Resource>| r.power.as_ref().is_some_and(|p| p.stopped);
        assert!(state.resources.values().any(stopped));
    }
}

fn assert_leases_kept(state: &State, versions: &Versions) {
    let lease = |l: &std::sync::Arc<Lease>| {
        let members = l.members.iter().map(|m| member(state, m.resource));
        let members: Vec<_> = members.collect();
        format!("{} {} {members:?}", l.owner, l.state.as_str())
    };
    let live: Vec<_> = state.leases.values().map(lease).collect();
    let expected = [
        r#"ann active ["Größe \"1\" 🐎 o'hara"]"#,
        r#"hal active ["m2"]"#,
        "cy waiting []",
        r#"ann active ["b1"]"#,
        r#"ann active ["10.0.0.4/30"]"#,
        r#"ben active ["20000-20009"]"#,
        r#"ann active ["seats=3"]"#,
        r#"ann active ["clusters"]"#,
    ];
    assert_eq!(live, expected);
    let held = of(state, "ann", "machines");
    assert_eq!(held.labels.get("branch"), Some("größer"));
    assert_eq!(
        held.note.as_deref(),
        Some("Ann's \"first\" Größe 🐎 – line; --")
    );
    assert_eq!(held.shared, [owner("ben")]);
    assert!(held.deadline.is_some() && of(state, "ann", "addresses").deadline.is_none());
    let waiting = of(state, "cy", "machines");
    assert_eq!(
        (waiting.priority, waiting.note.as_deref()),
        (7, Some("soon"))
    );
    let ended = state.ended().map(|e| (e.owner.as_str(), e.end));
    let mut ended: Vec<_> = ended.collect();
    ended.sort_by_key(|(who, _)| *who);
    let expected = [
        ("ann", End::Released),
        ("ben", End::Released),
        ("ben", End::Released),
        ("dan", End::Released),
        ("eve", End::Expired),
        ("fred", End::Cancelled),
        ("gil", End::Released),
        ("ivy", End::Revoked),
    ];
    assert_eq!(ended, expected);
    let reason = state.ended().find_map(|e| e.reason.as_deref());
    assert_eq!(reason.is_some(), versions["history"] >= 2, "{reason:?}");
}

/// The history knows what was and what came since, whichever program wrote which part of it.
fn assert_told(running: &Running, versions: &Versions) {
    let history = &running.history;
    let all = events(history, &EventSearch::default());
    assert!(
        all.len() > 90
            && all.last().unwrap().number
                == Number {
                    revision: 1,
                    index: 0
                }
    );
    let of_owner = |who: &str| {
        let owner = Some(owner(who));
        let search = LeaseSearch {
            owner,
            ..Default::default()
        };
        leases(history, &search)
    };
    let ends = |who: &str| -> Vec<_> {
        let told = |l: &PastLease| (l.pools.len(), l.granted_at.is_some(), l.end);
        of_owner(who).iter().map(told).collect()
    };
    assert_eq!(ends("eve"), [(1, true, Some(End::Expired))]);
    assert_eq!(ends("fred"), [(1, false, Some(End::Cancelled))]);
    assert_eq!(ends("cy"), [(1, true, None)], "since this program came");
    assert_eq!(ends("hal"), [(1, true, None)]);
    let ann = of_owner("ann");
    let last = ann.last().unwrap();
    assert_eq!(
        (ann.len(), last.end),
        (6, Some(End::Released)),
        "also this one"
    );
    assert_eq!(
        last.note.as_deref(),
        Some("Ann's \"first\" Größe 🐎 – line; --")
    );
    let dan = of_owner("dan");
    let done = dan
        .iter()
        .find(|l| l.labels.get("job") == Some("j-0"))
        .unwrap();
    assert_eq!(done.note.as_deref(), Some("done – \"well\""));
    assert_eq!(
        dan.len() == 2,
        versions["ledger"] >= 5,
        "the other one is brought"
    );
    let ivy = of_owner("ivy").remove(0);
    assert_eq!(ivy.end, Some(End::Revoked));
    let said = (versions["history"] >= 2).then_some("the \"rack\" moves");
    assert_eq!(ivy.reason.as_deref(), said);
    let search = EventSearch {
        owner: Some(owner("gil")),
        ..Default::default()
    };
    let about_gil: Vec<_> = events(history, &search);
    let kinds: Vec<_> = about_gil
        .iter()
        .map(|r| serde_json::to_value(&r.event).unwrap())
        .collect();
    let kinds: Vec<_> = kinds
        .iter()
        .filter_map(|e| e.as_object()?.keys().next())
        .collect();
    let granted_and = |what| [what, "lease.granted"];
    let [kept, given] = [granted_and("lease.ended"), granted_and("lease.given")];
    assert_eq!(kinds, [&kept[..], &["lease.renewed"], &given].concat());
    let search = LeaseSearch {
        resource: Some(last.members[0]),
        ..Default::default()
    };
    let holders = leases(history, &search);
    let holders: Vec<_> = holders
        .iter()
        .map(|l| l.owner().unwrap().as_str())
        .collect();
    assert_eq!(holders, ["cy", "ann"], "newest first");
}
