//! Installing on Debian.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::run;

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Whether packages can be installed here, by this account.
pub fn can_install() -> bool {
    Path::new("/etc/debian_version").exists()
        && crate::part::program("apt-get").is_some()
        && is_root()
}

/// Whether this process is root.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Installs packages without starting what they bring.
pub fn install(packages: &[&str]) -> Result<()> {
    let _quiet = NoAutostart::until_dropped()?;
    // A list that could not be refreshed may still do; the installation tells.
    if let Err(why) = run(&mut apt_get(&["update"])) {
        eprintln!("apt-get update: {why:#}");
    }
    let mut command = apt_get(&[
        "install",
        "--yes",
        "--no-install-recommends",
        "--no-upgrade",
    ]);
    run(command.args(packages)).with_context(|| format!("apt-get install {packages:?}"))
}

fn apt_get(words: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    // Another run may hold the lock.
    command
        .args(["-o", "DPkg::Lock::Timeout=300", "--quiet"])
        .args(words);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Debian asks this file before it starts a service it has installed. Where there is one, its
/// owner has decided.
struct NoAutostart {
    ours: bool,
}

impl NoAutostart {
    fn until_dropped() -> Result<Self> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            std::fs::write(POLICY, "#!/bin/sh\nexit 101\n")?;
            std::fs::set_permissions(POLICY, Permissions::from_mode(0o755))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for NoAutostart {
    fn drop(&mut self) {
        if self.ours {
            let _ = std::fs::remove_file(POLICY);
        }
    }
}
