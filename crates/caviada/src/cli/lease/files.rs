//! The files of a lease, written where its holder wants them.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use caviada_api::client::Client;
use caviada_api::lease::{Lease, LeaseState};

use crate::cli::exit::Failure;

/// Refuses a folder with something in it: keys of two leases in one folder help nobody.
pub fn check(folder: &Path) -> Result<(), Failure> {
    match fs::read_dir(folder).map(Iterator::count) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Failure::usage(format!(
            "{} is not empty: name a new folder",
            folder.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unwritten(folder, &error)),
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("{} cannot be written: {error}", path.display()))
}

/// Writes the files of all that a lease holds: of one resource straight into the folder, of several
/// each into one of its own.
pub async fn write(client: &Client, lease: &Lease, folder: &Path) -> Result<(), Failure> {
    if lease.state != LeaseState::Active {
        return Err(Failure::failed(format!(
            "{} holds nothing yet; `caviada wait {} -o dir={}` writes its files once it does",
            lease.id,
            lease.id,
            folder.display()
        )));
    }
    let mut written = 0;
    for (n, resource) in lease.resources.iter().enumerate() {
        let archive = client.lease_files(lease.id, resource.id).await?;
        let folder = match lease.resources.len() {
            1 => folder.to_owned(),
            _ => folder.join(n.to_string()),
        };
        written += unpack(&archive, &folder)?;
    }
    match written {
        0 => eprintln!("{}: its template gives no files", lease.id),
        _ => eprintln!("{written} files in {}", folder.display()),
    }
    Ok(())
}

/// Unpacks an archive for nobody but oneself; gives how many files.
fn unpack(archive: &[u8], folder: &Path) -> Result<usize, Failure> {
    let mut written = 0;
    let mut archive = tar::Archive::new(archive);
    let odd = |e: io::Error| Failure::failed(format!("what the server sent is no archive: {e}"));
    for entry in archive.entries().map_err(odd)? {
        let mut entry = entry.map_err(odd)?;
        let path = entry.path().map_err(odd)?.into_owned();
        let path = within(folder, &path).filter(|_| entry.header().entry_type().is_file());
        let path = path.ok_or_else(|| odd(io::ErrorKind::InvalidData.into()))?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(odd)?;
        save(&path, &content).map_err(|e| unwritten(&path, &e))?;
        written += 1;
    }
    Ok(written)
}

/// A path below the folder, if it does not leave it.
fn within(folder: &Path, path: &Path) -> Option<PathBuf> {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let inside = path.components().next().is_some() && path.components().all(plain);
    inside.then(|| folder.join(path))
}

fn save(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .write_all(content)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn archive(name: &str) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        // By hand: the library would not write such a name.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, &b"x"[..]).unwrap();
        tar.into_inner().unwrap()
    }

    #[test]
    fn files_are_for_their_owner_only_and_never_outside_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("net");
        assert_eq!(unpack(&archive("a/key.pem"), &at).unwrap(), 1);
        let mode = |path: &str| fs::metadata(at.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("a"), mode("a/key.pem")), (0o700, 0o600));
        for name in ["../out", "/out", "a/../../out"] {
            assert!(unpack(&archive(name), &at).is_err(), "{name}");
        }
        assert!(!folder.path().join("out").exists());
    }

    #[test]
    fn a_folder_with_something_in_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check(folder.path()).is_ok());
        assert!(check(&folder.path().join("new")).is_ok());
        fs::write(folder.path().join("old"), "").unwrap();
        assert!(check(folder.path()).is_err());
    }
}
