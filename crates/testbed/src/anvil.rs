//! The image of a real Ethereum development chain: Anvil from its npm package, and the libraries it
//! is linked with from this machine. No registry of images is needed, and nothing of it is kept but
//! below the target directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::{image, library};

/// The package that holds nothing but the program, for the one processor it was looked at on.
const PACKAGE: &str = "@foundry-rs/anvil-linux-amd64";
const VERSION: &str = "1.7.1";
/// Of the package's archive: whatever registry it comes from, it is the same.
const SHA256: &str = "5727dd8f08f3bf6dde4ec1d9832e87c43f9315ef824bff1ab18486bf51bc7af3";
/// Where it lies in the archive, and folders above it.
const INSIDE: (&str, u32) = ("package/bin/anvil", 2);
const CHANGES: [&str; 1] = ["ENV PATH=/usr/local/bin"];

/// The program, fetched once per target directory; or why it cannot be had.
///
/// # Panics
/// When what was fetched is not what it was.
pub(crate) fn program() -> Result<PathBuf, String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(format!("{PACKAGE} is for Linux on x86-64"));
    }
    let folder = image::folder().join(format!("anvil-{VERSION}"));
    let program = folder.join("anvil");
    let _lock = image::lock("anvil.lock");
    if !program.exists() {
        std::fs::create_dir_all(&folder).expect("the target directory is writable");
        let archive = pack(&folder)?;
        unpack(&archive, &folder);
    }
    Ok(program)
}

/// The package's archive, as npm brings it.
fn pack(folder: &Path) -> Result<PathBuf, String> {
    let output = Command::new("npm")
        .args([
            "pack",
            "--loglevel=error",
            "--fetch-retries=1",
            "--pack-destination",
        ])
        .arg(folder)
        .arg(format!("{PACKAGE}@{VERSION}"))
        .current_dir(folder)
        .output()
        .map_err(|why| format!("npm does not run: {why}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    match said.lines().last() {
        Some(name) if output.status.success() => Ok(folder.join(name)),
        _ => {
            let why = String::from_utf8_lossy(&output.stderr);
            let lines = why.lines().filter_map(|l| l.strip_prefix("npm error "));
            let why: Vec<&str> = lines.take(4).collect();
            let why = why.join("; ");
            Err(format!("npm cannot bring {PACKAGE}@{VERSION}: {why}"))
        }
    }
}

/// Puts the program in its place, whole or not at all.
fn unpack(archive: &Path, folder: &Path) {
    let bytes = std::fs::read(archive).expect("npm told its name");
    assert_eq!(
        image::hex(&Sha256::digest(&bytes)),
        SHA256,
        "{PACKAGE}@{VERSION} is not what it was"
    );
    let (inside, above) = INSIDE;
    let half = folder.join("half");
    std::fs::create_dir_all(&half).expect("the target directory is writable");
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archive).arg("-C").arg(&half);
    tar.args([&format!("--strip-components={above}"), inside]);
    image::succeeded("tar", tar.output());
    std::fs::rename(half.join("anvil"), folder.join("anvil")).expect("it was unpacked");
}

/// The name of the image.
pub(crate) fn imported(program: &Path) -> String {
    let mut files = library::of(&[program.to_owned()]);
    let mut hash = Sha256::new();
    for (path, content) in &files {
        hash.update(path);
        hash.update(content);
    }
    let tag = format!("{VERSION}-{}", image::hex(&hash.finalize()[..6]));
    image::load(None, "caviada-test/anvil", &tag, &CHANGES, || {
        files.extend([library::file(program, "usr/local/bin/anvil")]);
        library::archive(&files)
    })
}
