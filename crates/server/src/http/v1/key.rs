//! Keys: who may speak for whom. Secrets come in and go out once, and are kept as hashes.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::key::{self as wire, CreatedKey, NewKey};
use caviada_api::list::{List, PageQuery};
use caviada_api::timestamp::Timestamp;
use caviada_core::access::Verb;
use caviada_core::command::Act;
use caviada_core::key::{Key, Role};
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::time::Time;
use caviada_ledger::Noun;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{answer, read};
use crate::http::App;
use crate::http::auth::{Caller, check_secret, hash, new_secret};
use crate::http::json::{Ask, Nothing, Query};
use crate::http::problem::Error;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(own))
        .routes(routes!(get, delete))
}

/// Makes a key. Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/keys", tag = "keys", security(("key" = [])),
    request_body = NewKey,
    responses((status = 201, description = "Made", body = CreatedKey)))]
async fn create(State(app): State<App>, mut ask: Ask<NewKey>) -> Result<Response, Error> {
    ask.unconditional()?;
    let given = ask.body.secret.take();
    if let Some(secret) = &given {
        check_secret(secret).map_err(|reason| Error::invalid("secret", reason))?;
    }
    let made = match given {
        Some(_) => None,
        None => Some(new_secret()?),
    };
    let secret = given.as_deref().or(made.as_deref()).unwrap_or_default();
    let act = act(&app, &ask.body, hash(secret.as_bytes()))?;
    let command = ask.command(act);
    let done = app.ledger().submit(command).await?;
    let Noun::Key(key) = done.noun else {
        return Err(Error::unknown("key", &ask.body.name));
    };
    if given.is_some_and(|secret| key.hash != hash(secret.as_bytes())) {
        let why = "a key of this name has another secret; delete it first";
        return Err(Error::new("conflict").detail(why));
    }
    // The key may have been there before this call made a secret: then the secret is not its.
    let fits = !done.reply.repeated;
    let created = CreatedKey {
        key: render(&key),
        secret: made.filter(|_| fits),
    };
    answer::noun(StatusCode::CREATED, &created.key.etag, &created)
}

fn act(app: &App, new: &NewKey, hash: [u8; 32]) -> Result<Act, Error> {
    let owner = new.owner.as_deref();
    Ok(Act::PutKey {
        name: read::text("name", &new.name)?,
        role: match new.role {
            wire::Role::Admin => Role::Admin,
            wire::Role::Operator => Role::Operator,
            wire::Role::User => Role::User,
        },
        owner: read::text::<Owner>("owner", owner.unwrap_or(&new.name))?,
        groups: read::set("groups", &new.groups)?,
        act_for: read::set("act_for", &new.act_for)?,
        hash,
        expires_at: new.expires_in_ms.map(|ms| expiry(app, ms)).transpose()?,
        declared_in: new.declared_in.as_deref().map(Into::into),
    })
}

/// When a key expires that lives so long. Bounded here: the act bears a time alone, and the ledger's has
/// gone on when it reads that.
fn expiry(app: &App, in_ms: u64) -> Result<Time, Error> {
    let bounds = limits::TTL_MS_MIN..=limits::client::DURATION_MS_MAX;
    if bounds.contains(&in_ms) {
        return Ok(app.now().plus_ms(in_ms));
    }
    let reason = format!("{} to {}", bounds.start(), bounds.end());
    Err(Error::invalid("expires_in_ms", reason))
}

/// All keys, by name.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", security(("key" = [])),
    params(PageQuery),
    responses((status = 200, description = "One page", body = List<wire::Key>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeKeys)?;
    let shown = |id: &_| state.keys.get(id).map(|key| render(key));
    answer::named(&query, "keys", &state, &state.index.key_names, shown)
}

/// The key that this call was made with.
#[utoipa::path(get, path = "/api/v1/keys/self", tag = "keys", security(("key" = [])),
    responses((status = 200, description = "The key", body = wire::Key)))]
async fn own(State(_): State<App>, caller: Caller) -> Result<Response, Error> {
    let key = render(&caller.key);
    answer::noun(StatusCode::OK, &key.etag, &key)
}

/// A key.
#[utoipa::path(get, path = "/api/v1/keys/{id}", tag = "keys", security(("key" = [])),
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 200, description = "The key", body = wire::Key)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeKeys)?;
    let key = state.keys.get(&read::id("key", &id)?);
    let key = render(key.ok_or_else(|| Error::unknown("key", &id))?);
    answer::noun(StatusCode::OK, &key.etag, &key)
}

/// Removes a key; the last admin key stays.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "keys", security(("key" = [])),
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 204, description = "It is worthless from now on")))]
async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
    mut ask: Ask<Nothing>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let command = ask.command(Act::DeleteKey {
        key: read::id("key", &id)?,
    });
    app.ledger().submit(command).await?;
    Ok(answer::nothing())
}

fn render(key: &Key) -> wire::Key {
    wire::Key {
        id: key.id,
        name: key.name.to_string(),
        role: match key.role {
            Role::Admin => wire::Role::Admin,
            Role::Operator => wire::Role::Operator,
            Role::User => wire::Role::User,
        },
        owner: key.owner.to_string(),
        groups: key.groups.iter().map(ToString::to_string).collect(),
        act_for: key.act_for.iter().map(ToString::to_string).collect(),
        created_at: Timestamp(key.made_at.0),
        expires_at: key.expires_at.map(|t| Timestamp(t.0)),
        declared_in: key.declared_in.as_deref().map(Into::into),
        etag: key.changed.to_string(),
    }
}
