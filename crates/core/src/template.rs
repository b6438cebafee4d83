//! What the ledger knows of a template: its immutable revisions. What one means is the driver
//! crate's matter.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Number;
use crate::id::TemplateId;
use crate::name::Name;
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
    /// Name of the file that declared it, if one did; `load --prune` removes only what its own
    /// file declared.
    pub declared_in: Option<Box<str>>,
    /// When it was put, in ledger time.
    pub made_at: Time,
    /// Number of the event that made it.
    pub changed: Number,
}
