//! The tables of the ledger's store and of the history, and the writes of one commit.
//!
//! Leasing changes a few numbers, so those stand in narrow rows keyed by integer. What does not
//! change with leasing stands apart and is written when it is declared: for a resource in a table
//! of its own, because its narrow row is rewritten with every lease; for a lease in the same row,
//! because most leases are written once and deleted once, and a second row would double both.

use crate::field::{Field, FieldRef};

/// A table as engines see it.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in SQL.
    pub name: &'static str,
    /// How many of its first columns are its key.
    pub keys: usize,
    /// It has an index besides its rows: on SQLite also for a key of two columns.
    pub indexed: bool,
    /// Its columns, or those of them that are written together.
    pub columns: &'static [Column],
}

/// A column.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in SQL.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers.
    Int,
    /// Texts.
    Text,
}

macro_rules! tables {
    ($($(#[$doc:meta])* $constant:ident = $name:literal by $keys:literal $($indexed:ident)? ($($column:ident: $kind:ident),+ $(,)?);)*) => {$(
        $(#[$doc])*
        pub static $constant: Table = Table {
            name: $name,
            keys: $keys,
            indexed: !<[&str]>::is_empty(&[$(stringify!($indexed))?]),
            columns: &[$(Column { name: stringify!($column), kind: Kind::$kind }),+],
        };
    )*};
}

tables! {
    /// What leasing changes of a resource.
    RESOURCE = "resource" by 1 (
        id: Int, state: Int, generation: Int, attempt: Int, open: Int, deadline: Int, lease: Int,
        earmark: Int, fence: Int, after: Text, health: Int, cooling_until: Int, freed_at: Int,
        born_at: Int, uses: Int, tries: Int, retire_at: Int, cause: Text, withheld: Text,
        revision: Int, number: Int,
    );
    /// What a declaration or a build says of a resource.
    RESOURCE_DOC = "resource_doc" by 1 (
        id: Int, pool: Int, origin: Text, doc: Text, outputs: Text, power: Text,
        altered: Text,
    );
    /// A live lease.
    LEASE = "lease" by 1 (
        id: Int, state: Int, fence: Int, members: Text, earmarks: Text, granted_at: Int,
        deadline: Int, deadline_max: Int, wait_until: Int, poll_until: Int, swaps: Int,
        revision: Int, number: Int, doc: Text,
    );
    /// What a lease's life changes of it.
    LEASE_LIFE = "lease" by 1 (
        id: Int, state: Int, fence: Int, members: Text, earmarks: Text, granted_at: Int,
        deadline: Int, deadline_max: Int, wait_until: Int, poll_until: Int, swaps: Int,
        revision: Int, number: Int,
    );
    /// Outcomes of idempotency keys.
    OUTCOME = "outcome" by 2 indexed (
        principal: Int, key: Text, digest: Text, subject: Text, lease: Int, until: Int,
    );
    /// Pools.
    POOL = "pool" by 1 (id: Int, doc: Text);
    /// Hosts.
    HOST = "host" by 1 (id: Int, doc: Text);
    /// Template revisions.
    TEMPLATE = "template" by 1 (id: Int, doc: Text);
    /// API keys.
    API_KEY = "api_key" by 1 (id: Int, doc: Text);
    /// Quotas.
    QUOTA = "quota" by 1 (id: Int, doc: Text);
    /// Webhooks.
    WEBHOOK = "webhook" by 1 (id: Int, doc: Text);
    /// Users.
    USER = "app_user" by 1 (id: Int, doc: Text);
    /// Where the store stands, and whose it is: one row.
    META = "meta" by 1 (
        id: Int, epoch: Int, revision: Int, at: Int, counter: Int, events: Int,
        installation: Text, rolled_back: Int,
    );
    /// Where the history stands: one row.
    MARK = "mark" by 1 (id: Int, revision: Int, at: Int);
    /// Leases that were, and those that are.
    LEASE_HISTORY = "lease_history" by 1 indexed (
        id: Int, owners: Text, principal: Int, priority: Int, asked_at: Int, granted_at: Int,
        ended_at: Int, how: Text, fence: Int, pools: Text, members: Text, marked: Text,
        labels: Text, note: Text, first: Int, last: Int, reason: Text,
    );
    /// Leases by owner, pool and member: a list up to its last one, and the gaps back from there.
    LEASE_OF = "lease_of" by 2 (subject: Int, last: Int, more: Text);
    /// Revisions by whom they tell of: lists, too.
    POSTING = "posting" by 2 (subject: Int, last: Int, more: Text);
    /// Resources that were, and those that are.
    MEMBER = "member" by 1 (id: Int, pool: Int, name: Text, gone_at: Int);
    /// What happens last to a resource.
    MEMBER_GONE = "member" by 1 (id: Int, gone_at: Int);
    /// The batches, each with its events.
    JOURNAL = "journal" by 1 (revision: Int, at: Int, total: Int, ended: Int, doc: Text);
}

/// Every table of nouns; `journal` apart.
pub static NOUNS: [&Table; 11] = [
    &RESOURCE,
    &RESOURCE_DOC,
    &LEASE,
    &OUTCOME,
    &POOL,
    &HOST,
    &TEMPLATE,
    &API_KEY,
    &QUOTA,
    &WEBHOOK,
    &USER,
];

/// Every table of the history; its mark last, so that what is there is whole.
pub static HISTORY: [&Table; 5] = [&LEASE_HISTORY, &LEASE_OF, &POSTING, &MEMBER, &MARK];

/// What is done to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// New rows; one that is there already fails the commit.
    Add,
    /// New or changed rows, every column.
    Put,
    /// Changed rows; columns not named stay.
    Change,
    /// Rows that go; only their keys are given.
    Remove,
}

/// Rows of one table to which the same is done.
#[derive(Debug)]
pub struct Writes {
    table: &'static Table,
    verb: Verb,
    fields: Vec<Field>,
}

impl Writes {
    /// None yet.
    pub(crate) fn new(verb: Verb, table: &'static Table) -> Self {
        Self {
            table,
            verb,
            fields: Vec::new(),
        }
    }

    /// None yet, with room for so many.
    pub(crate) fn with_room(verb: Verb, table: &'static Table, rows: usize) -> Self {
        let mut writes = Self::new(verb, table);
        writes.fields.reserve_exact(rows * writes.width());
        writes
    }

    /// One more row: its fields in the order of the columns, or of the keys for a removal.
    pub(crate) fn push<const N: usize>(&mut self, row: [Field; N]) {
        debug_assert_eq!(N, self.width(), "a row of {}", self.table.name);
        self.fields.extend(row);
    }

    /// One more row, as it was read.
    pub(crate) fn push_read(&mut self, row: &[FieldRef<'_>]) {
        debug_assert_eq!(row.len(), self.width(), "a row of {}", self.table.name);
        self.fields.extend(row.iter().map(|f| f.to_field()));
    }

    /// What is done.
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// The table.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// Columns of each row.
    pub fn columns(&self) -> &'static [Column] {
        &self.table.columns[..self.width()]
    }

    /// The rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[Field]> {
        self.fields.chunks_exact(self.width())
    }

    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn width(&self) -> usize {
        if self.verb == Verb::Remove {
            self.table.keys
        } else {
            self.table.columns.len()
        }
    }
}
