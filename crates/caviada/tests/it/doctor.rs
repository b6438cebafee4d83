//! `caviada doctor`: what it finds, and how it lets people go on.

use serde_json::Value;

use crate::site::{BOARDS, Site, program, text, until};

/// What it says of a site's store, and its exit code.
fn doctor(site: &Site, flags: &[&str]) -> (Option<i32>, Vec<(String, String, String)>) {
    let data = site.typed("data");
    let arguments = [&["doctor", "-o", "json", "--data-dir", &data], flags].concat();
    let output = program(&arguments, &site.path("home")).output().unwrap();
    let list: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let word = |f: &Value, name: &str| f[name].as_str().unwrap().to_owned();
    let one = |f: &Value| (word(f, "check"), word(f, "verdict"), word(f, "what"));
    let found = list.as_array().unwrap().iter().map(one).collect();
    (output.status.code(), found)
}

/// What it says of one check.
fn of(found: &[(String, String, String)], check: &str) -> String {
    let mut said = found.iter().filter(|(c, _, _)| c == check);
    let (_, verdict, what) = said.next().unwrap_or_else(|| panic!("{check}: {found:?}"));
    format!("{verdict}: {what}")
}

#[test]
fn beside_a_server_that_is_well_it_finds_all_well() {
    let site = Site::start();
    site.load(BOARDS);
    site.ok(&["host", "set", "here", "--driver", "process"]);
    site.ok(&["acquire", "boards"]);
    let (code, found) = doctor(&site, &[]);
    assert_eq!(code, Some(0), "{found:?}");
    let store = of(&found, "store");
    assert!(
        store.contains("1 pools, 2 resources, 1 leases; every invariant holds"),
        "{store}"
    );
    for check in ["configuration", "clock", "limits", "host here"] {
        assert!(of(&found, check).starts_with("ok"), "{found:?}");
    }
    of(&found, "open files");
    of(&found, "disk");
}

#[test]
fn it_names_a_host_that_is_not_there_and_a_file_that_cannot_be_meant() {
    let site = Site::start();
    let nowhere = ["--driver", "docker", "--address", "unix:///nowhere.sock"];
    site.ok(&[&["host", "set", "away"], &nowhere[..]].concat());
    let (code, found) = doctor(&site, &[]);
    assert_eq!(code, Some(1));
    assert!(of(&found, "host away").starts_with("bad"), "{found:?}");
    let table = program(
        &["doctor", "--data-dir", &site.typed("data")],
        &site.path("home"),
    );
    let mut table = table;
    assert!(text(&table.output().unwrap().stdout).contains("host away"));
    let file = site.file("bad.toml", "listn = \"x\"\n");
    site.fails(2, &["doctor", "--config", &file]);
    let empty = Site::new();
    let (code, found) = doctor(&empty, &[]);
    assert_eq!(code, Some(0));
    assert!(of(&found, "store").starts_with("warning: there is none in"));
}

#[test]
fn a_data_directory_that_is_a_file_is_bad() {
    let site = Site::new();
    let file = site.file("data", "");
    let (code, found) = doctor(&site, &[]);
    assert_eq!(code, Some(1), "{found:?}");
    let store = of(&found, "store");
    let why = format!("bad: {file} is no folder");
    assert!(store.starts_with(&why), "{store}");
}

#[test]
fn a_damaged_store_is_bad_and_a_backup_is_the_way_out() {
    let mut site = Site::start();
    site.load(BOARDS);
    site.stop();
    let file = site.path("data/ledger.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    assert!(middle > 4_096, "a clean end leaves one whole file");
    bytes[middle..].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let (code, found) = doctor(&site, &[]);
    assert_eq!(code, Some(1));
    let store = of(&found, "store");
    assert!(
        store.starts_with("bad") && store.contains("backup"),
        "{store}"
    );
}

#[test]
fn a_ledger_on_postgresql_is_looked_at_and_one_that_is_away_is_named() {
    let Some(postgres) = caviada_testbed::postgres() else {
        return;
    };
    let store = postgres.url();
    let mut site = Site::new();
    let (_, found) = doctor(&site, &["--store", &store]);
    assert!(of(&found, "store").starts_with("warning: there is none in"));
    let admin = [("CAVIADA_ADMIN_KEY", crate::site::ADMIN)];
    site.serve(&["--store", &store], &admin);
    site.load(BOARDS);
    let (code, found) = doctor(&site, &["--store", &store]);
    assert_eq!(code, Some(0), "{found:?}");
    assert!(of(&found, "store").contains("every invariant holds"));
    site.stop();

    let away = ["--store", "postgres://ann:hush@127.0.0.1:1/x"];
    let (code, found) = doctor(&site, &away);
    assert_eq!(code, Some(1));
    let said = of(&found, "store");
    assert!(
        said.contains("refused") && said.contains("database is up"),
        "{said}"
    );
    let output = site.server(&away, &[]).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("see that the database is up"), "{said}");
    assert!(!said.contains("hush"), "{said}");
    assert_eq!(said.matches("cannot be reached").count(), 1, "{said}");
}

/// The files of the store, without what else is in the directory.
fn store_files(site: &Site) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(site.path("data")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let of_store = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("ledger.db") || name.starts_with("history.db")
    };
    files.filter(of_store).collect()
}

#[test]
fn a_store_that_was_rolled_back_waits_for_a_person() {
    let mut site = Site::start();
    site.load(BOARDS);
    assert!(site.stop().success());
    std::fs::create_dir(site.path("old")).unwrap();
    for file in store_files(&site) {
        let to = site.path("old").join(file.file_name().unwrap());
        std::fs::copy(&file, to).unwrap();
    }
    site.serve(&[], &[]);
    site.ok(&["acquire", "boards:2"]);
    let seen = || std::fs::read_to_string(site.path("data/seen")).unwrap_or_default();
    let revision = site.json(&["status"])["revision"].to_string();
    until("the revision is seen", || {
        seen()
            .trim()
            .ends_with(&format!(" {revision}"))
            .then_some(())
    });
    site.stop();
    for file in store_files(&site) {
        std::fs::remove_file(file).unwrap();
    }
    for file in std::fs::read_dir(site.path("old")).unwrap() {
        let from = file.unwrap().path();
        std::fs::copy(&from, site.path("data").join(from.file_name().unwrap())).unwrap();
    }
    site.serve(&[], &[]);
    assert!(site.log().contains("it was rolled back"), "{}", site.log());
    let (code, found) = doctor(&site, &[]);
    assert_eq!(code, Some(1));
    let said = of(&found, "roll-back");
    assert!(
        said.contains("--adopt") && said.contains("--forget"),
        "{said}"
    );
    let data = site.typed("data");
    let forget = ["doctor", "--forget", "--data-dir", &data];
    assert!(site.fails(1, &forget).contains("stop it first"));
    site.stop();
    site.ok(&forget);
    assert_eq!(doctor(&site, &[]).0, Some(0));
    site.serve(&[], &[]);
    assert!(!site.log().contains("rolled back"), "{}", site.log());
}

#[test]
fn adopting_removes_from_hosts_what_the_store_does_not_know() {
    let mut site = Site::start();
    let ports = ["--driver", "process", "--ports", "23000-23999/16"];
    site.ok(&[&["host", "set", "here"], &ports[..]].concat());
    let file = site.typed("early.db");
    let data = site.typed("data");
    site.ok(&["backup", &file, "--data-dir", &data]);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../templates/tiny");
    site.load(&format!(
        "name = \"built\"\n[[template]]\nname = \"tiny\"\npath = \"{folder}\"\n\
         [[pool]]\nname = \"things\"\ntemplate = \"tiny\"\nwarm = 1\nmax = 1\n"
    ));
    until("one is built", || {
        let pool = site.json(&["pool", "show", "things"]);
        (pool["counts"]["free"] == 1).then_some(())
    });
    site.stop();
    for file in store_files(&site) {
        std::fs::remove_file(file).unwrap();
    }
    site.ok(&["restore", &file, "--data-dir", &data]);
    let (code, found) = doctor(&site, &[]);
    assert_eq!(code, Some(1));
    let later = |f: &(String, String, String)| f.2.contains("is of a later revision than");
    assert!(found.iter().any(later), "{found:?}");
    // The server leaves it alone.
    site.serve(&[], &[]);
    until("the host is seen", || {
        let host = site.json(&["host", "show", "here"]);
        (host["state"] == "seen").then_some(())
    });
    site.stop();
    assert!(doctor(&site, &[]).1.iter().any(later));
    site.ok(&["doctor", "--adopt", "--data-dir", &data]);
    let (code, found) = doctor(&site, &[]);
    assert_eq!(code, Some(0), "{found:?}");
    assert!(
        of(&found, "host here").contains("0 things of ours"),
        "{found:?}"
    );
}
