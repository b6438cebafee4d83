//! Images: local ones as they are, absent ones from a registry, and a clear word when neither.
//!
//! The registry is a stand-in on loopback, which engines accept without TLS.

use std::sync::{Arc, Mutex};

use bollard::query_parameters::RemoveImageOptionsBuilder;
use caviada_driver::{Failure, Progress};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Engine;
use crate::contract::{Fixture, create, identity, keep, port, serving};

/// A registry that holds one image under any name of the tag `1`.
struct Registry {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

/// What the registry answers: path's end → type and content.
type Shelf = Arc<Vec<(String, &'static str, Vec<u8>)>>;

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

fn digest(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Config, one layer with the helper program, and the manifest that joins them.
fn shelf() -> Shelf {
    let program = std::fs::read(caviada_testbed::program()).unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    tar.append_data(&mut header, "caviada-testimage", &*program)
        .unwrap();
    let layer = tar.into_inner().unwrap();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux",
        "config": {"Entrypoint": ["/caviada-testimage"], "Cmd": ["serve"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
    });
    let config = config.to_string().into_bytes();
    let packed = gzip(&layer);
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": config.len(), "digest": digest(&config),
        },
        "layers": [{
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "size": packed.len(), "digest": digest(&packed),
        }],
    });
    let manifest = manifest.to_string().into_bytes();
    Arc::new(vec![
        ("/manifests/1".to_owned(), MANIFEST, manifest.clone()),
        (
            format!("/manifests/{}", digest(&manifest)),
            MANIFEST,
            manifest,
        ),
        (
            format!("/blobs/{}", digest(&config)),
            "application/octet-stream",
            config,
        ),
        (
            format!("/blobs/{}", digest(&packed)),
            "application/octet-stream",
            packed,
        ),
    ])
}

/// Gzip without compression: stored blocks only.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = content.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap();
        packed.push(u8::from(blocks.peek().is_none()));
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(&(!length).to_le_bytes());
        packed.extend_from_slice(block);
    }
    let crc = !content.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    });
    packed.extend_from_slice(&crc.to_le_bytes());
    packed.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
    packed
}

impl Registry {
    async fn new(shelf: Shelf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&asked);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (shelf, asked) = (Arc::clone(&shelf), Arc::clone(&kept));
                open.spawn(async move {
                    let _ = answer(stream, &shelf, &asked).await;
                });
            }
        });
        Self {
            address,
            asked,
            _task: task,
        }
    }
}

/// One request, one connection.
async fn answer(
    mut stream: TcpStream,
    shelf: &Shelf,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 64 << 10 {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    asked.lock().unwrap().push(format!("{method} {path}"));
    let missing = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
    let found = shelf.iter().find(|(end, ..)| path.ends_with(end.as_str()));
    let (status, kind, body) = match found {
        Some((_, kind, body)) => ("200 OK", *kind, body.as_slice()),
        None if path == "/v2/" => ("200 OK", "application/json", &b"{}"[..]),
        None => ("404 Not Found", "application/json", &missing[..]),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
         docker-content-digest: {}\r\nconnection: close\r\n\r\n",
        body.len(),
        digest(body)
    );
    stream.write_all(head.as_bytes()).await?;
    if method != "HEAD" {
        stream.write_all(body).await?;
    }
    stream.shutdown().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_image_is_pulled_once_with_progress_and_then_used_as_it_is() {
    let Some(engine) = Engine::there() else {
        return;
    };
    keep(engine, |engine| Box::pin(pulled_once(engine))).await;
}

async fn pulled_once(engine: &Engine) {
    let registry = Registry::new(shelf()).await;
    let image = format!("{}/caviada/{}:1", registry.address, engine.installation);
    let mut plan = serving(engine, port());
    plan.services[0].image.clone_from(&image);
    let told: Mutex<Vec<Progress>> = Mutex::default();
    let tell = |step| told.lock().unwrap().push(step);
    let made = engine
        .driver()
        .create(&identity(engine, 1, 1), &plan, &tell)
        .await;
    let asked = registry.asked.lock().unwrap().len();
    drop(registry);

    // Gone from the network, but here.
    let again = engine.driver().pull(&image, &|_, _| {}).await;
    engine
        .driver()
        .delete(identity(engine, 1, 1).resource, 1)
        .await
        .unwrap();
    let options = RemoveImageOptionsBuilder::new().force(true).build();
    let removed = engine
        .engine
        .remove_image(&image, Some(options), None)
        .await;
    made.unwrap();
    again.unwrap();
    removed.unwrap();
    assert!(asked > 0);
    let told = told.into_inner().unwrap();
    let pulls: Vec<_> = told.iter().filter(|p| p.step == "pulling").collect();
    assert!(
        pulls
            .iter()
            .any(|p| p.subject.contains(&image) && p.subject.contains("KiB")),
        "{pulls:?}"
    );
}

#[tokio::test]
async fn an_image_neither_here_nor_to_be_had_is_named_and_nothing_is_made() {
    let Some(engine) = Engine::there() else {
        return;
    };
    keep(engine, |engine| Box::pin(not_to_be_had(engine))).await;
}

async fn not_to_be_had(engine: &Engine) {
    let registry = Registry::new(Arc::default()).await;
    let nobody = format!("127.0.0.1:{}/caviada/absent:1", port());
    let unknown = format!("{}/caviada/absent:1", registry.address);
    for image in [nobody, unknown] {
        let mut plan = serving(engine, port());
        plan.services[0].image.clone_from(&image);
        let failed = create(&*engine.driver(), &identity(engine, 1, 1), &plan)
            .await
            .unwrap_err();
        assert_eq!(failed.kind, Failure::NoImage, "{failed}");
        let text = failed.to_string();
        assert!(
            text.contains(&image) && text.contains("cannot be pulled"),
            "{text}"
        );
        assert_eq!(engine.driver().list().await.unwrap(), []);
    }
}
