//! No process of a service outlives its shim's say, whatever it does to hide.

use std::fs;
use std::path::Path;
use std::time::Duration;

use caviada_driver::blueprint::{Blueprint, Job, Restart};
use caviada_driver::{Condition, Identity, Power};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use super::{Host, pid};
use crate::contract::{Fixture, create, identity, keep, seen, until};

/// A service that runs a script, as `/bin/sh` does.
fn script(host: &Host, name: &str, text: &str) -> Blueprint {
    let mut service = host.service(name, &[]);
    service.entrypoint = None;
    service.command = Some(["/bin/sh", "-c", text].map(str::to_owned).to_vec());
    Blueprint {
        services: vec![service],
        create_ms_max: 60_000,
        ..Blueprint::default()
    }
}

/// Polls until a file that a service writes has a process id in it.
async fn written_pid(path: &Path) -> i32 {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if let Ok(pid) = text.trim().parse() {
            return pid;
        }
        assert!(
            Instant::now() < deadline,
            "{} was not written",
            path.display()
        );
        sleep(Duration::from_millis(20)).await;
    }
}

fn runs(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .map(|(_, rest)| rest.starts_with('Z'));
    state == Some(false)
}

async fn until_gone(pid: i32) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while runs(pid) {
        assert!(Instant::now() < deadline, "process {pid} still runs");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Leaves a process in a session of its own, with an empty environment and no parent.
const HIDE: &str = "env -i /bin/sh -c 'setsid /bin/sh -c \"echo \\$\\$ > $0/hidden; exec sleep 1000\" & ' \"$PWD\"; ";

fn hidden(host: &Host, id: &Identity, service: &str) -> std::path::PathBuf {
    host.home(id, service).join("files/hidden")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_service_hid_ends_with_it() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let id = identity(host, 1, 1);
            let text = format!("{HIDE} sleep 1000");
            create(&*driver, &id, &script(host, "web", &text))
                .await
                .unwrap();
            let hidden = written_pid(&hidden(host, &id, "web")).await;
            assert!(runs(hidden));
            driver.power(&id, None, Power::Stop).await.unwrap();
            assert!(!runs(hidden), "a stop ends the whole tree");
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_job_left_behind_ends_with_the_job() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let id = identity(host, 1, 1);
            let text = format!("{HIDE} while ! test -s hidden; do sleep 0.05; done");
            let mut blueprint = script(host, "job", &text);
            blueprint.services[0].job = Some(Job::default());
            create(&*driver, &id, &blueprint).await.unwrap();
            assert!(!runs(written_pid(&hidden(host, &id, "job")).await));
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shim_that_is_killed_takes_its_service_along_and_the_rest_is_swept() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let id = identity(host, 1, 1);
            let text = "setsid sleep 1000 & echo $! > left; exec sleep 1000";
            let blueprint = script(host, "web", text);
            create(&*driver, &id, &blueprint).await.unwrap();
            let left = written_pid(&host.home(&id, "web").join("files/left")).await;
            let status = host.status(&id, "web").unwrap();
            kill(Pid::from_raw(pid(&status, "shim")), Signal::SIGKILL).unwrap();
            until_gone(pid(&status, "process")).await;
            let seen = until(&*driver, &id, Condition::Down).await;
            assert_eq!(seen.detail.unwrap(), "web: lost its shim");
            assert!(runs(left), "nobody was there to end it yet");
            // Created again, it is swept before it is started.
            create(&*driver, &id, &blueprint).await.unwrap();
            assert!(!runs(left));
            let again = host.status(&id, "web").unwrap();
            kill(Pid::from_raw(pid(&again, "shim")), Signal::SIGKILL).unwrap();
            driver.delete(id.resource, id.generation).await.unwrap();
            assert_eq!(driver.list().await.unwrap(), []);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shim_lives_in_a_session_of_its_own() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let id = identity(host, 1, 1);
            create(&*driver, &id, &script(host, "web", "exec sleep 1000"))
                .await
                .unwrap();
            let status = host.status(&id, "web").unwrap();
            let session = |pid: i32| {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
                let (_, rest) = stat.rsplit_once(") ").unwrap();
                rest.split(' ').nth(3).unwrap().parse::<i32>().unwrap()
            };
            let (shim, process) = (pid(&status, "shim"), pid(&status, "process"));
            assert_eq!(session(shim), shim);
            assert_eq!(session(process), process);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_only_has_the_same_id_is_left_alone() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let id = identity(host, 1, 1);
            create(&*driver, &id, &script(host, "web", "exec sleep 1000"))
                .await
                .unwrap();
            driver.power(&id, None, Power::Stop).await.unwrap();
            // As if the machine had given the shim's id to this very test.
            let path = host.home(&id, "web").join("status.json");
            let mut status = host.status(&id, "web").unwrap();
            status["shim"] = serde_json::json!({"pid": std::process::id(), "start": 1});
            status["state"] = "running".into();
            fs::write(&path, status.to_string()).unwrap();
            let down = until(&*driver, &id, Condition::Down).await;
            assert_eq!(down.detail.unwrap(), "web: lost its shim");
            driver.delete(id.resource, id.generation).await.unwrap();
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_deaf_to_its_stop_signal_is_killed_after_its_grace() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let id = identity(host, 1, 1);
            let mut deaf = host.service("deaf", &["ignore-term"]);
            deaf.stop_grace_s = 1;
            // The shell says which signal it got.
            let mut asked = script(
                host,
                "asked",
                "trap 'echo asked; exit 9' INT; echo ready; while :; do sleep 0.05; done",
            );
            asked.services[0].stop_signal = Some("SIGINT".to_owned());
            asked.services[0].stop_grace_s = 20;
            asked.services.push(deaf);
            create(&*driver, &id, &asked).await.unwrap();
            let deadline = Instant::now() + Duration::from_secs(20);
            while !driver
                .logs(&id, "asked", 1)
                .await
                .unwrap()
                .starts_with(b"ready")
            {
                assert!(Instant::now() < deadline, "the shell did not get ready");
                sleep(Duration::from_millis(20)).await;
            }
            driver.power(&id, None, Power::Stop).await.unwrap();
            assert_eq!(host.status(&id, "deaf").unwrap()["code"], 137);
            assert_eq!(host.status(&id, "asked").unwrap()["code"], 9);
            assert_eq!(driver.logs(&id, "asked", 1).await.unwrap(), b"asked\n");
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_shall_restart_does() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let id = identity(host, 1, 1);
            let mut blueprint = script(host, "web", "exec sleep 1000");
            blueprint.services[0].restart = Restart::Always;
            create(&*driver, &id, &blueprint).await.unwrap();
            host.kill(&id, "web").await;
            let deadline = Instant::now() + Duration::from_secs(20);
            while host.status(&id, "web").unwrap()["restarts"] != 1 {
                assert!(Instant::now() < deadline, "it was not started again");
                sleep(Duration::from_millis(20)).await;
            }
            until(&*driver, &id, Condition::Up).await;
            driver.power(&id, None, Power::Stop).await.unwrap();
            let down = seen(&*driver, &id).await.unwrap();
            assert_eq!(down.detail.unwrap(), "web: was stopped");
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_leaves_nothing_behind() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let id = identity(host, 1, 1);
            create(&*driver, &id, &script(host, "web", "exec sleep 1000"))
                .await
                .unwrap();
            let run = async |text: String, timeout| {
                let command = ["/bin/sh".to_owned(), "-c".to_owned(), text];
                driver.exec(&id, "web", &command, timeout, 1_000).await
            };
            let minute = Duration::from_secs(60);
            let wait = "while ! test -s hidden; do sleep 0.05; done; echo done";
            let ran = run(format!("{HIDE}{wait}"), minute).await.unwrap();
            assert_eq!(ran.stdout, b"done\n");
            let path = hidden(host, &id, "web");
            assert!(!runs(written_pid(&path).await));
            fs::remove_file(&path).unwrap();
            run(format!("{HIDE} sleep 1000"), Duration::from_secs(2))
                .await
                .unwrap_err();
            assert!(!runs(written_pid(&path).await));
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_bring_ups_at_once_make_no_doubles() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let id = identity(host, 1, 1);
            let blueprint = script(host, "web", "echo started; exec sleep 1000");
            let (one, two) = (host.driver(), host.driver());
            let (one, two) = tokio::join!(
                create(&*one, &id, &blueprint),
                create(&*two, &id, &blueprint)
            );
            one.unwrap();
            two.unwrap();
            let log = host.driver().logs(&id, "web", 10).await.unwrap();
            assert_eq!(log, b"started\n");
        })
    })
    .await;
}
