//! Backups of a server at work, and what comes back of them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::site::{ADMIN, BOARDS, Site, program, text};

/// A lease and its fence.
fn acquire(site: &Site) -> (String, u64) {
    let lease = site.json(&["acquire", "boards"]);
    let id = lease["id"].as_str().unwrap().to_owned();
    (id, lease["fence"].as_u64().unwrap())
}

/// `caviada backup` of a site's store.
fn backup(site: &Site, name: &str, store: &str) -> String {
    let file = site.typed(name);
    site.ok(&[
        "backup",
        &file,
        "--data-dir",
        &site.typed("data"),
        "--store",
        store,
    ]);
    file
}

fn restore(site: &Site, file: &str, store: &str) {
    let data = site.typed("data");
    let arguments = ["restore", file, "--data-dir", &data, "--store", store];
    site.ok(&arguments);
}

#[test]
fn a_backup_of_a_server_at_work_comes_back_with_higher_fences() {
    let mut site = Site::start();
    site.load(BOARDS);
    let (held, _) = acquire(&site);
    let file = backup(&site, "backup.db", "sqlite");
    // What the backup does not know of.
    let (_, later) = acquire(&site);
    site.stop();

    let mut other = Site::new();
    restore(&other, &file, "sqlite");
    other.serve(&[], &[("CAVIADA_ADMIN_KEY", "not-the-first-start")]);
    let leases = other.json(&["ls"]);
    assert_eq!(leases["items"][0]["id"], held.as_str());
    assert_eq!(leases["items"].as_array().unwrap().len(), 1);
    let (_, fence) = acquire(&other);
    assert!(fence > later, "{fence} after {later}");
    other.ok(&["release", &held]);
    // The past came along.
    let events = other.json(&["event", "ls", "--type", "lease.granted"]);
    assert_eq!(events["items"].as_array().unwrap().len(), 2, "{events}");
}

#[test]
fn a_backup_moves_a_ledger_to_another_engine_and_back() {
    let Some(postgres) = caviada_testbed::postgres() else {
        return;
    };
    let store = postgres.url();
    let mut first = Site::start();
    first.load(BOARDS);
    let (held, before) = acquire(&first);
    let file = backup(&first, "backup.db", "sqlite");
    first.stop();

    let mut second = Site::new();
    restore(&second, &file, &store);
    second.serve(&["--store", &store], &[]);
    assert_eq!(second.json(&["ls"])["items"][0]["id"], held.as_str());
    let (_, fence) = acquire(&second);
    assert!(fence > before);
    let file = backup(&second, "backup.db", &store);
    second.stop();

    let mut third = Site::new();
    restore(&third, &file, "sqlite");
    third.serve(&[], &[]);
    assert_eq!(third.json(&["ls"])["items"].as_array().unwrap().len(), 2);
    third.ok(&["release", &held]);
    let (_, last) = acquire(&third);
    assert!(last > fence);
}

#[test]
fn a_backup_can_be_checked_and_a_damaged_one_is_not_restored() {
    let mut site = Site::start();
    site.load(BOARDS);
    let file = backup(&site, "backup.db", "sqlite");
    let checked = site.run(&["backup", "--check", &file]);
    assert!(checked.status.success());
    assert!(text(&checked.stderr).contains("is sound"));
    // None is ever overwritten.
    let again = ["backup", &file, "--data-dir", &site.typed("data")];
    assert!(site.fails(1, &again).contains("name another file"));
    site.stop();

    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill(0xff);
    let damaged = site.typed("damaged.db");
    std::fs::write(&damaged, bytes).unwrap();
    assert!(
        site.fails(1, &["backup", "--check", &damaged])
            .contains("no sound backup")
    );
    let other = Site::new();
    let data = other.typed("data");
    let said = other.fails(1, &["restore", &damaged, "--data-dir", &data]);
    assert!(said.contains("no sound backup"), "{said}");
    assert!(!other.path("data").exists());
}

#[test]
fn a_restore_overwrites_nothing_and_waits_for_no_running_server() {
    let mut site = Site::start();
    site.load(BOARDS);
    let data = site.typed("data");
    let file = backup(&site, "backup.db", "sqlite");
    let said = site.fails(1, &["restore", &file, "--data-dir", &data]);
    assert!(said.contains("stop it first"), "{said}");
    site.stop();
    let said = site.fails(1, &["restore", &file, "--data-dir", &data]);
    assert!(said.contains("name another --data-dir"), "{said}");
    // And nothing is no ledger.
    let nowhere = site.typed("nowhere");
    let said = site.fails(1, &["backup", &nowhere, "--data-dir", &nowhere]);
    assert!(said.contains("no ledger in"), "{said}");
    site.serve(&[], &[("CAVIADA_ADMIN_KEY", ADMIN)]);
    site.ok(&["status"]);
}

#[test]
fn a_restored_store_with_hosts_says_that_nothing_is_changed_there() {
    let mut site = Site::start();
    site.load("name = \"h\"\n[[host]]\nname = \"here\"\ndriver = \"process\"\n");
    let file = backup(&site, "backup.db", "sqlite");
    site.stop();
    let other = Site::new();
    let data = other.typed("data");
    let mut command = program(
        &["restore", &file, "--data-dir", &data],
        &other.path("home"),
    );
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("`caviada doctor`"), "{said}");
}

#[test]
fn a_destination_that_cannot_be_written_is_named_and_the_store_is_not_blamed() {
    let mut site = Site::start();
    site.stop();
    let data = site.typed("data");
    let to = site.typed("nowhere/caviada.backup");
    let said = site.fails(1, &["backup", &to, "--data-dir", &data]);
    let why = format!("{to}: No such file or directory");
    assert!(said.contains(&why) && !said.contains("broken"), "{said}");
    assert!(!site.path("nowhere").exists());
}

#[test]
fn a_backup_that_is_not_there_or_no_file_is_said_to_be_so() {
    let site = Site::new();
    let gone = site.typed("gone.db");
    let folder = site.typed("");
    for command in [&["backup", "--check"][..], &["restore"]] {
        let said = site.fails(1, &[command, &[gone.as_str()]].concat());
        let why = format!("{gone}: No such file or directory");
        assert!(said.contains(&why), "{said}");
        let said = site.fails(1, &[command, &[folder.as_str()]].concat());
        assert!(said.contains("it is no file"), "{said}");
    }
}

/// Who may read a file, and what else.
fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_store_and_its_backup_are_nobody_elses_to_read_wherever_they_are() {
    let mut site = Site::new();
    std::fs::create_dir(site.path("data")).unwrap();
    std::fs::set_permissions(site.path("data"), Permissions::from_mode(0o755)).unwrap();
    site.serve(&[], &[("CAVIADA_ADMIN_KEY", ADMIN)]);
    site.load(BOARDS);
    let file = backup(&site, "backup.db", "sqlite");
    assert_eq!(mode(file.as_ref()), 0o600);
    let all = |site: &Site, suffixes: &[&str]| {
        for name in ["ledger.db", "history.db", "webhook.db"] {
            for suffix in suffixes {
                let path = site.path(&format!("data/{name}{suffix}"));
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    };
    all(&site, &["", "-wal", "-shm"]);
    site.stop();
    all(&site, &[""]);

    // As an older program left them.
    let ledger = site.path("data/ledger.db");
    std::fs::set_permissions(&ledger, Permissions::from_mode(0o644)).unwrap();
    site.serve(&[], &[]);
    all(&site, &["", "-wal", "-shm"]);
    // The folder is its owner's choice.
    assert_eq!(mode(&site.path("data")), 0o755);
}
