//! `caviada image`.

mod bundle;
mod load;

use std::path::PathBuf;
use std::time::Duration;

use caviada_api::client::Client;
use caviada_api::image::{Image, ImageProgress, ImageState, Images, PullImages};
use caviada_core::image::Reference;
use caviada_core::limits;
use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::output::{Out, Row};
use super::table::{or_dash, time, word};

pub use bundle::BundleArgs;

const LOOK: Duration = Duration::from_millis(limits::client::LOOK_MS);

/// Images of hosts.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// List those that a host is to have, and how they stand
    Ls {
        /// The host
        host: String,
    },
    /// Pull images on a host before something is built there, and wait until they are there
    Pull(PullArgs),
    /// Write images of this machine's engine into one file, for hosts that reach no registry
    Bundle(BundleArgs),
    /// Load such a file into the engines of hosts, through the server
    Load {
        /// The file
        file: PathBuf,
        /// A host; may be repeated
        #[arg(long = "host", value_name = "NAME", required = true)]
        hosts: Vec<String>,
    },
}

/// Pull images on a host.
#[derive(Debug, Args)]
pub struct PullArgs {
    /// The host
    host: String,
    /// The images [default: all that may be needed there]
    images: Vec<String>,
    /// Do not wait
    #[arg(long)]
    no_wait: bool,
}

impl Row for Image {
    const COLUMNS: &'static [&'static str] = &["HOST", "IMAGE", "STATE", "WANTED", "BYTES", "WHY"];
    const WIDE: &'static [&'static str] = &["SEEN", "TRIES", "NEXT TRY"];

    fn name(&self) -> String {
        self.image.clone()
    }

    fn cells(&self) -> Vec<String> {
        let wanted = if self.wanted { "yes" } else { "no" };
        let bytes = self.bytes.map(|of| {
            let done = self.bytes_done.unwrap_or(0);
            format!("{} of {} MiB", done >> 20, of >> 20)
        });
        vec![
            self.host.clone(),
            self.image.clone(),
            word(&self.state),
            wanted.to_owned(),
            or_dash(bytes),
            or_dash(self.why.as_deref()),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        vec![
            or_dash(self.seen_at.map(time)),
            self.tries.to_string(),
            or_dash(self.next_try_at.map(time)),
        ]
    }
}

/// How far one is, in a line.
pub fn told(image: &ImageProgress) -> String {
    let of = image.bytes.map(|of| format!(" of {} MiB", of >> 20));
    let bytes = match (image.bytes_done, of) {
        (0, None) => String::new(),
        (done, of) => format!(" {} MiB{}", done >> 20, of.unwrap_or_default()),
    };
    let why = image.why.as_ref().map(|why| format!(": {why}"));
    let ImageProgress {
        host, image, step, ..
    } = image;
    format!("- {host} {image} {step}{bytes}{}", why.unwrap_or_default())
}

/// `caviada image`.
pub async fn image(client: &Client, command: ImageCommand, out: &Out) -> Result<Exit, Failure> {
    match command {
        ImageCommand::Ls { host } => {
            let images = client.images(&host).await?;
            out.rows(&images, &images.images)?;
            Ok(Exit::Ok)
        }
        ImageCommand::Pull(args) => pull(client, &args, out).await,
        ImageCommand::Bundle(args) => bundle::bundle(client, args).await,
        ImageCommand::Load { file, hosts } => load::load(client, &file, &hosts, out).await,
    }
}

async fn pull(client: &Client, args: &PullArgs, out: &Out) -> Result<Exit, Failure> {
    let read = |image: &String| Reference::read(image).map(|read| read.to_string());
    let asked: Result<Vec<String>, _> = args.images.iter().map(read).collect();
    let asked = asked.map_err(|e| Failure::usage(e.to_string()))?;
    let pull = PullImages {
        images: asked.clone(),
    };
    let mut known = client.pull_images(&args.host, &pull).await?;
    loop {
        let ours = |image: &Image| match asked.is_empty() {
            true => image.wanted,
            false => asked.contains(&image.image),
        };
        known.images.retain(ours);
        let open = |image: &Image| matches!(image.state, ImageState::Waiting | ImageState::Pulling);
        if args.no_wait || !known.images.iter().any(open) {
            break;
        }
        tokio::time::sleep(LOOK).await;
        known = client.images(&args.host).await?;
    }
    out.rows(&known, &known.images)?;
    Ok(ended(&known))
}

fn ended(images: &Images) -> Exit {
    let failed = |image: &Image| image.state == ImageState::Failed;
    match images.images.iter().any(failed) {
        true => Exit::Failed,
        false => Exit::Ok,
    }
}
