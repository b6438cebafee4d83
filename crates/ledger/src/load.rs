//! State from a store's rows, and the short records of ended leases from the journal's tail.

use std::collections::BTreeMap;

use caviada_core::event::Event;
use caviada_core::id::LeaseId;
use caviada_core::lease::{Ended, LeaseState, Rank};
use caviada_core::limits;
use caviada_core::planted;
use caviada_core::state::{State, Tables};
use caviada_core::time::Time;
use serde::de::DeserializeOwned;

use crate::field::Reader;
use crate::journal::Revision;
use crate::row::{read_doc, read_lease, read_life, read_outcome};
use crate::store::{Flow, Part, Position, Store, StoreError};
use crate::table::{
    API_KEY, HOST, LEASE, OUTCOME, POOL, QUOTA, RESOURCE, RESOURCE_DOC, TEMPLATE, Table, USER,
    WEBHOOK,
};

/// State as a store holds it.
///
/// # Errors
/// Any of [`StoreError`]; `Broken` when the rows cannot be ours.
pub fn load(store: &mut dyn Store, position: &Position) -> Result<State, StoreError> {
    let mut leases = rows(store, &LEASE, read_lease)?;
    leases.retain(|l| !planted!(WaiterLostAtRestart) || l.state != LeaseState::Waiting);
    let ranks: BTreeMap<LeaseId, Rank> = leases.iter().map(|l| (l.id, l.rank())).collect();
    let mut resources = rows(store, &RESOURCE_DOC, read_doc)?;
    let mut at = 0;
    store.read(&RESOURCE, &mut |fields| {
        let row = Reader::new(RESOURCE.name, fields);
        let Some(r) = resources.get_mut(at) else {
            return Err(row.broken("a resource without its document"));
        };
        at += 1;
        read_life(r, row, |lease| ranks.get(&lease).copied())
    })?;
    if at != resources.len() {
        return Err(StoreError::Broken("a document without its resource".into()));
    }
    Ok(State::load(Tables {
        revision: position.revision,
        now: position.at,
        counter: position.counter,
        pools: documents(store, &POOL)?,
        resources,
        leases,
        hosts: documents(store, &HOST)?,
        templates: documents(store, &TEMPLATE)?,
        keys: documents(store, &API_KEY)?,
        quotas: documents(store, &QUOTA)?,
        webhooks: documents(store, &WEBHOOK)?,
        users: documents(store, &USER)?,
        outcomes: rows(store, &OUTCOME, read_outcome)?,
        ended: ended(store, position.at)?,
    }))
}

/// State by doing again all that the journal holds; equal to `load` while the journal is whole.
///
/// # Errors
/// Any of [`StoreError`].
pub fn replay(store: &mut dyn Store, from: State) -> Result<State, StoreError> {
    let mut state = from;
    store.journal(Part::After(state.revision()), &mut |row| {
        Revision::of(&row)?.replay(&mut state);
        Ok(Flow::Continue(()))
    })?;
    Ok(state)
}

fn rows<T>(
    store: &mut dyn Store,
    table: &'static Table,
    read: impl Fn(Reader<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut nouns = Vec::new();
    store.read(table, &mut |fields| {
        nouns.push(read(Reader::new(table.name, fields))?);
        Ok(())
    })?;
    Ok(nouns)
}

fn documents<T: DeserializeOwned>(
    store: &mut dyn Store,
    table: &'static Table,
) -> Result<Vec<T>, StoreError> {
    rows(store, table, |mut row| {
        row.u64()?;
        row.json()
    })
}

/// Leases that ended within the hour, oldest first, the newest of them if there are too many.
fn ended(store: &mut dyn Store, now: Time) -> Result<Vec<Ended>, StoreError> {
    let mut newest_first = Vec::new();
    let since = Time(now.0.saturating_sub(limits::ENDED_KEPT_MS));
    store.journal(Part::Ended(since), &mut |row| {
        let revision = Revision::of(&row)?;
        let events: Vec<_> = revision.events().collect();
        newest_first.extend(events.iter().rev().filter_map(|(_, _, event)| match event {
            Event::LeaseEnded {
                lease,
                owner,
                fence,
                end,
                reason,
                shared,
                ..
            } => Some(Ended {
                id: *lease,
                owner: owner.clone(),
                end: *end,
                at: row.at,
                fence: *fence,
                reason: reason.clone(),
                shared: shared.clone(),
            }),
            _ => None,
        }));
        let enough = newest_first.len() >= limits::ENDED_KEPT_MAX;
        Ok(if enough {
            Flow::Break(())
        } else {
            Flow::Continue(())
        })
    })?;
    newest_first.truncate(limits::ENDED_KEPT_MAX);
    newest_first.reverse();
    Ok(newest_first)
}
