//! Users.

use std::sync::Arc;

use crate::access::{Principal, Relation, Verb};
use crate::command::Act;
use crate::decide::{Done, unchanged};
use crate::event::{Event, Number};
use crate::id::UserId;
use crate::key::{Key, Role};
use crate::limits;
use crate::name::Owner;
use crate::outcome::Subject;
use crate::pool::Pool;
use crate::refusal::Refusal;
use crate::state::State;
use crate::user::{Password, Profile, User, UserSpec, can_be_called, is_address};

/// Decides an act on a user.
pub(super) fn decide(state: &State, who: &Principal, act: &Act) -> Result<Done, Refusal> {
    match act {
        Act::PutUser {
            name,
            spec,
            profile,
            password,
            expect,
        } => {
            let (profile, password) = (profile.as_deref(), password.as_ref());
            put(state, who, name, (spec, profile, password), *expect)
        }
        Act::Register {
            name,
            password,
            active,
        } => register(state, who, name, password, *active),
        Act::DeleteUser { name, expect } => delete(state, who, name, *expect),
        Act::PutPassword {
            name,
            password,
            expect,
        } => change_password(state, who, name, password, *expect),
        Act::PutProfile {
            name,
            profile,
            expect,
        } => change_profile(state, who, name, profile, *expect),
        Act::SignIn {
            user,
            sessions,
            anew,
        } => sign_in(state, who, *user, *sessions, anew.as_ref()),
        _ => Err(Refusal::invalid("act", "not about a user")),
    }
}

/// Enters a user, or changes what his admin says of him. Another role, and being active or not, end
/// his sessions.
fn put(
    state: &State,
    who: &Principal,
    name: &Owner,
    (spec, profile, password): (&UserSpec, Option<&Profile>, Option<&Password>),
    expect: Option<Number>,
) -> Result<Done, Refusal> {
    who.may(Verb::Administer, Relation::Own)?;
    let old = state.user_named(name);
    unchanged(old.map_or(Number::default(), |u| u.changed), expect)?;
    if spec.balance.unsigned_abs() > limits::BALANCE_MAX {
        let reason = format!("at most {} either way", limits::BALANCE_MAX);
        return Err(Refusal::invalid("balance", reason));
    }
    profile.map_or(Ok(()), sound)?;
    let Some(old) = old else {
        let mut user = new(state, name, spec.clone())?;
        user.profile = profile.cloned().map(Arc::new).unwrap_or_default();
        user.password = password.cloned();
        return Ok(set(user));
    };
    let mut user = User::clone(old);
    user.spec = spec.clone();
    if let Some(profile) = profile {
        user.profile = Arc::new(profile.clone());
    }
    user.password = password.or(old.password.as_ref()).cloned();
    let rights = (spec.role, spec.active) != (old.spec.role, old.spec.active);
    if rights || user.password != old.password {
        user.sessions = Number::default();
    }
    Ok(changed(old, user))
}

fn new(state: &State, name: &Owner, spec: UserSpec) -> Result<User, Refusal> {
    if !can_be_called(name) {
        return Err(Refusal::invalid("name", "neither . nor .."));
    }
    if state.users.len() >= limits::USERS_MAX {
        return Err(Refusal::LimitReached {
            what: "users",
            max: limits::USERS_MAX,
        });
    }
    Ok(User {
        id: UserId(state.counter() + 1),
        name: name.clone(),
        spec,
        profile: Arc::default(),
        password: None,
        sessions: Number::default(),
        signed_in_at: None,
        made_at: state.now(),
        changed: Number::default(),
    })
}

/// Somebody enters himself. He becomes the owner of his name, so nobody may have been it before,
/// and nothing may be meant for it yet.
fn register(
    state: &State,
    who: &Principal,
    name: &Owner,
    password: &Password,
    active: bool,
) -> Result<Done, Refusal> {
    if !who.is_caviada() {
        return Err(Refusal::Forbidden { needs: "caviada" });
    }
    let of_pool = |p: &Pool| p.spec.visibility.owners.iter().flatten().any(|o| o == name);
    let of_key = |k: &Key| k.owner == *name || k.groups.contains(name);
    let taken = state.user_named(name).is_some()
        || state.index.owners.contains_key(name)
        || state.quota_of(name).is_some()
        || state.pools.values().any(|p| of_pool(p))
        || state.keys.values().any(|k| of_key(k));
    if taken {
        return Err(Refusal::Conflict {
            noun: "user",
            name: name.to_string(),
            why: "somebody has this name already; choose another one".to_owned(),
        });
    }
    let spec = UserSpec {
        role: Role::User,
        active,
        balance: 0,
    };
    let mut user = new(state, name, spec)?;
    user.password = Some(password.clone());
    Ok(set(user))
}

/// Removes a user. What he holds stays with the owner of his name.
fn delete(
    state: &State,
    who: &Principal,
    name: &Owner,
    expect: Option<Number>,
) -> Result<Done, Refusal> {
    who.may(Verb::Administer, Relation::Own)?;
    let user = named(state, name)?;
    unchanged(user.changed, expect)?;
    Ok(Done::one(Subject::Nothing, Event::UserGone(user.id)))
}

/// Gives a user another password, and ends his sessions.
fn change_password(
    state: &State,
    who: &Principal,
    name: &Owner,
    password: &Password,
    expect: Option<Number>,
) -> Result<Done, Refusal> {
    who.may(Verb::ChangeUser, who.relation_to(name))?;
    let old = named(state, name)?;
    unchanged(old.changed, expect)?;
    let mut user = User::clone(old);
    user.password = Some(password.clone());
    user.sessions = Number::default();
    Ok(set(user))
}

/// Changes what a user says of himself.
fn change_profile(
    state: &State,
    who: &Principal,
    name: &Owner,
    profile: &Profile,
    expect: Option<Number>,
) -> Result<Done, Refusal> {
    who.may(Verb::ChangeUser, who.relation_to(name))?;
    let old = named(state, name)?;
    unchanged(old.changed, expect)?;
    sound(profile)?;
    let mut user = User::clone(old);
    user.profile = Arc::new(profile.clone());
    Ok(changed(old, user))
}

/// Somebody showed the password of a user. It was checked outside, against the one that began at
/// `sessions`: a sign-in that overtakes a change of it is none.
fn sign_in(
    state: &State,
    who: &Principal,
    id: UserId,
    sessions: Number,
    anew: Option<&Password>,
) -> Result<Done, Refusal> {
    if !who.is_caviada() {
        return Err(Refusal::Forbidden { needs: "caviada" });
    }
    let user = state
        .users
        .get(&id)
        .filter(|u| u.spec.active && u.password.is_some())
        .ok_or_else(|| Refusal::unknown("user", id))?;
    unchanged(user.sessions, Some(sessions))?;
    Ok(Done::one(
        Subject::User(id),
        Event::UserSignedIn(id, anew.cloned()),
    ))
}

fn named<'s>(state: &'s State, name: &Owner) -> Result<&'s Arc<User>, Refusal> {
    let user = state.user_named(name);
    user.ok_or_else(|| Refusal::unknown("user", name))
}

fn changed(old: &User, new: User) -> Done {
    match *old == new {
        true => Done::nothing(Subject::User(old.id)),
        false => set(new),
    }
}

fn set(user: User) -> Done {
    Done::one(Subject::User(user.id), Event::UserSet(Box::new(user)))
}

/// Texts within bounds. Only blanks and ends of lines may be in them that nobody sees: an address
/// has several lines.
fn sound(profile: &Profile) -> Result<(), Refusal> {
    let mut bytes = 0;
    for (field, text) in profile.texts() {
        bytes += text.len();
        let unseen = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.chars().any(unseen) {
            return Err(Refusal::invalid(field, "no control characters"));
        }
    }
    if bytes > limits::PROFILE_BYTES_MAX {
        let reason = format!("at most {} bytes in all", limits::PROFILE_BYTES_MAX);
        return Err(Refusal::invalid("profile", reason));
    }
    if !profile.email.is_empty() && !is_address(&profile.email) {
        let reason = "one address, like ann@example.org, or nothing";
        return Err(Refusal::invalid("profile.email", reason));
    }
    Ok(())
}
