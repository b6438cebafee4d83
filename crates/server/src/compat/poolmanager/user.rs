//! Users: one's own account, and for admins everybody's.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::http::StatusCode;
use caviada_core::access::{Principal, Relation, Verb};
use caviada_core::command::{Act, By};
use caviada_core::event::Number;
use caviada_core::id::UserId;
use caviada_core::key::Role;
use caviada_core::limits;
use caviada_core::limits::server::POOLMANAGER_USERS_MAX;
use caviada_core::name::Owner;
use caviada_core::refusal::Refusal;
use caviada_core::state::State;
use caviada_core::user::{Password, User, UserSpec};
use caviada_ledger::{Failure, Noun};
use serde_json::{Value, json};

use super::App;
use super::answer::{Answer, No};
use super::call::Ask;
use super::cluster::field::{gmt, iso};
use super::cluster::long_id;
use super::parameter::Parameters;
use super::record::Record;
use super::sign::{failed, role};
use super::version::Version;
use crate::password::sound;

/// A user by his id, as far as a path names one.
pub(super) fn find<'a>(state: &'a State, id: &str) -> Option<&'a Arc<User>> {
    let sound = id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let n = u64::from_str_radix(id, 16).ok().filter(|_| sound)?;
    state.users.get(&UserId(n))
}

/// May the caller do that with this user, or with any? Of one he may not ask about, he is not told
/// whether there is one.
pub(super) fn may(ask: Ask<'_>, state: &State, verb: Verb, user: Option<&User>) -> Result<By, No> {
    let no = || No::new("this needs an admin: sign in as one, or show the key of one");
    let by = ask.caller.acts_by().ok_or_else(no)?;
    let who = Principal::of(state, by).map_err(|refusal| No::new(refusal.to_string()))?;
    let relation = user.map_or(Relation::Foreign, |u| who.relation_to(&u.name));
    who.may(verb, relation).map_err(|_| no())?;
    Ok(by)
}

/// The same for what the old system told everybody.
fn may_see(ask: Ask<'_>, state: &State, user: Option<&User>) -> Result<(), No> {
    match ask.app.options().profiles {
        true => Ok(()),
        false => may(ask, state, Verb::SeeUser, user).map(drop),
    }
}

/// A user as his account shows him. What it calls a key opens nothing.
pub(super) fn account_of(user: &User) -> Record {
    let mut record = Record::default();
    record
        .put("username", user.name.as_str())
        .put("apikey", long_id(user.id.0))
        .put("isActivated", user.spec.active)
        .put("balance", user.spec.balance)
        .put("success", true);
    record
}

/// `user/account/<id>`.
pub(super) async fn account(ask: Ask<'_>, id: &str) -> Result<Answer, No> {
    let state = ask.app.ledger().snapshot().await?;
    let user = find(&state, id);
    may_see(ask, &state, user.map(|u| &**u))?;
    Ok(match user {
        Some(user) => Answer::Bare(account_of(user)),
        None => failed(StatusCode::BAD_REQUEST, "No such User"),
    })
}

/// `user/search`.
pub(super) async fn search(ask: Ask<'_>) -> Result<Answer, No> {
    let name = ask.parameters.text("username")?.unwrap_or_default();
    let state = ask.app.ledger().snapshot().await?;
    let user = Owner::new(name.trim()).ok();
    let user = user.and_then(|name| state.user_named(&name));
    may_see(ask, &state, user.map(|u| &**u))?;
    let mut record = match user {
        Some(user) => account_of(user),
        None => Record::default(),
    };
    if user.is_none() {
        record.put("success", true);
    }
    record.put("user_exists", user.is_some());
    Ok(Answer::Bare(record))
}

/// `user/list`: one page, sorted by a field.
pub(super) async fn list(ask: Ask<'_>) -> Result<Answer, No> {
    let state = ask.app.ledger().snapshot().await?;
    may(ask, &state, Verb::SeeUser, None)?;
    let number = |name: &str, default: usize| match ask.parameters.text(name)? {
        None => Ok(default),
        Some(text) => match text.trim().parse() {
            Ok(n) if n > 0 => Ok(n),
            _ => Err(No::new(format!("Invalid {name}"))),
        },
    };
    let (page, size) = (
        number("pageNo", 1)?,
        number("pageSize", limits::server::POOLMANAGER_USERS_DEFAULT)?,
    );
    if size > POOLMANAGER_USERS_MAX {
        return Err(No::new(format!(
            "Invalid pageSize: at most {POOLMANAGER_USERS_MAX}"
        )));
    }
    let sort = ask.parameters.text("sortColumns")?.unwrap_or_default();
    let mut users: Vec<&Arc<User>> = state.users.values().collect();
    sorted(&mut users, sort.trim())?;
    let total = users.len();
    let from = (page - 1).saturating_mul(size);
    let shown = users.into_iter().skip(from).take(size);
    let shown: Vec<Value> = shown.map(|u| json!(listed(ask.version, u))).collect();
    let mut record = Record::default();
    record.put(
        "users",
        json!({"result": shown, "totalCount": total, "pageSize": size, "pageNo": page}),
    );
    Ok(Answer::Bare(record))
}

fn listed(version: Version, user: &User) -> Record {
    let made = match version >= Version::Cello08 {
        true => iso(user.made_at),
        false => gmt(user.made_at),
    };
    let mut record = Record::default();
    record
        .put("id", long_id(user.id.0))
        .put("name", user.name.as_str())
        .put("isAdmin", user.spec.role == Role::Admin)
        .put("role", role(user.spec.role))
        .put("active", user.spec.active)
        .put("balance", user.spec.balance)
        .put("timestamp", made);
    record
}

/// By `field`, `field asc` or `field desc`; by name without one.
fn sorted(users: &mut [&Arc<User>], sort: &str) -> Result<(), No> {
    let (field, order) = sort.split_once(' ').unwrap_or((sort, ""));
    let compare: fn(&User, &User) -> Ordering = match field {
        "" | "name" | "username" => |a, b| a.name.cmp(&b.name),
        "id" => |a, b| a.id.cmp(&b.id),
        "timestamp" => |a, b| a.made_at.cmp(&b.made_at),
        "role" => |a, b| role(a.spec.role).cmp(&role(b.spec.role)),
        "isAdmin" => |a, b| (a.spec.role == Role::Admin).cmp(&(b.spec.role == Role::Admin)),
        "active" => |a, b| a.spec.active.cmp(&b.spec.active),
        "balance" => |a, b| a.spec.balance.cmp(&b.spec.balance),
        _ => return Err(No::new("Invalid sortColumns")),
    };
    // Those that are alike stay by name, whichever way.
    users.sort_by(|a, b| a.name.cmp(&b.name));
    match order.trim().to_ascii_lowercase().as_str() {
        "" | "asc" => users.sort_by(|a, b| compare(a, b)),
        "desc" => users.sort_by(|a, b| compare(b, a)),
        _ => return Err(No::new("Invalid sortColumns")),
    }
    Ok(())
}

/// What is said of role, balance and being active, over what is so.
fn spec(asked: &Parameters, mut spec: UserSpec) -> Result<UserSpec, No> {
    if let Some(text) = asked.text("role")? {
        spec.role = match text.trim() {
            "0" => Role::Admin,
            "1" => Role::Operator,
            "2" => Role::User,
            _ => return Err(No::new("Invalid role")),
        };
    }
    if let Some(text) = asked.text("balance")? {
        let balance = text.trim().parse();
        spec.balance = balance.map_err(|_| No::new("Invalid balance"))?;
    }
    if let Some(text) = asked.text("active")? {
        // The old tests send `True`.
        spec.active = text.trim().eq_ignore_ascii_case("true");
    }
    Ok(spec)
}

async fn hashed(app: &App, password: String) -> Result<Password, No> {
    sound(&password).map_err(|why| No::new(format!("Invalid password: it {why}")))?;
    let sessions = app.sessions();
    let sessions = sessions.ok_or_else(|| No::new("nobody signs in here"))?;
    let hashed = sessions.passwords().hash(password).await;
    hashed.map_err(|e| No::new(e.to_string()))
}

/// `user/create`.
pub(super) async fn create(ask: Ask<'_>) -> Result<Answer, No> {
    let state = ask.app.ledger().snapshot().await?;
    let by = may(ask, &state, Verb::Administer, None)?;
    let without = || No::new("user POST without enough data");
    let name = ask.parameters.text("username")?.ok_or_else(without)?;
    let password = ask.parameters.text("password")?.ok_or_else(without)?;
    let name = Owner::new(name.trim());
    let name = name.map_err(|e| No::new(format!("Invalid username: {e}")))?;
    let new = UserSpec {
        role: Role::User,
        active: true,
        balance: 0,
    };
    let act = Act::PutUser {
        name,
        spec: spec(ask.parameters, new)?,
        profile: None,
        password: Some(hashed(ask.app, password).await?),
        // Only a new one.
        expect: Some(Number::default()),
    };
    let told = |status: &str, id: String| {
        let mut record = Record::default();
        record.put("status", status).put("id", id);
        Ok(Answer::Bare(record))
    };
    match ask.app.submit(by, act).await {
        Ok(done) => match &done.noun {
            Noun::User(user) => told("OK", long_id(user.id.0)),
            _ => told("FAIL", String::new()),
        },
        Err(Failure::Refused(Refusal::Changed { .. })) => told("FAIL", String::new()),
        Err(failure) => Err(failure.into()),
    }
}

/// `user/update/<id>`: what is not said stays.
pub(super) async fn update(ask: Ask<'_>, id: &str) -> Result<Answer, No> {
    let state = ask.app.ledger().snapshot().await?;
    let by = may(ask, &state, Verb::Administer, None)?;
    let told = |status: &str, error: &str| {
        let mut record = Record::default();
        record.put("status", status).put("error", error);
        Ok(Answer::Bare(record))
    };
    let Some(user) = find(&state, id) else {
        return told("FAIL", "No such User");
    };
    let renamed = ask.parameters.text("username")?;
    if renamed.is_some_and(|name| name.trim() != user.name.as_str()) {
        return told(
            "FAIL",
            "a user's name cannot change: what he holds is held by it",
        );
    }
    let password = match ask.parameters.text("password")? {
        Some(password) => Some(hashed(ask.app, password).await?),
        None => None,
    };
    let act = Act::PutUser {
        name: user.name.clone(),
        spec: spec(ask.parameters, user.spec.clone())?,
        profile: None,
        password,
        expect: Some(user.changed),
    };
    match ask.app.submit(by, act).await {
        Ok(_) => told("OK", ""),
        Err(Failure::Refused(refusal)) => told("FAIL", &refusal.to_string()),
        Err(failure) => Err(failure.into()),
    }
}

/// `user/delete/<id>`: one who is not there is gone, too.
pub(super) async fn delete(ask: Ask<'_>, id: &str) -> Result<Answer, No> {
    let state = ask.app.ledger().snapshot().await?;
    let by = may(ask, &state, Verb::Administer, None)?;
    if let Some(user) = find(&state, id) {
        let act = Act::DeleteUser {
            name: user.name.clone(),
            expect: None,
        };
        match ask.app.submit(by, act).await {
            Ok(_) | Err(Failure::Refused(Refusal::Unknown { .. })) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    let mut record = Record::default();
    record.put("status", "OK");
    Ok(Answer::Bare(record))
}
