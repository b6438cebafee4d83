//! A store that is older than what was seen of it.

use caviada_core::pool::PoolSpec;
use caviada_ledger::adopt;
use caviada_ledger::directory::Directory;
use caviada_ledger::history::LeaseSearch;

use crate::history::{Database, Site, caught_up, do_all, leases, live, on_each_engine};
use crate::sim::put_pool;

on_each_engine! {
    a_store_older_than_what_was_seen_is_rolled_back_until_somebody_has_looked
    a_rolled_back_store_stays_so_when_it_has_caught_up
}

fn a_store_older_than_what_was_seen_is_rolled_back_until_somebody_has_looked(site: &Site) {
    let running = site.start();
    assert!(!running.rolled_back);
    do_all(&running, vec![put_pool("boards", PoolSpec::declared())]);
    running.close();
    site.keep(Database::Ledger, "kept");
    let running = site.start();
    live(&running);
    running.close();
    site.put_back(Database::Ledger, "kept");
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

fn a_rolled_back_store_stays_so_when_it_has_caught_up(site: &Site) {
    site.start().close();
    site.hurt(Database::Ledger, "UPDATE meta SET rolled_back = 1");
    for _ in 0..2 {
        let running = site.start();
        assert!(running.rolled_back);
        do_all(&running, vec![put_pool("boards", PoolSpec::declared())]);
        running.close();
    }
}
