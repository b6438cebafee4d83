//! The real parts that tests run against: container engines with small local images, a private
//! PostgreSQL, an SSH daemon. Only a dev-dependency; nothing that ships knows this crate.
//!
//! Every part is asked for in the same way, and a test without its part never passes in silence:
//!
//! ```no_run
//! # fn a_test() {
//! let Some(image) = caviada_testbed::image() else { return };
//! # }
//! ```
//!
//! With `CI=true` the question panics where the part is absent. Elsewhere it answers `None`, says
//! so on stderr, and leaves a line for the summary of `cargo xtask test`.

mod absence;
mod anvil;
mod authority;
mod engine;
mod fabric;
mod image;
mod keeper;
mod library;
mod postgres;
mod registry;
mod sshd;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use authority::Authority;
pub use engine::{Engine, Occupied};
pub use image::program;
pub use postgres::Postgres;
pub use registry::Registry;
pub use sshd::Sshd;

use absence::left_out;

/// The name of the image whose entry point is [`program`], imported into the engine on the default
/// socket. `None` without an engine.
///
/// # Panics
/// With `CI=true` without an engine, and always when the image cannot be built or imported.
#[must_use]
pub fn image() -> Option<String> {
    match absence::engine() {
        Ok(()) => Some(image::imported()),
        Err(why) => left_out("Docker", &why),
    }
}

/// The name of an image with Anvil, a real Ethereum development chain, in its `PATH`, imported into
/// the engine on the default socket: the program of its npm package, and the libraries it is linked
/// with. `None` without an engine, or where npm cannot bring the package.
///
/// # Panics
/// With `CI=true` where either is absent, and always when the image cannot be imported.
#[must_use]
pub fn anvil() -> Option<String> {
    if let Err(why) = absence::engine() {
        return left_out("Docker", &why);
    }
    match anvil::program() {
        Ok(program) => Some(anvil::imported(&program)),
        Err(why) => left_out("Anvil", &why),
    }
}

/// The name of an image with stand-ins for the programs of Hyperledger Fabric's images, imported into
/// the engine on the default socket. `None` without an engine.
///
/// # Panics
/// As [`image()`], and where a shell tool is not installed.
#[must_use]
pub fn fabric() -> Option<String> {
    match absence::engine() {
        Ok(()) => Some(fabric::imported()),
        Err(why) => left_out("Docker", &why),
    }
}

/// A container engine of the caller's own, started with additional `flags` of `dockerd`. `None`
/// where it is not installed or this is not root.
///
/// # Panics
/// With `CI=true` where it cannot run, and always when it does not start.
#[must_use]
pub fn engine(flags: &[&str]) -> Option<Engine> {
    match engine::program() {
        Ok(program) => Some(Engine::new(program, flags)),
        Err(why) => left_out("Docker", &why),
    }
}

/// The same, where the kernel has the overlay networks of swarms. `None` where it has not, or as
/// [`engine`].
///
/// # Panics
/// As [`engine`].
#[must_use]
pub fn swarm_engine(flags: &[&str]) -> Option<Engine> {
    let engine = engine(flags)?;
    match engine.overlay() {
        Ok(()) => Some(engine),
        Err(why) => left_out("VXLAN", &why),
    }
}

/// A PostgreSQL of the caller's own, empty and running. `None` where it is not installed.
///
/// # Panics
/// With `CI=true` where it is not installed, and always when it does not start.
#[must_use]
pub fn postgres() -> Option<Postgres> {
    postgres_with(None)
}

/// The same, but over TCP it speaks nothing but TLS, with the server's certificate of `authority`.
///
/// # Panics
/// As [`postgres`].
#[must_use]
pub fn postgres_over_tls(authority: &Authority) -> Option<Postgres> {
    postgres_with(Some(authority))
}

fn postgres_with(authority: Option<&Authority>) -> Option<Postgres> {
    match postgres::binaries() {
        Ok(binaries) => Some(Postgres::start(&binaries, authority)),
        Err(why) => left_out("PostgreSQL", &why),
    }
}

/// An SSH daemon of the caller's own on loopback. `None` where it is not installed.
///
/// # Panics
/// With `CI=true` where it is not installed, and always when it does not start.
#[must_use]
pub fn sshd() -> Option<Sshd> {
    let path = Path::new("/usr/sbin/sshd");
    match path.exists() {
        true => Some(Sshd::start(path)),
        false => left_out("sshd", "openssh-server is not installed"),
    }
}

/// A registry of the caller's own, empty, which asks who comes: on loopback, where the engine on the
/// default socket needs no TLS. `None` where it is not installed.
///
/// # Panics
/// With `CI=true` where it is not installed, and always when it does not start.
#[must_use]
pub fn registry() -> Option<Registry> {
    registry_at(Ipv4Addr::LOCALHOST)
}

/// The same at an address of this machine that an engine of the caller's own reaches.
///
/// # Panics
/// As [`registry()`].
#[must_use]
pub fn registry_at(address: Ipv4Addr) -> Option<Registry> {
    match Path::new(registry::PROGRAM).exists() {
        true => Some(Registry::start(address)),
        false => left_out("registry", "docker-registry is not installed"),
    }
}

/// A copy of this program in `folder` whose file has the capability to listen on low ports. `None`
/// where nobody can give it that.
///
/// # Panics
/// With `CI=true` where nobody can, and always when the file cannot be copied.
#[must_use]
pub fn capable(program: &Path, folder: &Path) -> Option<PathBuf> {
    let copy = folder.join("capable");
    std::fs::copy(program, &copy).expect("the folder is writable");
    let given = Command::new("/usr/sbin/setcap")
        .arg("cap_net_bind_service+ep")
        .arg(&copy)
        .status();
    match given {
        Ok(status) if status.success() => Some(copy),
        _ => left_out("setcap", "it needs root, and libcap2-bin"),
    }
}
