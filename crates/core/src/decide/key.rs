//! Keys and quotas.

use crate::access::{Principal, Relation, Verb};
use crate::command::Act;
use crate::decide::{Done, unchanged};
use crate::event::{Event, Number};
use crate::id::{KeyId, QuotaId};
use crate::key::{Key, Role};
use crate::limits;
use crate::name::Owner;
use crate::outcome::Subject;
use crate::quota::{Quota, QuotaSpec};
use crate::refusal::Refusal;
use crate::state::State;

/// Makes a key. One of the same name with other rights is a conflict, with the same it is there.
pub(super) fn put(state: &State, who: &Principal, act: &Act) -> Result<Done, Refusal> {
    let Act::PutKey {
        name,
        role,
        owner,
        groups,
        act_for,
        hash,
        expires_at,
        declared_in,
    } = act
    else {
        return Err(Refusal::invalid("act", "not a key"));
    };
    who.may(Verb::Administer, Relation::Own)?;
    if groups.len() > limits::OWNERS_PER_LIST_MAX {
        return Err(Refusal::invalid(
            "groups",
            format!("at most {}", limits::OWNERS_PER_LIST_MAX),
        ));
    }
    if act_for.len() > limits::OWNERS_PER_LIST_MAX {
        return Err(Refusal::invalid(
            "act_for",
            format!("at most {}", limits::OWNERS_PER_LIST_MAX),
        ));
    }
    if let Some(old) = state
        .index
        .key_names
        .get(name)
        .and_then(|id| state.keys.get(id))
    {
        let same = old.role == *role
            && old.owner == *owner
            && old.groups == *groups
            && old.act_for == *act_for;
        if same {
            return Ok(Done::nothing(Subject::Key(old.id)));
        }
        let why = "a key of this name has other rights; delete it first".to_owned();
        return Err(Refusal::Conflict {
            noun: "key",
            name: name.to_string(),
            why,
        });
    }
    if state.index.key_hashes.contains_key(hash) {
        return Err(Refusal::invalid("secret", "it is another key's"));
    }
    if state.keys.len() >= limits::KEYS_MAX {
        return Err(Refusal::LimitReached {
            what: "keys",
            max: limits::KEYS_MAX,
        });
    }
    let key = Key {
        id: KeyId(state.counter() + 1),
        name: name.clone(),
        role: *role,
        owner: owner.clone(),
        groups: groups.clone(),
        act_for: act_for.clone(),
        hash: *hash,
        expires_at: *expires_at,
        declared_in: declared_in.clone(),
        made_at: state.now(),
        changed: Number::default(),
    };
    Ok(Done::one(
        Subject::Key(key.id),
        Event::KeyMade(Box::new(key)),
    ))
}

/// Removes a key. Somebody must be able to make the next one.
pub(super) fn delete(state: &State, who: &Principal, id: KeyId) -> Result<Done, Refusal> {
    who.may(Verb::Administer, Relation::Own)?;
    let key = state
        .keys
        .get(&id)
        .ok_or_else(|| Refusal::unknown("key", id))?;
    let now = state.now();
    let admin = |k: &Key| k.role == Role::Admin && k.expires_at.is_none_or(|t| t > now);
    let others = state.keys.values().any(|k| k.id != id && admin(k));
    if key.role == Role::Admin && !others {
        let why = "it is the last admin key; make another one first".to_owned();
        return Err(Refusal::Conflict {
            noun: "key",
            name: key.name.to_string(),
            why,
        });
    }
    Ok(Done::one(Subject::Nothing, Event::KeyGone(id)))
}

/// Bounds an owner.
pub(super) fn put_quota(
    state: &State,
    who: &Principal,
    owner: &Owner,
    spec: &QuotaSpec,
    declared_in: Option<&str>,
    expect: Option<Number>,
) -> Result<Done, Refusal> {
    who.may(Verb::Administer, Relation::Own)?;
    let old = state.quota_of(owner);
    unchanged(old.map_or(Number::default(), |q| q.changed), expect)?;
    if old.is_some_and(|q| q.spec == *spec && q.declared_in.as_deref() == declared_in) {
        return Ok(Done::nothing(
            old.map_or(Subject::Nothing, |q| Subject::Quota(q.id)),
        ));
    }
    if spec.quantity_max.len() > limits::KINDS_PER_QUANTITY_MAX {
        let reason = format!("at most {} kinds", limits::KINDS_PER_QUANTITY_MAX);
        return Err(Refusal::invalid("quantity_max", reason));
    }
    if old.is_none() && state.quotas.len() >= limits::QUOTAS_MAX {
        return Err(Refusal::LimitReached {
            what: "quotas",
            max: limits::QUOTAS_MAX,
        });
    }
    let quota = Quota {
        id: old.map_or(QuotaId(state.counter() + 1), |q| q.id),
        owner: owner.clone(),
        spec: spec.clone(),
        declared_in: declared_in.map(Into::into),
        changed: Number::default(),
    };
    Ok(Done::one(
        Subject::Quota(quota.id),
        Event::QuotaSet(Box::new(quota)),
    ))
}

/// Unbounds an owner.
pub(super) fn delete_quota(state: &State, who: &Principal, owner: &Owner) -> Result<Done, Refusal> {
    who.may(Verb::Administer, Relation::Own)?;
    let quota = state
        .quota_of(owner)
        .ok_or_else(|| Refusal::unknown("quota", owner))?;
    Ok(Done::one(Subject::Nothing, Event::QuotaGone(quota.id)))
}
