//! Altering: a holder has what he holds made another thing than its pool's members are, within what
//! its template leaves to him. Nobody else ever gets it: its pool builds another.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Number;
use crate::id::{LeaseId, ResourceId};
use crate::resource::Make;

/// What somebody wants altered. That the template leaves these parameters to holders the entrance has
/// seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alter {
    /// The resource.
    pub resource: ResourceId,
    /// All of its parameters, a JSON object as text.
    pub parameters: Arc<str>,
    /// What it was made of when these were worked out; refused when it is not any more.
    pub from: Make,
    /// What had been tried of it by then, and neither done nor undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Arc<str>>,
    /// Only while this lease has it.
    pub lease: Option<LeaseId>,
    /// Only if it is unchanged since.
    pub expect: Option<Number>,
}

/// Stands in a cause between why an alteration failed and why undoing it did.
pub const NOT_UNDONE: &str = "; and what was begun could not be undone: ";

/// A built resource that is not, or may not be, as its build left it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Altered {
    /// What its open attempt makes of it; nothing is done to it without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// What was begun and neither done nor undone, each a JSON object as text: of each a part may
    /// stand, beside what its own parameters say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Arc<str>>,
}

/// What an attempt makes of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// What these parameters say, a JSON object as text.
    Towards(Arc<str>),
    /// That failed: what its own parameters say.
    Back,
}

impl Altered {
    /// The same, with an attempt towards `to` that was begun and has failed.
    pub(crate) fn failed(&self, to: &Arc<str>) -> Self {
        let mut tried = self.tried.clone();
        if !tried.contains(to) {
            tried.push(to.clone());
        }
        Self {
            direction: Some(Direction::Back),
            tried,
        }
    }
}
