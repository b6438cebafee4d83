//! A pool's spec, between the words of the API and those of `core`.

use std::collections::BTreeMap;

use caviada_api::lease::SliceSize;
use caviada_api::pool as wire;
use caviada_core::limits;
use caviada_core::pool::{
    Holders, LeasePolicy, OnBad, Pick, Placement, PoolKind, PoolSpec, Recycle, RecycleClass,
    Visibility,
};
use caviada_core::space::Amount;

use crate::http::problem::Error;
use crate::http::v1::{read, render as rendered};

/// What was put, with defaults where nothing was said.
pub fn read(wire: wire::PoolSpec) -> Result<PoolSpec, Error> {
    let template = read::maybe("template", wire.template.as_deref())?;
    let mut spec = match template {
        Some(template) => PoolSpec::built(template, wire.warm, wire.max.unwrap_or(wire.warm)),
        None => PoolSpec {
            warm: wire.warm,
            max: wire.max.unwrap_or(0),
            ..PoolSpec::declared()
        },
    };
    match &mut spec.kind {
        PoolKind::Built { parameters, .. } => {
            let text = serde_json::to_string(&wire.parameters).unwrap_or_default();
            *parameters = text.into();
        }
        PoolKind::Declared => read::without(
            "parameters",
            wire.parameters.is_empty(),
            "they are inputs of a template, and this pool has none",
        )?,
    }
    lease(&wire.lease, &mut spec.lease);
    recycle(&wire.recycle, &mut spec);
    spec.prepare = wire.prepare;
    spec.pause = wire.pause;
    spec.holder_images = wire.holder_images.into_iter().map(Into::into).collect();
    spec.pick = match wire.pick {
        wire::Pick::First => Pick::First,
        wire::Pick::Oldest => Pick::Oldest,
    };
    spec.on_bad = match wire.on_bad {
        wire::OnBad::Keep => OnBad::Keep,
        wire::OnBad::Swap => OnBad::Swap,
        wire::OnBad::End => OnBad::End,
    };
    spec.placement = match wire.placement {
        wire::Placement::Spread => Placement::Spread,
        wire::Placement::Pack => Placement::Pack,
    };
    spec.visibility = visibility(&wire.visibility)?;
    spec.indexed = wire.indexed.into_iter().map(Into::into).collect();
    spec.attributes = read::attributes("attributes", wire.attributes)?;
    read::without(
        "needs.resources",
        !wire.needs.contains_key("resources"),
        "each takes one of these anyway",
    )?;
    spec.needs = read::amounts("needs", &wire.needs)?;
    let hosts = wire.hosts.as_deref();
    spec.hosts = hosts.map(|h| read::set("hosts", h)).transpose()?;
    spec.builds_max = wire.builds_max.unwrap_or(spec.builds_max);
    let slice = wire.slice.as_ref();
    spec.slice = slice.map(|s| read::amount("slice", s)).transpose()?;
    spec.deadlines.dirty_alert_ms = wire.dirty_alert_ms.unwrap_or(spec.deadlines.dirty_alert_ms);
    spec.declared_in = wire.declared_in.map(Into::into);
    Ok(spec)
}

/// What was put, as it will be shown.
pub fn filled(wire: &wire::PoolSpec) -> Result<wire::PoolSpec, Error> {
    Ok(render(&read(wire.clone())?))
}

fn lease(wire: &wire::LeasePolicy, policy: &mut LeasePolicy) {
    policy.ttl_ms_max = wire.ttl_ms_max.unwrap_or(policy.ttl_ms_max);
    let ttl_ms = wire.ttl_ms.unwrap_or(policy.ttl_ms);
    policy.ttl_ms = match (wire.ttl_ms, wire.ttl_ms_max) {
        // The default follows a shorter maximum, and the maximum a longer default.
        (None, Some(max)) => ttl_ms.min(max),
        (Some(ttl), None) => {
            policy.ttl_ms_max = policy.ttl_ms_max.max(ttl);
            ttl
        }
        _ => ttl_ms,
    };
    policy.endless = wire.no_deadline;
    policy.claim_within_ms = wire.claim_within_ms;
    policy.wait_ms_max = wire.wait_ms_max.unwrap_or(policy.wait_ms_max);
}

fn recycle(wire: &wire::RecyclePolicy, spec: &mut PoolSpec) {
    spec.recycle = Recycle {
        class: match wire.class {
            Some(wire::RecycleClass::Replace) => RecycleClass::Replace,
            Some(wire::RecycleClass::Reset) => RecycleClass::Reset,
            Some(wire::RecycleClass::Hook) => RecycleClass::Hook,
            Some(wire::RecycleClass::Keep) => RecycleClass::Keep,
            None => spec.recycle.class,
        },
        cooldown_ms: wire.cooldown_ms.unwrap_or(spec.recycle.cooldown_ms),
        age_ms_max: wire.age_ms_max,
        uses_max: wire.uses_max,
    };
    spec.deadlines.clean_ms = wire.clean_ms_max.unwrap_or(spec.deadlines.clean_ms);
}

fn visibility(wire: &wire::Visibility) -> Result<Visibility, Error> {
    let owners = wire.owners.as_deref();
    if owners.is_some_and(|o| o.len() > limits::OWNERS_PER_LIST_MAX) {
        let reason = format!("at most {}", limits::OWNERS_PER_LIST_MAX);
        return Err(Error::invalid("visibility.owners", reason));
    }
    Ok(Visibility {
        holders: match wire.holders {
            wire::Holders::Nobody => Holders::Nobody,
            wire::Holders::Group => Holders::Group,
            wire::Holders::Everyone => Holders::Everyone,
        },
        owners: owners
            .map(|o| read::set("visibility.owners", o))
            .transpose()?,
    })
}

/// What was put, with every default said.
pub fn render(spec: &PoolSpec) -> wire::PoolSpec {
    let (template, parameters) = match &spec.kind {
        PoolKind::Built {
            template,
            parameters,
        } => (
            Some(template.to_string()),
            serde_json::from_str(parameters).unwrap_or_default(),
        ),
        PoolKind::Declared => (None, BTreeMap::new()),
    };
    wire::PoolSpec {
        max: template.is_some().then_some(spec.max),
        template,
        parameters,
        needs: rendered::amounts(&spec.needs),
        warm: spec.warm,
        lease: wire::LeasePolicy {
            ttl_ms: Some(spec.lease.ttl_ms),
            ttl_ms_max: Some(spec.lease.ttl_ms_max),
            no_deadline: spec.lease.endless,
            claim_within_ms: spec.lease.claim_within_ms,
            wait_ms_max: Some(spec.lease.wait_ms_max),
        },
        recycle: rendered_recycle(spec),
        prepare: spec.prepare,
        pause: spec.pause,
        holder_images: spec.holder_images.iter().map(ToString::to_string).collect(),
        pick: match spec.pick {
            Pick::First => wire::Pick::First,
            Pick::Oldest => wire::Pick::Oldest,
        },
        visibility: rendered_visibility(&spec.visibility),
        on_bad: match spec.on_bad {
            OnBad::Keep => wire::OnBad::Keep,
            OnBad::Swap => wire::OnBad::Swap,
            OnBad::End => wire::OnBad::End,
        },
        placement: match spec.placement {
            Placement::Spread => wire::Placement::Spread,
            Placement::Pack => wire::Placement::Pack,
        },
        indexed: spec.indexed.iter().map(ToString::to_string).collect(),
        attributes: super::super::render::attributes(&spec.attributes),
        hosts: spec
            .hosts
            .as_ref()
            .map(|h| h.iter().map(ToString::to_string).collect()),
        slice: spec.slice.as_ref().map(slice),
        builds_max: Some(spec.builds_max),
        dirty_alert_ms: Some(spec.deadlines.dirty_alert_ms),
        declared_in: spec.declared_in.as_deref().map(Into::into),
    }
}

fn rendered_recycle(spec: &PoolSpec) -> wire::RecyclePolicy {
    wire::RecyclePolicy {
        class: Some(match spec.recycle.class {
            RecycleClass::Replace => wire::RecycleClass::Replace,
            RecycleClass::Reset => wire::RecycleClass::Reset,
            RecycleClass::Hook => wire::RecycleClass::Hook,
            RecycleClass::Keep => wire::RecycleClass::Keep,
        }),
        cooldown_ms: Some(spec.recycle.cooldown_ms),
        age_ms_max: spec.recycle.age_ms_max,
        uses_max: spec.recycle.uses_max,
        clean_ms_max: Some(spec.deadlines.clean_ms),
    }
}

fn rendered_visibility(visibility: &Visibility) -> wire::Visibility {
    wire::Visibility {
        holders: match visibility.holders {
            Holders::Nobody => wire::Holders::Nobody,
            Holders::Group => wire::Holders::Group,
            Holders::Everyone => wire::Holders::Everyone,
        },
        owners: visibility
            .owners
            .as_ref()
            .map(|o| o.iter().map(ToString::to_string).collect()),
    }
}

/// A size of slices in the words of the API.
pub fn slice(amount: &Amount) -> SliceSize {
    match amount {
        Amount::Prefix(length) => SliceSize::Prefix(*length),
        Amount::Count(count) => SliceSize::Ports(u32::try_from(*count).unwrap_or(u32::MAX)),
        Amount::Quantity(amounts) => SliceSize::Quantity(rendered::amounts(amounts)),
    }
}
