//! The journal: what each batch did, by whom. It feeds the history, streams and standbys, and
//! replaying it gives State again.

use std::sync::Arc;

use caviada_core::command::{Act, By};
use caviada_core::event::{Event, Number};
use caviada_core::evolve::evolve;
use caviada_core::state::State;
use caviada_core::time::Time;
use serde::{Deserialize, Serialize};

use crate::field::long_json;
use crate::store::{JournalRow, StoreError};

/// Room for an event with its entry: a grant of one resource takes a little less.
const EVENT_BYTES: usize = 512;

/// One batch: a revision of State, and why it is so.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// Its number.
    pub revision: u64,
    /// Its ledger time.
    pub at: Time,
    /// Events up to its end, of all batches.
    pub total: u64,
    /// What was done, in order.
    pub entries: Vec<Entry>,
}

/// What one command did, or what was due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Who acted; nobody where something was due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// Name of the act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<str>>,
    /// What happened.
    pub events: Vec<Event>,
}

impl Revision {
    /// Events with their numbers and the entry they belong to.
    pub fn events(&self) -> impl Iterator<Item = (Number, &Entry, &Event)> {
        let events = self
            .entries
            .iter()
            .flat_map(|entry| entry.events.iter().map(move |e| (entry, e)));
        (0..).zip(events).map(|(index, (entry, event))| {
            (
                Number {
                    revision: self.revision,
                    index,
                },
                entry,
                event,
            )
        })
    }

    /// A row of the journal, read.
    ///
    /// # Errors
    /// `Broken` when it is no journal row of ours.
    pub fn of(row: &JournalRow) -> Result<Self, StoreError> {
        let entries = serde_json::from_str(&row.doc)
            .map_err(|e| StoreError::Broken(format!("journal, revision {}: {e}", row.revision)))?;
        Ok(Self {
            revision: row.revision,
            at: row.at,
            total: row.total,
            entries,
        })
    }

    /// Does to State again what this batch did.
    pub fn replay(&self, state: &mut State) {
        state.begin(self.at);
        for (_, _, event) in self.events() {
            evolve(state, event);
        }
        state.finish();
    }
}

/// Entries as the journal keeps them.
pub(crate) fn document(entries: &[Entry]) -> String {
    let events: usize = entries.iter().map(|e| e.events.len()).sum();
    long_json(entries, events * EVENT_BYTES)
}

/// A revision that several follow.
pub type Shared = Arc<Revision>;

/// One table for both, so that no act has a name that [`ACTS`] has not.
macro_rules! names {
    ($($act:pat => $name:literal,)*) => {
        /// Every name there is, for tests of completeness.
        pub const ACTS: &[&str] = &[$($name),*];

        /// Name of an act in the journal and the history.
        pub fn act_name(act: &Act) -> &'static str {
            match act {
                $($act => $name,)*
            }
        }
    };
}

names! {
    Act::PutPool { .. } => "put_pool",
    Act::DeletePool { .. } => "delete_pool",
    Act::PutHost { .. } => "put_host",
    Act::DeleteHost { .. } => "delete_host",
    Act::PutTemplate { .. } => "put_template",
    Act::DeleteTemplate { .. } => "delete_template",
    Act::PutKey { .. } => "put_key",
    Act::DeleteKey { .. } => "delete_key",
    Act::PutQuota { .. } => "put_quota",
    Act::DeleteQuota { .. } => "delete_quota",
    Act::PutWebhook { .. } => "put_webhook",
    Act::DeleteWebhook { .. } => "delete_webhook",
    Act::PutUser { .. } => "put_user",
    Act::Register { .. } => "register",
    Act::DeleteUser { .. } => "delete_user",
    Act::PutPassword { .. } => "put_password",
    Act::PutProfile { .. } => "put_profile",
    Act::SignIn { .. } => "sign_in",
    Act::Declare { .. } => "declare",
    Act::DeleteResource { .. } => "delete_resource",
    Act::Withhold { .. } => "withhold",
    Act::Return { .. } => "return",
    Act::Power { .. } => "power",
    Act::Alter(_) => "alter",
    Act::Recycle { .. } => "recycle",
    Act::Build { .. } => "build",
    Act::Acquire(_) => "acquire",
    Act::Renew { .. } => "renew",
    Act::Release { .. } => "release",
    Act::Revoke { .. } => "revoke",
    Act::Give { .. } => "give",
    Act::Share { .. } => "share",
    Act::Annotate { .. } => "annotate",
    Act::ImportLease { .. } => "import_lease",
    Act::Record { .. } => "record",
    Act::RecordHealth { .. } => "record_health",
    Act::RecordHost { .. } => "record_host",
    Act::All(_) => "all",
}
