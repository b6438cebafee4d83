//! A host that is no engine: it accepts connections and behaves badly in one chosen way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use caviada_driver::docker::{
    Credentials, Deadlines, Docker, DockerAddress, DockerOptions, PlainTcp,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How a stand-in treats a request line such as `GET /version HTTP/1.1`.
#[derive(Debug, Clone)]
pub enum Manner {
    /// Reads and never says a word.
    Mute,
    /// Begins an answer and never ends it.
    Half,
    /// Hangs up with a reset.
    Reset,
    /// Answers with this status and JSON.
    Says(u16, &'static str),
}

/// Chooses the manner for each request line.
pub type Manners = fn(&str) -> Manner;

/// What an engine of this API version answers to the first question.
pub const VERSION: &str = r#"{"ApiVersion":"1.41","MinAPIVersion":"1.12","Version":"20.10.24"}"#;

/// A listening stand-in; it is gone when dropped.
pub struct StandIn {
    port: u16,
    lines: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl StandIn {
    pub async fn new(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut tasks = JoinSet::new();
        let kept = Arc::clone(&lines);
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let lines = Arc::clone(&kept);
                open.spawn(async move {
                    let _ = serve(stream, &lines, manners).await;
                });
            }
        });
        Self {
            port,
            lines,
            _tasks: tasks,
        }
    }

    /// The request lines that came, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// A driver that takes it for its engine.
    pub fn driver(&self, quick: Duration, heavy: Duration) -> Docker {
        let credentials = Credentials {
            plain_tcp: PlainTcp::Allow,
            ..Credentials::default()
        };
        let text = format!("tcp://127.0.0.1:{}", self.port);
        let address = DockerAddress::parse(&text, credentials).unwrap();
        let mut options = DockerOptions::new("stand-in", address);
        options.deadlines = Deadlines { quick, heavy };
        Docker::new(options)
    }
}

async fn serve(
    mut stream: TcpStream,
    lines: &Mutex<Vec<String>>,
    manners: Manners,
) -> std::io::Result<()> {
    loop {
        let Some(line) = request(&mut stream).await? else {
            return Ok(());
        };
        lines.lock().unwrap().push(line.clone());
        match manners(&line) {
            Manner::Mute => std::future::pending().await,
            Manner::Half => {
                let begun = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                             content-length: 1000\r\n\r\n[{\"Id\":";
                stream.write_all(begun.as_bytes()).await?;
                std::future::pending::<()>().await;
            }
            Manner::Reset => {
                // Unread bytes or a zero linger make the close a reset.
                stream.set_zero_linger()?;
                return Ok(());
            }
            Manner::Says(status, json) => {
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n\
                     content-length: {}\r\n\r\n{json}",
                    json.len()
                );
                stream.write_all(answer.as_bytes()).await?;
            }
        }
    }
}

/// The line of the next request, its body read and dropped; none at the end of the connection.
async fn request(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 || head.len() > 64 << 10 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<u64>().ok())?
    });
    let mut body = stream.take(length.unwrap_or(0));
    tokio::io::copy(&mut body, &mut tokio::io::sink()).await?;
    Ok(head.lines().next().map(str::to_owned))
}
