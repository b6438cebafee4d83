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
    /// Only while this lease has it.
    pub lease: Option<LeaseId>,
    /// Only if it is unchanged since.
    pub expect: Option<Number>,
}

/// A built resource that is not, or may not be, as its build left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Altered {
    /// The open attempt makes it what these parameters say, a JSON object as text.
    Towards(Arc<str>),
    /// That failed. The open attempt makes it again what its own parameters say.
    Back(Arc<str>),
    /// Nothing is done to it.
    Rests,
}
