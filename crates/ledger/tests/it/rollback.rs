//! A store that is older than what was seen of it.

use caviada_core::pool::PoolSpec;
use caviada_ledger::adopt;
use caviada_ledger::directory::Directory;
use caviada_ledger::history::LeaseSearch;

use crate::history::{Site, caught_up, do_all, leases, live};
use crate::sim::put_pool;

#[test]
fn a_store_older_than_what_was_seen_is_rolled_back_until_somebody_has_looked() {
    let site = Site::sqlite();
    let running = site.start();
    assert!(!running.rolled_back);
    do_all(&running, vec![put_pool("boards", PoolSpec::declared())]);
    running.close();
    let (ledger, kept) = (
        site.files.path().join("ledger.db"),
        site.files.path().join("kept"),
    );
    std::fs::copy(&ledger, &kept).unwrap();
    let running = site.start();
    live(&running);
    running.close();
    std::fs::copy(&kept, &ledger).unwrap();
    let running = site.start();
    assert!(running.rolled_back);
    caught_up(&running);
    assert_eq!(
        leases(&running.history, &LeaseSearch::default()),
        [],
        "they never were"
    );
    running.close();
    let running = site.start();
    assert!(running.rolled_back, "until somebody has looked");
    running.close();
    let directory = Directory::lock(site.files.path()).unwrap();
    adopt(&directory, &site.place).unwrap();
    drop(directory);
    let running = site.start();
    assert!(!running.rolled_back);
    running.close();
}

#[test]
fn a_rolled_back_store_stays_so_when_it_has_caught_up() {
    let site = Site::sqlite();
    site.start().close();
    let directory = Directory::lock(site.files.path()).unwrap();
    directory.sqlite().unwrap().set_rolled_back(true).unwrap();
    drop(directory);
    for _ in 0..2 {
        let running = site.start();
        assert!(running.rolled_back);
        do_all(&running, vec![put_pool("boards", PoolSpec::declared())]);
        running.close();
    }
}
