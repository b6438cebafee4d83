//! What the helper image promises on a real engine.

mod engine;

use std::process::Command;

/// A container, network or the like, removed with the test.
struct Made(&'static str, String);

impl Drop for Made {
    fn drop(&mut self) {
        let _ = match self.0 {
            "container" => Command::new("docker")
                .args(["rm", "--force", "--volumes", &self.1])
                .output(),
            kind => Command::new("docker").args([kind, "rm", &self.1]).output(),
        };
    }
}

fn docker(words: &[&str]) -> String {
    let output = Command::new("docker").args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {words:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn name(what: &str) -> String {
    format!("caviada-testbed-{what}-{}", std::process::id())
}

#[test]
fn the_image_is_imported_once_and_runs() {
    let Some(image) = caviada_testbed::image() else {
        return;
    };
    let created = docker(&[
        "image",
        "inspect",
        "--format",
        "{{.Id}} {{.Created}}",
        &image,
    ]);
    let made = Made("container", name("job"));
    let said = docker(&[
        "run",
        "--name",
        &made.1,
        "--network",
        "none",
        &image,
        "job",
        "--print",
        "hello",
    ]);
    assert_eq!(said, "hello");
    assert_eq!(caviada_testbed::image().unwrap(), image);
    assert_eq!(
        docker(&[
            "image",
            "inspect",
            "--format",
            "{{.Id}} {{.Created}}",
            &image
        ]),
        created
    );
}

#[test]
fn a_container_finds_another_by_name_and_ends_on_sigterm() {
    let Some(image) = caviada_testbed::image() else {
        return;
    };
    let network = Made("network", name("network"));
    docker(&["network", "create", "--subnet", "10.213.7.0/29", &network.1]);
    let server = Made("container", name("server"));
    docker(&[
        "run",
        "--detach",
        "--name",
        &server.1,
        "--network",
        &network.1,
        "--network-alias",
        "web",
        &image,
    ]);
    let probe = Made("container", name("probe"));
    docker(&[
        "run",
        "--name",
        &probe.1,
        "--network",
        &network.1,
        &image,
        "probe",
        "http://web:8080/health",
    ]);
    docker(&["stop", "--time", "60", &server.1]);
    // 137 would be the SIGKILL after the minute: process 1 did not hear SIGTERM.
    assert_eq!(
        docker(&["inspect", "--format", "{{.State.ExitCode}}", &server.1]),
        "0"
    );
}
