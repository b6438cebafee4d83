//! What the services of a resource amount to, from the last task of each and the nodes they are on.

use std::collections::BTreeMap;

use bollard::models::TaskState as State;
use caviada_core::id::ResourceId;

use super::label::{Mark, Role};
use super::node::Nodes;
use super::observe::{Again, Service, Things};
use super::task::{self, Task};
use crate::{Condition, Identity, Seen};

/// One `Seen` per resource and generation, in that order.
pub(super) fn seen(things: Things) -> Vec<Seen> {
    type Member = (Mark, Service, Vec<Task>);
    let mut groups: BTreeMap<(ResourceId, u64), (Identity, Vec<Member>)> = BTreeMap::new();
    for mark in things.marks() {
        let key = (mark.identity.resource, mark.identity.generation);
        let (identity, _) = groups
            .entry(key)
            .or_insert_with(|| (mark.identity.clone(), Vec::new()));
        identity.revision = identity.revision.max(mark.identity.revision);
    }
    let mut tasks: BTreeMap<String, Vec<Task>> = BTreeMap::new();
    for (_, task) in things.tasks {
        tasks.entry(task.service.clone()).or_default().push(task);
    }
    for (mark, service) in things.services {
        let key = (mark.identity.resource, mark.identity.generation);
        let tasks = tasks.remove(&service.id).unwrap_or_default();
        if let Some((_, members)) = groups.get_mut(&key) {
            members.push((mark, service, tasks));
        }
    }
    let nodes = &things.nodes;
    let judged = groups.into_values().map(|(identity, members)| {
        let (condition, detail) = judge(&members, nodes);
        Seen {
            identity,
            condition,
            detail,
        }
    });
    judged.collect()
}

/// What the services of one resource amount to, and what is to be told of it.
fn judge(members: &[(Mark, Service, Vec<Task>)], nodes: &Nodes) -> (Condition, Option<String>) {
    let expected = members.iter().map(|(mark, ..)| mark.services).max();
    let Some(expected) = expected else {
        let detail = "no service was made yet".to_owned();
        return (Condition::Partial, Some(detail));
    };
    if members.len() < expected {
        let missing = expected - members.len();
        let detail = format!("{missing} of {expected} services are missing");
        return (Condition::Partial, Some(detail));
    }
    let mut worst = Condition::Up;
    let mut details: Vec<String> = Vec::new();
    for (mark, service, tasks) in members {
        let (condition, detail) = one(mark, service, tasks, nodes);
        if rank(condition) > rank(worst) {
            worst = condition;
            details.clear();
        }
        if condition == worst {
            let name = mark.service.as_deref().unwrap_or("?");
            details.extend(detail.map(|detail| format!("{name}: {detail}")));
        }
    }
    let told = (!details.is_empty()).then(|| details.join("; "));
    (worst, told)
}

/// Half-made outweighs broken: it is to be finished or removed, whatever else is wrong.
fn rank(condition: Condition) -> u8 {
    match condition {
        Condition::Up => 0,
        Condition::Paused | Condition::Down => 1,
        Condition::Partial => 2,
    }
}

/// One service.
fn one(
    mark: &Mark,
    service: &Service,
    tasks: &[Task],
    nodes: &Nodes,
) -> (Condition, Option<String>) {
    let of_now = |task: &&Task| task.forced == service.forced;
    let done = |task: &Task| task.state == State::COMPLETE;
    if mark.role == Role::Job && tasks.iter().filter(of_now).any(done) {
        return (Condition::Up, None);
    }
    let Some(task) = task::current(tasks, service.forced) else {
        return (Condition::Partial, Some("has no task yet".to_owned()));
    };
    let on = |task: &Task| task.node.as_deref().map(|id| nodes.name(id));
    let lost = |task: &&Task| task.node.as_deref().is_some_and(|id| nodes.is_down(id));
    // What ran where nobody can look any more, before this one.
    let left = tasks.iter().rev().filter(|t| t.id != task.id).find(lost);
    let left = left.and_then(on).map(|node| format!("node {node} is down"));
    let before = tasks.iter().filter(of_now).count() > 1;
    if let Some(node) = Some(task)
        .filter(lost)
        .and_then(on)
        .filter(|_| !task.is_over())
    {
        let next = match service.again {
            Again::Never => "and it is not to be started again",
            Again::OnFailure | Again::Always => "and it waits for another",
        };
        return (
            Condition::Down,
            Some(format!("its node {node} is down, {next}")),
        );
    }
    match (task.state, mark.role) {
        (State::RUNNING, Role::Service) => {
            let there = on(task).unwrap_or_default();
            let moved = left.map(|left| format!("{left}, rescheduled to {there}"));
            (Condition::Up, moved)
        }
        _ if task.is_over() => (Condition::Down, Some(task.ended())),
        (state, role) => {
            let mut detail = match (task.why.as_str(), on(task)) {
                ("", Some(node)) => format!("{state} on {node}"),
                ("", None) => state.to_string(),
                (why, _) => format!("{state}: {why}"),
            };
            if let Some(left) = left {
                detail = format!("{left}, {detail}");
            }
            // It ran before: then it is not being made but broken.
            let again = before && role == Role::Service;
            match again {
                true => (Condition::Down, Some(detail)),
                false => (Condition::Partial, Some(detail)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(name: &str, role: Role, services: usize) -> Mark {
        Mark {
            identity: Identity {
                installation: "i".into(),
                resource: ResourceId(1),
                generation: 1,
                revision: 1,
            },
            service: Some(name.into()),
            role,
            services,
            depth: 0,
            swarm: true,
        }
    }

    fn service(forced: u64, again: Again) -> Service {
        Service {
            id: "s".into(),
            forced,
            again,
        }
    }

    fn task(id: &str, node: &str, state: State, why: &str) -> Task {
        Task {
            id: id.into(),
            service: "s".into(),
            made: id.into(),
            forced: 0,
            node: Some(node.to_owned()).filter(|n| !n.is_empty()),
            state,
            why: why.into(),
            container: Some("c".into()),
            exit_code: 3,
        }
    }

    fn nodes() -> Nodes {
        Nodes::of(&[("up", "lab-1", false), ("down", "lab-2", true)])
    }

    fn of(role: Role, again: Again, tasks: Vec<Task>) -> (Condition, String) {
        let members = [(mark("web", role, 1), service(0, again), tasks)];
        let (condition, detail) = judge(&members, &nodes());
        (condition, detail.unwrap_or_default())
    }

    #[test]
    fn what_runs_is_up_and_a_job_that_ended_well_is_too() {
        let running = task("1", "up", State::RUNNING, "");
        assert_eq!(
            of(Role::Service, Again::Never, vec![running]),
            (Condition::Up, String::new())
        );
        let done = task("1", "up", State::COMPLETE, "");
        assert_eq!(of(Role::Job, Again::Never, vec![done]).0, Condition::Up);
    }

    #[test]
    fn a_rescheduled_service_is_up_and_tells_of_the_node_that_is_down() {
        let tasks = vec![
            task("1", "down", State::RUNNING, ""),
            task("2", "up", State::RUNNING, ""),
        ];
        let told = of(Role::Service, Again::Always, tasks);
        let detail = "web: node lab-2 is down, rescheduled to lab-1";
        assert_eq!(told, (Condition::Up, detail.to_owned()));
    }

    #[test]
    fn a_service_on_a_lost_node_is_down_until_it_runs_elsewhere() {
        let lost = || task("1", "down", State::RUNNING, "");
        let (condition, detail) = of(Role::Service, Again::Never, vec![lost()]);
        assert_eq!(condition, Condition::Down);
        assert!(
            detail.contains("lab-2 is down, and it is not to be started again"),
            "{detail}"
        );
        let tasks = vec![
            lost(),
            task("2", "", State::PENDING, "no suitable node (x)"),
        ];
        let (condition, detail) = of(Role::Service, Again::Always, tasks);
        assert_eq!(condition, Condition::Down);
        assert_eq!(
            detail,
            "web: node lab-2 is down, pending: no suitable node (x)"
        );
    }

    #[test]
    fn what_ended_is_down_with_its_code_and_what_begins_is_partial() {
        let failed = || task("1", "up", State::FAILED, "task: non-zero exit (3)");
        let told = of(Role::Service, Again::Never, vec![failed()]);
        assert_eq!(
            told,
            (Condition::Down, "web: ended with exit code 3".to_owned())
        );
        assert_eq!(
            of(Role::Job, Again::Never, vec![failed()]).0,
            Condition::Down
        );
        let begins = || task("2", "up", State::STARTING, "");
        assert_eq!(
            of(Role::Service, Again::Never, vec![begins()]).0,
            Condition::Partial
        );
        // It ended and is started again.
        let told = of(Role::Service, Again::Always, vec![failed(), begins()]);
        assert_eq!(told.0, Condition::Down);
        assert_eq!(
            of(Role::Job, Again::OnFailure, vec![failed(), begins()]).0,
            Condition::Partial
        );
    }

    #[test]
    fn tasks_from_before_a_forced_update_do_not_count() {
        let mut again = task("2", "up", State::RUNNING, "");
        again.forced = 1;
        let tasks = vec![task("1", "up", State::FAILED, ""), again];
        let members = [(
            mark("web", Role::Service, 1),
            service(1, Again::Never),
            tasks,
        )];
        assert_eq!(judge(&members, &nodes()).0, Condition::Up);
        let members = [(
            mark("web", Role::Service, 2),
            service(1, Again::Never),
            vec![],
        )];
        assert_eq!(judge(&members, &nodes()).0, Condition::Partial);
    }
}
