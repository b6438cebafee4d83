//! One request and its answer.

use std::fmt;

use caviada_core::limits;
use caviada_fuzz::Chance;
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;

use super::description::{Description, Operation};
use super::value::Maker;
use super::world::World;
use crate::site::Site;

/// What is sent, and what about it is wrong on purpose.
#[derive(Debug)]
pub struct Sent {
    pub method: String,
    /// Index into the description's operations; none where no such operation is described.
    pub operation: Option<usize>,
    pub target: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Vec<u8>>,
    who: &'static str,
    /// Why it must not be done.
    pub wrong: Option<&'static str>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub media_type: String,
    pub retry_after: Option<String>,
    pub request_id: String,
    pub bytes: Vec<u8>,
    pub json: Option<Value>,
}

impl Sent {
    pub fn made(description: &Description, world: &World, chance: &mut Chance) -> Self {
        let index = operation(description, chance);
        let operation = &description.operations[index];
        let who = world.principal(chance).name;
        let mut maker = Maker {
            description,
            world,
            chance,
        };
        let mut sent = Self {
            method: operation.method.clone(),
            operation: Some(index),
            target: path(operation, &mut maker),
            headers: Vec::new(),
            body: None,
            who,
            wrong: None,
        };
        sent.query(operation, &mut maker);
        sent.conditions(&mut maker);
        if operation.body.is_some() {
            sent.body(operation, &mut maker);
        }
        if maker.chance.percent(3) {
            sent.another_method(description, operation, maker.chance);
        }
        sent
    }

    fn query(&mut self, operation: &Operation, maker: &mut Maker<'_>) {
        let mut pairs = Vec::new();
        for parameter in operation.parameters.iter().filter(|p| p.place == "query") {
            if !maker.chance.percent(20) {
                continue;
            }
            let value = match parameter.name.as_str() {
                // A test has no time to wait for long.
                "wait_ms" => maker.chance.one(&["0", "1", "20", "-1", "x"]).to_owned(),
                name => match maker.of(&parameter.schema, name, 0) {
                    Value::String(text) => text,
                    other => other.to_string(),
                },
            };
            pairs.push((parameter.name.clone(), value));
        }
        if maker.chance.percent(3) && operation.path.starts_with("/api/") {
            pairs.push(("colour".to_owned(), "red".to_owned()));
            self.wrong = Some("an unknown field in the query");
        }
        if maker.chance.percent(2) && !pairs.is_empty() {
            pairs.push(pairs[0].clone());
            self.wrong = Some("a field of the query twice");
        }
        if !pairs.is_empty() {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&pairs);
            self.target += &format!("?{}", query.finish());
        }
    }

    fn conditions(&mut self, maker: &mut Maker<'_>) {
        if maker.chance.percent(12) {
            let key = match maker.chance.below(8) {
                0 => "k".repeat(limits::IDEMPOTENCY_KEY_BYTES_MAX + 1),
                1 => String::new(),
                2 => "\u{7f}é".to_owned(),
                n => format!("key-{}", n + maker.chance.below(20)),
            };
            self.headers.push(("idempotency-key", key));
        }
        if maker.chance.percent(6) {
            let etags: Vec<&str> = maker.world.etags.iter().map(String::as_str).collect();
            let etag = match maker.chance.below(5) {
                0 => "W/\"1.0\"".to_owned(),
                1 => "99999999999999999999.0".to_owned(),
                _ => format!("\"{}\"", maker.chance.one(&etags)),
            };
            self.headers.push(("if-match", etag));
        } else if maker.chance.percent(3) {
            let tag = maker.chance.one(&["*", "\"1.0\""]).to_owned();
            self.headers.push(("if-none-match", tag));
        }
        if maker.chance.percent(2) {
            let id = maker
                .chance
                .one(&["build-17", "\u{1}", "a b", ""])
                .to_owned();
            self.headers.push(("x-request-id", id));
        }
        if self.target.contains("/events") && maker.chance.percent(10) {
            self.headers
                .push(("accept", "text/event-stream".to_owned()));
            let id = maker.text("after");
            self.headers.push(("last-event-id", id));
        }
    }

    fn body(&mut self, operation: &Operation, maker: &mut Maker<'_>) {
        let schema = operation.body.as_ref().unwrap();
        let mut document = maker.of(schema, "", 0);
        if operation.path.contains("/templates/") && maker.chance.percent(60) {
            for (index, name) in ["template.toml", "compose.yaml"].into_iter().enumerate() {
                document["files"][name] = maker.world.texts("files")[index].into();
            }
        }
        if operation.path.ends_with("/leases") && maker.chance.percent(60) {
            // Of all that an acquire may say most is seldom said, and much at once cannot be met.
            let said = ["pool", "ttl_ms", "wait_ms", "labels", "note"];
            let fields = document.as_object_mut().unwrap();
            fields.retain(|field, _| said.contains(&field.as_str()));
            fields.insert("pool".to_owned(), maker.text("pool").into());
        }
        if maker.chance.percent(25) {
            for _ in 0..=maker.chance.below(2) {
                maker.spoil(&mut document);
            }
        }
        let mut bytes = serde_json::to_vec(&document).unwrap();
        let cuts = maker.chance.below(60);
        if cuts == 0 {
            bytes.truncate(maker.chance.below(bytes.len()));
            self.wrong = (!bytes.is_empty()).then_some("cut off").or(self.wrong);
        }
        if bytes.is_empty() {
            // It reads as an object without fields.
            document = serde_json::json!({});
        }
        if let Some(why) = maker.description.breaks(schema, &document) {
            // Numbers too large for the field are the server's to judge: the schema has no maxima.
            self.wrong.get_or_insert(if why.is_empty() {
                ""
            } else {
                "against its schema"
            });
        }
        match cuts {
            1 => {
                bytes.extend(b" {}");
                self.wrong = Some("two documents");
            }
            2 => {
                bytes.insert(1, 0xff);
                self.wrong = Some("no UTF-8");
            }
            3 => {
                bytes = b"[".repeat(100_000);
                self.wrong = Some("a hundred thousand lists");
            }
            4 if maker.chance.percent(20) => {
                bytes = vec![b' '; limits::BODY_BYTES_MAX + 1];
                self.wrong = Some("too large");
            }
            _ => {}
        }
        let kind = match maker.chance.below(60) {
            0 => "text/plain",
            1 => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        if kind != "application/json" && !bytes.is_empty() {
            self.wrong = Some("of another media type");
        }
        self.headers.push(("content-type", kind.to_owned()));
        self.body = Some(bytes);
    }

    /// The same path with a method it may not have.
    fn another_method(&mut self, all: &Description, operation: &Operation, chance: &mut Chance) {
        let methods = [
            "GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW",
        ];
        self.method = chance.one(&methods).to_owned();
        let same = |o: &Operation| o.path == operation.path && o.method == self.method;
        self.operation = all.operations.iter().position(same);
        self.wrong = self.operation.is_none().then_some("no method of this path");
    }

    /// No answer only to a body so large that the server closed before it was sent.
    pub async fn send(&self, site: &Site, world: &World) -> Option<Answer> {
        let of_that_name = |p: &&super::world::Principal| p.name == self.who;
        let principal = world.principals.iter().find(of_that_name).unwrap();
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        let mut request = site.request(method, &self.target, principal.secret.as_deref());
        // A connection of its own: one that a refused body left behind fails its next user.
        request = request.header("connection", "close");
        for (name, value) in &self.headers {
            // What no HTTP client can send is not sent.
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                request = request.header(HeaderName::from_static(name), value);
            }
        }
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        let limit = std::time::Duration::from_secs(60);
        let response = tokio::time::timeout(limit, request.send()).await;
        let response = response.unwrap_or_else(|_| panic!("no answer for {limit:?} to\n{self}"));
        let response = match response {
            Ok(response) => response,
            Err(_)
                if self
                    .body
                    .as_ref()
                    .is_some_and(|b| b.len() > limits::BODY_BYTES_MAX) =>
            {
                return None;
            }
            Err(error) => panic!("no answer: {error}\n{self}"),
        };
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let mut answer = Answer {
            status: response.status().as_u16(),
            media_type: header("content-type").unwrap_or_default(),
            retry_after: header("retry-after"),
            request_id: header("x-request-id").unwrap_or_default(),
            bytes: Vec::new(),
            json: None,
        };
        // A stream has no end.
        if !answer.media_type.starts_with("text/event-stream") {
            answer.bytes = response.bytes().await.expect("a whole answer").to_vec();
            answer.json = serde_json::from_slice(&answer.bytes).ok();
        }
        Some(answer)
    }
}

/// What creates and leases more often than what removes.
fn operation(description: &Description, chance: &mut Chance) -> usize {
    loop {
        let index = chance.below(description.operations.len());
        let operation = &description.operations[index];
        let keep = match (operation.method.as_str(), operation.path.as_str()) {
            (_, "/openapi.json") => 10,
            ("POST", "/api/v1/leases") => 100,
            ("POST", "/api/v1/resources") => 70,
            (_, path) if path.starts_with("/api/v1/leases/") => 80,
            ("DELETE", _) => 15,
            _ => 50,
        };
        if chance.percent(keep) {
            return index;
        }
    }
}

fn path(operation: &Operation, maker: &mut Maker<'_>) -> String {
    let mut path = operation.path.clone();
    for parameter in operation.parameters.iter().filter(|p| p.place == "path") {
        let value = match maker.chance.below(10) {
            0 => maker.text(&parameter.name),
            _ if parameter.name == "code" => maker.text("code"),
            _ => {
                let changes = operation.method != "GET";
                maker.world.id(&operation.path, changes, maker.chance)
            }
        };
        // An empty part, or one of dots, would be another path.
        let value = match value.as_str() {
            "" | "." | ".." => "empty".to_owned(),
            _ => value,
        };
        path = path.replace(&format!("{{{}}}", parameter.name), &encoded(&value));
    }
    path
}

fn encoded(text: &str) -> String {
    let byte = |b: u8| match b.is_ascii_alphanumeric() || b"-_~".contains(&b) {
        true => char::from(b).to_string(),
        false => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} by {}", self.method, self.target, self.who)?;
        for (name, value) in &self.headers {
            write!(f, "\n{name}: {value:?}")?;
        }
        let body = self.body.as_deref().unwrap_or_default();
        let shown = String::from_utf8_lossy(&body[..body.len().min(2_000)]);
        write!(f, "\n{shown}\nwrong: {:?}", self.wrong)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(2_000)]);
        write!(f, "answer {} {}: {shown}", self.status, self.media_type)
    }
}
