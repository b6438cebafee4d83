//! Posting lists: which revisions tell of a subject, and which leases it has to do with.
//!
//! A round adds one row per subject, not one per number: a row's key is the last number of its list,
//! and `more` leads back from there, one gap after the other. Rows of a subject do not overlap, so
//! that a search in either direction reads them one after the other.

use std::collections::BTreeMap;

use caviada_core::limits;

use super::search::Order;
use super::subject::Subject;
use crate::engine::Engine;
use crate::field::{Field, Reader, json};
use crate::store::{Flow, StoreError};
use crate::table::{Table, Verb, Writes};

/// Numbers, or rows, read at once.
pub(super) const PAGE: usize = limits::ledger::HISTORY_PAGE_MAX;

/// Numbers of one subject, rising.
type List = Vec<u64>;

/// What one round adds to one table of lists.
#[derive(Debug, Default)]
pub(super) struct Postings(Vec<(Subject, u64)>);

impl Postings {
    /// One more; one that is there already counts once.
    pub fn push(&mut self, subject: Subject, number: u64) {
        self.0.push((subject, number));
    }

    /// How many there are, those that came twice among them.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The greatest number.
    pub fn last(&self) -> Option<u64> {
        self.0.iter().map(|(_, number)| *number).max()
    }

    /// Rows that add these to a table which knows of no number beyond `known` yet.
    pub fn write(
        mut self,
        table: &'static Table,
        known: u64,
        engine: &mut dyn Engine,
    ) -> Result<Writes, StoreError> {
        self.0.sort_unstable();
        self.0.dedup();
        let mut writes = Writes::new(Verb::Put, table);
        let is_late = |(_, number): &(Subject, u64)| *number <= known;
        let (late, fresh): (Vec<_>, Vec<_>) = self.0.into_iter().partition(is_late);
        for ((subject, _), list) in joined(table, &late, engine)? {
            writes.push(row(subject, &list));
        }
        for of_one in fresh.chunk_by(|a, b| a.0 == b.0) {
            for part in of_one.chunks(limits::ledger::HISTORY_LIST_MAX) {
                let list: List = part.iter().map(|(_, number)| *number).collect();
                writes.push(row(part[0].0, &list));
            }
        }
        Ok(writes)
    }
}

/// Rows with late numbers in them: each goes into the list it falls in, or begins one of its own.
fn joined(
    table: &Table,
    late: &[(Subject, u64)],
    engine: &mut dyn Engine,
) -> Result<BTreeMap<(Subject, u64), List>, StoreError> {
    let mut rows = BTreeMap::new();
    for (subject, number) in late {
        let next = next(table, *subject, *number, engine)?;
        let around = next.filter(|list| list.first().is_some_and(|first| first <= number));
        let list = around.unwrap_or_else(|| vec![*number]);
        let last = list.last().copied().unwrap_or(*number);
        let list = rows.entry((*subject, last)).or_insert(list);
        if let Err(place) = list.binary_search(number) {
            list.insert(place, *number);
        }
    }
    Ok(rows)
}

/// The list that ends with a number or is the first to end after it.
fn next(
    table: &Table,
    subject: Subject,
    number: u64,
    engine: &mut dyn Engine,
) -> Result<Option<List>, StoreError> {
    let sql = rows_of(table, ">= $2 ORDER BY last LIMIT 1");
    let mut found = None;
    engine.query(
        &sql,
        &[Field::Int(subject.0), number.into()],
        &mut |fields| {
            found = Some(read(&mut Reader::new(table.name, fields))?);
            Ok(Flow::Break(()))
        },
    )?;
    Ok(found)
}

fn rows_of(table: &Table, last: &str) -> String {
    let name = table.name;
    format!("SELECT last, more FROM {name} WHERE subject = $1 AND last {last}")
}

/// Numbers of a subject from `from` on, in the order asked for: some, as long as there are any.
pub(super) fn search(
    table: &Table,
    subject: Subject,
    from: u64,
    order: Order,
    engine: &mut dyn Engine,
) -> Result<List, StoreError> {
    let mut found = match order {
        Order::Oldest => List::new(),
        // The row in whose midst the search begins.
        Order::Newest => next(table, subject, from, engine)?.unwrap_or_default(),
    };
    found.retain(|n| *n <= from);
    found.reverse();
    if found.len() >= PAGE {
        return Ok(found);
    }
    let sql = match order {
        Order::Oldest => rows_of(table, &format!(">= $2 ORDER BY last LIMIT {PAGE}")),
        Order::Newest => rows_of(table, &format!("< $2 ORDER BY last DESC LIMIT {PAGE}")),
    };
    engine.query(&sql, &[Field::Int(subject.0), from.into()], &mut |fields| {
        let mut list = read(&mut Reader::new(table.name, fields))?;
        match order {
            Order::Oldest => list.retain(|n| *n >= from),
            Order::Newest => list.reverse(),
        }
        found.extend(list);
        Ok(if found.len() >= PAGE {
            Flow::Break(())
        } else {
            Flow::Continue(())
        })
    })?;
    Ok(found)
}

/// Forgets every number beyond `known`.
pub(super) fn cut(
    table: &'static Table,
    known: u64,
    engine: &mut dyn Engine,
) -> Result<(), StoreError> {
    let name = table.name;
    let mut kept = Vec::new();
    let sql =
        format!("SELECT last, more, subject FROM {name} WHERE last > $1 AND more IS NOT NULL");
    engine.query(&sql, &[known.into()], &mut |fields| {
        let mut row = Reader::new(name, fields);
        let mut list = read(&mut row)?;
        let subject = Subject(row.u64()?.cast_signed());
        list.retain(|n| *n <= known);
        if !list.is_empty() {
            kept.push((subject, list));
        }
        Ok(Flow::Continue(()))
    })?;
    let forget = format!("DELETE FROM {name} WHERE last > $1");
    let known: [Field; 1] = [known.into()];
    let keep = format!("INSERT INTO {name} (subject, last, more) VALUES ($1, $2, $3)");
    let kept: Vec<_> = kept.iter().map(|(s, list)| row(*s, list)).collect();
    let mut statements: Vec<(&str, &[Field])> = vec![(&forget, &known)];
    statements.extend(kept.iter().map(|row| (keep.as_str(), row.as_slice())));
    engine.execute(&statements)
}

/// A list as a row. An empty one, which nobody writes, would end with 0.
fn row(subject: Subject, list: &[u64]) -> [Field; 3] {
    let last = list.last().copied().unwrap_or_default();
    let pairs = list.iter().zip(list.iter().skip(1)).rev();
    let gaps: Vec<u64> = pairs.map(|(before, after)| after - before).collect();
    let more = (!gaps.is_empty()).then(|| json(&gaps));
    [Field::Int(subject.0), last.into(), more.into()]
}

fn read(row: &mut Reader<'_>) -> Result<List, StoreError> {
    let mut at = row.u64()?;
    let gaps: Vec<u64> = row.maybe_json()?.unwrap_or_default();
    let mut list = vec![at];
    for gap in gaps {
        at = at
            .checked_sub(gap)
            .ok_or_else(|| row.broken("a list that begins below zero"))?;
        list.push(at);
    }
    list.reverse();
    Ok(list)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::sqlite::{Sqlite, Sync};
    use crate::history::prepare;
    use crate::table::LEASE_OF;

    struct Lists {
        _files: tempfile::TempDir,
        engine: Sqlite,
    }

    impl Lists {
        fn new() -> Self {
            let files = tempfile::tempdir().unwrap();
            let mut engine = Sqlite::open(&files.path().join("h.db"), Sync::Normal).unwrap();
            prepare(&mut engine).unwrap();
            Self {
                _files: files,
                engine,
            }
        }

        fn write(&mut self, round: &[(i64, u64)], known: u64) {
            let mut postings = Postings::default();
            for (subject, number) in round {
                postings.push(Subject(*subject), *number);
            }
            let writes = postings.write(&LEASE_OF, known, &mut self.engine).unwrap();
            let insert = "INSERT OR REPLACE INTO lease_of VALUES ($1, $2, $3)";
            let rows: Vec<(&str, &[Field])> = writes.rows().map(|r| (insert, r)).collect();
            self.engine.execute(&rows).unwrap();
        }

        /// All of a subject's numbers from `from` on, page by page.
        fn all(&mut self, subject: i64, mut from: u64, order: Order) -> Vec<u64> {
            let mut all = vec![];
            loop {
                let page = search(&LEASE_OF, Subject(subject), from, order, &mut self.engine);
                let page = page.unwrap();
                let Some(last) = page.last() else { return all };
                from = match order {
                    Order::Newest => last - 1,
                    Order::Oldest => last + 1,
                };
                all.extend(page);
            }
        }

        fn assert_same(&mut self, model: &BTreeMap<i64, BTreeSet<u64>>, from: u64) {
            for (subject, numbers) in model {
                let newest: Vec<u64> = numbers.range(..=from).rev().copied().collect();
                assert_eq!(self.all(*subject, from, Order::Newest), newest);
                let oldest: Vec<u64> = numbers.range(from..).copied().collect();
                assert_eq!(self.all(*subject, from, Order::Oldest), oldest);
            }
        }
    }

    /// Subjects and numbers of some rounds; some are late, some come twice.
    fn rounds() -> impl Strategy<Value = Vec<Vec<(i64, u64)>>> {
        let posting = (prop_oneof![Just(-7_i64), Just(3), Just(9)], 1_u64..1_000);
        prop::collection::vec(prop::collection::vec(posting, 0..300), 1..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_number_is_found_in_order_and_once_wherever_a_search_begins(
            rounds in rounds(), from in 1_u64..2_500, bound in 1_u64..2_500,
        ) {
            let mut lists = Lists::new();
            let mut model = BTreeMap::<i64, BTreeSet<u64>>::new();
            let (mut known, mut base) = (0, 0);
            for round in &rounds {
                // A third of the numbers are of the round before, or older.
                let round: Vec<_> = round.iter().map(|(s, n)| (*s, base + n)).collect();
                lists.write(&round, known);
                for (subject, number) in round {
                    model.entry(subject).or_default().insert(number);
                    known = known.max(number);
                }
                base += 350;
            }
            lists.assert_same(&model, from);
            cut(&LEASE_OF, bound, &mut lists.engine).unwrap();
            model.values_mut().for_each(|numbers| numbers.retain(|n| *n <= bound));
            lists.assert_same(&model, from);
            lists.assert_same(&model, bound);
        }
    }

    #[test]
    fn a_row_holds_so_many_numbers_and_a_list_of_one_is_its_last() {
        let mut lists = Lists::new();
        let round: Vec<_> = (1..=300).map(|n| (5, n)).chain([(6, 40)]).collect();
        lists.write(&round, 0);
        let mut rows = vec![];
        let sql = "SELECT last, more FROM lease_of ORDER BY subject, last";
        let each = &mut |fields: &[crate::field::FieldRef<'_>]| {
            let mut row = Reader::new("lease_of", fields);
            rows.push((row.u64()?, row.maybe_text()?.is_some()));
            Ok(Flow::Continue(()))
        };
        lists.engine.query(sql, &[], each).unwrap();
        assert_eq!(rows, [(128, true), (256, true), (300, true), (40, false)]);
    }
}
