//! What a process is given, and what it is kept from.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use caviada_driver::blueprint::{
    Blueprint, Dependency, File, Healthcheck, Job, LogRotation, Mount, Port, Protocol,
};
use caviada_driver::template::{Parameters, PortBlock, Reserved, Template, builtin};
use caviada_driver::{Condition, Driver, Failure, Identity};

use super::Host;
use crate::contract::{Fixture, create, get, identity, keep, port, seen, serving, until};

fn shell(host: &Host, name: &str, text: &str) -> caviada_driver::blueprint::Service {
    let mut service = host.service(name, &[]);
    service.entrypoint = None;
    service.command = Some(["/bin/sh", "-c", text].map(str::to_owned).to_vec());
    service
}

fn of(services: Vec<caviada_driver::blueprint::Service>) -> Blueprint {
    Blueprint {
        services,
        create_ms_max: 60_000,
        ..Blueprint::default()
    }
}

async fn log(driver: &dyn Driver, id: &Identity, service: &str) -> String {
    String::from_utf8(driver.logs(id, service, 100).await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_that_a_killed_server_left_go_with_the_next_create_or_delete() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let (id, other) = (identity(host, 1, 2), identity(host, 2, 1));
            // No process has this number.
            let half = |of: &Identity, generation: u64| {
                let name = format!(".new-0-3-{}-g{generation}", of.resource);
                let folder = host.root.path().join(name);
                fs::create_dir_all(folder.join("services")).unwrap();
                folder
            };
            let (own, others) = (half(&id, 1), half(&other, 1));
            let job = of(vec![shell(host, "web", "exec sleep 1000")]);
            create(&*driver, &id, &job).await.unwrap();
            assert!(!own.exists() && others.exists());
            let (own, emptied) = (half(&id, 2), host.folder(&identity(host, 1, 1)));
            fs::create_dir(&emptied).unwrap();
            driver.delete(id.resource, id.generation).await.unwrap();
            assert!(!own.exists() && !emptied.exists() && others.exists());
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_is_told_its_ports_volumes_and_neighbours_and_nothing_of_the_server() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let id = identity(host, 1, 1);
            let (tcp, udp, other) = (port(), port(), port());
            let text = "echo $PORT_80 $UDP_PORT_53 $THE_OTHER_PORT_9 $OWN; echo hi > $VOLUME_SHARED/x; cat data/x; cat etc/conf; pwd; env";
            let mut job = shell(host, "job", text);
            job.job = Some(Job::default());
            for (container, host, protocol) in [(80, tcp, Protocol::Tcp), (53, udp, Protocol::Udp)] {
                job.ports.push(Port {
                    container,
                    host,
                    protocol,
                });
            }
            job.environment.insert("OWN".to_owned(), "own".to_owned());
            job.mounts.push(Mount {
                volume: "shared".to_owned(),
                path: "/data".to_owned(),
                read_only: false,
            });
            job.files.push(File {
                path: "/etc/conf".to_owned(),
                content: "config\n".to_owned(),
                mode: 0o640,
            });
            let mut neighbour = shell(host, "the-other", "exec sleep 1000");
            neighbour.ports.push(Port {
                container: 9,
                host: other,
                protocol: Protocol::Tcp,
            });
            let mut blueprint = of(vec![job, neighbour]);
            blueprint.volumes.push("shared".to_owned());
            create(&*driver, &id, &blueprint).await.unwrap();
            let log = log(&*driver, &id, "job").await;
            let home = host.home(&id, "job").join("files");
            let first: Vec<_> = log.lines().take(4).collect();
            let told = format!("{tcp} {udp} 127.0.0.1:{other} own");
            assert_eq!(first, [told.as_str(), "hi", "config", home.to_str().unwrap()]);
            let mode = fs::metadata(home.join("etc/conf")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o640);
            assert!(!log.contains("CARGO"), "the server's environment: {log}");
            let folder = fs::metadata(host.folder(&id)).unwrap().permissions();
            assert_eq!(folder.mode() & 0o077, 0, "others may look");
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let mut files = shell(host, "files", "ulimit -n; ulimit -Hn");
            files.job = Some(Job::default());
            files.ulimits.insert("nofile".to_owned(), (77, 99));
            let id = identity(host, 1, 1);
            create(&*driver, &id, &of(vec![files])).await.unwrap();
            assert_eq!(log(&*driver, &id, "files").await, "77\n99\n");

            let mut hungry = host.service("hungry", &["eat-memory", "256"]);
            hungry.job = Some(Job::default());
            hungry.limits.memory_bytes = Some(64 << 20);
            let id = identity(host, 2, 1);
            let failed = create(&*driver, &id, &of(vec![hungry])).await.unwrap_err();
            assert_eq!(failed.kind, Failure::NotReady, "{failed}");

            let mut odd = host.service("odd", &["job"]);
            odd.ulimits.insert("patience".to_owned(), (1, 1));
            let id = identity(host, 3, 1);
            let refused = create(&*driver, &id, &of(vec![odd])).await.unwrap_err();
            assert_eq!(refused.kind, Failure::Refused, "{refused}");
            assert!(refused.to_string().contains("patience"), "{refused}");
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_not_there_is_told_by_name() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let mut absent = host.service("absent", &[]);
            absent.process = Some(vec!["no-such-program".to_owned()]);
            let driver = host.driver();
            let id = identity(host, 1, 1);
            let failed = create(&*driver, &id, &of(vec![absent])).await.unwrap_err();
            assert_eq!(failed.kind, Failure::NotReady);
            let text = failed.to_string();
            assert!(text.contains("cannot run no-such-program"), "{text}");
            let empty = host.service("empty", &[]);
            let empty = caviada_driver::blueprint::Service {
                entrypoint: None,
                command: None,
                ..empty
            };
            for senseless in [of(vec![empty]), of(Vec::new())] {
                let refused = create(&*driver, &identity(host, 2, 1), &senseless).await;
                assert_eq!(refused.unwrap_err().kind, Failure::Refused);
            }
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_rotated_while_it_is_written() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let text = "i=0; while [ $i -lt 2000 ]; do echo \"line $i\"; i=$((i+1)); done; exec sleep 1000";
            let mut chatty = shell(host, "chatty", text);
            chatty.log = Some(LogRotation {
                max_bytes: 4_000,
                max_files: 3,
            });
            let driver = host.driver();
            let id = identity(host, 1, 1);
            create(&*driver, &id, &of(vec![chatty])).await.unwrap();
            let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
            while !log(&*driver, &id, "chatty").await.ends_with("line 1999\n") {
                assert!(tokio::time::Instant::now() < deadline, "it did not write all");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let files = fs::read_dir(host.home(&id, "chatty")).unwrap().flatten();
            let logs = files.filter(|f| f.file_name().to_str().unwrap().starts_with("log"));
            let bytes: u64 = logs.map(|f| f.metadata().unwrap().len()).sum();
            // A file is begun anew between two reads from the pipe, which may be large.
            assert!(bytes <= 3 * (4_000 + (64 << 10)), "{bytes}");
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_waited_for_and_its_loss_is_seen() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let mut sick = shell(host, "sick", "exec sleep 1000");
            sick.healthcheck = Some(Healthcheck {
                test: ["CMD-SHELL", "test -f well"].map(str::to_owned).to_vec(),
                interval_ms: 50,
                timeout_ms: 5_000,
                retries: 2,
                start_period_ms: 30_000,
                start_interval_ms: None,
            });
            let mut after = shell(host, "after", "exec sleep 1000");
            after
                .depends_on
                .insert("sick".to_owned(), Dependency::ServiceHealthy);
            let blueprint = of(vec![sick, after]);
            let driver = host.driver();
            let id = identity(host, 1, 1);
            let well = host.home(&id, "sick").join("files/well");
            let heal = async {
                while host.status(&id, "sick").is_none() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                assert!(host.status(&id, "after").is_none(), "started too early");
                fs::write(&well, "").unwrap();
            };
            let (built, ()) = tokio::join!(create(&*driver, &id, &blueprint), heal);
            built.unwrap();
            fs::remove_file(&well).unwrap();
            let down = until(&*driver, &id, Condition::Down).await;
            assert_eq!(down.detail.unwrap(), "sick: is unhealthy");
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_stay_within_their_service() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let id = identity(host, 1, 1);
            create(&*driver, &id, &serving(host, port())).await.unwrap();
            let outside = host.root.path().join("secret");
            fs::write(&outside, "secret").unwrap();
            let files = host.home(&id, "web").join("files");
            symlink(&outside, files.join("link")).unwrap();
            symlink("../../../../..", files.join("up")).unwrap();
            symlink("tmp", files.join("inside")).unwrap();
            let get = async |path: &str| driver.get_files(&id, "web", path, 1 << 20).await;
            for path in [
                "/link",
                "/up/secret",
                "/../../../../secret",
                "tmp",
                "/tmp/../../status.json",
            ] {
                let refused = get(path).await.expect_err(path);
                assert_eq!(refused.kind, Failure::Refused, "{path}: {refused}");
            }
            get("/inside").await.unwrap();

            let tar = |name: &str, kind: tar::EntryType| {
                let mut header = tar::Header::new_gnu();
                header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_entry_type(kind);
                header.set_size(0);
                header.set_mode(0o644);
                if kind.is_symlink() {
                    header.set_link_name("/etc").unwrap();
                }
                header.set_cksum();
                let mut builder = tar::Builder::new(Vec::new());
                builder.append(&header, std::io::empty()).unwrap();
                builder.into_inner().unwrap()
            };
            let put = async |path: &str, name: &str, kind| {
                driver.put_files(&id, "web", path, tar(name, kind)).await
            };
            use tar::EntryType::{Char, Regular, Symlink};
            for (path, name, kind) in [
                ("/tmp", "../escape", Regular),
                ("/tmp", "/abs/../../escape", Regular),
                ("/tmp", "link", Symlink),
                ("/tmp", "device", Char),
                ("/up", "x/../../escape", Regular),
                ("/link", "x", Regular),
            ] {
                let refused = put(path, name, kind).await.expect_err(name);
                assert_eq!(refused.kind, Failure::Refused, "{name}: {refused}");
            }
            // Through a link that leads up, a file lands at the root of the service's own files.
            put("/up", "note", Regular).await.unwrap();
            assert!(files.join("note").exists());
            // A link in the way is replaced, not followed.
            put("/", "link", Regular).await.unwrap();
            assert_eq!(fs::read_to_string(&outside).unwrap(), "secret");
            put("/", "inside/x", Regular).await.unwrap_err();
            let garbage = driver.put_files(&id, "web", "/tmp", vec![7; 2_000]).await;
            assert_eq!(garbage.unwrap_err().kind, Failure::Refused);
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_that_was_cut_off_is_seen_and_finished() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let id = identity(host, 1, 1);
            create(&*driver, &id, &serving(host, port())).await.unwrap();
            host.kill(&id, "web").await;
            until(&*driver, &id, Condition::Down).await;
            fs::remove_dir_all(host.folder(&id).join("services")).unwrap();
            // A half-made folder that a killed driver left is no resource.
            fs::create_dir_all(host.root.path().join(".new-1-1-x")).unwrap();
            let left = seen(&*driver, &id).await.unwrap();
            assert_eq!(left.condition, Condition::Partial);
            driver.delete(id.resource, 1).await.unwrap();
            assert_eq!(driver.list().await.unwrap(), []);
            assert!(!host.folder(&id).exists());
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_built_in_templates_come_up() {
    keep(Host::there().unwrap(), |host| {
        Box::pin(async move {
            let driver = host.driver();
            let first = port();
            for (n, name) in builtin::names().enumerate() {
                let template = Template::parse(&builtin::source(name).unwrap()).unwrap();
                if !template.drivers().iter().any(|d| d == "process") {
                    continue;
                }
                let count = template.ports(&Parameters::new()).unwrap();
                let first = free_block(first + 50 * u16::try_from(n).unwrap(), count);
                let reserved = Reserved {
                    ports: PortBlock { first, count },
                    subnet: None,
                    address: "127.0.0.1".to_owned(),
                    log_level: Default::default(),
                };
                let blueprint = template.render(&Parameters::new(), &reserved).unwrap();
                let id = identity(host, 10 + n as u64, 1);
                let built = create(&*driver, &id, &blueprint).await.unwrap();
                for (name, value) in &built.outputs {
                    if let Some(address) = value.strip_prefix("http://") {
                        let body = get(address, "/").await.unwrap();
                        assert!(body.contains("resource=res_"), "{name}: {body}");
                    }
                }
                if name == "cluster" {
                    let output = |name: &str| {
                        let found = built.outputs.iter().find(|(n, _)| n == name);
                        found.unwrap().1.clone()
                    };
                    assert_eq!(output("seed"), "seeded");
                    let node = output("node2");
                    let seed = get(&node["http://".len()..], "/volume/data/seed")
                        .await
                        .unwrap();
                    assert_eq!(seed, "seeded");
                    let profile: serde_json::Value =
                        serde_json::from_str(&output("profile")).unwrap();
                    assert_eq!(profile["nodes"][2], node);
                }
                if !blueprint.reset.is_empty() {
                    driver.reset(&id, &blueprint, &|_| {}).await.unwrap();
                }
            }
        })
    })
    .await;
}

/// The first of `count` free ports in a row, from `from` upward.
fn free_block(from: u16, count: u16) -> u16 {
    let free = |port: u16| std::net::TcpListener::bind(("0.0.0.0", port)).is_ok();
    (from..)
        .find(|first| (*first..first + count).all(free))
        .unwrap()
}
