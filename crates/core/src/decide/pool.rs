//! Declaring and retiring pools.

use std::sync::Arc;

use crate::access::{Principal, Relation, Verb};
use crate::attribute::is_key;
use crate::decide::{Done, facts, unchanged};
use crate::event::{Event, Number};
use crate::id::PoolId;
use crate::limits;
use crate::name::Name;
use crate::outcome::Subject;
use crate::pool::{Pool, PoolKind, PoolSpec, RecycleClass};
use crate::refusal::Refusal;
use crate::resource::ResourceState;
use crate::state::State;

/// Declares a pool or changes its spec.
pub(super) fn put(
    state: &State,
    who: &Principal,
    name: &Name,
    spec: &PoolSpec,
    expect: Option<Number>,
) -> Result<Done, Refusal> {
    who.may(Verb::Manage, Relation::Own)?;
    check(spec)?;
    if let Some(template) = spec.template() {
        state
            .template_named(template)
            .ok_or_else(|| Refusal::unknown("template", template))?;
    }
    let Some(old) = state.pool_named(name) else {
        unchanged(Number::default(), expect)?;
        if state.pools.len() >= limits::POOLS_MAX {
            return Err(Refusal::LimitReached {
                what: "pools",
                max: limits::POOLS_MAX,
            });
        }
        let pool = Pool {
            id: PoolId(state.counter() + 1),
            name: name.clone(),
            spec: Arc::new(spec.clone()),
            retiring: false,
            proven: None,
            made_at: state.now(),
            changed: Number::default(),
        };
        return Ok(Done::one(
            Subject::Pool(pool.id),
            Event::PoolDeclared(Box::new(pool)),
        ));
    };
    unchanged(old.changed, expect)?;
    if old.retiring {
        return Err(Refusal::Retiring {
            noun: "pool",
            name: name.clone(),
        });
    }
    if *old.spec == *spec {
        return Ok(Done::nothing(Subject::Pool(old.id)));
    }
    changeable(state, old, spec)?;
    let pool = Pool {
        spec: Arc::new(spec.clone()),
        // What came up with other parameters proves nothing.
        proven: old.proven.filter(|_| old.spec.kind == spec.kind),
        ..(**old).clone()
    };
    Ok(Done::one(
        Subject::Pool(old.id),
        Event::PoolDeclared(Box::new(pool)),
    ))
}

/// What members depend on stays while there are members.
fn changeable(state: &State, old: &Pool, spec: &PoolSpec) -> Result<(), Refusal> {
    let members = state
        .index
        .pools
        .get(&old.id)
        .map_or(0, |u| u.total() + u.slices);
    let conflict = |why: &str| {
        Err(Refusal::Conflict {
            noun: "pool",
            name: old.name.to_string(),
            why: why.to_owned(),
        })
    };
    if members > 0 && (old.spec.template().is_some() != spec.template().is_some()) {
        return conflict("it has members; declared and built ones are not exchanged");
    }
    if members > 0 && old.spec.slice.is_some() != spec.slice.is_some() {
        return conflict("it has members; whole and divisible ones are not exchanged");
    }
    if members > 0 && old.spec.pause && !spec.prepare {
        return conflict("it has frozen members, which are thawed by prepare; end pause first");
    }
    // What is being cleaned is cleaned by the class it began with.
    let cleaning = state.index.pools.get(&old.id);
    let cleaning = cleaning.map_or(0, |u| u.in_state(ResourceState::Cleaning));
    if cleaning > 0 && old.spec.recycle.class != spec.recycle.class {
        return conflict("some of its members are being cleaned; try again when none is");
    }
    let order = old.spec.pick != spec.pick || old.spec.indexed != spec.indexed;
    if order && members as usize > limits::SCAN_MAX {
        return conflict(
            "its pick order and indexed attributes stay once it has more than 10,000 members; declare another pool with those wanted and fill that",
        );
    }
    Ok(())
}

/// Bounds of a spec, and what excludes what.
fn check(spec: &PoolSpec) -> Result<(), Refusal> {
    times(spec)?;
    if let Some(uses) = spec.recycle.uses_max {
        within("recycle.uses_max", u64::from(uses), 1, u64::from(u32::MAX))?;
    }
    within(
        "builds_max",
        u64::from(spec.builds_max),
        1,
        limits::BUILDS_PER_POOL_MAX as u64,
    )?;
    within(
        "tries_max",
        u64::from(spec.tries_max),
        1,
        limits::TRIES_PER_POOL_MAX.into(),
    )?;
    within(
        "indexed",
        spec.indexed.len() as u64,
        0,
        limits::INDEXED_ATTRIBUTES_PER_POOL_MAX as u64,
    )?;
    if let Some(odd) = spec.indexed.iter().find(|key| !is_key(key)) {
        let why = format!("{odd:?} is no name of an attribute");
        return Err(Refusal::invalid("indexed", why));
    }
    facts(&spec.attributes)?;
    within(
        "needs",
        spec.needs.len() as u64,
        0,
        limits::KINDS_PER_QUANTITY_MAX as u64,
    )?;
    within("max", u64::from(spec.max), 0, limits::RESOURCES_MAX as u64)?;
    if spec.warm > spec.max {
        return Err(Refusal::invalid("warm", "at most max"));
    }
    kind(spec)
}

fn within(field: &'static str, value: u64, min: u64, max: u64) -> Result<(), Refusal> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Refusal::invalid(field, format!("{min} to {max}")))
}

/// Bounds of every duration.
fn times(spec: &PoolSpec) -> Result<(), Refusal> {
    let lease = &spec.lease;
    within(
        "lease.ttl_ms",
        lease.ttl_ms,
        limits::TTL_MS_MIN,
        limits::TTL_MS_MAX,
    )?;
    within(
        "lease.ttl_ms_max",
        lease.ttl_ms_max,
        lease.ttl_ms,
        limits::TTL_MS_MAX,
    )?;
    within(
        "lease.wait_ms_max",
        lease.wait_ms_max,
        0,
        limits::WAIT_MS_MAX,
    )?;
    if let Some(ms) = lease.claim_within_ms {
        within(
            "lease.claim_within_ms",
            ms,
            limits::TTL_MS_MIN,
            limits::TTL_MS_MAX,
        )?;
    }
    within(
        "recycle.cooldown_ms",
        spec.recycle.cooldown_ms,
        0,
        limits::TTL_MS_MAX,
    )?;
    if let Some(ms) = spec.recycle.age_ms_max {
        within(
            "recycle.age_ms_max",
            ms,
            limits::TTL_MS_MIN,
            limits::TTL_MS_MAX,
        )?;
    }
    let d = &spec.deadlines;
    let deadlines = [
        ("deadlines.plan_ms", d.plan_ms),
        ("deadlines.create_ms", d.create_ms),
        ("deadlines.clean_ms", d.clean_ms),
        ("deadlines.prepare_ms", d.prepare_ms),
        ("deadlines.delete_ms", d.delete_ms),
        ("deadlines.retry_ms", d.retry_ms),
        ("deadlines.dirty_alert_ms", d.dirty_alert_ms),
    ];
    deadlines.into_iter().try_for_each(|(field, ms)| {
        within(field, ms, limits::DEADLINE_MS_MIN, limits::DEADLINE_MS_MAX)
    })
}

/// Images that holders may bring.
fn holder_images(spec: &PoolSpec) -> Result<(), Refusal> {
    let (words, max) = (&spec.holder_images, limits::HOLDER_IMAGES_PER_POOL_MAX);
    if words.len() > max {
        return Err(Refusal::invalid("holder_images", format!("at most {max}")));
    }
    let Some(word) = words.iter().find(|word| !is_image_word(word)) else {
        return Ok(());
    };
    let reason = format!(
        "`{}` is neither `*` nor an image nor the beginning of one that ends with `/`, `:` or `@`",
        word.escape_debug()
    );
    Err(Refusal::invalid("holder_images", reason))
}

fn is_image_word(word: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let length = 1..=limits::HOLDER_IMAGE_BYTES_MAX;
    word == "*" || (length.contains(&word.len()) && word.chars().all(sound))
}

/// What excludes what.
fn kind(spec: &PoolSpec) -> Result<(), Refusal> {
    if let PoolKind::Built { parameters, .. } = &spec.kind {
        if parameters.len() > limits::PARAMETERS_BYTES_MAX {
            let reason = format!("at most {} bytes", limits::PARAMETERS_BYTES_MAX);
            return Err(Refusal::invalid("parameters", reason));
        }
        if spec.slice.is_some() {
            return Err(Refusal::invalid("slice", "built resources are whole"));
        }
        holder_images(spec)?;
        let freezes = matches!(
            spec.recycle.class,
            RecycleClass::Replace | RecycleClass::Reset
        );
        if spec.pause && !(spec.prepare && freezes) {
            let why =
                "needs prepare, which thaws what was frozen, and recycle.class replace or reset";
            return Err(Refusal::invalid("pause", why));
        }
        return Ok(());
    }
    if spec.pause {
        return Err(Refusal::invalid(
            "pause",
            "only for pools built from a template",
        ));
    }
    if !spec.holder_images.is_empty() {
        return Err(Refusal::invalid(
            "holder_images",
            "only for pools built from a template",
        ));
    }
    if spec.max > 0 {
        return Err(Refusal::invalid(
            "max",
            "only for pools built from a template: 0",
        ));
    }
    if !spec.needs.is_empty() {
        return Err(Refusal::invalid(
            "needs",
            "only for pools built from a template",
        ));
    }
    if matches!(
        spec.recycle.class,
        RecycleClass::Replace | RecycleClass::Reset
    ) {
        return Err(Refusal::invalid(
            "recycle.class",
            "declared resources are cleaned by a hook, or kept",
        ));
    }
    if spec.prepare && spec.slice.is_some() {
        return Err(Refusal::invalid("prepare", "slices have nothing to bind"));
    }
    Ok(())
}

/// Retires a pool.
pub(super) fn delete(
    state: &State,
    who: &Principal,
    name: &Name,
    expect: Option<Number>,
) -> Result<Done, Refusal> {
    who.may(Verb::Manage, Relation::Own)?;
    let pool = state
        .pool_named(name)
        .ok_or_else(|| Refusal::unknown("pool", name))?;
    unchanged(pool.changed, expect)?;
    if pool.retiring {
        return Ok(Done::nothing(Subject::Pool(pool.id)));
    }
    Ok(Done::one(
        Subject::Pool(pool.id),
        Event::PoolRetiring(pool.id),
    ))
}
