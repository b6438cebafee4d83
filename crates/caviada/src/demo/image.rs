//! The demo's image: this very program and the libraries it runs on, so that no registry is
//! needed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;

const REPOSITORY: &str = "caviada-demo";
/// Marks images of the demo, whatever their names.
const LABEL: &str = "caviada.demo";

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
    docker(url, &["version", "--format", "{{.Server.Version}}"]).await?;
    let image = format!("{REPOSITORY}:{}", build()?);
    if docker(url, &["image", "inspect", &image]).await.is_ok() {
        return Ok(image);
    }
    let folder = tempfile::tempdir()?;
    let program = stripped(folder.path()).await?;
    let archive = folder.path().join("image.tar");
    write(&program, &archive).context("packing this program")?;
    let archive = archive.to_str().context("a path that is text")?;
    let change = format!("ENTRYPOINT {}", entry_point()?);
    let label = format!("LABEL {LABEL}=1");
    let import = [
        "import", "--change", &change, "--change", &label, archive, &image,
    ];
    docker(url, &import).await?;
    // Those of yesterday's builds, as far as nothing runs on them.
    let label = format!("label={LABEL}");
    let prune = [
        "image",
        "prune",
        "--all",
        "--force",
        "--filter",
        &label,
        "--filter",
        "until=24h",
    ];
    docker(url, &prune).await?;
    Ok(image)
}

/// What tells this build of the program from others.
fn build() -> anyhow::Result<String> {
    let file = std::env::current_exe()?.metadata()?;
    let made = file.modified()?.duration_since(std::time::UNIX_EPOCH)?;
    Ok(format!("{:x}-{:x}", file.len(), made.as_nanos()))
}

/// The program without what only a debugger reads, which is half of it in a development build.
/// Where there is nothing to strip it with, the program as it is.
async fn stripped(folder: &Path) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let small = folder.join("caviada");
    let mut strip = Command::new("strip");
    let done = strip.arg("-o").arg(&small).arg(&own).output().await;
    let done = done.is_ok_and(|done| done.status.success());
    Ok(if done { small } else { own })
}

/// What the engine's command line printed.
async fn docker(url: &str, words: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new("docker");
    command.kill_on_drop(true);
    let output = command.args(["--host", url]).args(words).output().await;
    let output = output.context("running docker")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{}", said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn write(program: &Path, archive: &Path) -> anyhow::Result<()> {
    let mut tar = tar::Builder::new(std::fs::File::create(archive)?);
    tar.follow_symlinks(true);
    // Engines read no sparse entries.
    tar.sparse(false);
    tar.append_path_with_name(program, "caviada")?;
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
