//! A file server outside of Caviada, a hundred lines short of a real one: it keeps the highest
//! fence it saw and refuses whoever comes with a lower one.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The longest line it reads.
const LINE_BYTES_MAX: usize = 4_096;

/// Where it listens.
pub struct FileServer {
    address: std::net::SocketAddr,
}

#[derive(Default)]
struct Kept {
    fence: u64,
    text: String,
}

impl FileServer {
    /// Starts it; it ends with the runtime.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let kept = Arc::new(Mutex::new(Kept::default()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, kept.clone()));
            }
        });
        Ok(Self { address })
    }

    /// Writes a text under a fence; false if it came too late.
    pub async fn write(&self, fence: u64, text: &str) -> anyhow::Result<bool> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream
            .write_all(format!("{fence} {text}\n").as_bytes())
            .await?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await?;
        Ok(line.trim() == "written")
    }
}

/// One line `FENCE TEXT`, one line back.
async fn answer(stream: TcpStream, kept: Arc<Mutex<Kept>>) {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(tokio::io::AsyncReadExt::take(reader, LINE_BYTES_MAX as u64));
    if reader.read_line(&mut line).await.is_err() {
        return;
    }
    let said = match line
        .split_once(' ')
        .map(|(fence, text)| (fence.parse::<u64>(), text))
    {
        Some((Ok(fence), text)) => write(&kept, fence, text.trim_end()),
        _ => "what?\n".to_owned(),
    };
    let _ = writer.write_all(said.as_bytes()).await;
}

fn write(kept: &Mutex<Kept>, fence: u64, text: &str) -> String {
    let Ok(mut kept) = kept.lock() else {
        return "broken\n".to_owned();
    };
    if fence < kept.fence {
        return format!("stale: {} was seen\n", kept.fence);
    }
    kept.fence = fence;
    text.clone_into(&mut kept.text);
    "written\n".to_owned()
}
