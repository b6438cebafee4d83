//! Leases as rows: narrow columns for what their life changes, a document for the rest.

use std::sync::Arc;

use caviada_core::attribute::Labels;
use caviada_core::event::Number;
use caviada_core::id::{Fence, KeyId, LeaseId, ResourceId};
use caviada_core::lease::{
    Earmark, Item, Lease, LeaseState, Member, Purpose, is_ordinary_priority, ordinary_priority,
};
use caviada_core::name::Owner;
use caviada_core::time::Time;
use serde::{Deserialize, Serialize};

use crate::field::{Field, Reader, json};
use crate::store::StoreError;

/// What the life of a lease does not change.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LeaseDoc {
    owner: Owner,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<KeyId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    confined: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shared: Vec<Owner>,
    items: Arc<[Item]>,
    #[serde(
        default = "ordinary_priority",
        skip_serializing_if = "is_ordinary_priority"
    )]
    priority: u8,
    /// None where it was granted at once, and says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claim_within_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    poll_within_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "is_use")]
    purpose: Purpose,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    labels: Labels,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Box<str>>,
}

fn is_use(purpose: &Purpose) -> bool {
    *purpose == Purpose::Use
}

impl LeaseDoc {
    fn of(l: &Lease) -> Self {
        Self {
            owner: l.owner.clone(),
            by: l.by,
            confined: l.confined,
            shared: l.shared.clone(),
            items: l.items.clone(),
            priority: l.priority,
            asked_at: Some(l.asked_at).filter(|_| l.granted_at != Some(l.asked_at)),
            ttl_ms: l.ttl_ms,
            claim_within_ms: l.claim_within_ms,
            poll_within_ms: l.poll_within_ms,
            slot: l.slot.clone(),
            purpose: l.purpose,
            labels: l.labels.clone(),
            note: l.note.clone(),
        }
    }
}

pub(super) fn life(l: &Lease) -> [Field; 13] {
    let flags = |m: &Member| u8::from(m.bound) + 2 * u8::from(m.flagged);
    let members: Vec<_> = l
        .members
        .iter()
        .map(|m| (m.resource.0, m.item, flags(m)))
        .collect();
    let earmarks: Vec<_> = l.earmarks.iter().map(|e| (e.resource.0, e.item)).collect();
    [
        l.id.0.into(),
        (l.state as u8).into(),
        l.fence.0.into(),
        json(&members).into(),
        json(&earmarks).into(),
        time(l.granted_at),
        time(l.deadline),
        time(l.deadline_max),
        time(l.wait_until),
        time(l.poll_until),
        l.swaps.into(),
        l.changed.revision.into(),
        l.changed.index.into(),
    ]
}

pub(super) fn whole(l: &Lease) -> [Field; 14] {
    let [a, b, c, d, e, f, g, h, i, j, k, m, n] = life(l);
    [
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        i,
        j,
        k,
        m,
        n,
        json(&LeaseDoc::of(l)).into(),
    ]
}

pub(crate) fn read_lease(mut row: Reader<'_>) -> Result<Lease, StoreError> {
    let id = LeaseId(row.u64()?);
    let state = match row.u64()? {
        0 => LeaseState::Waiting,
        1 => LeaseState::Preparing,
        2 => LeaseState::Active,
        _ => return Err(row.broken("no such state")),
    };
    let fence = Fence(row.u64()?);
    let members: Vec<(u64, u16, u8)> = row.json()?;
    let earmarks: Vec<(u64, u16)> = row.json()?;
    let granted_at = row.maybe_u64()?.map(Time);
    let deadline = row.maybe_u64()?.map(Time);
    let deadline_max = row.maybe_u64()?.map(Time);
    let wait_until = row.maybe_u64()?.map(Time);
    let poll_until = row.maybe_u64()?.map(Time);
    let swaps = row.small()?;
    let changed = Number {
        revision: row.u64()?,
        index: row.small()?,
    };
    let doc: LeaseDoc = row.json()?;
    let asked_at = doc.asked_at.or(granted_at);
    let asked_at = asked_at.ok_or_else(|| row.broken("asked for at no time"))?;
    let member = |(resource, item, flags): (u64, u16, u8)| Member {
        resource: ResourceId(resource),
        item,
        bound: flags & 1 != 0,
        flagged: flags & 2 != 0,
    };
    let earmark = |(resource, item)| Earmark {
        resource: ResourceId(resource),
        item,
    };
    Ok(Lease {
        id,
        owner: doc.owner,
        by: doc.by,
        confined: doc.confined,
        shared: doc.shared,
        state,
        items: doc.items,
        priority: doc.priority,
        fence,
        members: members.into_iter().map(member).collect(),
        earmarks: earmarks.into_iter().map(earmark).collect(),
        asked_at,
        granted_at,
        deadline,
        deadline_max,
        ttl_ms: doc.ttl_ms,
        claim_within_ms: doc.claim_within_ms,
        wait_until,
        poll_within_ms: doc.poll_within_ms,
        poll_until,
        slot: doc.slot,
        purpose: doc.purpose,
        labels: doc.labels,
        note: doc.note,
        swaps,
        changed,
    })
}

fn time(t: Option<Time>) -> Field {
    t.map(|t| t.0).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldRef;

    #[test]
    fn a_lease_reads_the_same_from_a_lean_document_and_from_one_of_an_older_store() {
        let lease: Lease = serde_json::from_str(
            r#"{"id":"lease_000000000000a","owner":"ann","items":[{"pool":"pool_0000000000002"}],
            "fence":11,"members":[{"resource":"res_0000000000003"}],"asked_at":7,"granted_at":7,
            "deadline":9,"deadline_max":20,"ttl_ms":2,"changed":{"revision":4,"index":1}}"#,
        )
        .unwrap();
        let read = |row: &[Field; 14]| {
            let fields: Vec<FieldRef<'_>> = row.iter().map(Field::as_ref).collect();
            read_lease(Reader::new("lease", &fields)).unwrap()
        };
        let mut row = whole(&lease);
        let lean = r#"{"owner":"ann","items":[{"pool":"pool_0000000000002"}],"ttl_ms":2}"#;
        assert_eq!(row[13], Field::Text(lean.into()));
        assert_eq!(read(&row), lease);
        let older = r#"{"owner":"ann","items":[{"pool":"pool_0000000000002","count":1}],"priority":5,
            "asked_at":7,"ttl_ms":2,"purpose":"use","labels":{}}"#;
        row[13] = Field::Text(older.into());
        assert_eq!(read(&row), lease);
        // It waited, and the document is as it was when it asked.
        let met = Lease {
            asked_at: Time(3),
            ..lease
        };
        assert_eq!(read(&whole(&met)), met);
    }
}
