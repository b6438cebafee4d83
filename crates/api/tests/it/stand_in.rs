//! A server that gives prepared answers, one per request, and keeps what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use caviada_api::client::{Client, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is answered to one request.
#[derive(Clone)]
pub enum Answer {
    /// Closes the connection without a word.
    Nothing,
    /// A status and a body of a media type.
    Body(u16, &'static str, String),
    /// Further header lines, and an empty body.
    Headers(u16, &'static str),
}

impl Answer {
    /// 200 with JSON.
    pub fn json(body: impl ToString) -> Self {
        Self::Body(200, "application/json", body.to_string())
    }

    /// A problem.
    pub fn problem(status: u16, code: &str) -> Self {
        let body = serde_json::json!({
            "type": format!("/problems/{code}"), "title": code, "status": status, "code": code,
        });
        Self::Body(status, "application/problem+json", body.to_string())
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Body(status, kind, body) => format!(
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            )
            .into_bytes(),
            Self::Headers(status, lines) => format!(
                "HTTP/1.1 {status} X\r\n{lines}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            .into_bytes(),
        }
    }
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Method and target: `GET /api/v1/leases`.
    pub line: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: String,
}

/// The server.
pub struct StandIn {
    /// Where it listens.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl StandIn {
    /// Answers in this order; later requests get no answer.
    pub async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            while let Ok((mut socket, _)) = listener.accept().await {
                if let Some(request) = read(&mut socket).await {
                    keep.lock().unwrap().push(request);
                    let answer = answers.next().unwrap_or(Answer::Nothing);
                    let _ = socket.write_all(&answer.bytes()).await;
                }
            }
        });
        Self { url, asked }
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// A client of it, with a key.
    pub fn client(&self) -> Client {
        let mut options = Options::new(&self.url);
        options.key = Some("the-secret".into());
        options.timeout_ms = 10_000;
        options.tries_max = 3;
        Client::new(&options).unwrap()
    }
}

async fn read(socket: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head = loop {
        let found = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        if let Some(at) = found {
            break at;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let mut lines = text.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |n| n.parse().unwrap());
    while bytes.len() < head + 4 + length {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head + 4..].to_vec()).ok()?;
    Some(Asked {
        line,
        headers,
        body,
    })
}
