//! The real parts that tests stand on: where they are, and what brings them.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::report::Report;
use crate::test::Flags;
use crate::{debian, engine};

/// The parts that tests may use.
#[derive(Default)]
pub struct Parts {
    pub docker: bool,
    /// The folder with `initdb` and `postgres`.
    pub postgres: Option<PathBuf>,
}

/// Installs and starts what it may, and tells what is absent all the same.
pub fn prepare(flags: &Flags, report: &mut Report) -> Parts {
    // Another checkout may be preparing the same machine.
    let _lock = File::create(std::env::temp_dir().join("caviada-xtask.lock"))
        .and_then(|file| file.lock().map(|()| file))
        .inspect_err(|why| eprintln!("no lock against a second run: {why}"));
    let missing = missing_packages(flags);
    if !missing.is_empty() && flags.install && debian::can_install() {
        report.stage("packages", || {
            install(flags, &missing).map(|()| missing.join(" "))
        });
    }
    let docker = match flags.docker {
        true => report.part("Docker", || start_engine(flags)).is_some(),
        false => {
            report.left_out("Docker, by --no-docker");
            false
        }
    };
    let postgres = match flags.postgres {
        true => report.part("PostgreSQL", find_postgres),
        false => {
            report.left_out("PostgreSQL, by --no-postgres");
            None
        }
    };
    report.part("SSH", find_sshd);
    if flags.docker {
        report.part("npm", find_npm);
        report.part("registry", find_registry);
    }
    Parts { docker, postgres }
}

fn install(flags: &Flags, packages: &[&str]) -> Result<()> {
    debian::install(packages)?;
    // Debian 13 has the command line in a package of its own, which docker.io only recommends.
    match flags.docker && program("docker").is_none() {
        true => debian::install(&["docker-cli"]),
        false => Ok(()),
    }
}

/// An engine that answers, and the command line to import an image.
fn start_engine(flags: &Flags) -> Result<((), String)> {
    if !engine::answers() {
        ensure!(
            flags.install,
            "no engine answers, and --no-install starts none"
        );
        engine::start()?;
    }
    program("docker").context("the docker command line is not installed")?;
    Ok(((), engine::describe()?))
}

fn find_postgres() -> Result<(PathBuf, String)> {
    let folder = postgres_folder().context("initdb and postgres are not installed")?;
    let said = folder.display().to_string();
    Ok((folder, said))
}

fn find_sshd() -> Result<((), String)> {
    let path = program("sshd").context("sshd is not installed")?;
    if debian::is_root() {
        // Its service would make this folder; without it no sshd of a test starts.
        std::fs::create_dir_all("/run/sshd")?;
    }
    Ok(((), path.display().to_string()))
}

/// It brings a chain to run in a container.
fn find_npm() -> Result<((), String)> {
    let path = program("npm").context("npm is not installed")?;
    Ok(((), path.display().to_string()))
}

/// It holds images for engines that are to pull some.
fn find_registry() -> Result<((), String)> {
    let path = program("docker-registry").context("docker-registry is not installed")?;
    Ok(((), path.display().to_string()))
}

/// The folders of `PATH`, and those of root's that others often lack.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders
}

/// The path of a program.
pub fn program(name: &str) -> Option<PathBuf> {
    folders()
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// The folder with `initdb` and `postgres`, which Debian keeps out of `PATH`, the newest first.
pub fn postgres_folder() -> Option<PathBuf> {
    let complete =
        |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| complete(folder))
        .collect();
    versions.sort();
    let newest = versions.pop().map(|(_, folder)| folder);
    newest.or_else(|| folders().into_iter().find(|folder| complete(folder)))
}

/// The Debian packages whose programs are absent.
pub fn missing_packages(flags: &Flags) -> Vec<&'static str> {
    let mut wanted = vec![
        ("ip", "iproute2"),
        ("sshd", "openssh-server"),
        ("ssh", "openssh-client"),
        ("setcap", "libcap2-bin"),
    ];
    if flags.docker {
        wanted.extend([
            ("dockerd", "docker.io"),
            ("docker", "docker.io"),
            ("iptables", "iptables"),
            ("npm", "npm"),
            ("docker-registry", "docker-registry"),
        ]);
    }
    let mut packages: Vec<&str> = wanted
        .into_iter()
        .filter(|(name, _)| program(name).is_none())
        .map(|(_, package)| package)
        .collect();
    if flags.postgres && postgres_folder().is_none() {
        packages.push("postgresql");
    }
    packages.dedup();
    packages
}
