//! A template rendered for one resource: what a host shall run, with nothing left to choose.
//!
//! Made by `template::render` from a template's revision, its parameters and what the ledger
//! reserved (ports, subnet); read by every driver. Order is meaningful everywhere: the same input
//! gives the same blueprint, byte for byte.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use caviada_core::host::Defaults;
use serde::{Deserialize, Serialize};

/// All of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Blueprint {
    /// Services in an order in which each comes after those it depends on.
    pub services: Vec<Service>,
    /// Named volumes.
    pub volumes: Vec<String>,
    /// Network names beside the default one; each gets its own network on the engine.
    pub networks: Vec<String>,
    /// The subnet of the resource's networks, carved up in order; none lets the engine choose.
    pub subnet: Option<Subnet>,
    /// What the holder is given once all is ready.
    pub outputs: Vec<Output>,
    /// What the holder can take along as files, read each time he asks.
    #[serde(default)]
    pub files: Vec<HolderFile>,
    /// All must pass, in order, before the resource is ready.
    pub readiness: Vec<Probe>,
    /// How `reset` cleans in place; empty means it cannot.
    pub reset: Vec<ResetStep>,
    /// How long a bring-up may take, in milliseconds.
    pub create_ms_max: u64,
}

impl Blueprint {
    /// Gives services what their host says, where their template says nothing.
    pub fn fill(&mut self, defaults: &Defaults) {
        let rotates = defaults.log_bytes_max.is_some() || defaults.log_files_max.is_some();
        let own = LogRotation::default();
        let rotation = rotates.then(|| LogRotation {
            max_bytes: defaults.log_bytes_max.unwrap_or(own.max_bytes),
            max_files: defaults.log_files_max.unwrap_or(own.max_files),
        });
        for service in &mut self.services {
            service.log = service.log.take().or_else(|| rotation.clone());
            service.log_server = defaults.log_server.as_deref().map(str::to_owned);
            let limits = &mut service.limits;
            limits.memory_bytes = limits.memory_bytes.or(defaults.memory_bytes);
            limits.cpu_milli = limits.cpu_milli.or(defaults.cpu_milli);
            limits.pids = limits.pids.or(defaults.pids);
            for (name, pair) in &defaults.ulimits {
                let there = service.ulimits.entry(name.to_string());
                there.or_insert(*pair);
            }
        }
    }

    /// The service of that name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|s| s.name == name)
    }

    /// Whether the service runs once to its end: it is a job, or something waits for its success.
    #[must_use]
    pub fn is_job(&self, name: &str) -> bool {
        let awaited =
            |s: &Service| s.depends_on.get(name) == Some(&Dependency::ServiceCompletedSuccessfully);
        self.service(name).is_some_and(|s| s.job.is_some()) || self.services.iter().any(awaited)
    }

    /// The host port under which a service's port is published.
    #[must_use]
    pub fn host_port(&self, service: &str, container: u16, protocol: Protocol) -> Option<u16> {
        let mut ports = self.service(service)?.ports.iter();
        ports
            .find(|p| p.container == container && p.protocol == protocol)
            .map(|p| p.host)
    }
}

/// An IPv4 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// First address.
    pub address: Ipv4Addr,
    /// Prefix length, 8 to 29.
    pub prefix: u8,
}

/// One container or process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Service {
    /// DNS-like, unique in the blueprint.
    pub name: String,
    /// Image reference; empty for the process driver.
    pub image: String,
    /// Overrides the image's entry point.
    pub entrypoint: Option<Vec<String>>,
    /// Overrides the image's command. For a process, the program and its arguments.
    pub command: Option<Vec<String>>,
    /// The program and its arguments under the process driver, where they are others than
    /// `entrypoint` and `command`.
    pub process: Option<Vec<String>>,
    /// Environment.
    pub environment: BTreeMap<String, String>,
    /// Variables that jobs find out: each is the text of a file of one whose success this service
    /// waits for.
    #[serde(default)]
    pub environment_files: BTreeMap<String, JobFile>,
    /// Working directory.
    pub working_dir: Option<String>,
    /// User to run as.
    pub user: Option<String>,
    /// Published ports.
    pub ports: Vec<Port>,
    /// Where named volumes are mounted.
    pub mounts: Vec<Mount>,
    /// Files put into the container before it starts (path → content): configs with inline content.
    pub files: Vec<File>,
    /// Networks joined, with aliases; empty means the default network under the service's name.
    pub networks: BTreeMap<String, Vec<String>>,
    /// The service's own health check.
    pub healthcheck: Option<Healthcheck>,
    /// What must hold before this one starts.
    pub depends_on: BTreeMap<String, Dependency>,
    /// A job runs once and must exit with 0; else the service must keep running.
    pub job: Option<Job>,
    /// What the engine does when it ends.
    pub restart: Restart,
    /// Bounds on what it may use.
    pub limits: Limits,
    /// Log rotation; the driver's own where nothing is said.
    pub log: Option<LogRotation>,
    /// The syslog server that its log goes to, beside what the engine keeps of it.
    #[serde(default)]
    pub log_server: Option<String>,
    /// Name → (soft, hard).
    pub ulimits: BTreeMap<String, (i64, i64)>,
    /// Capabilities added.
    pub cap_add: Vec<String>,
    /// Capabilities dropped.
    pub cap_drop: Vec<String>,
    /// Security options, such as `no-new-privileges:true`.
    pub security_opt: Vec<String>,
    /// The template author's labels; `caviada.*` is refused at check.
    pub labels: BTreeMap<String, String>,
    /// Extra names in /etc/hosts, `name:address`.
    pub extra_hosts: Vec<String>,
    /// Root file system read-only.
    pub read_only: bool,
    /// Memory file systems, path → options.
    pub tmpfs: Vec<String>,
    /// Runs an init as process 1.
    pub init: bool,
    /// Host name inside.
    pub hostname: Option<String>,
    /// Signal that asks it to stop.
    pub stop_signal: Option<String>,
    /// How long it may take to stop before it is killed, in seconds.
    pub stop_grace_s: u32,
    /// Which nodes of a swarm may run it: `node.labels.disk==ssd`.
    #[serde(default)]
    pub constraints: Vec<String>,
}

/// A file that a job leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    /// The job.
    pub service: String,
    /// Absolute path in it.
    pub path: String,
}

/// One published port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Port inside.
    pub container: u16,
    /// Port on the host, from the resource's block.
    pub host: u16,
    /// Transport.
    pub protocol: Protocol,
}

/// A port's transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

/// A named volume's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// One of `Blueprint::volumes`.
    pub volume: String,
    /// Absolute path inside.
    pub path: String,
    /// Not writable from inside.
    pub read_only: bool,
}

/// One file with its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Absolute path inside.
    pub path: String,
    /// Text.
    pub content: String,
    /// Permission bits.
    pub mode: u32,
}

/// A command that says whether a service is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healthcheck {
    /// `CMD …`, `CMD-SHELL …` as Compose has it; `NONE` turns the image's own off.
    pub test: Vec<String>,
    /// Between two tests, in milliseconds.
    pub interval_ms: u64,
    /// For one test, in milliseconds.
    pub timeout_ms: u64,
    /// Failures in a row until unhealthy.
    pub retries: u32,
    /// Grace after the start, in milliseconds.
    pub start_period_ms: u64,
    /// Between two tests within that grace, in milliseconds; none means as ever.
    pub start_interval_ms: Option<u64>,
}

/// What a dependent waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dependency {
    /// It was started.
    ServiceStarted,
    /// Its health check passed.
    ServiceHealthy,
    /// It ended with exit code 0.
    ServiceCompletedSuccessfully,
}

/// A one-shot service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Job {
    /// Text its standard output must contain.
    pub output_contains: Option<String>,
}

/// What happens when a service ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// It stays down and the pool notices.
    #[default]
    No,
    /// Again, whatever the code.
    Always,
    /// Again on a code other than 0.
    OnFailure,
    /// Again, unless somebody stopped it.
    UnlessStopped,
}

/// Bounds on one service.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
pub struct Limits {
    /// Thousandths of a processor.
    pub cpu_milli: Option<u64>,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Number of processes.
    pub pids: Option<u32>,
}

/// How much a service's log may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRotation {
    /// Bytes in one file.
    pub max_bytes: u64,
    /// Files kept.
    pub max_files: u32,
}

impl Default for LogRotation {
    fn default() -> Self {
        Self {
            max_bytes: 10 << 20,
            max_files: 3,
        }
    }
}

/// One thing the holder is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Unique name; `web` becomes CAVIADA_ENDPOINT_WEB for `run`.
    pub name: String,
    /// Where its value comes from.
    pub value: OutputValue,
}

/// Where an output's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputValue {
    /// A published port; `format` has `{address}` and `{port}` (`http://{address}:{port}`).
    Port {
        /// Service.
        service: String,
        /// Port inside.
        port: u16,
        /// Transport.
        protocol: Protocol,
        /// Text with placeholders.
        format: String,
    },
    /// A file of a service, read once it is ready.
    File {
        /// Service.
        service: String,
        /// Absolute path.
        path: String,
    },
    /// Fixed text.
    Literal(String),
    /// A document in which `{name}` stands for an earlier output.
    Document(String),
}

/// Something the holder takes along: read from the host when he asks, kept nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderFile {
    /// Relative path at the holder's.
    pub name: String,
    /// What is in it.
    pub content: HolderContent,
}

/// What a holder's file is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderContent {
    /// A folder of a service, with all that is in it.
    Folder {
        /// Service.
        service: String,
        /// Absolute path.
        path: String,
    },
    /// A document in which `{folder/path}` stands for the text of a file of an earlier folder.
    Document(String),
}

/// One readiness test, repeated until it passes or its time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What is asked.
    pub check: Check,
    /// Between two tries, in milliseconds.
    pub interval_ms: u64,
    /// For one try, in milliseconds.
    pub timeout_ms: u64,
    /// For all tries together, in milliseconds.
    pub within_ms: u64,
}

/// What a probe asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// GET answers `status`, and its body contains `contains`.
    Http {
        /// Service.
        service: String,
        /// Port inside; asked through its host port.
        port: u16,
        /// Path and query.
        path: String,
        /// Expected status.
        status: u16,
        /// Text the body must have.
        contains: Option<String>,
    },
    /// The port accepts.
    Tcp {
        /// Service.
        service: String,
        /// Port inside.
        port: u16,
    },
    /// A command inside exits with 0.
    Exec {
        /// Service.
        service: String,
        /// The command.
        command: Vec<String>,
        /// Text its output must have.
        contains: Option<String>,
    },
    /// A JSON-RPC call whose result compares as asked.
    JsonRpc {
        /// What is called.
        #[serde(flatten)]
        call: JsonRpc,
        /// What the result must satisfy.
        expect: Expect,
    },
}

/// One JSON-RPC call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonRpc {
    /// Service.
    pub service: String,
    /// Port inside; asked through its host port.
    pub port: u16,
    /// Path and query, such as `/ext/bc/C/rpc`.
    pub path: String,
    /// Method.
    pub method: String,
    /// Parameters, a JSON array as text.
    pub params: String,
}

/// What a JSON-RPC result must satisfy. Hexadecimal texts (`0x1f`) count as numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Any result but an error.
    Any,
    /// Equal as JSON.
    Equals(String),
    /// A number at least this.
    AtLeast(i64),
    /// A number larger than at the first try.
    Grows,
}

/// One step of a reset in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetStep {
    /// A command inside a service.
    Exec {
        /// Service.
        service: String,
        /// The command.
        command: Vec<String>,
    },
    /// Stop and start a service.
    Restart {
        /// Service.
        service: String,
    },
    /// A call to a service, which must answer with a result.
    JsonRpc(JsonRpc),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_says_what_the_template_leaves_open_and_no_more() {
        let said = Service {
            log: Some(LogRotation {
                max_bytes: 1,
                max_files: 1,
            }),
            limits: Limits {
                memory_bytes: Some(1),
                ..Limits::default()
            },
            ulimits: [("nofile".to_owned(), (1, 1))].into(),
            ..Service::default()
        };
        let mut blueprint = Blueprint {
            services: vec![said.clone(), Service::default()],
            ..Blueprint::default()
        };
        let none = blueprint.clone();
        blueprint.fill(&Defaults::default());
        assert_eq!(blueprint, none);
        blueprint.fill(&Defaults {
            log_server: Some("udp://10.0.0.9:514".into()),
            log_files_max: Some(7),
            memory_bytes: Some(2),
            cpu_milli: Some(500),
            pids: Some(64),
            ulimits: [("nofile".into(), (2, 4)), ("nproc".into(), (3, 3))].into(),
            ..Defaults::default()
        });
        let [first, second] = &blueprint.services[..] else {
            panic!("{blueprint:?}");
        };
        assert_eq!(first.log, said.log);
        assert_eq!(first.log_server.as_deref(), Some("udp://10.0.0.9:514"));
        assert_eq!(first.limits.memory_bytes, Some(1));
        assert_eq!(first.limits.cpu_milli, Some(500));
        assert_eq!(first.ulimits["nofile"], (1, 1));
        assert_eq!(first.ulimits["nproc"], (3, 3));
        let rotation = second.log.as_ref().unwrap();
        assert_eq!((rotation.max_bytes, rotation.max_files), (10 << 20, 7));
        assert_eq!(second.limits.pids, Some(64));
        assert_eq!(second.ulimits["nofile"], (2, 4));
    }
}
