//! Named volumes, one set per generation: no data outlives the build it belongs to.

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
    let name = label::name(identity, part);
    let request = VolumeCreateRequest {
        name: Some(name.clone()),
        labels: Some(label::labels(identity)),
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
