//! Configuration: one file, variables over it, flags over those.

use std::process::Output;

use crate::site::{ADMIN, Site, program, text};

fn run(site: &Site, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = program(arguments, &site.path("home"));
    command.envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn each_value_says_where_it_comes_from_and_no_password_is_shown() {
    let site = Site::new();
    let file = site.file(
        "caviada.toml",
        "listen = \"127.0.0.1:1\"\nlog = \"warn\"\n[reconciler]\nprobe = \"2s\"\n",
    );
    let arguments = [
        "config",
        "show",
        "--origin",
        "--config",
        &file,
        "--listen",
        "127.0.0.1:3",
        "-o",
        "json",
    ];
    let variables = [
        ("CAVIADA_LOG", "debug"),
        ("CAVIADA_STORE", "postgres://ann:hush@db.test/caviada"),
        ("CAVIADA_RECONCILER__SECOND_LOOK", "3s"),
    ];
    let output = run(&site, &arguments, &variables);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |key: &str| {
        let found = shown.as_array().unwrap().iter().find(|s| s["key"] == key);
        let found = found.unwrap();
        format!(
            "{} {}",
            found["value"].as_str().unwrap(),
            found["origin"].as_str().unwrap()
        )
    };
    assert_eq!(of("listen"), "127.0.0.1:3 --listen");
    assert_eq!(of("log"), "debug CAVIADA_LOG");
    assert_eq!(of("reconciler.probe"), format!("2s {file}:4"));
    assert_eq!(
        of("reconciler.second_look"),
        "3s CAVIADA_RECONCILER__SECOND_LOOK"
    );
    assert_eq!(of("data_dir"), "./caviada-data default");
    assert_eq!(
        of("store"),
        "postgres://ann:…@db.test/caviada CAVIADA_STORE"
    );
    let table = run(&site, &["config", "show", "--config", &file], &[]);
    assert!(text(&table.stdout).contains("127.0.0.1:1"));
    assert!(!text(&table.stdout).contains(&file));
}

#[test]
fn what_cannot_be_meant_is_refused_all_at_once_before_anything_is_made() {
    let site = Site::new();
    let file = site.file("bad.toml", "listn = \"x\"\n[tls]\nself_signed = 1\n");
    for command in ["serve", "config check", "config show"] {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        let folder = site.typed("data");
        arguments.extend(["--config", &file, "--data-dir", &folder]);
        let output = run(&site, &arguments, &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command}: {said}");
        assert!(said.contains("bad.toml:1: there is no key `listn`; did you mean `listen`?"));
        assert!(said.contains("bad.toml:3: `tls.self_signed` must be true or false"));
        assert!(!site.path("data").exists());
    }
    let absent = run(&site, &["serve", "--config", "/nowhere.toml"], &[]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(text(&absent.stderr).contains("/nowhere.toml cannot be read"));
    let level = run(&site, &["config", "check"], &[("CAVIADA_LOG", "inof")]);
    assert!(text(&level.stderr).contains("CAVIADA_LOG: `log` must be one of off, error"));
}

#[test]
fn an_unknown_variable_warns_and_the_server_serves() {
    let mut site = Site::new();
    site.serve(&[], &[("CAVIADA_LISTN", "x"), ("CAVIADA_ADMIN_KEY", ADMIN)]);
    let log = site.log();
    assert!(
        log.contains("the variable CAVIADA_LISTN is not known and does nothing"),
        "{log}"
    );
    assert!(!log.contains("CAVIADA_ADMIN_KEY"), "{log}");
}

#[test]
fn an_older_systems_api_is_refused_by_its_name() {
    let site = Site::new();
    let said = |entry: &str| {
        let output = run(&site, &["config", "check", "--compat", entry], &[]);
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr)
    };
    let known = said("boskos=127.0.0.1:8080");
    assert!(
        known.contains("--compat: `compat` asks for the API of boskos, which this version"),
        "{known}"
    );
    let unknown = said("bosko=127.0.0.1:8080");
    assert!(
        unknown.contains("no API called `bosko`; there are poolmanager"),
        "{unknown}"
    );
    assert!(said("boskos").contains("must be NAME=ADDR"));
}

#[test]
fn a_sound_configuration_is_said_to_be_sound() {
    let site = Site::new();
    let output = run(&site, &["config", "check"], &[]);
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("is sound"));
    let files = ["--tls-certificate", "/no.pem", "--tls-key", "/no.key"];
    let output = run(&site, &[&["config", "check"], &files[..]].concat(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/no.pem"));
}

#[test]
fn a_file_without_end_is_refused_and_not_read_until_memory_ends() {
    let site = Site::start();
    for arguments in [
        &["serve", "--config", "/dev/zero"][..],
        &["doctor", "--config", "/dev/zero"],
        &["config", "check", "--config", "/dev/zero"],
        &["status", "--ca", "/dev/zero"],
        &["key", "ls", "--ca", "/dev/zero"],
        &[
            "host",
            "set",
            "h",
            "--driver",
            "docker",
            "--tls-ca",
            "/dev/zero",
        ],
    ] {
        let said = site.fails(2, arguments);
        assert!(said.contains("/dev/zero"), "{said}");
        assert!(said.contains("larger than 1 MiB"), "{said}");
    }
}
