//! A bundle into engines of hosts. The file is looked at whole before a byte of it is sent.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use caviada_api::client::Client;
use caviada_api::image::LoadedImages;
use caviada_api::list::List;
use caviada_core::limits;
use caviada_driver::image::bundle::{Contents, Reader};
use futures_util::stream;
use tokio::io::AsyncReadExt as _;

use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Out, Row};

impl Row for LoadedImages {
    const COLUMNS: &'static [&'static str] = &["HOST", "MIB", "IMAGES"];
    const WIDE: &'static [&'static str] = &[];

    fn name(&self) -> String {
        self.host.clone()
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.host.clone(),
            (self.bytes >> 20).to_string(),
            self.images.join(" "),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        Vec::new()
    }
}

pub(super) async fn load(
    client: &Client,
    path: &Path,
    hosts: &[String],
    out: &Out,
) -> Result<Exit, Failure> {
    let wrong = |e: &dyn std::fmt::Display| Failure::usage(format!("{}: {e}", path.display()));
    let checked = path.to_owned();
    let contents = tokio::task::spawn_blocking(move || check(&checked)).await;
    let contents = contents.map_err(|e| wrong(&e))?.map_err(|e| wrong(&e))?;
    // A host that is not there, or a key that may not, is found before gigabytes are sent.
    for host in hosts {
        client.images(host).await?;
    }
    let mut done = List {
        items: Vec::new(),
        revision: 0,
        next: None,
    };
    let mut exit = Exit::Ok;
    for host in hosts {
        eprintln!(
            "caviada: loading {} images into {host}",
            contents.images.len()
        );
        let file = tokio::fs::File::open(path).await.map_err(|e| wrong(&e))?;
        let pieces = stream::unfold(file, |mut file| async {
            let mut piece = vec![0; limits::client::BUNDLE_PIECE_BYTES];
            let read = file.read(&mut piece).await.map(|n| {
                piece.truncate(n);
                piece
            });
            match read {
                Ok(piece) if piece.is_empty() => None,
                read => Some((read, file)),
            }
        });
        match client.load_images(host, pieces).await {
            Ok(loaded) => done.items.push(loaded),
            // The others may take it.
            Err(error) => {
                eprintln!("caviada: {host}: {}", Failure::from(error));
                exit = Exit::Failed;
            }
        }
    }
    out.list(&done)?;
    Ok(exit)
}

/// Reads the whole file, as the server would.
fn check(path: &Path) -> Result<Contents, String> {
    let mut file = File::open(path).map_err(|e| e.to_string())?;
    let mut reader = Reader::default();
    let mut piece = vec![0; limits::client::BUNDLE_PIECE_BYTES];
    loop {
        let read = file.read(&mut piece).map_err(|e| e.to_string())?;
        if read == 0 {
            return reader.end().map_err(|e| e.to_string());
        }
        reader.push(&piece[..read]).map_err(|e| e.to_string())?;
    }
}
