//! Every request: who asks, what for, an answer in the words of the version, an access line.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use caviada_core::name::Name;
use caviada_core::power::Way;
use futures_util::FutureExt as _;

use super::answer::{self, Answer, No, shown};
use super::call::{Ask, read};
use super::caller::{Caller, signed_in};
use super::route::{self, Does};
use super::version::Version;
use super::{App, Door, apply, cluster, host, page, profile, release, sign, stat, user};
use crate::line::{Line, REQUEST_ID, RequestId};
use crate::listener::TOO_LONG;

/// Answers one request.
pub(super) async fn edge(app: App, version: Version, door: Door, request: Request) -> Response {
    let began = Instant::now();
    let id = RequestId::of(request.headers());
    let line = Line::of(&request).below(door.path());
    let first = request.uri().path().split('/').find(|p| !p.is_empty());
    let spoken = first.and_then(|prefix| version.speaks_under(prefix));
    let mut key = None;
    let inner = AssertUnwindSafe(answered(
        &app,
        (version, spoken),
        door,
        request,
        &line,
        &mut key,
    ));
    let within = app.options().answer_within;
    let answered = match tokio::time::timeout(within, inner.catch_unwind()).await {
        Ok(Ok(answered)) => answered,
        Ok(Err(_)) => {
            tracing::error!(request.id = id.as_str(), "a handler panicked");
            Err(No::new("this is a bug in Caviada; nothing changed"))
        }
        Err(_) => Err(No::new("this took too long; ask again in a moment")),
    };
    let mut response = answer::write(spoken.unwrap_or(version), &answered);
    let headers = response.headers_mut();
    headers.insert(&REQUEST_ID, id.0.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    app.meter().record(response.status(), began.elapsed());
    line.write(&id, key.as_ref(), response.status(), began.elapsed());
    response
}

async fn answered(
    app: &App,
    (listens, spoken): (Version, Option<Version>),
    door: Door,
    request: Request,
    line: &Line,
    key: &mut Option<Name>,
) -> Result<Answer, No> {
    if request.uri().path() == TOO_LONG {
        return Err(No::new("the address is too long"));
    }
    let path = request.uri().path().to_owned();
    let user = signed_in(app, door, request.headers()).await?;
    let found = route::find(listens, request.method(), &path);
    let does = found.as_ref().map(|(does, _)| *does);
    if let Some(page) =
        does.and_then(|does| page::open(does, spoken.unwrap_or(listens), door, user.is_some()))
    {
        return Ok(page);
    }
    let Some(version) = spoken else {
        return Err(no_such_call(&path));
    };
    if let Some(what) = does.and_then(sign::What::of) {
        return sign::sign(app, door, line, what, request).await;
    }
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    // Who may not call at all is not told what there is.
    let caller = Caller::of(app, door, &request, line, user)?;
    *key = Some(caller.key.name.clone());
    let parameters = read(request).await?;
    let ask = Ask {
        app,
        version,
        caller: &caller,
        parameters: &parameters,
    };
    let (does, id) = found.ok_or_else(|| no_such_call(&path))?;
    if get && !caller.proven && does.changes_by_get() {
        return Err(No::new(
            "who is signed in changes something by POST, or from a page of this server",
        ));
    }
    done(ask, does, &id.unwrap_or_default()).await
}

/// Has it done by whoever does it.
async fn done(ask: Ask<'_>, does: Does, id: &str) -> Result<Answer, No> {
    match does {
        Does::Apply => apply::apply(ask).await,
        Does::Release => release::release(ask).await,
        Does::ClusterOp => match ask.parameters.text("action")?.as_deref() {
            Some("apply") => apply::apply(ask).await,
            Some("release") => release::one(ask).await,
            Some("start") => cluster::power(ask, Way::Start).await,
            Some("stop") => cluster::power(ask, Way::Stop).await,
            Some("restart") => cluster::power(ask, Way::Restart).await,
            _ => Err(No::new("Unknown action type")),
        },
        Does::Cluster => cluster::get(ask, id).await,
        Does::Clusters => cluster::list(ask).await,
        Does::ClusterIds => cluster::ids(ask).await,
        Does::NamedCluster => cluster::named(ask).await,
        Does::CreateCluster => cluster::create(ask).await,
        Does::DeleteCluster => cluster::delete(ask).await,
        Does::NamedHost => host::named(ask).await,
        Does::Host => host::get(ask, id).await,
        Does::Hosts => host::list(ask).await,
        Does::CreateHost => host::create(ask).await,
        Does::UpdateHost => host::update(ask).await,
        Does::DeleteHost => host::delete(ask).await,
        Does::HostOp => host::op(ask).await,
        Does::Stat => stat::stat(ask).await,
        Does::Users => user::list(ask).await,
        Does::CreateUser => user::create(ask).await,
        Does::UpdateUser => user::update(ask, id).await,
        Does::DeleteUser => user::delete(ask, id).await,
        Does::Account => user::account(ask, id).await,
        Does::SearchUser => user::search(ask).await,
        Does::Profile => profile::get(ask, id).await,
        Does::PutProfile => profile::put(ask, id).await,
        // These were answered before it mattered who asks.
        Does::Home
        | Does::LoginPage
        | Does::Health
        | Does::Login
        | Does::Register
        | Does::Logout => Err(No::new("there is no such call")),
    }
}

fn no_such_call(path: &str) -> No {
    No::new(format!("there is no such call: {}", shown(path))).code(404)
}
