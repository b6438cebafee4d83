//! Files with inline content as configs of the swarm, which brings them to whichever node needs them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::models::ConfigSpec;
use caviada_core::limits;

use super::call::Call;
use super::label::{self, Mark};
use crate::blueprint::Blueprint;
use crate::{DriverError, Failure, Identity};

/// One config.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub id: String,
    pub name: String,
}

/// The texts of a blueprint's files, each once, in the order in which they first stand there.
pub(super) fn contents(blueprint: &Blueprint) -> Vec<&str> {
    let mut contents: Vec<&str> = Vec::new();
    let files = blueprint.services.iter().flat_map(|s| &s.files);
    for file in files {
        if !contents.contains(&file.content.as_str()) {
            contents.push(&file.content);
        }
    }
    contents
}

/// Makes a config for each text or adopts the one that is there. The number of a text in the blueprint
/// is its name, so that a second try finds the first one's.
pub(super) async fn ensure<'a>(
    call: &Call<'_>,
    identity: &Identity,
    contents: Vec<&'a str>,
) -> Result<BTreeMap<&'a str, Config>, DriverError> {
    let mut made = BTreeMap::new();
    for (number, content) in contents.into_iter().enumerate() {
        let part = format!("config-{number}");
        let name = label::short_name(identity, &part, limits::driver::SWARM_CONFIG_NAME_CHARS_MAX);
        let spec = ConfigSpec {
            name: Some(name.clone()),
            labels: Some(label::labels_in_swarm(identity)),
            data: Some(STANDARD.encode(content)),
            ..ConfigSpec::default()
        };
        let id = match call.heavy(call.engine.create_config(spec)).await {
            Ok(created) => created.id,
            Err(fault) if fault.is(409) => adopt(call, identity, &name).await?,
            Err(fault) => return Err(call.failed(fault, &name)),
        };
        made.insert(content, Config { id, name });
    }
    Ok(made)
}

async fn adopt(call: &Call<'_>, identity: &Identity, name: &str) -> Result<String, DriverError> {
    let found = call.quick(call.engine.inspect_config(name)).await;
    let found = found.map_err(|f| call.failed(f, name))?;
    let labels = found.spec.and_then(|s| s.labels).unwrap_or_default();
    match Mark::read(&labels) {
        Some(mark) if mark.is_of(identity) => Ok(found.id.unwrap_or_default()),
        _ => Err(call.no(
            Failure::NotOurs,
            format!("a config {name} is there that is not ours; remove it"),
        )),
    }
}
