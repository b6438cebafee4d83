//! Images of this machine's engine into one file.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use caviada_api::client::Client;
use caviada_core::image;
use caviada_driver::docker::{Credentials, Docker, DockerAddress, DockerOptions};
use caviada_driver::image::bundle::Writer;
use caviada_driver::template::{Parameters, Source, Template};
use clap::Args;
use futures_util::StreamExt as _;

use crate::cli::exit::{Exit, Failure};
use crate::cli::template::read_folder;

/// Write images into a file.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true)
    .args(["images", "templates", "pools", "hosts"]))]
pub struct BundleArgs {
    /// The file to write; one that is there is not overwritten
    file: PathBuf,
    /// Images
    images: Vec<String>,
    /// Those of a template with its defaults: a folder, or one of the server's; may be repeated
    #[arg(long = "template", value_name = "NAME|FOLDER")]
    templates: Vec<String>,
    /// Those of a pool of the server; may be repeated
    #[arg(long = "pool", value_name = "NAME")]
    pools: Vec<String>,
    /// All that a host of the server may need; may be repeated
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// The engine that has them, and pulls what it lacks
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "unix:///var/run/docker.sock"
    )]
    engine: String,
}

pub(super) async fn bundle(client: &Client, args: BundleArgs) -> Result<Exit, Failure> {
    let images = wanted(client, &args).await?;
    let address = DockerAddress::parse(&args.engine, Credentials::default());
    let address = address.map_err(|e| Failure::usage(format!("--engine: {e}")))?;
    let engine = Docker::new(DockerOptions::new("bundle", address));
    let failed = |e: &dyn std::fmt::Display| {
        Failure::failed(format!(
            "no bundle was written to {}: {e}",
            args.file.display()
        ))
    };
    let mut bundled = Vec::new();
    for image in &images {
        eprintln!("caviada: {image}");
        let one = engine.bundled(image, &|_, _| {}).await;
        let one = one.map_err(|e| failed(&format!("{e}; or `docker pull` it here first")));
        bundled.push(one?);
    }
    let mut archive = engine.archive(&bundled).await.map_err(|e| failed(&e))?;
    let mut file = Unfinished::new(&args.file).map_err(|e| failed(&e))?;
    let (mut writer, begin) = Writer::new(bundled);
    file.write(&begin).map_err(|e| failed(&e))?;
    while let Some(piece) = archive.next().await {
        let piece = piece.map_err(|e| failed(&e))?;
        let piece = writer.push(&piece).map_err(|e| failed(&e))?;
        file.write(&piece).map_err(|e| failed(&e))?;
    }
    let end = writer.end().map_err(|e| failed(&e))?;
    file.write(&end).map_err(|e| failed(&e))?;
    let bytes = file.finish(&args.file).map_err(|e| failed(&e))?;
    eprintln!(
        "caviada: {} images, {} MiB: `caviada image load {} --host NAME`",
        images.len(),
        bytes >> 20,
        args.file.display()
    );
    Ok(Exit::Ok)
}

/// Every image that is to be in it, once.
async fn wanted(client: &Client, args: &BundleArgs) -> Result<BTreeSet<String>, Failure> {
    let mut wanted = BTreeSet::new();
    let mut add =
        |text: &str| image::add(&mut wanted, text).map_err(|e| Failure::usage(e.to_string()));
    for text in &args.images {
        add(text)?;
    }
    for name in &args.templates {
        let files = match Path::new(name).is_dir() {
            true => read_folder(Path::new(name))?,
            false => client.template(name).await?.files,
        };
        for text in of_template(name, Source { files }, &Parameters::new())? {
            add(&text)?;
        }
    }
    for name in &args.pools {
        let pool = client.pool(name).await?;
        let template = pool.spec.template.as_ref();
        let template = template.ok_or_else(|| {
            Failure::usage(format!("{name}: its resources are declared, not built"))
        })?;
        let files = client.template(template).await?.files;
        let parameters = serde_json::to_value(&pool.spec.parameters);
        let parameters = parameters.and_then(serde_json::from_value);
        let parameters = parameters.map_err(|e| Failure::failed(format!("{name}: {e}")))?;
        for text in of_template(template, Source { files }, &parameters)? {
            add(&text)?;
        }
    }
    for name in &args.hosts {
        let known = client.images(name).await?.images;
        for image in known.iter().filter(|image| image.wanted) {
            add(&image.image)?;
        }
    }
    match wanted.is_empty() {
        true => Err(Failure::usage("nothing of this is made of images")),
        false => Ok(wanted),
    }
}

fn of_template(
    name: &str,
    source: Source,
    parameters: &Parameters,
) -> Result<BTreeSet<String>, Failure> {
    let images = Template::parse(&source).and_then(|template| template.images(parameters));
    images.map_err(|problems| {
        let first = problems
            .first()
            .map_or_else(String::new, ToString::to_string);
        Failure::usage(format!("template {name}: {first}"))
    })
}

/// A file that bears its name only once it is whole.
struct Unfinished {
    file: tempfile::NamedTempFile,
    bytes: u64,
}

impl Unfinished {
    fn new(path: &Path) -> std::io::Result<Self> {
        if path.exists() {
            let why = "it is there already; remove it or write another";
            return Err(std::io::Error::other(why));
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        Ok(Self {
            file: tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?,
            bytes: 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn finish(self, path: &Path) -> std::io::Result<u64> {
        self.file.as_file().sync_all()?;
        self.file.persist_noclobber(path).map_err(|e| e.error)?;
        Ok(self.bytes)
    }
}
