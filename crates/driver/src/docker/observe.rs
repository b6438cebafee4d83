//! What stands on an engine: three filtered lists, grouped by resource and generation.

use std::collections::BTreeMap;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum as State};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
};
use caviada_core::id::ResourceId;

use super::call::Call;
use super::fault::Fault;
use super::label::{self, Mark, Role};
use crate::{Condition, Identity, Seen};

/// What a status says of a test.
const UNHEALTHY: &str = "(unhealthy)";
const STARTING: &str = "(health: starting)";

/// Everything of ours the engine told of, each with its name or id on the engine.
#[derive(Default)]
pub(super) struct Things {
    pub containers: Vec<(Mark, Container)>,
    /// Id and name: engines before 25 allow one network name twice.
    pub networks: Vec<(Mark, String, String)>,
    pub volumes: Vec<(Mark, String)>,
}

/// A container as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    pub id: String,
    pub state: State,
    /// The engine's phrase, such as `Exited (137) 2 seconds ago` or `Up 3 seconds (unhealthy)`:
    /// before API 1.52 the only place where a list tells exit code and health.
    pub status: String,
}

impl Container {
    /// It runs, and its engine calls it unhealthy.
    pub fn is_unhealthy(&self) -> bool {
        self.state == State::RUNNING && self.status.contains(UNHEALTHY)
    }
}

/// Lists this installation's things, of one resource if asked; all three lists or an error.
pub(super) async fn things(
    call: &Call<'_>,
    installation: &str,
    resource: Option<ResourceId>,
) -> Result<Things, Fault> {
    let filter = label::filter(installation, resource);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filter)
        .build();
    let containers = call.quick(call.engine.list_containers(Some(options)));
    let options = ListNetworksOptionsBuilder::new().filters(&filter).build();
    let networks = call.quick(call.engine.list_networks(Some(options)));
    let options = ListVolumesOptionsBuilder::new().filters(&filter).build();
    let volumes = call.quick(call.engine.list_volumes(Some(options)));
    let (containers, networks, volumes) = tokio::try_join!(containers, networks, volumes)?;

    // The engine filtered already; a label that reads wrong is somebody else's game and not ours, and
    // what a swarm put here is the swarm's.
    let ours = |mark: &Mark| {
        !mark.swarm
            && mark.identity.installation == installation
            && resource.is_none_or(|r| r == mark.identity.resource)
    };
    let mut things = Things::default();
    for summary in containers {
        if let Some(found) = container(summary).filter(|(mark, _)| ours(mark)) {
            things.containers.push(found);
        }
    }
    for network in networks {
        let labels = network.labels.unwrap_or_default();
        if let (Some(mark), Some(id)) = (Mark::read(&labels).filter(ours), network.id) {
            things
                .networks
                .push((mark, id, network.name.unwrap_or_default()));
        }
    }
    for volume in volumes.volumes.unwrap_or_default() {
        if let Some(mark) = Mark::read(&volume.labels).filter(ours) {
            things.volumes.push((mark, volume.name));
        }
    }
    Ok(things)
}

fn container(summary: ContainerSummary) -> Option<(Mark, Container)> {
    let mark = Mark::read(&summary.labels?)?;
    let container = Container {
        id: summary.id?,
        state: summary.state.unwrap_or(State::EMPTY),
        status: summary.status.unwrap_or_default(),
    };
    Some((mark, container))
}

impl Things {
    /// The services that the engine has not tested since they were started.
    pub fn untested(&self) -> Vec<(Identity, String)> {
        let starting =
            |(_, c): &&(Mark, Container)| c.state == State::RUNNING && c.status.contains(STARTING);
        let named = |(mark, _): &(Mark, Container)| {
            let service = mark.service.clone();
            service.map(|service| (mark.identity.clone(), service))
        };
        let containers = self.containers.iter().filter(starting);
        containers.filter_map(named).collect()
    }

    /// What runs and is called unhealthy by its engine.
    pub fn unhealthy(&self) -> Vec<String> {
        let containers = self.containers.iter().filter(|(_, c)| c.is_unhealthy());
        containers.map(|(_, c)| c.id.clone()).collect()
    }

    /// Counts these as what the engine has not tested since they were started.
    pub fn untest(&mut self, ids: &[String]) {
        for (_, container) in self
            .containers
            .iter_mut()
            .filter(|(_, c)| ids.contains(&c.id))
        {
            container.status = container.status.replace(UNHEALTHY, STARTING);
        }
    }

    /// One `Seen` per resource and generation, in that order.
    pub fn seen(self) -> Vec<Seen> {
        type Group = (u64, Vec<Mark>, Vec<(Mark, Container)>);
        let mut groups: BTreeMap<(ResourceId, u64), Group> = BTreeMap::new();
        let mut installation = String::new();
        let mut group = |mark: &Mark, container: Option<Container>| {
            installation.clone_from(&mark.identity.installation);
            let key = (mark.identity.resource, mark.identity.generation);
            let (revision, marks, members) = groups.entry(key).or_default();
            *revision = mark.identity.revision.max(*revision);
            marks.push(mark.clone());
            members.extend(container.map(|c| (mark.clone(), c)));
        };
        for (mark, container) in self.containers {
            group(&mark, Some(container));
        }
        let networks = self.networks.iter().map(|(mark, ..)| mark);
        for mark in networks.chain(self.volumes.iter().map(|(mark, _)| mark)) {
            group(mark, None);
        }
        groups
            .into_iter()
            .map(|((resource, generation), (revision, marks, members))| {
                let (condition, detail) = judge(expected(&marks), &members);
                Seen {
                    identity: Identity {
                        installation: installation.clone(),
                        resource,
                        generation,
                        revision,
                    },
                    condition,
                    detail,
                }
            })
            .collect()
    }
}

/// How many services a resource has, as what was made of it says: what was made last knows it since
/// it was altered.
pub(super) fn expected<'m>(marks: impl IntoIterator<Item = &'m Mark>) -> Option<usize> {
    let telling = marks
        .into_iter()
        .filter(|mark| mark.service.is_some() || mark.services > 0);
    let told = telling.map(|mark| (mark.identity.revision, mark.services));
    told.max().map(|(_, services)| services)
}

/// What the containers of one resource amount to, and why if not `Up`.
fn judge(expected: Option<usize>, members: &[(Mark, Container)]) -> (Condition, Option<String>) {
    match expected {
        None => {
            return (
                Condition::Partial,
                Some("no service was made yet".to_owned()),
            );
        }
        Some(expected) if members.len() < expected => {
            let missing = expected - members.len();
            let detail = format!("{missing} of {expected} services are missing");
            return (Condition::Partial, Some(detail));
        }
        Some(_) => {}
    }
    let long_running = |(mark, _): &&(Mark, Container)| mark.role == Role::Service;
    let mut services = members.iter().filter(long_running).peekable();
    if services.peek().is_some() && services.all(|(_, c)| c.state == State::PAUSED) {
        return (
            Condition::Paused,
            Some("all services are paused".to_owned()),
        );
    }
    let worst = members
        .iter()
        .map(|(mark, c)| (condition(mark, c), mark, c));
    match worst.max_by_key(|(condition, ..)| rank(*condition)) {
        Some((Condition::Up, ..)) | None => (Condition::Up, None),
        Some((condition, mark, container)) => {
            let service = mark.service.as_deref().unwrap_or("?");
            (condition, Some(format!("{service}: {}", container.status)))
        }
    }
}

/// Half-made outweighs broken: it is to be finished or removed, whatever else is wrong.
fn rank(condition: Condition) -> u8 {
    match condition {
        Condition::Up => 0,
        Condition::Paused | Condition::Down => 1,
        Condition::Partial => 2,
    }
}

fn condition(mark: &Mark, container: &Container) -> Condition {
    match (container.state, mark.role) {
        (State::CREATED | State::REMOVING, _) | (State::RUNNING, Role::Job) => Condition::Partial,
        (State::EXITED, Role::Job) if container.status.starts_with("Exited (0)") => Condition::Up,
        (State::RUNNING, Role::Service) if !container.status.contains(UNHEALTHY) => Condition::Up,
        _ => Condition::Down,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(service: &str, role: Role, state: State, status: &str) -> (Mark, Container) {
        let mark = Mark {
            identity: Identity {
                installation: "i".into(),
                resource: ResourceId(1),
                generation: 1,
                revision: 1,
            },
            service: Some(service.into()),
            role,
            services: 2,
            depth: 0,
            swarm: false,
        };
        let container = Container {
            id: service.into(),
            state,
            status: status.into(),
        };
        (mark, container)
    }

    fn judged(members: &[(Mark, Container)]) -> (Condition, Option<String>) {
        judge(expected(members.iter().map(|(mark, _)| mark)), members)
    }

    fn of(a: (Mark, Container), b: (Mark, Container)) -> Condition {
        judged(&[a, b]).0
    }

    #[test]
    fn services_that_run_and_jobs_that_succeeded_are_up() {
        let web = || {
            member(
                "web",
                Role::Service,
                State::RUNNING,
                "Up 2 seconds (healthy)",
            )
        };
        let job = member("job", Role::Job, State::EXITED, "Exited (0) 1 second ago");
        assert_eq!(of(web(), job), Condition::Up);
        let starting = member(
            "b",
            Role::Service,
            State::RUNNING,
            "Up 1 second (health: starting)",
        );
        assert_eq!(of(web(), starting), Condition::Up);
    }

    #[test]
    fn one_bad_service_is_down_and_named() {
        let web = || member("web", Role::Service, State::RUNNING, "Up 2 seconds");
        for (role, state, status) in [
            (Role::Service, State::EXITED, "Exited (0) 1 second ago"),
            (Role::Service, State::RUNNING, "Up 9 seconds (unhealthy)"),
            (
                Role::Service,
                State::RESTARTING,
                "Restarting (1) 1 second ago",
            ),
            (Role::Service, State::PAUSED, "Up 9 seconds (Paused)"),
            (Role::Service, State::DEAD, "Dead"),
            (Role::Job, State::EXITED, "Exited (3) 1 second ago"),
        ] {
            let (condition, detail) = judged(&[web(), member("bad", role, state, status)]);
            assert_eq!(condition, Condition::Down, "{status}");
            assert_eq!(detail.unwrap(), format!("bad: {status}"));
        }
    }

    #[test]
    fn what_is_missing_or_never_started_is_partial_even_beside_a_broken_one() {
        let dead = || {
            member(
                "web",
                Role::Service,
                State::EXITED,
                "Exited (1) 1 second ago",
            )
        };
        let created = member("new", Role::Service, State::CREATED, "Created");
        assert_eq!(of(dead(), created), Condition::Partial);
        let job = member("job", Role::Job, State::RUNNING, "Up 1 second");
        assert_eq!(of(dead(), job), Condition::Partial);
        assert_eq!(judged(&[dead()]).0, Condition::Partial);
        assert_eq!(judged(&[]).0, Condition::Partial);
    }

    #[test]
    fn paused_counts_only_if_all_long_running_services_are() {
        let paused = |n| member(n, Role::Service, State::PAUSED, "Up 9 seconds (Paused)");
        assert_eq!(of(paused("a"), paused("b")), Condition::Paused);
        let job = member("job", Role::Job, State::EXITED, "Exited (0) 1 second ago");
        assert_eq!(of(paused("a"), job), Condition::Paused);
    }
}
