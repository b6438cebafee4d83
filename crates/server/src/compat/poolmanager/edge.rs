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
use super::call::{Ask, Call};
use super::caller::{Caller, signed_in};
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
    if let Some(page) = page::open(spoken.unwrap_or(listens), door, &request, user.is_some()) {
        return Ok(page);
    }
    let Some(version) = spoken else {
        return Err(no_such_call(&path));
    };
    if let Some(what) = sign::What::of(version, &request) {
        return sign::sign(app, door, line, what, request).await;
    }
    let caller = Caller::of(app, door, &request, line, user)?;
    *key = Some(caller.key.name.clone());
    let call = Call::read(request).await?;
    let ask = Ask {
        app,
        version,
        caller: &caller,
        parameters: &call.parameters,
    };
    route(ask, &call)
        .await
        .unwrap_or_else(|| Err(no_such_call(&path)))
}

/// The call, if the version has it.
async fn route(ask: Ask<'_>, call: &Call) -> Option<Result<Answer, No>> {
    let version = ask.version;
    let whole: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let [prefix @ ("v1" | "v2" | "api"), path @ ..] = &whole[..] else {
        return operate(ask, call).await;
    };
    let get = call.method == Method::GET;
    // PoolManager 1 and the first interface of its successor only read addresses.
    let posts = call.method == Method::POST && *prefix != "v1";
    let cello = !version.is_pm();
    let changes = ["cluster_apply", "cluster_release", "cluster_op"];
    if get && !ask.caller.proven && path.first().is_some_and(|call| changes.contains(call)) {
        return Some(Err(No::new(
            "who is signed in changes something by POST, or from a page of this server",
        )));
    }
    Some(match *path {
        ["cluster_apply"] if get || posts => apply::apply(ask).await,
        ["cluster_release"] if get || posts => release::release(ask).await,
        ["cluster_op"] if cello && (get || posts) => match ask.parameters.text("action") {
            Err(no) => Err(no),
            Ok(action) => match action.as_deref() {
                Some("apply") => apply::apply(ask).await,
                Some("release") => release::one(ask).await,
                Some("start") => cluster::power(ask, Way::Start).await,
                Some("stop") => cluster::power(ask, Way::Stop).await,
                Some("restart") => cluster::power(ask, Way::Restart).await,
                _ => Err(No::new("Unknown action type")),
            },
        },
        ["cluster", id] if cello && get => cluster::get(ask, id).await,
        ["clusters"] if cello && (get || posts) => cluster::list(ask).await,
        ["cluster_list"] if version == Version::Pm2 && posts => cluster::ids(ask).await,
        _ => return operate(ask, call).await,
    })
}

/// What operators call: under `/api`, and of PoolManager without anything before it.
async fn operate(ask: Ask<'_>, call: &Call) -> Option<Result<Answer, No>> {
    let version = ask.version;
    let whole: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let path = match (version.is_pm(), &whole[..]) {
        (true, path) => path,
        (false, ["api", path @ ..]) => path,
        (false, _) => return None,
    };
    Some(match (&call.method, path) {
        (&Method::POST, ["cluster"]) => cluster::create(ask).await,
        (&Method::DELETE, ["cluster"]) => cluster::delete(ask).await,
        (&Method::GET, ["cluster"]) if version.is_pm() => cluster::named(ask).await,
        // PoolManager 1 has no hosts.
        _ if version == Version::Pm1 => return None,
        (&Method::POST, ["host"]) => host::create(ask).await,
        (&Method::PUT, ["host"]) => host::update(ask).await,
        (&Method::DELETE, ["host"]) => host::delete(ask).await,
        (&Method::GET, ["host"]) if version.is_pm() => host::named(ask).await,
        (&Method::POST, ["host_action"]) if version.is_pm() => host::op(ask).await,
        (&Method::GET, ["_stat"]) if version.is_pm() => stat::stat(ask).await,
        _ if version.is_pm() => return None,
        (&Method::GET, ["hosts"]) => host::list(ask).await,
        (&Method::GET, ["host", id]) => host::get(ask, id).await,
        (&Method::POST, ["host_op"]) => host::op(ask).await,
        (&Method::GET, ["stat"]) => stat::stat(ask).await,
        // Users came with 0.7.
        _ if version < Version::Cello07 => return None,
        (&Method::GET, ["user", "list"]) => user::list(ask).await,
        (&Method::POST, ["user", "create"]) => user::create(ask).await,
        (&Method::PUT, ["user", "update", id]) => user::update(ask, id).await,
        (&Method::DELETE, ["user", "delete", id]) => user::delete(ask, id).await,
        (&Method::GET, ["user", "account", id]) => user::account(ask, id).await,
        (&Method::GET, ["user", "search"]) => user::search(ask).await,
        (&Method::GET, ["v2", "profile", id]) => profile::get(ask, id).await,
        (&Method::PUT, ["v2", "profile", id]) => profile::put(ask, id).await,
        _ => return None,
    })
}

fn no_such_call(path: &str) -> No {
    No::new(format!("there is no such call: {}", shown(path))).code(404)
}
