//! Reading the history: postings of the rarest subject first, then a look at each event.

use std::cell::RefCell;
use std::collections::BTreeSet;

use caviada_core::event::{Event, Number};
use caviada_core::id::{LeaseId, PoolId, ResourceId};
use caviada_core::limits;
use caviada_core::time::Time;

use super::lease::PastLease;
use super::posting::{self, PAGE};
use super::search::{EventSearch, LeaseSearch, Order, Page, Recorded};
use super::subject::{Context, Subject, subjects};
use crate::engine::Engine;
use crate::field::{Field, Reader};
use crate::journal::Revision;
use crate::store::memory::read_journal;
use crate::store::sql::read_journal_part;
use crate::store::{Flow, Part, StoreError};
use crate::table::{JOURNAL, LEASE_HISTORY, LEASE_OF, POSTING};

type Database = Box<dyn Engine + Send>;

/// The two databases a search reads.
pub(crate) struct Reading {
    history: Database,
    ledger: Database,
}

impl Reading {
    pub fn new(history: Database, ledger: Database) -> Self {
        Self { history, ledger }
    }

    pub fn revive(&mut self) -> Result<(), StoreError> {
        self.history.revive()?;
        self.ledger.revive()
    }

    pub fn events(&mut self, search: &EventSearch) -> Result<Page<Recorded, Number>, StoreError> {
        let wanted = search.subjects();
        let mut page = Page {
            items: Vec::new(),
            next: None,
        };
        let mut from = self.start_of(search)?;
        let mut looks = 0;
        loop {
            let candidates = self.candidates(wanted.first().copied(), from, search.order)?;
            for candidate in &candidates {
                looks += 1;
                from = match search.order {
                    Order::Newest => candidate.saturating_sub(1),
                    Order::Oldest => candidate + 1,
                };
                let Some(revision) = self.revision(*candidate)? else {
                    continue;
                };
                if search.ends_before(revision.at) {
                    return Ok(page);
                }
                self.look(&revision, search, &wanted, &mut page)?;
                if page.next.is_some() {
                    return Ok(page);
                }
                if looks >= limits::ledger::HISTORY_LOOKED_AT_MAX {
                    let index = if search.order == Order::Newest {
                        0
                    } else {
                        u32::MAX
                    };
                    page.next = Some(Number {
                        revision: *candidate,
                        index,
                    });
                    return Ok(page);
                }
            }
            if candidates.is_empty() {
                return Ok(page);
            }
        }
    }

    /// The revision at which a search begins.
    fn start_of(&mut self, search: &EventSearch) -> Result<u64, StoreError> {
        let beyond = search.beyond.map(|n| n.revision);
        Ok(match (search.order, search.until, search.since) {
            (Order::Newest, Some(until), _) => {
                self.newest_at(until)?.min(beyond.unwrap_or(u64::MAX >> 1))
            }
            (Order::Newest, None, _) => beyond.unwrap_or(u64::MAX >> 1),
            (Order::Oldest, _, Some(Time(since @ 1..))) => {
                (self.newest_at(Time(since - 1))? + 1).max(beyond.unwrap_or(0))
            }
            (Order::Oldest, ..) => beyond.unwrap_or(0),
        })
    }

    /// Takes the events of one revision that are wanted, until the page is full.
    fn look(
        &mut self,
        revision: &Revision,
        search: &EventSearch,
        wanted: &[Subject],
        page: &mut Page<Recorded, Number>,
    ) -> Result<(), StoreError> {
        let context = Looking {
            history: RefCell::new(&mut *self.history),
            failed: RefCell::default(),
        };
        let mut events: Vec<_> = revision.events().collect();
        if search.order == Order::Newest {
            events.reverse();
        }
        let kind = search.kind.as_deref();
        for (number, entry, event) in events {
            if !search.is_beyond(number) || !kind.is_none_or(|kind| is_of_kind(event, kind)) {
                continue;
            }
            if !wanted.is_empty() {
                let mut found = Vec::new();
                subjects(event, &context, &mut found);
                if !wanted.iter().all(|s| found.contains(s)) {
                    continue;
                }
            }
            if page.items.len() == search.limit {
                page.next = page.items.last().map(|r| r.number);
                break;
            }
            page.items.push(Recorded {
                number,
                at: revision.at,
                by: entry.by,
                act: entry.act.clone(),
                event: event.clone(),
            });
        }
        context.failed.into_inner().map_or(Ok(()), Err)
    }

    /// Revisions from `from` on that tell of a subject, or all of them, in the order asked for.
    fn candidates(
        &mut self,
        subject: Option<Subject>,
        from: u64,
        order: Order,
    ) -> Result<Vec<u64>, StoreError> {
        let (beyond, direction) = match order {
            Order::Newest => ("<=", "DESC"),
            Order::Oldest => (">=", "ASC"),
        };
        let Some(subject) = subject else {
            let sql = format!(
                "SELECT revision FROM journal WHERE revision {beyond} $1 \
                 ORDER BY revision {direction} LIMIT {PAGE}"
            );
            return numbers(&mut *self.ledger, &sql, &[from.into()]);
        };
        let posted = posting::search(&POSTING, subject, from, order, &mut *self.history)?;
        // A lease's first and last revision stand in its own row.
        let ends = format!(
            "SELECT first FROM lease_history WHERE id = $1 AND first {beyond} $2 \
             UNION SELECT last FROM lease_history WHERE id = $1 AND last {beyond} $2"
        );
        let args = [Field::Int(subject.0), from.into()];
        let mut all: BTreeSet<u64> = numbers(&mut *self.history, &ends, &args)?
            .into_iter()
            .collect();
        // What lies beyond a full page of postings belongs to the next one.
        if posted.len() >= PAGE
            && let Some(last) = posted.last()
        {
            all.retain(|r| {
                if order == Order::Newest {
                    r >= last
                } else {
                    r <= last
                }
            });
        }
        all.extend(posted);
        let mut all: Vec<u64> = all.into_iter().collect();
        if order == Order::Newest {
            all.reverse();
        }
        Ok(all)
    }

    fn revision(&mut self, revision: u64) -> Result<Option<Revision>, StoreError> {
        let mut found = None;
        let sql = "SELECT revision, at, total, ended, doc FROM journal WHERE revision = $1";
        self.ledger.query(sql, &[revision.into()], &mut |fields| {
            found = Some(Revision::of(&read_journal(Reader::new(
                JOURNAL.name,
                fields,
            ))?)?);
            Ok(Flow::Break(()))
        })?;
        Ok(found)
    }

    /// The newest revision that is not newer than a time. Times never fall, so halving finds it.
    fn newest_at(&mut self, time: Time) -> Result<u64, StoreError> {
        let ends = "SELECT MIN(revision) FROM journal UNION ALL SELECT MAX(revision) FROM journal";
        let bounds = numbers(&mut *self.ledger, ends, &[])?;
        let (Some(first), Some(last)) = (bounds.iter().min(), bounds.iter().max()) else {
            return Ok(0);
        };
        let (mut low, mut high) = (first.saturating_sub(1), *last);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let sql = "SELECT at FROM journal WHERE revision = $1";
            let at = numbers(&mut *self.ledger, sql, &[middle.into()])?;
            if at.first().is_some_and(|at| *at <= time.0) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Ok(low)
    }

    pub fn leases(&mut self, search: &LeaseSearch) -> Result<Page<PastLease, LeaseId>, StoreError> {
        let subject = search.subject();
        let mut page = Page {
            items: Vec::new(),
            next: None,
        };
        let mut from = search
            .before
            .map_or(u64::MAX >> 1, |l| l.0.saturating_sub(1));
        let mut looks = 0;
        loop {
            let candidates = match subject {
                Some(subject) => {
                    let history = &mut *self.history;
                    posting::search(&LEASE_OF, subject, from, Order::Newest, history)?
                }
                None => numbers(
                    &mut *self.history,
                    &format!(
                        "SELECT id FROM lease_history WHERE id <= $1 ORDER BY id DESC LIMIT {PAGE}"
                    ),
                    &[from.into()],
                )?,
            };
            for id in &candidates {
                looks += 1;
                from = id.saturating_sub(1);
                let Some(lease) = self.lease(LeaseId(*id))? else {
                    continue;
                };
                if search.since.is_some_and(|since| lease.asked_at < since) {
                    return Ok(page);
                }
                if search.wants(&lease) {
                    if page.items.len() == search.limit {
                        page.next = page.items.last().map(|l: &PastLease| l.id);
                        return Ok(page);
                    }
                    page.items.push(lease);
                } else if looks >= limits::ledger::HISTORY_LOOKED_AT_MAX {
                    page.next = Some(LeaseId(*id));
                    return Ok(page);
                }
            }
            if candidates.is_empty() {
                return Ok(page);
            }
        }
    }

    pub fn lease(&mut self, id: LeaseId) -> Result<Option<PastLease>, StoreError> {
        lease(&mut *self.history, id)
    }

    /// The oldest event there still is.
    pub fn oldest(&mut self) -> Result<Option<Number>, StoreError> {
        let sql = "SELECT MIN(revision) FROM journal";
        let found = numbers(&mut *self.ledger, sql, &[])?;
        Ok(found.first().map(|revision| Number {
            revision: *revision,
            index: 0,
        }))
    }

    pub fn revisions(
        &mut self,
        after: u64,
        many: usize,
    ) -> Result<Option<Vec<Revision>>, StoreError> {
        let mut found = Vec::new();
        read_journal_part(&mut *self.ledger, Part::After(after), &mut |row| {
            found.push(Revision::of(&row)?);
            Ok(if found.len() >= many {
                Flow::Break(())
            } else {
                Flow::Continue(())
            })
        })?;
        let gap = found.first().is_some_and(|r| r.revision != after + 1);
        Ok((!gap).then_some(found))
    }
}

/// An event's kind is the tag under which it is written.
fn is_of_kind(event: &Event, kind: &str) -> bool {
    let text = crate::field::json(event);
    let tag = text
        .trim_start_matches(['{', '"'])
        .split('"')
        .next()
        .unwrap_or_default();
    tag == kind || (kind.ends_with('.') && tag.starts_with(kind))
}

fn numbers(engine: &mut dyn Engine, sql: &str, args: &[Field]) -> Result<Vec<u64>, StoreError> {
    let mut found = Vec::new();
    engine.query(sql, args, &mut |fields| {
        found.extend(Reader::new("history", fields).maybe_u64()?);
        Ok(Flow::Continue(()))
    })?;
    Ok(found)
}

fn lease(engine: &mut dyn Engine, id: LeaseId) -> Result<Option<PastLease>, StoreError> {
    let mut found = None;
    let names: Vec<_> = LEASE_HISTORY.columns.iter().map(|c| c.name).collect();
    let sql = format!(
        "SELECT {} FROM lease_history WHERE id = $1",
        names.join(", ")
    );
    engine.query(&sql, &[id.0.into()], &mut |fields| {
        found = Some(PastLease::read(Reader::new(LEASE_HISTORY.name, fields))?);
        Ok(Flow::Break(()))
    })?;
    Ok(found)
}

/// What events do not say themselves, looked up.
struct Looking<'a> {
    history: RefCell<&'a mut (dyn Engine + Send)>,
    failed: RefCell<Option<StoreError>>,
}

impl Looking<'_> {
    fn or_failed<T>(&self, found: Result<Option<T>, StoreError>) -> Option<T> {
        found.unwrap_or_else(|error| {
            self.failed.replace(Some(error));
            None
        })
    }
}

impl Context for Looking<'_> {
    fn pool_of(&self, resource: ResourceId) -> Option<PoolId> {
        let sql = "SELECT pool FROM member WHERE id = $1";
        let found = numbers(*self.history.borrow_mut(), sql, &[resource.0.into()]);
        self.or_failed(found.map(|pools| pools.first().copied().map(PoolId)))
    }

    fn lease(&self, id: LeaseId, look: impl FnOnce(&PastLease)) {
        let found = lease(*self.history.borrow_mut(), id);
        if let Some(lease) = self.or_failed(found) {
            look(&lease);
        }
    }
}
