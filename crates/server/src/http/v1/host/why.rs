//! Why nothing more can be built on a host, in a sentence.

use caviada_core::host::Host;
use caviada_core::host::survey::DISK_LOW_BYTES;
use caviada_core::image::pull::Standing;
use caviada_core::index::HostUse;
use caviada_core::resource::{Resource, ResourceState};
use caviada_core::state::State;

use crate::image::Shown;
use crate::sight::Sight;

/// The first reason that there is.
pub(super) fn of(state: &State, host: &Host, sight: &Sight, images: &[Shown]) -> Option<String> {
    if host.retiring {
        return Some("it is being removed".to_owned());
    }
    if !host.seen {
        let missed = sight.why.clone();
        return missed.or_else(|| Some("its driver has not looked yet".to_owned()));
    }
    let used = state.index.hosts.get(&host.id);
    failing(state, host)
        .or_else(|| used.filter(|_| host.spec.drain).map(drained))
        .or_else(|| (!host.spec.schedulable).then(|| "it is not schedulable".to_owned()))
        .or_else(|| full(state, host, used?))
        .or_else(|| disk(sight))
        .or_else(|| absent(images))
}

/// Something that is to be there could not be had.
fn absent(images: &[Shown]) -> Option<String> {
    let mut wanted = images.iter().filter(|(_, pull, _)| pull.wanted);
    let failed = wanted.find_map(|(_, pull, _)| match &pull.standing {
        Standing::Failed { why, .. } => Some(why),
        _ => None,
    });
    failed.map(|why| format!("an image that may be needed cannot be had: {why}"))
}

/// Builds fail there: of which pool, and in whose words.
fn failing(state: &State, host: &Host) -> Option<String> {
    let (id, backoff) = host.backoffs.iter().next()?;
    let pool = state.pools.get(id).map_or("a pool", |p| p.name.as_str());
    let what = match &*backoff.cause {
        "no_room" => "it has no room: networks, memory or disk ran out",
        "port_taken" => "a port is taken by somebody else",
        "no_image" => "an image is neither there nor to be had",
        other => other,
    };
    let said = |r: &Resource| r.cause.as_deref().map(str::to_owned);
    let failed = (host.id, *id, ResourceState::Failed);
    let first = (
        failed.0,
        failed.1,
        failed.2,
        caviada_core::id::ResourceId(0),
    );
    let last = (
        failed.0,
        failed.1,
        failed.2,
        caviada_core::id::ResourceId(u64::MAX),
    );
    let mut evidence = state.index.placed.range(first..=last);
    let words = evidence
        .next_back()
        .and_then(|(.., r)| said(state.resources.get(r)?));
    let words = words.map(|w| format!(" ({w})")).unwrap_or_default();
    Some(format!(
        "builds of {pool} fail here, {} in a row: {what}{words}",
        backoff.tries
    ))
}

fn drained(used: &HostUse) -> String {
    let leased = used.in_state(ResourceState::Leased);
    let withheld = used.in_state(ResourceState::Withheld);
    match used.total() {
        0 => "it is drained".to_owned(),
        left => format!("it drains: {left} left, {leased} leased and {withheld} withheld"),
    }
}

/// It carries what it can: by number, ports, networks, or an amount.
fn full(state: &State, host: &Host, used: &HostUse) -> Option<String> {
    let spec = &host.spec;
    let total = used.total();
    if total >= spec.capacity {
        return Some(format!(
            "it is full: {total} of {} resources",
            spec.capacity
        ));
    }
    if let Some(ports) = spec.ports.filter(|_| used.blocks.is_empty()) {
        let quarantined = match used.quarantined.len() {
            0 => String::new(),
            n => format!(", {n} of them closed because others took a port"),
        };
        return Some(format!(
            "it is full: all {} blocks of ports {} to {} are taken{quarantined}",
            ports.blocks(),
            ports.first,
            ports.last
        ));
    }
    if let Some(network) = spec.network.filter(|_| used.subnets.is_empty()) {
        return Some(format!(
            "it is full: all {} networks of {}/{} are taken",
            network.subnets(),
            network.address,
            network.prefix
        ));
    }
    // Something of this amount wants more than is left of it.
    let pools = state.pools.values().filter(|p| p.spec.template().is_some());
    let needs = pools.flat_map(|p| p.spec.needs.iter().map(move |need| (&p.name, need)));
    let mut lacking = needs.filter_map(|(pool, (kind, need))| {
        let whole = u128::from(*spec.holds.get(kind)?);
        let taken = used.taken(state, kind);
        (taken + u128::from(*need) > whole).then(|| {
            format!(
                "it is full for {pool}: {taken} of {whole} {kind} are taken, and one needs {need}"
            )
        })
    });
    lacking.next()
}

fn disk(sight: &Sight) -> Option<String> {
    let free = sight.facts.as_ref()?.disk_free_bytes?;
    let low = free < DISK_LOW_BYTES;
    low.then(|| format!("its disk is nearly full: {} MiB are left", free >> 20))
}
