//! Engines that are none: they remember what stands on them and do nothing else, at once. What is
//! left is what hosts cost the server itself. No server has them but one that a bench started.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use caviada_core::host::Host;
use caviada_core::id::{HostId, ResourceId};
use caviada_driver::blueprint::Blueprint;
use caviada_driver::{
    Built, Capability, Condition, Driver, DriverError, ExecOutput, Failure, HostFacts, Identity,
    OnProgress, Power, Seen,
};

/// What stands on one of them.
#[derive(Debug, Default)]
struct Engine {
    things: Mutex<BTreeMap<ResourceId, Identity>>,
}

/// They outlive the drivers that speak to them.
static ENGINES: LazyLock<Mutex<HashMap<HostId, Arc<Engine>>>> = LazyLock::new(Mutex::default);

/// The driver of a host, whatever its spec says.
pub fn driver(host: &Host) -> Arc<dyn Driver> {
    let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    engines.entry(host.id).or_default().clone()
}

impl Engine {
    fn things(&self) -> MutexGuard<'_, BTreeMap<ResourceId, Identity>> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cannot(op: &'static str) -> DriverError {
    DriverError {
        op,
        kind: Failure::Unsupported,
        detail: "a simulated engine runs nothing".to_owned(),
        source: None,
    }
}

#[async_trait]
impl Driver for Engine {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn can(&self, capability: Capability) -> bool {
        matches!(capability, Capability::Power | Capability::Reset)
    }

    async fn probe(&self) -> Result<HostFacts, DriverError> {
        Ok(HostFacts {
            engine: String::new(),
            version: "simulated".to_owned(),
            cpus: 8,
            memory_bytes: 16 << 30,
        })
    }

    async fn list(&self) -> Result<Vec<Seen>, DriverError> {
        let things = self.things();
        let seen = things.values().map(|identity| Seen {
            identity: identity.clone(),
            condition: Condition::Up,
            detail: None,
        });
        Ok(seen.collect())
    }

    async fn create(
        &self,
        identity: &Identity,
        blueprint: &Blueprint,
        _: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        self.things().insert(identity.resource, identity.clone());
        let outputs = blueprint.outputs.iter();
        let value = || "http://127.0.0.1:20000".to_owned();
        Ok(Built {
            outputs: outputs.map(|o| (o.name.clone(), value())).collect(),
            notes: Vec::new(),
        })
    }

    async fn reset(
        &self,
        identity: &Identity,
        blueprint: &Blueprint,
        progress: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        self.create(identity, blueprint, progress).await
    }

    async fn power(&self, _: &Identity, _: Option<&str>, _: Power) -> Result<(), DriverError> {
        Ok(())
    }

    async fn delete(&self, resource: ResourceId, generation: u64) -> Result<(), DriverError> {
        let mut things = self.things();
        if things
            .get(&resource)
            .is_some_and(|i| i.generation <= generation)
        {
            things.remove(&resource);
        }
        Ok(())
    }

    async fn logs(&self, _: &Identity, _: &str, _: usize) -> Result<Vec<u8>, DriverError> {
        Err(cannot("logs"))
    }

    async fn exec(
        &self,
        _: &Identity,
        _: &str,
        _: &[String],
        _: Duration,
        _: usize,
    ) -> Result<ExecOutput, DriverError> {
        Err(cannot("exec"))
    }

    async fn put_files(
        &self,
        _: &Identity,
        _: &str,
        _: &str,
        _: Vec<u8>,
    ) -> Result<(), DriverError> {
        Err(cannot("put_files"))
    }

    async fn get_files(
        &self,
        _: &Identity,
        _: &str,
        _: &str,
        _: usize,
    ) -> Result<Vec<u8>, DriverError> {
        Err(cannot("get_files"))
    }
}
