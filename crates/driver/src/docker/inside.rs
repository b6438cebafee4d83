//! The containers of a resource's services, by the names they were given.

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::InspectContainerOptions;

use super::call::Call;
use super::label::{self, Mark};
use crate::engine::container::Container;
use crate::{DriverError, Failure, Identity};

/// The container of a service of exactly this generation, as the engine shows it.
pub(super) async fn owned(
    call: &Call<'_>,
    identity: &Identity,
    service: &str,
) -> Result<ContainerInspectResponse, DriverError> {
    label::plain(service).map_err(|why| call.no(Failure::Refused, why))?;
    let name = label::name(identity, service);
    let found = call.quick(
        call.engine
            .inspect_container(&name, None::<InspectContainerOptions>),
    );
    let found = match found.await {
        Ok(found) => found,
        Err(fault) if fault.is(404) => {
            return Err(call.no(Failure::Refused, label::no_service(identity, service)));
        }
        Err(fault) => return Err(call.failed(fault, service)),
    };
    match mark(&found) {
        Some(mark) if mark.is_of(identity) => Ok(found),
        _ => Err(call.no(
            Failure::NotOurs,
            format!("a container {name} is there that is not ours; remove or rename it"),
        )),
    }
}

/// The container of a service of exactly this generation, to be looked into.
pub(super) async fn container<'a>(
    call: &'a Call<'a>,
    identity: &Identity,
    service: &'a str,
) -> Result<Container<'a>, DriverError> {
    let found = owned(call, identity, service).await?;
    Ok(at(call, found.id.unwrap_or_default(), service))
}

/// The container of that id.
pub(super) fn at<'a>(call: &'a Call<'a>, id: String, service: &'a str) -> Container<'a> {
    Container { call, id, service }
}

/// What the labels of a container say.
pub(super) fn mark(container: &ContainerInspectResponse) -> Option<Mark> {
    Mark::read(container.config.as_ref()?.labels.as_ref()?)
}
