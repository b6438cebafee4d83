//! A server on loopback with a store of its own, and clients of it.

use std::net::IpAddr;
use std::sync::Arc;

use caviada_api::client::{Client, Options as ClientOptions};
use caviada_api::key::{NewKey, Role};
use caviada_api::pool::PoolSpec;
use caviada_api::resource::{Resource, ResourceSpec};
use caviada_core::webhook::target::Targets;
use caviada_ledger::directory::Directory;
use caviada_ledger::history::History;
use caviada_ledger::seal::MasterKey;
use caviada_ledger::{Handle, Place, Running, Start};
use caviada_server::host::Drivers;
use caviada_server::host::check::HostChecks;
use caviada_server::http::{self, App, Options, auth};
use caviada_server::webhook::{self, Webhooks};
use reqwest::{Method, RequestBuilder};
use rusqlite::Connection;
use rustls::ServerConfig;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Secret of the first admin key of every test server.
pub const ADMIN: &str = "test-admin-secret";

/// A running server. It ends with the value, without ado.
pub struct Site {
    pub url: String,
    pub handle: Handle,
    pub history: History,
    pub key: Arc<MasterKey>,
    pub http: reqwest::Client,
    told: JoinHandle<()>,
    end: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
    dir: TempDir,
}

impl Site {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// With webhooks that may go to these targets.
    pub async fn telling(targets: &[&str]) -> Self {
        let targets = Targets::parse(targets.iter().copied()).unwrap();
        Self::whole(Options::default(), None, targets).await
    }

    pub async fn with(options: Options) -> Self {
        Self::over(options, None).await
    }

    /// With TLS of the server itself; the address then begins with `https`.
    pub async fn over(options: Options, tls: Option<Arc<ServerConfig>>) -> Self {
        let targets = Targets::parse(["http://127.0.0.0/8"]).unwrap();
        Self::whole(options, tls, targets).await
    }

    async fn whole(mut options: Options, tls: Option<Arc<ServerConfig>>, targets: Targets) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::lock(dir.path()).unwrap();
        let key = MasterKey::find(None, &directory).unwrap();
        let Running {
            handle,
            history,
            marks,
            ..
        } = caviada_ledger::start(&directory, &Place::Sqlite, Start::default()).unwrap();
        let key = Arc::new(key);
        let webhooks = Webhooks::new(key.clone(), targets, marks);
        options.webhooks = Some(webhooks.clone());
        options.key = Some(key.clone());
        options.checks = Some(Arc::new(HostChecks::new(Drivers {
            installation: "here".into(),
            process_dir: dir.path().join("process"),
            program: "/nowhere".into(),
            key: Some(key.clone()),
            stand_in: None,
        })));
        let told = tokio::spawn(webhook::run(handle.clone(), history.clone(), webhooks));
        auth::first_key(&handle, Some(ADMIN.to_owned()), |_| Ok(()))
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (end, ended) = oneshot::channel::<()>();
        let router = http::router(App::new(handle.clone(), history.clone(), options), vec![]);
        let served = tokio::spawn(async move {
            let ended = async move {
                let _ = ended.await;
            };
            http::serve(listener, tls, router, ended).await.unwrap();
        });
        Self {
            url,
            handle,
            history,
            key,
            http: plain_http(),
            told,
            end: Some(end),
            served: Some(served),
            dir,
        }
    }

    /// Opens the ledger's file beside the server.
    pub fn ledger_file(&self) -> Connection {
        Connection::open(self.dir.path().join("ledger.db")).unwrap()
    }

    /// Ends as on SIGTERM.
    pub async fn end(mut self) {
        drop(self.end.take());
        self.told.abort();
        self.served.take().unwrap().await.unwrap();
    }

    pub fn admin(&self) -> Client {
        self.client(ADMIN)
    }

    pub fn client(&self, secret: &str) -> Client {
        let mut options = ClientOptions::new(&self.url);
        options.key = Some(secret.to_owned());
        options.tries_max = 1;
        Client::new(&options).unwrap()
    }

    /// A request without the client library, for what it would never send.
    pub fn request(&self, method: Method, path: &str, secret: Option<&str>) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match secret {
            Some(secret) => request.bearer_auth(secret),
            None => request,
        }
    }

    /// The secret of a new key for the owner of the same name.
    pub async fn key(&self, name: &str, role: Role) -> String {
        let key = new_key(name, role);
        self.admin().create_key(&key).await.unwrap().secret.unwrap()
    }

    pub async fn user(&self, name: &str) -> Client {
        let secret = self.key(name, Role::User).await;
        self.client(&secret)
    }

    /// A declared pool with members `name-0`, `name-1` …
    pub async fn pool(&self, name: &str, members: usize) -> Vec<Resource> {
        self.pool_with(name, members, PoolSpec::default()).await
    }

    pub async fn pool_with(&self, name: &str, members: usize, spec: PoolSpec) -> Vec<Resource> {
        let admin = self.admin();
        admin.put_pool(name, &spec, None).await.unwrap();
        if members == 0 {
            return vec![];
        }
        let member = |i| ResourceSpec {
            pool: name.to_owned(),
            name: format!("{name}-{i}"),
            ..ResourceSpec::default()
        };
        let items = (0..members).map(member).collect();
        admin.declare(items).await.unwrap().items
    }
}

/// HTTP without TLS, which needs no authorities.
pub fn plain_http() -> reqwest::Client {
    plain().build().unwrap()
}

/// The same from an address of loopback's network.
pub fn plain_http_from(address: IpAddr) -> reqwest::Client {
    plain().local_address(address).build().unwrap()
}

fn plain() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([])
}

pub fn new_key(name: &str, role: Role) -> NewKey {
    NewKey {
        name: name.to_owned(),
        role,
        owner: None,
        groups: vec![],
        act_for: vec![],
        expires_in_ms: None,
        secret: None,
        declared_in: None,
    }
}
