//! The release: one static binary.

mod trial;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::cargo::{self, cargo, host, target_folder};

pub use trial::{inside, run as try_out};

/// Said by builds with kill points or planted faults, which nobody else may have.
const MARKS: [&str; 2] = ["CAVIADA_KILL_POINT", "planted fault"];

/// Builds it and prints where it is and how large.
pub fn run() -> Result<ExitCode> {
    println!("{}", build()?.1);
    Ok(ExitCode::SUCCESS)
}

/// Builds it; says where it is, and that with its size for people.
pub fn build() -> Result<(PathBuf, String)> {
    let host = host()?;
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    // Without an explicit target the flag would also reach build scripts and macros.
    let mut command = cargo(&[
        "build",
        "--locked",
        "--release",
        "--package",
        "caviada",
        "--target",
        &host,
    ]);
    command.env(
        "RUSTFLAGS",
        format!("{flags} -C target-feature=+crt-static"),
    );
    command.env("CARGO_PROFILE_RELEASE_STRIP", "debuginfo");
    cargo::run(&mut command)?;
    let path = target_folder()?.join(host).join("release").join("caviada");
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    ensure!(
        !asks_for_loader(&bytes),
        "{} is not static: it asks for a loader",
        path.display()
    );
    for mark in MARKS {
        let marked = bytes
            .windows(mark.len())
            .any(|part| part == mark.as_bytes());
        ensure!(!marked, "{} has a test's feature: {mark}", path.display());
    }
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let mib = bytes.len() as f64 / 1024.0 / 1024.0;
    let said = format!("{}  {mib:.1} MiB, static", path.display());
    Ok((path, said))
}

/// Whether an ELF file of 64 bits, least significant byte first, has a program header PT_INTERP,
/// the one that names a dynamic loader.
fn asks_for_loader(elf: &[u8]) -> bool {
    const PT_INTERP: u64 = 3;
    let number = |at: usize, length: usize| -> Option<u64> {
        let bytes = elf.get(at..at.checked_add(length)?)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |number, byte| (number << 8) | u64::from(*byte)),
        )
    };
    let headers = || -> Option<bool> {
        let (start, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        let kinds = (0..count).map(|index| number(usize::try_from(start + index * size).ok()?, 4));
        Some(kinds.flatten().any(|kind| kind == PT_INTERP))
    };
    headers().unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_program_is_known_by_its_loader() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(asks_for_loader(&own));
        assert!(asks_for_loader(b"no program at all"));
    }
}
