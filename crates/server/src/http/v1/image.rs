//! Images of a host: what it is to have, pulled or loaded before something is built there.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::image::{Image, ImageState, Images, LoadedImages, PullImages};
use caviada_api::timestamp::Timestamp;
use caviada_core::access::{Relation, Verb};
use caviada_core::host::Host;
use caviada_core::image;
use caviada_core::image::pull::Standing;
use caviada_core::limits;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{answer, read};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::Ask;
use crate::http::problem::Error;
use crate::image::{NotLoaded, Shown};

/// A body that comes for hours.
pub const LOAD_PATH: &str = "/api/v1/hosts/{name}/images/load";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(pull))
        .routes(routes!(load))
}

/// The images of a host that the server knows of: those of which something that may be built there is
/// made, and those that somebody asked for lately.
#[utoipa::path(get, path = "/api/v1/hosts/{name}/images", tag = "hosts", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the host")),
    responses((status = 200, description = "They, by name", body = Images)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeHosts)?;
    let host = state.host_named(&read::name("host", &name)?);
    let host = host.ok_or_else(|| Error::unknown("host", &name))?;
    answer::json(StatusCode::OK, &known(&app, host))
}

/// Has images pulled now, whatever failed before, and answers at once how they stand. A host that is
/// not seen is refused.
#[utoipa::path(post, path = "/api/v1/hosts/{name}/images/pull", tag = "hosts", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the host")),
    request_body = PullImages,
    responses((status = 200, description = "Its images as they stand", body = Images)))]
async fn pull(
    State(app): State<App>,
    Path(name): Path<String>,
    ask: Ask<PullImages>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let state = app.ledger().snapshot().await?;
    ask.caller
        .principal(&state)?
        .may(Verb::Manage, Relation::Own)?;
    let host = state.host_named(&read::name("host", &name)?);
    let host = host.ok_or_else(|| Error::unknown("host", &name))?;
    let max = limits::IMAGES_PER_HOST_MAX;
    if ask.body.images.len() > max {
        return Err(Error::invalid("images", format!("at most {max}")));
    }
    if !app.has_images(host) {
        let why = format!("hosts of the driver {} have no images", host.spec.driver);
        return Err(Error::new("conflict").detail(why));
    }
    if !host.seen {
        // It would be waited for without an end.
        let why = app.sights().of(host.id).and_then(|sight| sight.why);
        let why = why.as_deref().unwrap_or("its driver has not looked yet");
        return Err(Error::new("host-unavailable").detail(why));
    }
    let mut images = BTreeSet::new();
    for (at, name) in ask.body.images.iter().enumerate() {
        let added = image::add(&mut images, name);
        added.map_err(|e| Error::invalid(format!("images[{at}]"), e.to_string()))?;
    }
    if !app.images().ask(host.id, images) {
        let why = format!("at most {max} images of one host are looked after");
        return Err(Error::invalid("images", why));
    }
    answer::json(StatusCode::OK, &known(&app, host))
}

/// Loads a bundle of `caviada image bundle` into the engine of a host, as it comes. One that is cut
/// short, altered or no bundle is refused, and the engine has nothing of it.
#[utoipa::path(post, path = "/api/v1/hosts/{name}/images/load", tag = "hosts", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the host")),
    request_body(content = Vec<u8>, content_type = "application/x-tar", description = "The bundle"),
    responses((status = 200, description = "What is there now", body = LoadedImages)))]
async fn load(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Result<Response, Error> {
    let host: Arc<Host> = {
        let state = app.ledger().snapshot().await?;
        caller.principal(&state)?.may(Verb::Manage, Relation::Own)?;
        let host = state.host_named(&read::name("host", &name)?);
        host.ok_or_else(|| Error::unknown("host", &name))?.clone()
    };
    let body = request.into_body().into_data_stream();
    let loaded = app.load_images(&host, body).await?;
    loaded
        .map_err(|why| refused(&host, &why))
        .and_then(|loaded| answer::json(StatusCode::OK, &loaded))
}

fn refused(host: &Host, why: &NotLoaded) -> Error {
    tracing::warn!(host = host.name.as_str(), "a bundle was not loaded: {why}");
    match why {
        NotLoaded::Busy => Error::new("busy").detail(why.to_string()),
        NotLoaded::Unavailable(_) | NotLoaded::NotTaken => {
            Error::new("host-unavailable").detail(why.to_string())
        }
        NotLoaded::Host(_) | NotLoaded::Refused(_) => {
            Error::new("conflict").detail(why.to_string())
        }
        NotLoaded::TooLarge => Error::new("too-large").detail(why.to_string()),
        NotLoaded::BrokeOff => Error::malformed("body", "it broke off"),
        NotLoaded::File(why) => Error::invalid("body", why.to_string()),
    }
}

fn known(app: &App, host: &Host) -> Images {
    let images = app.images().of(host.id).into_iter();
    Images {
        images: images.map(|shown| render(host, shown)).collect(),
    }
}

fn render(host: &Host, (image, pull, bytes): Shown) -> Image {
    let (state, seen_at, why, next_try_at) = match pull.standing {
        Standing::Waiting => (ImageState::Waiting, None, None, None),
        Standing::Pulling => (ImageState::Pulling, None, None, None),
        Standing::There { at } => (ImageState::There, Some(at), None, None),
        Standing::Failed { why, until } => {
            let again = pull.wanted.then_some(until);
            (ImageState::Failed, None, Some(why.into()), again)
        }
    };
    Image {
        host: host.name.to_string(),
        image,
        state,
        wanted: pull.wanted,
        bytes_done: bytes.map(|b| b.0),
        bytes: bytes.map(|b| b.1).filter(|of| *of > 0),
        seen_at: seen_at.map(|at| Timestamp(at.0)),
        why,
        next_try_at: next_try_at.map(|at| Timestamp(at.0)),
        tries: pull.tries,
    }
}
