//! The nodes of a swarm.

use std::collections::BTreeMap;

use bollard::models::{Node as Told, NodeSpecAvailabilityEnum as Availability, NodeState};
use bollard::query_parameters::ListNodesOptions;

use super::call::Call;
use super::fault::Fault;

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Its host name, as an operator knows it.
    hostname: String,
    /// It has not been heard of.
    pub down: bool,
    /// `drained` or `paused`: it gets no tasks.
    pub closed: Option<&'static str>,
    cpus: u64,
    memory_bytes: u64,
}

/// All nodes, by id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Nodes(BTreeMap<String, Node>);

pub(super) async fn list(call: &Call<'_>) -> Result<Nodes, Fault> {
    let listed = call.engine.list_nodes(None::<ListNodesOptions>);
    let listed = call.quick(listed).await?;
    let read = listed.into_iter().filter_map(read);
    Ok(Nodes(read.collect()))
}

fn read(told: Told) -> Option<(String, Node)> {
    let description = told.description.unwrap_or_default();
    let room = description.resources.unwrap_or_default();
    let amount = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    let node = Node {
        hostname: description.hostname.unwrap_or_default(),
        // A manager that has just started knows nothing of anybody: that is not `down`.
        down: matches!(
            told.status.unwrap_or_default().state,
            Some(NodeState::DOWN | NodeState::DISCONNECTED)
        ),
        closed: match told.spec.and_then(|s| s.availability) {
            Some(Availability::DRAIN) => Some("drained"),
            Some(Availability::PAUSE) => Some("paused"),
            _ => None,
        },
        cpus: amount(room.nano_cpus) / 1_000_000_000,
        memory_bytes: amount(room.memory_bytes),
    };
    Some((told.id?, node))
}

impl Nodes {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn get(&self, id: &str) -> Option<&Node> {
        self.0.get(id)
    }

    /// Whether what runs there is out of sight. A node that was removed is.
    pub fn is_down(&self, id: &str) -> bool {
        self.0.get(id).is_none_or(|node| node.down)
    }

    /// How an operator finds it: by its host name, and by its id where that is another's, too.
    pub fn name(&self, id: &str) -> String {
        let short: String = id.chars().take(12).collect();
        let Some(node) = self.0.get(id) else {
            return short;
        };
        let same = |other: &&Node| other.hostname == node.hostname;
        match node.hostname.is_empty() || self.0.values().filter(same).count() > 1 {
            true => format!("{} ({short})", node.hostname),
            false => node.hostname.clone(),
        }
    }

    /// Processors and bytes of memory of the nodes that can be given work.
    pub fn room(&self) -> (u64, u64) {
        let open = self.0.values().filter(|n| !n.down && n.closed.is_none());
        open.fold((0, 0), |(cpus, bytes), node| {
            (cpus + node.cpus, bytes + node.memory_bytes)
        })
    }

    #[cfg(test)]
    pub fn of(nodes: &[(&str, &str, bool)]) -> Self {
        let made = nodes.iter().map(|(id, hostname, down)| {
            let node = Node {
                hostname: (*hostname).to_owned(),
                down: *down,
                closed: None,
                cpus: 1,
                memory_bytes: 1,
            };
            ((*id).to_owned(), node)
        });
        Self(made.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_by_its_host_unless_two_have_one_name() {
        let nodes = Nodes::of(&[("aaaabbbbccccdddd", "lab-1", false), ("e", "lab-2", false)]);
        assert_eq!(nodes.name("aaaabbbbccccdddd"), "lab-1");
        let twins = Nodes::of(&[("aaaabbbbccccdddd", "vm", false), ("e", "vm", true)]);
        assert_eq!(twins.name("aaaabbbbccccdddd"), "vm (aaaabbbbcccc)");
        assert_eq!(twins.name("e"), "vm (e)");
        assert_eq!(twins.name("gone"), "gone");
        assert!(twins.is_down("e") && twins.is_down("gone"));
        assert_eq!(twins.room(), (1, 1));
    }
}
