//! A lease as the history remembers it.

use caviada_core::attribute::Labels;
use caviada_core::event::Event;
use caviada_core::id::{Fence, KeyId, LeaseId, PoolId, ResourceId};
use caviada_core::lease::{End, Lease, Past};
use caviada_core::name::Owner;
use caviada_core::time::Time;

use crate::field::{Field, Reader, json};
use crate::store::StoreError;

/// A lease that was, or is.
#[derive(Debug, Clone, PartialEq)]
pub struct PastLease {
    /// Its id.
    pub id: LeaseId,
    /// Its owners, the last one last.
    pub owners: Vec<Owner>,
    /// The key that asked.
    pub by: Option<KeyId>,
    /// 9 is first.
    pub priority: u8,
    /// When it was asked for.
    pub asked_at: Time,
    /// When it was first granted.
    pub granted_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// How it ended.
    pub end: Option<End>,
    /// Its last fence.
    pub fence: Fence,
    /// Pools it asked for by name, and those of its members.
    pub pools: Vec<PoolId>,
    /// Everything that was a member of it.
    pub members: Vec<ResourceId>,
    /// What is kept for it while it waits.
    pub marked: Vec<ResourceId>,
    /// Its holder's labels.
    pub labels: Labels,
    /// Its holder's note.
    pub note: Option<Box<str>>,
    /// Revision of its first event.
    pub first: u64,
    /// Revision of its last event.
    pub last: u64,
    /// What who revoked it said to its holder.
    pub reason: Option<Box<str>>,
}

impl PastLease {
    /// Whose it is, or was last.
    pub fn owner(&self) -> Option<&Owner> {
        self.owners.last()
    }

    pub(crate) fn of(lease: &Lease, revision: u64) -> Self {
        Self {
            id: lease.id,
            owners: vec![lease.owner.clone()],
            by: lease.by,
            priority: lease.priority,
            asked_at: lease.asked_at,
            granted_at: lease.granted_at,
            ended_at: None,
            end: None,
            fence: lease.fence,
            pools: lease.items.iter().filter_map(|i| i.pool).collect(),
            members: lease.members.iter().map(|m| m.resource).collect(),
            marked: lease.earmarks.iter().map(|e| e.resource).collect(),
            labels: lease.labels.clone(),
            note: lease.note.clone(),
            first: revision,
            last: revision,
            reason: None,
        }
    }

    /// One of another system, as it was entered.
    pub fn imported(past: &Past, revision: u64) -> Self {
        Self {
            id: past.id,
            owners: vec![past.owner.clone()],
            by: None,
            priority: 0,
            asked_at: past.granted_at,
            granted_at: Some(past.granted_at),
            ended_at: Some(past.ended_at),
            end: Some(End::Released),
            fence: Fence(0),
            pools: vec![past.pool],
            members: vec![],
            marked: vec![],
            labels: past.labels.clone(),
            note: past.note.clone(),
            first: revision,
            last: revision,
            reason: None,
        }
    }

    /// What an event of this lease changes of it.
    pub(crate) fn apply(&mut self, event: &Event, at: Time) {
        match event {
            Event::LeaseMet { fence, .. } => {
                self.fence = *fence;
                self.granted_at = Some(at);
                self.members.append(&mut self.marked);
            }
            Event::LeaseSwapped { member, fence, .. } => {
                self.fence = *fence;
                self.members.push(member.resource);
            }
            Event::LeaseGiven(_, owner) => {
                self.owners.retain(|o| o != owner);
                self.owners.push(owner.clone());
            }
            Event::LeaseNoted(_, labels, note) => {
                self.labels = labels.clone();
                self.note = note.clone();
            }
            Event::ResourceEarmarked { resource, .. } => self.marked.push(*resource),
            Event::LeaseEnded { end, reason, .. } => {
                self.reason.clone_from(reason);
                self.end = Some(*end);
                self.ended_at = Some(at);
                self.marked.clear();
            }
            _ => {}
        }
    }

    pub(crate) fn row(&self) -> [Field; 17] {
        let pools: Vec<u64> = self.pools.iter().map(|p| p.0).collect();
        let ids = |ids: &[ResourceId]| json(&ids.iter().map(|m| m.0).collect::<Vec<_>>());
        [
            self.id.0.into(),
            json(&self.owners).into(),
            self.by.map(|k| k.0).into(),
            self.priority.into(),
            self.asked_at.0.into(),
            self.granted_at.map(|t| t.0).into(),
            self.ended_at.map(|t| t.0).into(),
            self.end.as_ref().map(json).into(),
            self.fence.0.into(),
            json(&pools).into(),
            ids(&self.members).into(),
            ids(&self.marked).into(),
            json(&self.labels).into(),
            self.note.as_deref().into(),
            self.first.into(),
            self.last.into(),
            self.reason.as_deref().into(),
        ]
    }

    pub(crate) fn read(mut row: Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: LeaseId(row.u64()?),
            owners: row.json()?,
            by: row.maybe_u64()?.map(KeyId),
            priority: row.small()?,
            asked_at: Time(row.u64()?),
            granted_at: row.maybe_u64()?.map(Time),
            ended_at: row.maybe_u64()?.map(Time),
            end: row.maybe_json()?,
            fence: Fence(row.u64()?),
            pools: row.json::<Vec<u64>>()?.into_iter().map(PoolId).collect(),
            members: row
                .json::<Vec<u64>>()?
                .into_iter()
                .map(ResourceId)
                .collect(),
            marked: row
                .json::<Vec<u64>>()?
                .into_iter()
                .map(ResourceId)
                .collect(),
            labels: row.json()?,
            note: row.maybe_text()?.map(Into::into),
            first: row.u64()?,
            last: row.u64()?,
            reason: row.maybe_text()?.map(Into::into),
        })
    }
}
