//! The helper image: one static program, built from this package and imported as a local image, so
//! that no test needs a registry.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

const LOCK: &str = "lock";
const PROGRAM: &str = "caviada-testimage";
const REPOSITORY: &str = "caviada-test/helper";
/// What `docker import` adds to the files.
const CHANGES: [&str; 3] = [
    r#"ENTRYPOINT ["/caviada-testimage"]"#,
    r#"CMD ["serve"]"#,
    "EXPOSE 8080",
];

/// The static helper program itself, built once per target directory; its `--help` lists what it
/// can do.
///
/// # Panics
/// When it cannot be built.
pub fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let _lock = lock(LOCK);
        build()
    })
}

/// The name of the image, imported if the engine does not have it yet.
pub(crate) fn imported() -> String {
    static IMPORTED: OnceLock<String> = OnceLock::new();
    IMPORTED.get_or_init(|| import(program(), None)).clone()
}

/// The folder of the helper's own build, below the target directory this test was built in. Its own,
/// because the build directory's lock may be held by the cargo that runs the tests.
pub(crate) fn folder() -> PathBuf {
    let test = std::env::current_exe().expect("a process knows its program");
    let target = test
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists())
        .expect("a test lies in cargo's target directory");
    target.join("testimage")
}

/// A folder of the checkout that runs the test, which need not be the one that built it when several
/// share a target directory.
fn checkout() -> String {
    std::env::var("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").to_owned())
}

/// Held while building or importing, since every test is a process of its own.
pub(crate) fn lock(name: &str) -> File {
    let folder = folder();
    std::fs::create_dir_all(&folder).expect("the target directory is writable");
    let file = File::create(folder.join(name)).expect("the target directory is writable");
    file.lock().expect("a local file can be locked");
    file
}

fn build() -> PathBuf {
    let folder = folder();
    let host = host();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "build",
            "--locked",
            "--quiet",
            "--package",
            env!("CARGO_PKG_NAME"),
        ])
        .args(["--bin", PROGRAM])
        // Without an explicit target the flag below would also reach build scripts and macros.
        .args(["--target", &host, "--target-dir"])
        .arg(&folder)
        .current_dir(checkout())
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_STRIP", "true")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .output();
    succeeded("cargo build of the helper image's program", output);
    folder.join(host).join("debug").join(PROGRAM)
}

/// The target triple of this machine.
fn host() -> String {
    let output = succeeded("rustc", Command::new("rustc").arg("-vV").output());
    let host = output.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc -vV names its host").to_owned()
}

/// The name of the image, imported into the engine on `socket` or else the default one.
pub(crate) fn import(program: &Path, socket: Option<&Path>) -> String {
    let archive = archive(program);
    let mut hash = Sha256::new();
    hash.update(&archive);
    for change in CHANGES {
        hash.update(change);
    }
    let tag = hex(&hash.finalize()[..6]);
    load(socket, REPOSITORY, &tag, &CHANGES, || archive)
}

/// The name of an image with these files, imported unless the engine has one of that name. By its
/// end a run's containers are told from others' on the same engine.
pub(crate) fn load(
    socket: Option<&Path>,
    repository: &str,
    tag: &str,
    changes: &[&str],
    archive: impl FnOnce() -> Vec<u8>,
) -> String {
    let suite = std::env::var("CAVIADA_TEST_SUITE").unwrap_or_default();
    let name = format!("{repository}:{tag}{suite}");

    let _lock = lock(LOCK);
    let known = docker(socket).args(["image", "inspect", &name]).output();
    if known.is_ok_and(|output| output.status.success()) {
        return name;
    }
    let mut command = docker(socket);
    command.arg("import");
    for change in changes {
        command.args(["--change", change]);
    }
    let archive = archive();
    let child = command
        .args(["-", &name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let output = child.and_then(|mut child| {
        let sent = child
            .stdin
            .take()
            .map(|mut stdin| stdin.write_all(&archive));
        // What the engine said is worth more than that it hung up.
        let output = child.wait_with_output()?;
        match sent {
            Some(Err(why)) if output.status.success() => Err(why),
            _ => Ok(output),
        }
    });
    succeeded("docker import (needs the docker command line)", output);
    name
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn docker(socket: Option<&Path>) -> Command {
    let mut command = Command::new("docker");
    if let Some(socket) = socket {
        command
            .arg("--host")
            .arg(format!("unix://{}", socket.display()));
    }
    command
}

/// The image's file system: the program, and the few files and folders a container expects. Equal
/// for an equal program: no times, no owners.
fn archive(program: &Path) -> Vec<u8> {
    let program = std::fs::read(program).expect("the program was just built");
    let mut archive = tar::Builder::new(Vec::new());
    for (name, mode) in [("data/", 0o777), ("etc/", 0o755), ("tmp/", 0o1777)] {
        add(&mut archive, tar::EntryType::Directory, name, mode, &[]);
    }
    let files: [(&str, u32, &[u8]); 3] = [
        (PROGRAM, 0o755, &program),
        (
            "etc/passwd",
            0o644,
            b"root:x:0:0::/:\nnobody:x:65534:65534::/:\n",
        ),
        ("etc/nsswitch.conf", 0o644, b"hosts: files dns\n"),
    ];
    for (name, mode, content) in files {
        add(&mut archive, tar::EntryType::Regular, name, mode, content);
    }
    archive.into_inner().expect("memory takes every write")
}

pub(crate) fn add(
    archive: &mut tar::Builder<Vec<u8>>,
    kind: tar::EntryType,
    name: &str,
    mode: u32,
    content: &[u8],
) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    archive
        .append_data(&mut header, name, content)
        .expect("memory takes every write");
}

/// The standard output of a command that succeeded.
///
/// # Panics
/// With what it said, when it did not.
pub(crate) fn succeeded(what: &str, output: std::io::Result<Output>) -> String {
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
        Ok(output) => panic!(
            "{what}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(why) => panic!("{what}: {why}"),
    }
}
