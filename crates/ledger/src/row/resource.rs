//! Resources as rows: what leasing changes, and what a declaration or build says.

use std::sync::Arc;

use caviada_core::event::Number;
use caviada_core::id::{Fence, LeaseId, PoolId, ResourceId};
use caviada_core::resource::{Health, Resource, ResourceState};
use caviada_core::time::Time;

use crate::field::{Field, Reader, json};
use crate::store::StoreError;

pub(super) fn life(r: &Resource) -> [Field; 21] {
    [
        r.id.0.into(),
        (r.state as u8).into(),
        r.generation.into(),
        r.attempt.into(),
        r.open.into(),
        time(r.deadline),
        r.lease.map(|l| l.0).into(),
        r.earmark.map(|e| e.lease.0).into(),
        r.fence.0.into(),
        r.then.as_ref().map(json).into(),
        (r.health as u8).into(),
        time(r.cooling_until),
        r.freed_at.0.into(),
        r.born_at.0.into(),
        r.uses.into(),
        r.tries.into(),
        time(r.retire_at),
        r.cause.as_deref().into(),
        r.withheld.as_deref().map(json).into(),
        r.changed.revision.into(),
        r.changed.index.into(),
    ]
}

pub(super) fn doc(r: &Resource) -> [Field; 7] {
    [
        r.id.0.into(),
        r.pool.0.into(),
        json(&r.origin).into(),
        json(r.doc.as_ref()).into(),
        json(r.outputs.as_ref()).into(),
        r.power.as_deref().map(json).into(),
        r.altered.as_deref().map(json).into(),
    ]
}

/// A resource as its document says, and nothing that leasing changes.
pub(crate) fn read_doc(mut row: Reader<'_>) -> Result<Resource, StoreError> {
    Ok(Resource {
        id: ResourceId(row.u64()?),
        pool: PoolId(row.u64()?),
        origin: row.json()?,
        doc: Arc::new(row.json()?),
        outputs: Arc::new(row.json()?),
        power: row.maybe_json()?.map(Arc::new),
        altered: row.maybe_json()?.map(Arc::new),
        state: ResourceState::Free,
        generation: 0,
        attempt: 0,
        open: false,
        deadline: None,
        lease: None,
        earmark: None,
        fence: Fence(0),
        then: None,
        health: Health::Well,
        cooling_until: None,
        freed_at: Time(0),
        born_at: Time(0),
        uses: 0,
        tries: 0,
        retire_at: None,
        cause: None,
        withheld: None,
        changed: Number::default(),
    })
}

/// Adds what leasing changed; `rank_of` knows the places of waiting leases.
pub(crate) fn read_life(
    r: &mut Resource,
    mut row: Reader<'_>,
    rank_of: impl Fn(LeaseId) -> Option<caviada_core::lease::Rank>,
) -> Result<(), StoreError> {
    if row.u64()? != r.id.0 {
        return Err(row.broken("a resource without its document, or the other way round"));
    }
    let state = row.small::<usize>()?;
    r.state = *ResourceState::ALL
        .get(state)
        .ok_or_else(|| row.broken("no such state"))?;
    r.generation = row.u64()?;
    r.attempt = row.u64()?;
    r.open = row.bool()?;
    r.deadline = row.maybe_u64()?.map(Time);
    r.lease = row.maybe_u64()?.map(LeaseId);
    if let Some(lease) = row.maybe_u64()? {
        let rank = rank_of(LeaseId(lease)).ok_or_else(|| row.broken("kept for nobody"))?;
        r.earmark = Some(rank);
    }
    r.fence = Fence(row.u64()?);
    r.then = row.maybe_json()?;
    r.health = match row.u64()? {
        0 => Health::Well,
        1 => Health::Suspect,
        2 => Health::Ill,
        _ => return Err(row.broken("no such health")),
    };
    r.cooling_until = row.maybe_u64()?.map(Time);
    r.freed_at = Time(row.u64()?);
    r.born_at = Time(row.u64()?);
    r.uses = row.small()?;
    r.tries = row.small()?;
    r.retire_at = row.maybe_u64()?.map(Time);
    r.cause = row.maybe_text()?.map(Into::into);
    r.withheld = row.maybe_json()?.map(Arc::new);
    r.changed = Number {
        revision: row.u64()?,
        index: row.small()?,
    };
    Ok(())
}

fn time(t: Option<Time>) -> Field {
    t.map(|t| t.0).into()
}
