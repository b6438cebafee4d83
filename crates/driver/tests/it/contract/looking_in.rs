//! Acting on what stands: commands, logs, files, power, reset. A driver that cannot do one of them
//! says so by name, and nothing happens.

use std::time::Duration;

use caviada_driver::blueprint::{JsonRpc, ResetStep};
use caviada_driver::{Capability, Condition, Driver, DriverError, Failure, Power};

use super::{Fixture, Identity, Standing, create, get, seen, until};

/// Whether the driver can do it; if it cannot, that its refusal names the verb.
fn can<T: std::fmt::Debug>(
    driver: &dyn Driver,
    capability: Capability,
    verb: &str,
    answer: Result<T, DriverError>,
) -> Option<T> {
    if driver.can(capability) {
        return Some(answer.unwrap());
    }
    let refused = answer.unwrap_err();
    assert_eq!(refused.kind, Failure::Unsupported);
    assert!(refused.to_string().contains(verb), "{refused}");
    None
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// A command line of the test helper, as run inside a service.
fn helper(f: &dyn Fixture, arguments: &[&str]) -> Vec<String> {
    let service = f.service("x", arguments);
    service
        .entrypoint
        .unwrap_or_default()
        .into_iter()
        .chain(service.command.unwrap())
        .collect()
}

pub async fn a_command_inside_gives_code_and_bounded_output(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let id = &it.id;
    let minute = Duration::from_secs(60);
    let run = async |command: Vec<String>, bytes_max| {
        driver.exec(id, "web", &command, minute, bytes_max).await
    };
    let printed = run(helper(f, &["job", "--print", "hello"]), 1 << 20).await;
    let Some(printed) = can(&*driver, Capability::Exec, "exec", printed) else {
        return;
    };
    assert_eq!(
        (printed.code, &*printed.stdout, &*printed.stderr),
        (0, &b"hello\n"[..], &b""[..])
    );
    assert_eq!(run(helper(f, &["exit", "7"]), 64).await.unwrap().code, 7);

    let long = "x".repeat(10_000);
    let cut = run(helper(f, &["job", "--print", &long]), 100)
        .await
        .unwrap();
    assert_eq!((cut.code, cut.stdout.len()), (0, 100));
    let wrong = run(helper(f, &["no-such-word"]), 1 << 20).await.unwrap();
    assert_eq!(wrong.code, 2);
    assert!(
        String::from_utf8(wrong.stderr)
            .unwrap()
            .contains("no-such-word")
    );
}

pub async fn a_command_that_hangs_ends_at_its_deadline(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    if !driver.can(Capability::Exec) {
        return;
    }
    let id = &it.id;
    let command = helper(f, &["sleep", "3600"]);
    let short = Duration::from_millis(300);
    let late = driver
        .exec(id, "web", &command, short, 64)
        .await
        .unwrap_err();
    assert_eq!(late.kind, Failure::TimedOut, "{late}");
    assert_eq!(seen(&*driver, id).await.unwrap().condition, Condition::Up);
}

pub async fn logs_show_what_a_service_wrote(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let (id, built) = (&it.id, &it.built);
    for n in 0..5 {
        get(&built.outputs[0].1, &format!("/file/nothing-{n}"))
            .await
            .unwrap();
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let log = loop {
        let log = driver.logs(id, "web", 2).await;
        let Some(log) = can(&*driver, Capability::Logs, "logs", log) else {
            return;
        };
        let log = String::from_utf8(log).unwrap();
        // An engine writes down a moment later what it hears.
        if log.contains("nothing-4") || tokio::time::Instant::now() > deadline {
            break log;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[1].starts_with("GET /file/nothing-4"), "{log}");
    let all = driver.logs(id, "web", usize::MAX).await.unwrap();
    assert!(String::from_utf8(all).unwrap().contains("serving on"));
}

pub async fn files_are_put_and_got_and_bounded(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let id = &it.id;
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o644);
    tar.append_data(&mut header, "sub/note.txt", &b"hello"[..])
        .unwrap();
    let put = driver
        .put_files(id, "web", "/tmp", tar.into_inner().unwrap())
        .await;
    if can(&*driver, Capability::Files, "put_files", put).is_none() {
        return;
    }
    let got = driver
        .get_files(id, "web", "/tmp/sub", 1 << 20)
        .await
        .unwrap();
    let mut archive = tar::Archive::new(&*got);
    let names = archive
        .entries()
        .unwrap()
        .map(|e| e.unwrap().path().unwrap().into_owned());
    assert!(names.into_iter().any(|n| n.ends_with("sub/note.txt")));

    let large = driver
        .get_files(id, "web", "/tmp/sub", 100)
        .await
        .unwrap_err();
    assert_eq!(large.kind, Failure::Refused, "{large}");
    let absent = driver
        .get_files(id, "web", "/no/such/thing", 100)
        .await
        .unwrap_err();
    assert_eq!(absent.kind, Failure::Refused, "{absent}");
    let nowhere = driver
        .put_files(id, "web", "/no/such/thing", got)
        .await
        .unwrap_err();
    assert_eq!(nowhere.kind, Failure::Refused, "{nowhere}");
}

pub async fn power_stops_starts_pauses_and_unpauses(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let (id, built) = (&it.id, &it.built);
    let members = f.members(id).await;
    let paused = driver.power(id, None, Power::Pause).await;
    if can(&*driver, Capability::Power, "power", paused).is_none() {
        return;
    }
    driver.power(id, None, Power::Pause).await.unwrap();
    until(&*driver, id, Condition::Paused).await;
    driver.power(id, None, Power::Unpause).await.unwrap();
    driver.power(id, None, Power::Unpause).await.unwrap();
    until(&*driver, id, Condition::Up).await;
    let nobody = driver.power(id, Some("nobody"), Power::Stop).await;
    assert_eq!(nobody.unwrap_err().kind, Failure::Refused);
    driver.power(id, Some("web"), Power::Stop).await.unwrap();
    until(&*driver, id, Condition::Down).await;
    driver.power(id, Some("web"), Power::Start).await.unwrap();
    until(&*driver, id, Condition::Up).await;
    driver.power(id, None, Power::Stop).await.unwrap();
    driver.power(id, None, Power::Stop).await.unwrap();
    until(&*driver, id, Condition::Down).await;
    driver.power(id, None, Power::Start).await.unwrap();
    driver.power(id, None, Power::Start).await.unwrap();
    until(&*driver, id, Condition::Up).await;
    // Same members, same port.
    assert_eq!(f.members(id).await.len(), members.len());
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while get(&built.outputs[0].1, "/").await.is_err() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "it does not answer after a start"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Who creates what stands has it as it was when it came up, whatever was done to its power.
pub async fn a_create_thaws_and_starts_what_stands(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let (id, blueprint) = (&it.id, &it.blueprint);
    let members = f.members(id).await;
    for power in [Power::Pause, Power::Stop] {
        let done = driver.power(id, None, power).await;
        if can(&*driver, Capability::Power, "power", done).is_none() {
            return;
        }
        let built = create(&*driver, id, blueprint).await.unwrap();
        until(&*driver, id, Condition::Up).await;
        get(&built.outputs[0].1, "/").await.unwrap();
        assert_eq!(f.members(id).await.len(), members.len());
    }
}

pub async fn a_reset_brings_a_service_back_to_its_beginning(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let (id, built) = (&it.id, &it.built);
    let mut blueprint = it.blueprint.clone();
    blueprint.reset = vec![
        ResetStep::Exec {
            service: "web".into(),
            command: helper(f, &["job"]),
        },
        ResetStep::Restart {
            service: "web".into(),
        },
    ];
    let address = built.outputs[0].1.clone();
    for count in ["1\n", "2\n"] {
        assert_eq!(get(&address, "/count").await.unwrap(), count);
    }
    let reset = driver.reset(id, &blueprint, &|_| {}).await;
    let Some(again) = can(&*driver, Capability::Reset, "reset", reset) else {
        return;
    };
    assert_eq!(again.outputs, built.outputs);
    assert_eq!(get(&address, "/count").await.unwrap(), "1\n");

    blueprint.reset = vec![ResetStep::Exec {
        service: "web".into(),
        command: helper(f, &["exit", "4"]),
    }];
    let failed = driver.reset(id, &blueprint, &|_| {}).await.unwrap_err();
    assert_eq!(failed.kind, Failure::NotReady);
    assert!(failed.to_string().contains("exit code 4"), "{failed}");

    let call = |path: &str| {
        vec![ResetStep::JsonRpc(JsonRpc {
            service: "web".into(),
            port: 8080,
            path: path.into(),
            method: "begin_anew".into(),
            params: "[]".into(),
        })]
    };
    blueprint.reset = call("/rpc");
    driver.reset(id, &blueprint, &|_| {}).await.unwrap();
    // Once: it counts calls, too.
    assert_eq!(get(&address, "/count").await.unwrap(), "3\n");
    blueprint.reset = call("/nowhere");
    let failed = driver.reset(id, &blueprint, &|_| {}).await.unwrap_err();
    assert_eq!(failed.kind, Failure::NotReady);
    assert!(failed.to_string().contains("begin_anew"), "{failed}");
}

pub async fn a_reset_without_steps_is_refused_by_name(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let reset = driver.reset(&it.id, &it.blueprint, &|_| {}).await;
    let refused = reset.unwrap_err();
    assert_eq!(refused.kind, Failure::Unsupported);
    assert!(refused.to_string().contains("reset"), "{refused}");
}

pub async fn a_generation_that_does_not_stand_is_refused(f: &dyn Fixture, it: &Standing) {
    let driver = f.driver();
    let stands = it.id.clone();
    let never = Identity {
        generation: stands.generation + 1,
        ..stands.clone()
    };
    let refused = |e: DriverError| {
        assert!(
            matches!(e.kind, Failure::Refused | Failure::Unsupported),
            "{e}"
        );
    };
    let second = Duration::from_secs(1);
    refused(driver.power(&never, None, Power::Stop).await.unwrap_err());
    refused(driver.logs(&never, "web", 1).await.unwrap_err());
    refused(driver.logs(&stands, "nobody", 1).await.unwrap_err());
    refused(driver.logs(&stands, "../web", 1).await.unwrap_err());
    refused(
        driver
            .exec(&never, "web", &words(&["x"]), second, 1)
            .await
            .unwrap_err(),
    );
    refused(
        driver
            .get_files(&never, "web", "/tmp", 1)
            .await
            .unwrap_err(),
    );
    assert_eq!(
        seen(&*driver, &stands).await.unwrap().condition,
        Condition::Up
    );
}
