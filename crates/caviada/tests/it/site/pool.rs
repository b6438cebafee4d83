//! A pool of processes at a site: declared, watched, and hurt.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use caviada_api::client::{Client, Options};
use caviada_api::event::{Event, EventQuery};
use caviada_api::host::{DriverName, HostSpec};
use caviada_api::pool::PoolSpec;
use caviada_api::resource::{Resource, ResourceQuery, ResourceState};
use caviada_api::template::TemplateSpec;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{ADMIN, Site, WITHIN};

impl Site {
    pub fn admin(&self) -> Client {
        let mut options = Options::new(self.url.clone());
        options.key = Some(ADMIN.to_owned());
        Client::new(&options).unwrap()
    }

    /// A host of processes, and a template that runs `script` in a shell there.
    pub async fn built(&self, pool: &str, script: &str, spec: PoolSpec) {
        self.declared(pool, &[("main", script, false)], spec).await;
    }

    /// The same behind a job that must end first.
    pub async fn gated(&self, pool: &str, job: &str, spec: PoolSpec) {
        let main = "while :; do sleep 1; done";
        let services = [("gate", job, true), ("main", main, false)];
        self.declared(pool, &services, spec).await;
    }

    async fn declared(&self, pool: &str, services: &[(&str, &str, bool)], spec: PoolSpec) {
        let admin = self.admin();
        let service = |(name, script, job): &(&str, &str, bool)| {
            let mut service = serde_json::json!({
                "image": "none",
                "x-caviada-process": {"program": "/bin/sh", "args": ["-c", script]},
            });
            if *job {
                service["x-caviada-job"] = serde_json::json!({});
            } else if services.len() > 1 {
                let gate = serde_json::json!({"condition": "service_completed_successfully"});
                service["depends_on"] = serde_json::json!({"gate": gate});
            }
            ((*name).to_owned(), service)
        };
        let services: serde_json::Map<_, _> = services.iter().map(service).collect();
        let compose = serde_json::json!({"services": services});
        let files = [
            (
                "template.toml",
                format!("name = \"{pool}\"\ndrivers = [\"process\"]\n"),
            ),
            ("compose.yaml", compose.to_string()),
        ];
        let template = TemplateSpec {
            files: files.map(|(path, text)| (path.to_owned(), text)).into(),
            declared_in: None,
        };
        admin.put_template(pool, &template, None).await.unwrap();
        let host = HostSpec::new(DriverName::Process);
        admin.put_host("here", &host, None).await.unwrap();
        let spec = PoolSpec {
            template: Some(pool.to_owned()),
            ..spec
        };
        admin.put_pool(pool, &spec, None).await.unwrap();
    }

    /// Members of a pool in a state.
    pub async fn members(&self, pool: &str, state: ResourceState) -> Vec<Resource> {
        let query = ResourceQuery {
            pool: Some(pool.to_owned()),
            ..ResourceQuery::default()
        };
        let mut all = self.admin().resources(&query).await.unwrap().items;
        all.retain(|r| r.state == state);
        all
    }

    /// Waits until so many members are offered.
    pub async fn warm(&self, pool: &str, many: u64) {
        let admin = self.admin();
        self.until(&format!("{many} offered"), async || {
            admin.pool(pool).await.unwrap().counts.offerable >= many
        })
        .await;
    }

    /// Waits for a condition that comes from outside of this test.
    pub async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + WITHIN;
        while !is_so().await {
            assert!(Instant::now() < deadline, "{what}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every event there is, oldest first.
    pub async fn events(&self) -> Vec<Event> {
        let mut query = EventQuery {
            after: Some("0".into()),
            limit: Some(1_000),
            ..EventQuery::default()
        };
        let mut events = Vec::new();
        loop {
            let page = self.admin().events(&query).await.unwrap();
            events.extend(page.items);
            query.cursor = page.next;
            if query.cursor.is_none() {
                return events;
            }
        }
    }

    /// Kills what a resource runs, behind the server's back.
    pub fn murder(&self, resource: &Resource) {
        let pid = self.runs(resource).expect("it runs");
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }

    /// The process that a resource runs, if it runs.
    pub fn runs(&self, resource: &Resource) -> Option<i32> {
        let name = format!("{}-g{}", resource.id, resource.generation);
        let folder = self.processes().join(name);
        let status = std::fs::read(folder.join("services/main/status.json")).unwrap();
        let status: serde_json::Value = serde_json::from_slice(&status).unwrap();
        let pid = i32::try_from(status["process"]["pid"].as_i64()?).unwrap();
        kill(Pid::from_raw(pid), None).is_ok().then_some(pid)
    }

    /// The letter by which the kernel tells what the process of a resource does.
    pub fn process_state(&self, resource: &Resource) -> char {
        let pid = self.runs(resource).expect("it runs");
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let (_, after) = stat.rsplit_once(") ").unwrap();
        after.chars().next().unwrap()
    }

    /// Waits until its host was looked at so many times more.
    pub async fn looked(&self, times: usize) {
        let admin = self.admin();
        let mut seen = BTreeSet::new();
        self.until("it is looked at", async || {
            seen.insert(admin.host("here").await.unwrap().seen_at);
            seen.len() > times
        })
        .await;
    }
}
