//! Backup and restore, from each engine into each.

use std::path::Path;

use caviada_core::pool::PoolSpec;
use caviada_core::state::State;
use caviada_ledger::backup::{BackupError, backup, restore, verify};
use caviada_ledger::directory::Directory;
use caviada_ledger::history::LeaseSearch;
use caviada_ledger::table::{HISTORY, JOURNAL, META, NOUNS};
use caviada_ledger::{Place, Start, start};

use crate::history::{Site, block, caught_up, do_all, leases, live, on_each_engine};
use crate::sim::{acquire, declare, host, lease_of, name, put_pool, release, system};
use crate::store::asked;
use caviada_core::command::Act;
use rusqlite::types::Value;
use sha2::{Digest as _, Sha256};

fn there_and_back(from: &Site, to: &Site) {
    let running = from.start();
    live(&running);
    let held = lease_of(&block(running.handle.submit(acquire("ann", "boards", 0))));
    caught_up(&running);
    let before = block(running.handle.snapshot()).unwrap();
    let past = leases(&running.history, &LeaseSearch::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.db");
    // While the server is at work.
    let made = backup(from.files.path(), &from.place, &file).unwrap();
    assert_eq!(made.revision, before.revision());
    assert_eq!(verify(&file).unwrap(), made);
    running.close();

    let directory = Directory::lock(to.files.path()).unwrap();
    let restored = restore(&file, &directory, &to.place).unwrap();
    assert_eq!(restored.backup, made);
    assert!(!restored.rolled_back, "nothing stands outside");
    drop(directory);
    let running = to.start();
    let after = block(running.handle.snapshot()).unwrap();
    assert_alike(&before, &after);
    assert_eq!(leases(&running.history, &LeaseSearch::default()), past);
    do_all(&running, vec![release(held)]);
    let next = block(running.handle.submit(acquire("ann", "boards", 0))).unwrap();
    let caviada_ledger::Noun::Lease(lease, _) = next.noun else {
        panic!()
    };
    assert!(
        lease.fence.0 > 1_700_000_000_000_000,
        "above every fence of before"
    );
    caught_up(&running);
    assert_eq!(
        leases(&running.history, &LeaseSearch::default()).len(),
        past.len() + 1
    );
    running.close();
}

/// All nouns are the same; time and counter went on, and leases may have got their grace.
fn assert_alike(before: &State, after: &State) {
    assert!(after.counter() > before.counter() && after.now() >= before.now());
    assert_eq!(before.pools, after.pools);
    assert_eq!(before.resources, after.resources);
    assert_eq!(before.leases.len(), after.leases.len());
    assert_eq!(before.ended().count(), after.ended().count());
}

#[test]
fn a_backup_restores_on_the_same_engine() {
    there_and_back(&Site::sqlite(), &Site::sqlite());
}

#[test]
fn a_backup_moves_from_one_engine_to_the_other_and_back() {
    let (Some(first), Some(second)) = (Site::postgres(), Site::postgres()) else {
        return;
    };
    there_and_back(&Site::sqlite(), &first);
    there_and_back(&second, &Site::sqlite());
}

fn small_backup_of(site: &Site, folder: &Path) -> std::path::PathBuf {
    let running = site.start();
    live(&running);
    running.close();
    let file = folder.join("backup.db");
    backup(site.files.path(), &site.place, &file).unwrap();
    file
}

fn small_backup(folder: &Path) -> (Site, std::path::PathBuf) {
    let site = Site::sqlite();
    let file = small_backup_of(&site, folder);
    (site, file)
}

on_each_engine! {
    nothing_is_ever_overwritten
    a_store_with_hosts_counts_as_rolled_back_when_it_is_restored
    a_backup_under_load_is_one_moment
}

#[test]
fn a_changed_or_broken_backup_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (_site, file) = small_backup(folder.path());
    let changed = folder.path().join("changed.db");
    std::fs::copy(&file, &changed).unwrap();
    let database = rusqlite::Connection::open(&changed).unwrap();
    database
        .execute("UPDATE pool SET doc = REPLACE(doc, 'boards', 'broads')", [])
        .unwrap();
    drop(database);
    let broken = folder.path().join("broken.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill(0xff);
    std::fs::write(&broken, bytes).unwrap();
    let other = folder.path().join("other.db");
    std::fs::write(&other, "no database at all").unwrap();
    for bad in [&changed, &broken, &other, &folder.path().to_owned()] {
        let target = Site::sqlite();
        let directory = Directory::lock(target.files.path()).unwrap();
        let refused = restore(bad, &directory, &target.place);
        assert!(
            matches!(refused, Err(BackupError::Unsound(..))),
            "{bad:?}: {refused:?}"
        );
    }
    let absent = folder.path().join("absent.db");
    let refused = verify(&absent);
    assert!(
        matches!(&refused, Err(BackupError::Io(file, _)) if *file == absent),
        "{refused:?}"
    );
}

/// What a backup's digest counts, but for one column.
fn digest_without(database: &rusqlite::Connection, table: &str, column: &str) -> (i64, String) {
    let (mut rows, mut digest) = (0_i64, Sha256::new());
    let ledger = NOUNS.into_iter().chain([&JOURNAL, &META]);
    for t in HISTORY.into_iter().chain(ledger) {
        let names = t.columns.iter().map(|c| c.name);
        let names: Vec<_> = names.filter(|c| (t.name, *c) != (table, column)).collect();
        let (columns, keys) = (names.join(", "), names[..t.keys].join(", "));
        let sql = format!("SELECT {columns} FROM {} ORDER BY {keys}", t.name);
        let mut statement = database.prepare(&sql).unwrap();
        let mut found = statement.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            rows += 1;
            for i in 0..names.len() {
                match row.get(i).unwrap() {
                    Value::Integer(n) => {
                        digest.update([1]);
                        digest.update(n.to_be_bytes());
                    }
                    Value::Text(text) => {
                        digest.update([2]);
                        digest.update((text.len() as u64).to_be_bytes());
                        digest.update(text);
                    }
                    _ => digest.update([0]),
                }
            }
        }
    }
    let hex = |text: String, b: &u8| text + &format!("{b:02x}");
    (rows, digest.finalize().iter().fold(String::new(), hex))
}

#[test]
fn a_backup_of_an_older_program_is_restored_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (site, file) = small_backup(folder.path());
    let database = rusqlite::Connection::open(&file).unwrap();
    let older =
        "ALTER TABLE resource_doc DROP COLUMN altered; DELETE FROM migration WHERE number > 4";
    database.execute_batch(older).unwrap();
    let (rows, digest) = digest_without(&database, "resource_doc", "altered");
    let set = "UPDATE backup SET rows = ?1, digest = ?2";
    database.execute(set, (rows, &digest)).unwrap();
    drop(database);
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(verify(&file).unwrap().digest, digest);
    let target = Site::sqlite();
    let directory = Directory::lock(target.files.path()).unwrap();
    restore(&file, &directory, &target.place).unwrap();
    drop(directory);
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    let beside = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(beside.count(), 1, "only the backup");
    let [before, after] = [&site, &target].map(|site| {
        let running = site.start();
        let state = block(running.handle.snapshot()).unwrap();
        running.close();
        state
    });
    assert_alike(&before, &after);
}

#[test]
fn a_backup_of_a_newer_program_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (_site, file) = small_backup(folder.path());
    let database = rusqlite::Connection::open(&file).unwrap();
    let newer = "INSERT INTO migration VALUES (99, 1, '')";
    database.execute(newer, []).unwrap();
    drop(database);
    let refused = verify(&file).unwrap_err().to_string();
    assert!(refused.contains("newer than this program"), "{refused}");
}

#[test]
fn the_store_of_an_older_program_is_left_to_that_one() {
    let folder = tempfile::tempdir().unwrap();
    let (site, _file) = small_backup(folder.path());
    let database = rusqlite::Connection::open(site.files.path().join("ledger.db")).unwrap();
    let older = "DELETE FROM migration WHERE number > 4";
    database.execute(older, []).unwrap();
    drop(database);
    let refused = backup(site.files.path(), &site.place, &folder.path().join("b.db"));
    assert!(matches!(refused, Err(BackupError::Older(_))), "{refused:?}");
}

#[test]
fn an_older_or_empty_database_on_a_server_is_left_as_it_is() {
    let Some(site) = Site::postgres() else { return };
    let server = site.server.as_ref().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tried = || backup(folder.path(), &site.place, &folder.path().join("b.db"));
    let nothing = tried();
    assert!(
        matches!(nothing, Err(BackupError::Nothing(_))),
        "{nothing:?}"
    );
    site.start().close();
    let older = "DELETE FROM caviada.migration WHERE number > 4;
        DELETE FROM caviada_history.history_migration WHERE number > 1;
        ALTER TABLE caviada_history.lease_history DROP COLUMN reason";
    asked(server, older);
    let refused = tried();
    assert!(matches!(refused, Err(BackupError::Older(_))), "{refused:?}");
    let steps = "SELECT COUNT(*) FROM caviada_history.history_migration";
    assert_eq!(asked(server, steps), [["1"]]);
}

fn nothing_is_ever_overwritten(site: &Site) {
    let folder = tempfile::tempdir().unwrap();
    let file = small_backup_of(site, folder.path());
    let again = backup(site.files.path(), &site.place, &file);
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
    let directory = Directory::lock(site.files.path()).unwrap();
    let over = restore(&file, &directory, &site.place);
    assert!(matches!(over, Err(BackupError::NotEmpty)), "{over:?}");
    let nothing = backup(folder.path(), &Place::Sqlite, &folder.path().join("b.db"));
    assert!(
        matches!(nothing, Err(BackupError::Nothing(_))),
        "{nothing:?}"
    );
}

fn a_store_with_hosts_counts_as_rolled_back_when_it_is_restored(target: &Site) {
    let site = Site::sqlite();
    let running = site.start();
    let host = Act::PutHost {
        name: name("h1"),
        spec: Box::new(host()),
        expect: None,
    };
    do_all(&running, vec![system(host)]);
    running.close();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.db");
    backup(site.files.path(), &site.place, &file).unwrap();
    let directory = Directory::lock(target.files.path()).unwrap();
    assert!(
        restore(&file, &directory, &target.place)
            .unwrap()
            .rolled_back
    );
    drop(directory);
    let running = target.start();
    assert!(running.rolled_back);
    running.close();
}

fn a_backup_under_load_is_one_moment(site: &Site) {
    let running = site.start();
    do_all(&running, vec![put_pool("boards", PoolSpec::declared())]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.db");
    let handle = running.handle.clone();
    let writer = std::thread::spawn(move || {
        for i in 0..400 {
            block(handle.submit(declare("boards", &format!("b{i}")))).unwrap();
        }
    });
    let made = backup(site.files.path(), &site.place, &file).unwrap();
    writer.join().unwrap();
    running.close();
    let target = Site::sqlite();
    let directory = Directory::lock(target.files.path()).unwrap();
    restore(&file, &directory, &target.place).unwrap();
    drop(directory);
    // One revision made the pool, each further one a resource.
    let directory = Directory::lock(target.files.path()).unwrap();
    let running = start(&directory, &target.place, Start::default()).unwrap();
    let state = block(running.handle.snapshot()).unwrap();
    assert_eq!(state.resources.len() as u64 + 1, made.revision);
    running.close();
}
