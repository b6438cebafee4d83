//! Nouns as rows, and the rows of one batch.

mod lease;
mod outcome;
mod resource;

use std::collections::BTreeSet;
use std::sync::Arc;

use caviada_core::event::Event;
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::state::State;
use caviada_core::table::Table as Nouns;
use serde::Serialize;

use crate::field::json;
use crate::journal::{Entry, document};
use crate::store::{Batch, Position};
use crate::table::{
    API_KEY, HOST, JOURNAL, LEASE, LEASE_LIFE, OUTCOME, POOL, QUOTA, RESOURCE, RESOURCE_DOC,
    TEMPLATE, Table, USER, Verb, WEBHOOK, Writes,
};

pub(crate) use lease::read_lease;
pub(crate) use outcome::read_outcome;
pub(crate) use resource::{read_doc, read_life};

/// The batch that brings a store from `old` to State: one journal row, and one write per noun that
/// was touched. Nothing counts as touched afterwards.
pub(crate) fn batch(state: &mut State, old: &Position, entries: &[Entry]) -> Batch {
    let events = || entries.iter().flat_map(|e| &e.events);
    let described = Described::by(events());
    let ended = events()
        .filter(|e| matches!(e, Event::LeaseEnded { .. }))
        .count() as u64;
    let new = Position {
        epoch: old.epoch,
        revision: state.revision(),
        at: state.now(),
        counter: state.counter(),
        events: old.events + events().count() as u64,
    };
    let mut journal = Writes::new(Verb::Add, &JOURNAL);
    journal.push([
        new.revision.into(),
        new.at.0.into(),
        new.events.into(),
        ended.into(),
        document(entries).into(),
    ]);
    let mut writes = vec![journal];
    resources(state, &described, &mut writes);
    leases(state, &described, &mut writes);
    outcomes(state, &mut writes);
    documents(&mut state.pools, |id| id.0, &POOL, &mut writes);
    documents(&mut state.hosts, |id| id.0, &HOST, &mut writes);
    documents(&mut state.templates, |id| id.0, &TEMPLATE, &mut writes);
    documents(&mut state.keys, |id| id.0, &API_KEY, &mut writes);
    documents(&mut state.quotas, |id| id.0, &QUOTA, &mut writes);
    documents(&mut state.webhooks, |id| id.0, &WEBHOOK, &mut writes);
    documents(&mut state.users, |id| id.0, &USER, &mut writes);
    writes.retain(|w| !w.is_empty());
    Batch::new(old.clone(), new, writes)
}

/// Nouns of which more changed than their narrow columns.
#[derive(Default)]
struct Described {
    resources: BTreeSet<ResourceId>,
    leases: BTreeSet<LeaseId>,
}

impl Described {
    fn by<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let mut described = Self::default();
        for event in events {
            match event {
                Event::ResourceDeclared(r) | Event::ResourcePlanned(r) | Event::ResourceCut(r) => {
                    described.resources.insert(r.id);
                }
                Event::ResourceDescribed(id, _)
                | Event::ResourceBuilt { resource: id, .. }
                | Event::ResourceCleaned { resource: id, .. }
                | Event::ResourceTurning { resource: id, .. }
                | Event::ResourceTurned(id)
                | Event::ResourceUnturned { resource: id, .. }
                | Event::ResourceAltering { resource: id, .. }
                | Event::ResourceAltered { resource: id, .. }
                | Event::ResourceUnaltered { resource: id, .. }
                | Event::ResourceRestored(id) => {
                    described.resources.insert(*id);
                }
                Event::LeaseWaiting(lease) | Event::LeaseGranted { lease, .. } => {
                    described.leases.insert(lease.id);
                }
                Event::LeaseGiven(id, _)
                | Event::LeaseShared(id, _)
                | Event::LeaseNoted(id, ..) => {
                    described.leases.insert(*id);
                }
                _ => {}
            }
        }
        described
    }
}

fn resources(state: &mut State, described: &Described, writes: &mut Vec<Writes>) {
    let touched = state.resources.take_touched();
    let mut put = Writes::with_room(Verb::Put, &RESOURCE, touched.len());
    let mut gone = Writes::new(Verb::Remove, &RESOURCE);
    let mut docs = Writes::new(Verb::Put, &RESOURCE_DOC);
    let mut docs_gone = Writes::new(Verb::Remove, &RESOURCE_DOC);
    for id in touched {
        let Some(r) = state.resources.get(&id) else {
            gone.push([id.0.into()]);
            docs_gone.push([id.0.into()]);
            continue;
        };
        put.push(resource::life(r));
        // What is dropped of a power or an alteration is told by many an event, but never that all of
        // it is as it was built.
        if described.resources.contains(&id) || !r.is_as_built() {
            docs.push(resource::doc(r));
        }
    }
    writes.extend([put, gone, docs, docs_gone]);
}

fn leases(state: &mut State, described: &Described, writes: &mut Vec<Writes>) {
    let mut put = Writes::with_room(Verb::Put, &LEASE, described.leases.len());
    let mut changed = Writes::new(Verb::Change, &LEASE_LIFE);
    let mut gone = Writes::new(Verb::Remove, &LEASE);
    for id in state.leases.take_touched() {
        match state.leases.get(&id) {
            None => gone.push([id.0.into()]),
            Some(l) if described.leases.contains(&id) => put.push(lease::whole(l)),
            Some(l) => changed.push(lease::life(l)),
        }
    }
    writes.extend([put, changed, gone]);
}

fn outcomes(state: &mut State, writes: &mut Vec<Writes>) {
    let mut put = Writes::new(Verb::Put, &OUTCOME);
    let mut gone = Writes::new(Verb::Remove, &OUTCOME);
    for at in state.outcomes.take_touched() {
        match state.outcomes.get(&at) {
            Some(o) => put.push(outcome::row(o)),
            None => gone.push([at.by.0.into(), at.key.as_ref().into()]),
        }
    }
    writes.extend([put, gone]);
}

/// Nouns that are one document.
fn documents<K: Ord + Clone, V: Serialize + Clone>(
    nouns: &mut Nouns<K, V>,
    number: impl Fn(&K) -> u64,
    table: &'static Table,
    writes: &mut Vec<Writes>,
) {
    let mut put = Writes::new(Verb::Put, table);
    let mut gone = Writes::new(Verb::Remove, table);
    for id in nouns.take_touched() {
        match nouns.get(&id).map(Arc::as_ref) {
            Some(noun) => put.push([number(&id).into(), json(noun).into()]),
            None => gone.push([number(&id).into()]),
        }
    }
    writes.extend([put, gone]);
}
