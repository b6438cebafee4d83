//! The demo's image: this very program and the libraries it runs on, so that no registry is
//! needed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;

/// An engine that answers, with the demo's image on it.
pub struct Engine {
    /// Its address.
    pub url: String,
    /// The image.
    pub image: String,
}

/// The engine at `url`, if one answers and takes the image; says why not.
pub async fn engine(url: &str) -> Option<Engine> {
    let found = tokio::time::timeout(Duration::from_secs(120), import(url)).await;
    match found {
        Ok(Ok(image)) => Some(Engine {
            url: url.to_owned(),
            image,
        }),
        Ok(Err(why)) => {
            println!("No Docker engine at {url} ({why:#}): clusters are built of plain processes.");
            None
        }
        Err(_) => {
            println!(
                "The Docker engine at {url} does not answer: clusters are built of plain processes."
            );
            None
        }
    }
}

/// Imports this program as an image, by the `docker` command line.
async fn import(url: &str) -> anyhow::Result<String> {
    let asked = Command::new("docker")
        .args(["--host", url, "version", "--format", "{{.Server.Version}}"])
        .output()
        .await
        .context("running docker")?;
    anyhow::ensure!(
        asked.status.success(),
        "{}",
        String::from_utf8_lossy(&asked.stderr).trim()
    );
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("image.tar");
    write(&archive).context("packing this program")?;
    let image = "caviada-demo:latest".to_owned();
    let imported = Command::new("docker")
        .args(["--host", url, "import", "--change"])
        .arg(format!("ENTRYPOINT {}", entry_point()?))
        .arg(&archive)
        .arg(&image)
        .output()
        .await
        .context("running docker import")?;
    anyhow::ensure!(
        imported.status.success(),
        "{}",
        String::from_utf8_lossy(&imported.stderr).trim()
    );
    Ok(image)
}

fn write(archive: &Path) -> anyhow::Result<()> {
    let mut tar = tar::Builder::new(std::fs::File::create(archive)?);
    tar.follow_symlinks(true);
    // Engines read no sparse entries.
    tar.sparse(false);
    tar.append_path_with_name(std::env::current_exe()?, "caviada")?;
    for library in libraries()? {
        let name = library.strip_prefix("/").unwrap_or(&library);
        tar.append_path_with_name(&library, name)?;
    }
    // A place for volumes and configuration.
    for folder in ["data", "tmp"] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o777);
        header.set_size(0);
        tar.append_data(&mut header, folder, std::io::empty())?;
    }
    tar.finish()?;
    Ok(())
}

/// Shared libraries and the loader that this process has mapped; none for a static build.
fn libraries() -> anyhow::Result<BTreeSet<PathBuf>> {
    let own = std::env::current_exe()?;
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let mapped = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .map(PathBuf::from);
    Ok(mapped
        .filter(|p| p.is_absolute() && *p != own && p.is_file())
        .collect())
}

/// How the engine starts this program there: by the loader it runs on here, whose place in the
/// image is where it was found, or as it is when it is static.
fn entry_point() -> anyhow::Result<String> {
    let is_loader = |p: &&PathBuf| {
        p.file_name()
            .and_then(|n| n.to_str())
            .is_some_and(|name| name.starts_with("ld-"))
    };
    let libraries = libraries()?;
    let loader = libraries.iter().find(is_loader).and_then(|p| p.to_str());
    let words: Vec<&str> = loader.into_iter().chain(["/caviada", "sample"]).collect();
    Ok(serde_json::to_string(&words)?)
}
