//! Users: who signs in with a password. Passwords come in, and never go out.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::key as key_wire;
use caviada_api::list::{List, PageQuery};
use caviada_api::timestamp::Timestamp;
use caviada_api::user::{self as wire, NewPassword};
use caviada_core::access::{Relation, Verb, allows};
use caviada_core::command::{Act, Command};
use caviada_core::key::Role;
use caviada_core::name::Owner;
use caviada_core::user::{Password, Profile, User, UserSpec};
use caviada_ledger::Noun;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{answer, read};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::edge::too_many;
use crate::http::json::{Ask, Nothing, Query};
use crate::http::problem::Error;
use crate::password::{Checked, Unhashed, sound};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, delete))
        .routes(routes!(put_profile))
        .routes(routes!(put_password))
}

/// All users, by name.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", security(("key" = [])),
    params(PageQuery),
    responses((status = 200, description = "One page", body = List<wire::User>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    let who = caller.principal(&state)?;
    who.may(Verb::SeeUser, Relation::Foreign)?;
    let shown = |id: &_| state.users.get(id).map(|user| render(user));
    answer::named(&query, "users", &state, &state.index.user_names, shown)
}

/// A user. Everybody may read himself.
#[utoipa::path(get, path = "/api/v1/users/{name}", tag = "users", security(("key" = [])),
    params(("name" = String, Path, description = "What he signs in with")),
    responses((status = 200, description = "The user", body = wire::User)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    let owner = named(&name)?;
    let who = caller.principal(&state)?;
    who.may(Verb::SeeUser, who.relation_to(&owner))?;
    let user = state.user_named(&owner);
    let user = render(user.ok_or_else(|| Error::unknown("user", &name))?);
    answer::noun(StatusCode::OK, &user.etag, &user)
}

/// Enters a user, or changes what is said of him. Another role, password, or whether he is active
/// ends his sessions.
#[utoipa::path(put, path = "/api/v1/users/{name}", tag = "users", security(("key" = [])),
    params(("name" = String, Path, description = "What he signs in with")),
    request_body = wire::UserSpec,
    responses((status = 200, description = "The user as he now is", body = wire::User)))]
async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<wire::UserSpec>,
) -> Result<Response, Error> {
    let owner: Owner = read::text("name", &name)?;
    // Before a password is hashed: that is dear.
    let state = app.ledger().snapshot().await?;
    ask.caller.may(&state, Verb::Administer)?;
    let (password, hash) = (ask.body.password.take(), ask.body.password_hash.take());
    let password = match (password, hash) {
        (Some(_), Some(_)) => {
            let reason = "not beside `password`";
            return Err(Error::invalid("password_hash", reason));
        }
        (Some(password), None) => Some(hashed(&app, password).await?),
        (None, Some(hash)) => {
            Some(Password::new(&hash).map_err(|e| Error::invalid("password_hash", e.to_string()))?)
        }
        (None, None) => None,
    };
    let act = Act::PutUser {
        name: owner,
        spec: UserSpec {
            role: match ask.body.role {
                key_wire::Role::Admin => Role::Admin,
                key_wire::Role::Operator => Role::Operator,
                key_wire::Role::User => Role::User,
            },
            active: ask.body.active,
            balance: ask.body.balance,
        },
        profile: ask.body.profile.take().map(|p| Box::new(heard(p))),
        password,
        expect: ask.expect(),
    };
    let command = secret(&mut ask, act);
    answered(&app, &name, command).await
}

/// Changes what a user says of himself. His own key, or an admin's.
#[utoipa::path(put, path = "/api/v1/users/{name}/profile", tag = "users", security(("key" = [])),
    params(("name" = String, Path, description = "What he signs in with")),
    request_body = wire::Profile,
    responses((status = 200, description = "The user as he now is", body = wire::User)))]
async fn put_profile(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<wire::Profile>,
) -> Result<Response, Error> {
    let act = Act::PutProfile {
        name: named(&name)?,
        profile: Box::new(heard(std::mem::take(&mut ask.body))),
        expect: ask.expect(),
    };
    let command = ask.command(act);
    answered(&app, &name, command).await
}

/// Changes a user's password, which ends his sessions. Whoever is no admin shows the present one.
#[utoipa::path(put, path = "/api/v1/users/{name}/password", tag = "users", security(("key" = [])),
    params(("name" = String, Path, description = "What he signs in with")),
    request_body = NewPassword,
    responses((status = 204, description = "Only the new one counts from now on")))]
async fn put_password(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<NewPassword>,
) -> Result<Response, Error> {
    let owner = named(&name)?;
    let state = app.ledger().snapshot().await?;
    let who = ask.caller.principal(&state)?;
    who.may(Verb::ChangeUser, who.relation_to(&owner))?;
    let user = state.user_named(&owner);
    let user = user.ok_or_else(|| Error::unknown("user", &name))?;
    let mut expect = ask.expect();
    if !allows(who.role, Verb::ChangeUser, Relation::Foreign) {
        let current = ask.body.current.take();
        let current = current.ok_or_else(|| {
            Error::invalid("current", "whoever is no admin shows the present password")
        })?;
        let admitted = app.rates().sign_in(Some(&owner), ask.caller.peer);
        admitted.map_err(too_many)?;
        let checked = app.passwords().check(user.password.clone(), current);
        if checked.await? == Checked::Wrong {
            return Err(Error::invalid(
                "current",
                "this is not the present password",
            ));
        }
        // It is still the present one when the new one takes its place.
        expect = expect.or(Some(user.changed));
    }
    let password = hashed(&app, std::mem::take(&mut ask.body.password)).await?;
    let act = Act::PutPassword {
        name: owner,
        password,
        expect,
    };
    let command = secret(&mut ask, act);
    app.ledger().submit(command).await?;
    Ok(answer::nothing())
}

/// Removes a user. What he holds stays with the owner of his name.
#[utoipa::path(delete, path = "/api/v1/users/{name}", tag = "users", security(("key" = [])),
    params(("name" = String, Path, description = "What he signs in with")),
    responses((status = 204, description = "He cannot sign in any more")))]
async fn delete(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<Nothing>,
) -> Result<Response, Error> {
    let act = Act::DeleteUser {
        name: named(&name)?,
        expect: ask.expect(),
    };
    let command = ask.command(act);
    app.ledger().submit(command).await?;
    Ok(answer::nothing())
}

/// A command that came with a password. It is not kept under an idempotency key: the digest of its
/// request would tell the password to whoever tries them all.
fn secret<T>(ask: &mut Ask<T>, act: Act) -> Command {
    Command {
        idempotency: None,
        ..ask.command(act)
    }
}

async fn hashed(app: &App, password: String) -> Result<Password, Error> {
    sound(&password).map_err(|reason| Error::invalid("password", reason))?;
    Ok(app.passwords().hash(password).await?)
}

impl From<Unhashed> for Error {
    fn from(unhashed: Unhashed) -> Self {
        match unhashed {
            Unhashed::Busy => Self::new("busy").detail(unhashed.to_string()),
            Unhashed::Failed => Self::new("unavailable").detail(unhashed.to_string()),
        }
    }
}

/// What cannot be a name is nobody's.
fn named(name: &str) -> Result<Owner, Error> {
    Owner::new(name).map_err(|_| Error::unknown("user", name))
}

fn heard(profile: wire::Profile) -> Profile {
    Profile {
        name: profile.name.into(),
        email: profile.email.into(),
        bio: profile.bio.into(),
        organization: profile.organization.into(),
        url: profile.url.into(),
        location: profile.location.into(),
    }
}

async fn answered(app: &App, name: &str, command: Command) -> Result<Response, Error> {
    let Noun::User(user) = app.ledger().submit(command).await?.noun else {
        return Err(Error::unknown("user", name));
    };
    let user = render(&user);
    answer::noun(StatusCode::OK, &user.etag, &user)
}

fn render(user: &User) -> wire::User {
    let profile = &user.profile;
    wire::User {
        id: user.id,
        name: user.name.to_string(),
        role: match user.spec.role {
            Role::Admin => key_wire::Role::Admin,
            Role::Operator => key_wire::Role::Operator,
            Role::User => key_wire::Role::User,
        },
        active: user.spec.active,
        balance: user.spec.balance,
        profile: wire::Profile {
            name: profile.name.to_string(),
            email: profile.email.to_string(),
            bio: profile.bio.to_string(),
            organization: profile.organization.to_string(),
            url: profile.url.to_string(),
            location: profile.location.to_string(),
        },
        has_password: user.password.is_some(),
        created_at: Timestamp(user.made_at.0),
        signed_in_at: user.signed_in_at.map(|t| Timestamp(t.0)),
        etag: user.changed.to_string(),
    }
}
