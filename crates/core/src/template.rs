//! What the ledger knows of a template: its immutable revisions. What one means is the driver
//! crate's matter.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Number;
use crate::id::TemplateId;
use crate::limits;
use crate::name::Name;
use crate::pool::Pool;
use crate::resource::Resource;
use crate::state::State;
use crate::time::Time;

/// One revision of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// From the ledger's counter.
    pub id: TemplateId,
    /// The template's name; the revision with the highest id is its newest.
    pub name: Name,
    /// Its files, path → text, at most 1 MiB together.
    pub files: Arc<BTreeMap<Box<str>, Box<str>>>,
    /// Drivers that can build it.
    pub drivers: Vec<Box<str>>,
    /// Needs a block of host ports.
    pub ports: bool,
    /// Can be reset in place.
    pub reset: bool,
    /// How long a bring-up may take, in milliseconds; 0 where a store is older than this.
    #[serde(default)]
    pub create_ms: u64,
    /// Name of the file that declared it, if one did; `load --prune` removes only what its own
    /// file declared.
    pub declared_in: Option<Box<str>>,
    /// When it was put, in ledger time.
    pub made_at: Time,
    /// Number of the event that made it.
    pub changed: Number,
}

/// The instant by which an attempt to build, alter or turn a resource has ended: what its pool gives, or
/// more if its template's bring-up may take longer. The driver gives up first, and knows why.
pub(crate) fn attempt_by(state: &State, pool: &Pool, r: &Resource) -> Time {
    let template = r.site().and_then(|s| state.templates.get(&s.template));
    let says = template.map_or(0, |t| t.create_ms);
    let given = pool.spec.deadlines.create_ms;
    state.now().plus_ms(match says {
        0 => given,
        says => given.max(says.saturating_add(limits::CREATE_MS_MORE)),
    })
}
