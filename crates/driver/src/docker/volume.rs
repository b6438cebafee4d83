//! Named volumes, one set per generation: no data outlives the build it belongs to.

use std::collections::HashMap;

use bollard::models::VolumeCreateRequest;

use super::call::Call;
use super::label::{self, Mark};
use crate::{DriverError, Failure, Identity};

/// Makes one volume or adopts the one that is there: the engine answers the same either way.
pub(super) async fn ensure(
    call: &Call<'_>,
    identity: &Identity,
    part: &str,
) -> Result<(), DriverError> {
    make(call, identity, part, label::labels(identity)).await
}

/// Makes an empty volume that says how many services a resource has, where no container that was
/// made since says so: what is once made keeps its labels. No template can name one so.
pub(super) async fn tally(
    call: &Call<'_>,
    identity: &Identity,
    services: usize,
) -> Result<(), DriverError> {
    let mut labels = label::labels(identity);
    labels.insert(label::SERVICES.to_owned(), services.to_string());
    let part = format!("services.{}", identity.revision);
    make(call, identity, &part, labels).await
}

async fn make(
    call: &Call<'_>,
    identity: &Identity,
    part: &str,
    labels: HashMap<String, String>,
) -> Result<(), DriverError> {
    let name = label::name(identity, part);
    let request = VolumeCreateRequest {
        name: Some(name.clone()),
        labels: Some(labels),
        ..VolumeCreateRequest::default()
    };
    let volume = call.heavy(call.engine.create_volume(request)).await;
    let volume = volume.map_err(|f| call.failed(f, &name))?;
    match Mark::read(&volume.labels) {
        Some(mark) if mark.is_of(identity) => Ok(()),
        _ => Err(call.no(
            Failure::NotOurs,
            format!("a volume {name} is there that is not ours; remove or rename it"),
        )),
    }
}
