//! The event stream: server-sent events, taken up again where they broke off.

use std::collections::VecDeque;
use std::time::Duration;

use caviada_core::limits;
use reqwest::header;

use super::{Client, Error, pause};
use crate::event::{EventQuery, HOST, IMAGE, Message, PROGRESS};

const SILENCE_MAX: Duration = Duration::from_millis(limits::client::STREAM_SILENCE_MS_MAX);

/// Events as they happen, without gap or repeat over reconnections.
#[derive(Debug)]
pub struct EventStream {
    client: Client,
    query: EventQuery,
    response: Option<reqwest::Response>,
    parser: Parser,
    /// Connections in a row that brought nothing.
    failures: u32,
}

impl Client {
    /// Opens the stream of what happens after `query.after`, or from now on.
    pub async fn watch(&self, query: EventQuery) -> Result<EventStream, Error> {
        let mut stream = EventStream {
            client: self.clone(),
            query,
            response: None,
            parser: Parser::default(),
            failures: 0,
        };
        stream.connect().await?;
        Ok(stream)
    }
}

impl EventStream {
    async fn connect(&mut self) -> Result<(), Error> {
        let call = self
            .client
            .call_with(reqwest::Method::GET, &["events"], &self.query)?;
        let mut request = self
            .client
            .http
            .get(call.url)
            .header(header::ACCEPT, "text/event-stream");
        if let Some(authorization) = &self.client.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let answer = tokio::time::timeout(self.client.timeout, request.send()).await;
        let response = match answer {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.client.unreachable(&error)),
            Err(_) => return Err(self.client.silent()),
        };
        let status = response.status();
        if !status.is_success() {
            let body = response
                .bytes()
                .await
                .map_err(|e| self.client.unreachable(&e))?;
            return Err(self.client.refusal(status, &body));
        }
        self.parser = Parser::default();
        self.response = Some(response);
        Ok(())
    }

    /// The next message. Connects again by itself, as often in a row as the client tries a call;
    /// a refusal (events gone, key over) is final.
    pub async fn next(&mut self) -> Result<Message, Error> {
        loop {
            while let Some(frame) = self.parser.ready.pop_front() {
                if let Some(message) = self.take(&frame)? {
                    self.failures = 0;
                    return Ok(message);
                }
            }
            if let Err(error) = self.fill().await {
                self.response = None;
                let passing = matches!(&error, Error::Unreachable { .. })
                    || matches!(&error, Error::Refused(p) if p.status == 503);
                self.failures += 1;
                if !passing || self.failures >= self.client.tries_max {
                    return Err(error);
                }
                tokio::time::sleep(pause(self.failures, None)).await;
            }
        }
    }

    async fn fill(&mut self) -> Result<(), Error> {
        if self.response.is_none() {
            self.connect().await?;
        }
        let Some(response) = &mut self.response else {
            return Ok(());
        };
        match tokio::time::timeout(SILENCE_MAX, response.chunk()).await {
            Ok(Ok(Some(chunk))) => self
                .parser
                .push(&chunk)
                .map_err(|TooLong| self.client.protocol("a message is too long".into())),
            Ok(Ok(None)) => Err(self.client.silent()),
            Ok(Err(error)) => Err(self.client.unreachable(&error)),
            Err(_) => Err(self.client.silent()),
        }
    }

    fn take(&mut self, frame: &Frame) -> Result<Option<Message>, Error> {
        if let Some(id) = &frame.id {
            self.query.after = Some(id.clone());
        }
        if frame.data.is_empty() {
            return Ok(None);
        }
        let message = if frame.kind == PROGRESS {
            serde_json::from_str(&frame.data).map(Message::Progress)
        } else if frame.kind == HOST {
            serde_json::from_str(&frame.data).map(Message::Host)
        } else if frame.kind == IMAGE {
            serde_json::from_str(&frame.data).map(Message::Image)
        } else {
            serde_json::from_str(&frame.data).map(|event| Message::Event(Box::new(event)))
        };
        message.map(Some).map_err(|e| {
            self.client
                .protocol(format!("a message cannot be read: {e}"))
        })
    }
}

impl Client {
    fn silent(&self) -> Error {
        Error::Unreachable {
            url: self.base.to_string(),
            reason: "the stream ended".into(),
        }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Frame {
    id: Option<String>,
    kind: String,
    data: String,
}

#[derive(Debug)]
struct TooLong;

/// Cuts bytes into messages: lines `field: value`, ended by an empty line.
#[derive(Debug, Default)]
struct Parser {
    line: Vec<u8>,
    frame: Frame,
    ready: VecDeque<Frame>,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.end_line(&String::from_utf8_lossy(&line));
            } else if *byte != b'\r' {
                self.line.push(*byte);
            }
            if self.line.len() + self.frame.data.len() > limits::client::MESSAGE_BYTES_MAX {
                return Err(TooLong);
            }
        }
        Ok(())
    }

    fn end_line(&mut self, line: &str) {
        if line.is_empty() {
            let frame = std::mem::take(&mut self.frame);
            if frame != Frame::default() {
                self.ready.push_back(frame);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.frame.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.frame.kind),
            "data" => {
                if !self.frame.data.is_empty() {
                    self.frame.data.push('\n');
                }
                self.frame.data.push_str(value);
            }
            // Comments begin with a colon; `retry` is ours to decide.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_the_same_however_the_bytes_are_cut() {
        let text = b": hello\n\nid: 7.0\r\nevent: lease.granted\r\ndata: {\"a\":\r\ndata:1}\r\n\r\nid:7.1\ndata: x\n\n";
        for size in 1..text.len() {
            let mut parser = Parser::default();
            for chunk in text.chunks(size) {
                parser.push(chunk).unwrap();
            }
            assert_eq!(parser.ready.len(), 2);
            assert_eq!(parser.ready[0].id.as_deref(), Some("7.0"));
            assert_eq!(parser.ready[0].kind, "lease.granted");
            assert_eq!(parser.ready[0].data, "{\"a\":\n1}");
            assert_eq!(parser.ready[1].data, "x");
        }
    }

    #[test]
    fn a_message_without_end_is_not_kept() {
        let mut parser = Parser::default();
        let endless = vec![b'x'; limits::client::MESSAGE_BYTES_MAX + 1];
        assert!(parser.push(&endless).is_err());
    }
}
