//! The old API as its clients meet it. Exchanges are written from the specification of PoolManager
//! and Cello, whose section each test names; where that is silent, the test says so.

mod access;
mod exchange;
mod fuzz;
mod input;
mod key;
mod operator;
mod past;
mod reference;
mod simulation;
mod user;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use caviada_api::attribute::Attribute;
use caviada_api::key::Role;
use caviada_api::pool::PoolSpec;
use caviada_api::resource::{Resource, ResourceSpec};
use caviada_ledger::seal::MasterKey;
use caviada_server::compat::poolmanager::{App, Door, Options, SESSIONS, Version, router};
use caviada_server::listener::{Requests, serve_requests};
use caviada_server::password::Passwords;
use caviada_server::rate::Rates;
use caviada_server::session::Sessions;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::site::{Site, new_key};

/// What sessions are sealed under here.
const MASTER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A server with a listener of the old API.
pub struct Old {
    pub site: Site,
    pub app: App,
    at: SocketAddr,
    served: JoinHandle<()>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub body: Value,
    /// What `Set-Cookie` and `Location` say.
    pub cookie: Option<String>,
    pub location: Option<String>,
}

impl Old {
    /// A pool `chains` of so many clusters, and a key `old` that acts for others there.
    pub async fn start(version: Version, clusters: usize) -> Self {
        let options = Options {
            principal: Some("old".parse().unwrap()),
            ..Options::default()
        };
        let old = Self::with(version, options).await;
        old.principal().await;
        old.chains("chains", clusters, "pbft", 4).await;
        old
    }

    /// The same, where callers without a key are operators, too.
    pub async fn opened(version: Version, clusters: usize, options: Options) -> Self {
        let options = Options {
            principal: Some("old".parse().unwrap()),
            operator: Some("ops".parse().unwrap()),
            ..options
        };
        let old = Self::with(version, options).await;
        old.principal().await;
        old.site.key("ops", Role::Operator).await;
        old.chains("chains", clusters, "pbft", 4).await;
        old
    }

    pub async fn with(version: Version, options: Options) -> Self {
        Self::at("127.0.0.1:0", version, options).await
    }

    /// Listening there.
    pub async fn at(address: &str, version: Version, options: Options) -> Self {
        let site = Site::start().await;
        let (handle, history) = (site.handle.clone(), site.history.clone());
        let key = MasterKey::present(Some(MASTER), Path::new(".")).unwrap();
        let key = Arc::new(key.unwrap());
        let sessions = Sessions::new(key, Passwords::default(), SESSIONS, false);
        let rates = Arc::new(Rates::new(None));
        let app = App::new(handle, history, rates, Some(sessions), options, None);
        let listener = TcpListener::bind(address).await.unwrap();
        let at = listener.local_addr().unwrap();
        let routes = router(app.clone(), version, Door::Listener);
        let never = std::future::pending::<()>();
        let served = serve_requests(listener, None, Requests::Mended, routes, never);
        let served = tokio::spawn(async move { served.await.unwrap() });
        Self {
            site,
            app,
            at,
            served,
        }
    }

    /// The key by which callers speak who show none.
    pub async fn principal(&self) -> String {
        let mut key = new_key("old", Role::User);
        key.act_for = vec!["chains".into(), "more".into()];
        let made = self.site.admin().create_key(&key).await.unwrap();
        made.secret.unwrap()
    }

    /// Declared clusters of one kind, whose leases have no deadline.
    pub async fn chains(&self, pool: &str, many: usize, plugin: &str, size: i64) -> Vec<Resource> {
        let mut spec = PoolSpec::default();
        spec.lease.no_deadline = true;
        let admin = self.site.admin();
        admin.put_pool(pool, &spec, None).await.unwrap();
        let text = |text: &str| Attribute::Text(text.into());
        let one = |i| ResourceSpec {
            pool: pool.into(),
            name: format!("{pool}_{i}"),
            attributes: [
                ("consensus_plugin".into(), text(plugin)),
                ("consensus_mode".into(), text("batch")),
                ("size".into(), Attribute::Number(size)),
            ]
            .into(),
            endpoints: [
                ("rest".into(), format!("http://10.0.0.{i}:7050")),
                ("grpc".into(), format!("10.0.0.{i}:7051")),
            ]
            .into(),
            ..ResourceSpec::default()
        };
        match many {
            0 => vec![],
            many => {
                admin
                    .declare((1..=many).map(one).collect())
                    .await
                    .unwrap()
                    .items
            }
        }
    }

    /// A request as it stands there, `\n` for the end of a line; the connection ends with it.
    pub async fn raw(&self, request: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.at).await.ok()?;
        // It may be answered, and the connection closed, before all is sent.
        let _ = stream.write_all(request).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.lines().next()?.split(' ').nth(1)?.parse().ok()?;
        let header = |name: &str| {
            let mut lines = head.lines().skip(1).filter_map(|l| l.split_once(": "));
            let found = lines.find(|(n, _)| n.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_owned())
        };
        Some(Answer {
            status,
            kind: header("content-type").unwrap_or_default(),
            body: serde_json::from_str(body).unwrap_or(Value::String(body.into())),
            cookie: header("set-cookie"),
            location: header("location"),
        })
    }

    /// With more headers, each with the end of its line.
    pub async fn headed(&self, method: &str, target: &str, headers: &str, form: &str) -> Answer {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        self.raw(request.as_bytes()).await.unwrap()
    }

    pub async fn get(&self, target: &str) -> Answer {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        self.raw(request.as_bytes()).await.unwrap()
    }

    /// With a body of this type; none for a header of its own.
    pub async fn send(&self, method: &str, target: &str, kind: &str, body: &str) -> Answer {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.raw(request.as_bytes()).await.unwrap()
    }

    pub async fn form(&self, target: &str, body: &str) -> Answer {
        self.send("POST", target, "application/x-www-form-urlencoded", body)
            .await
    }

    pub async fn json(&self, target: &str, body: &Value) -> Answer {
        self.send("POST", target, "application/json", &body.to_string())
            .await
    }
}

impl Drop for Old {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl Answer {
    /// Done, with this status for HTTP and in the envelope; what the envelope holds.
    #[track_caller]
    pub fn done(&self) -> &Value {
        assert_eq!(
            (self.status, &*self.kind),
            (200, "application/json"),
            "{self:?}"
        );
        assert_eq!(self.body["status"], "OK", "{self:?}");
        assert_eq!(
            (&self.body["code"], &self.body["error"]),
            (&200.into(), &"".into())
        );
        &self.body["data"]
    }

    /// Refused with this error in a whole envelope; what the envelope holds.
    #[track_caller]
    pub fn refused(&self, error: &str) -> &Value {
        self.is_refusal();
        assert_eq!(self.body["error"], error, "{self:?}");
        &self.body["data"]
    }

    /// A whole envelope of a refusal.
    #[track_caller]
    pub fn is_refusal(&self) {
        assert_eq!(
            (self.status, &*self.kind),
            (400, "application/json"),
            "{self:?}"
        );
        let fields = self.body.as_object().unwrap();
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(names, ["code", "data", "error", "status"]);
        assert_eq!(self.body["status"], "FAIL");
        assert!(self.body["code"].is_u64() && self.body["error"].is_string());
    }
}
