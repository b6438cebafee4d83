//! What is not there, and how that is told.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

const SOCKET: &str = "/var/run/docker.sock";
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells that the running test is left out because `part` is absent.
///
/// # Panics
/// With `CI=true`, where everything must be there.
pub(crate) fn left_out<T>(part: &str, why: &str) -> Option<T> {
    let test = std::env::var("NEXTEST_TEST_NAME")
        .ok()
        .or_else(|| std::thread::current().name().map(str::to_owned))
        .unwrap_or_default();
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{test} needs {part}, and CI=true leaves nothing out: {why}; `cargo xtask test` prepares it as root on Debian"
    );
    let line = format!("{part} ({why}): {test}\n");
    eprint!("LEFT OUT without {line}");
    // A passing test's output is hidden by the runner, so `cargo xtask test` names a file.
    if let Ok(file) = std::env::var("CAVIADA_TEST_LEFT_OUT") {
        let written = OpenOptions::new().create(true).append(true).open(&file);
        if let Err(why) = written.and_then(|mut file| file.write_all(line.as_bytes())) {
            panic!("cannot tell in {file} what is left out: {why}");
        }
    }
    None
}

/// Whether tests may use engines at all.
pub(crate) fn switched_off() -> Result<(), String> {
    match std::env::var("CAVIADA_TEST_DOCKER").as_deref() {
        Ok("0") => Err("switched off by CAVIADA_TEST_DOCKER=0".to_owned()),
        _ => Ok(()),
    }
}

/// Whether an engine answers on the default socket, and if not, why.
pub(crate) fn engine() -> Result<(), String> {
    switched_off()?;
    match answers(Path::new(SOCKET), PATIENCE) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{SOCKET} does not speak like an engine")),
        Err(why) => Err(format!("no engine answers on {SOCKET}: {why}")),
    }
}

/// Whether an engine answers on `socket` within `patience`.
pub(crate) fn answers(socket: &Path, patience: Duration) -> std::io::Result<bool> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(b"GET /_ping HTTP/1.0\r\nhost: docker\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer)?;
    Ok(answer.split(' ').nth(1) == Some("200"))
}
