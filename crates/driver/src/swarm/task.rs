//! One try of a service, on one node, as the swarm tells of it.

use bollard::models::{Task as Told, TaskState as State};

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    pub id: String,
    pub service: String,
    /// When it was made: of two tasks the later one counts.
    pub made: String,
    /// The counter of forced updates that its service had then.
    pub forced: u64,
    /// None until it is placed.
    pub node: Option<String>,
    pub state: State,
    /// Why it is where it is, in the swarm's words; empty if there is nothing to say.
    pub why: String,
    /// Its container, running or not.
    pub container: Option<String>,
    pub exit_code: i64,
}

impl Task {
    pub fn read(told: Told) -> Option<Self> {
        let status = told.status.unwrap_or_default();
        let container = status.container_status.unwrap_or_default();
        Some(Self {
            id: told.id?,
            service: told.service_id?,
            // Without the end of the text a shorter fraction sorts before a longer one.
            made: told.created_at?.trim_end_matches('Z').to_owned(),
            forced: told.spec.and_then(|s| s.force_update).unwrap_or(0),
            node: told.node_id.filter(|id| !id.is_empty()),
            state: status.state.unwrap_or(State::NEW),
            why: status.err.unwrap_or_default(),
            container: container.container_id.filter(|id| !id.is_empty()),
            exit_code: container.exit_code.unwrap_or(0),
        })
    }

    /// It will not run again; another task may take its place.
    pub fn is_over(&self) -> bool {
        match self.state {
            State::COMPLETE
            | State::SHUTDOWN
            | State::FAILED
            | State::REJECTED
            | State::REMOVE
            | State::ORPHANED => true,
            State::NEW
            | State::ALLOCATED
            | State::PENDING
            | State::ASSIGNED
            | State::ACCEPTED
            | State::PREPARING
            | State::READY
            | State::STARTING
            | State::RUNNING => false,
        }
    }

    /// How it ended.
    pub fn ended(&self) -> String {
        // The container's code says nothing where there never was one, or it could not start.
        let ran = self.container.is_some() && !self.why.starts_with("starting container failed");
        match (self.state, ran) {
            (State::COMPLETE, _) => "ended with exit code 0".to_owned(),
            (State::FAILED, true) => {
                let unhealthy = match self.why.contains("unhealthy") {
                    true => " after it reported itself unhealthy",
                    false => "",
                };
                format!("ended with exit code {}{unhealthy}", self.exit_code)
            }
            (State::FAILED | State::REJECTED, false) => format!("did not start: {}", self.why),
            (state, _) if self.why.is_empty() => format!("is {state}"),
            (state, _) => format!("is {state}: {}", self.why),
        }
    }
}

/// The tasks of a service in the order in which they were made.
pub(super) fn in_order<M>(tasks: &mut [(M, Task)]) {
    tasks.sort_by(|(_, a), (_, b)| (&a.made, &a.id).cmp(&(&b.made, &b.id)));
}

/// The task that counts: the last one of the service as it is now.
pub(super) fn current(tasks: &[Task], forced: u64) -> Option<&Task> {
    tasks.iter().rev().find(|task| task.forced == forced)
}
