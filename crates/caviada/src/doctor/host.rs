//! Hosts as their drivers find them from here.

use std::sync::Arc;
use std::time::Duration;

use caviada_core::host::Host;
use caviada_core::host::survey::{Finding, Verdict};
use caviada_core::id::ResourceId;
use caviada_core::limits;
use caviada_driver::{Driver, HostFacts};
use caviada_ledger::look::Look;
use caviada_ledger::seal::{MASTER_KEY, MasterKey, SealError};
use caviada_server::config::Config;
use caviada_server::host::Drivers;
use caviada_server::host::check::examine;

use super::finding::Report;
use crate::cli::exit::Failure;

const LOOK_MAX: Duration = Duration::from_millis(limits::server::CHECK_MS_MAX);

/// What was seen of one host.
#[derive(Debug)]
pub struct SeenHost {
    name: String,
    facts: Result<HostFacts, String>,
    things: usize,
    /// What is not well with it, but that it is there.
    findings: Vec<Finding>,
    /// What it carries of revisions that the store does not know, with their generation.
    pub later: Vec<(ResourceId, u64)>,
}

impl SeenHost {
    /// Adds what is to say of it.
    pub fn tell(&self, revision: u64, report: &mut Report) {
        let check = format!("host {}", self.name);
        match &self.facts {
            Err(why) => report.is_bad(&check, format!("{why}; leases on it go on, builds wait")),
            Ok(facts) => report.is_well(
                &check,
                format!(
                    "version {}, {} processors, {} MiB, {} things of ours",
                    facts.version,
                    facts.cpus,
                    facts.memory_bytes >> 20,
                    self.things
                ),
            ),
        }
        for finding in &self.findings {
            let (check, what) = (format!("{check}: {}", finding.check), &finding.what);
            match finding.verdict {
                Verdict::Well => {}
                Verdict::Warning => report.warns(check, what),
                Verdict::Bad => report.is_bad(check, what),
            }
        }
        for (resource, generation) in &self.later {
            report.is_bad(
                &check,
                format!(
                    "{resource} in generation {generation} is of a later revision than {revision}"
                ),
            );
        }
    }
}

/// Runs what hosts are asked on a runtime of its own.
fn on_runtime<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::failed(format!("cannot start: {e}")))?;
    Ok(runtime.block_on(work))
}

/// The key under which secrets are sealed, if there is one.
pub fn master_key(config: &Config) -> Result<Option<MasterKey>, SealError> {
    MasterKey::present(std::env::var(MASTER_KEY).ok().as_deref(), &config.data_dir)
}

/// What is built on a host stands on this machine.
pub fn is_here(host: &Host) -> bool {
    let spec = &host.spec;
    &*spec.driver == "docker" && spec.address.starts_with("unix://")
}

fn drivers(config: &Config, looked: &Look) -> Result<Drivers, Failure> {
    // Why there is none is told on its own; most hosts do without.
    let key = master_key(config).ok().flatten();
    let program = std::env::current_exe()
        .map_err(|e| Failure::failed(format!("this program cannot be found: {e}")))?;
    Ok(Drivers {
        installation: looked.installation.clone(),
        process_dir: config.data_dir.join("process"),
        program: program.to_string_lossy().into_owned(),
        key: key.map(Arc::new),
        stand_in: None,
    })
}

/// Asks every host, all at once.
pub fn look_at_all(config: &Config, looked: &Look) -> Result<Vec<SeenHost>, Failure> {
    let drivers = drivers(config, looked)?;
    on_runtime(async {
        let looks = looked.state.hosts.values();
        let looks = looks.map(|host| one(&drivers, host, looked.revision));
        futures_util::future::join_all(looks).await
    })
}

async fn one(drivers: &Drivers, host: &Host, revision: u64) -> SeenHost {
    let mut seen = SeenHost {
        name: host.name.to_string(),
        facts: Err(String::new()),
        things: 0,
        findings: Vec::new(),
        later: Vec::new(),
    };
    let looks = async {
        let driver: Arc<dyn Driver> = drivers.of(host).map_err(|e| e.to_string())?;
        let facts = driver.probe().await.map_err(|e| e.to_string())?;
        let things = driver.list().await.map_err(|e| e.to_string())?;
        Ok((facts, things))
    };
    let looked = tokio::time::timeout(LOOK_MAX, looks).await;
    match looked.unwrap_or_else(|_| Err(format!("no answer within {} s", LOOK_MAX.as_secs()))) {
        Err(why) => seen.facts = Err(why),
        Ok((facts, things)) => {
            seen.findings = examine(drivers, host).await;
            seen.facts = Ok(facts);
            seen.things = things.len();
            let later = things.iter().filter(|t| t.identity.revision > revision);
            seen.later = later
                .map(|t| (t.identity.resource, t.identity.generation))
                .collect();
        }
    }
    seen
}

/// Removes what hosts carry of later revisions. All hosts must be there: one that comes back later
/// would say again that the store was rolled back.
pub fn remove_later(config: &Config, looked: &Look) -> Result<(), Failure> {
    let all = look_at_all(config, looked)?;
    if let Some((name, why)) = all
        .iter()
        .find_map(|seen| Some((&seen.name, seen.facts.as_ref().err()?)))
    {
        return Err(Failure::failed(format!(
            "host {name}: {why}. Nothing was removed anywhere: make it reachable, or go on with --forget"
        )));
    }
    let drivers = drivers(config, looked)?;
    on_runtime(async {
        for seen in &all {
            let mut hosts = looked.state.hosts.values();
            let host = hosts.find(|h| h.name.as_str() == seen.name);
            let Some(host) = host else { continue };
            let failed = |e: &dyn std::fmt::Display| {
                Failure::failed(format!("host {}: {e}; run it again to go on", seen.name))
            };
            let driver = drivers.of(host).map_err(|e| failed(&e))?;
            for (resource, generation) in &seen.later {
                let delete = driver.delete(*resource, *generation).await;
                delete.map_err(|e| failed(&e))?;
                eprintln!(
                    "caviada: removed {resource} in generation {generation} from host {}",
                    seen.name
                );
            }
        }
        Ok(())
    })?
}
