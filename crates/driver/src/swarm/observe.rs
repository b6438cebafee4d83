//! What stands in a swarm: filtered lists of services, tasks, networks and configs, and of volumes and
//! containers on the node that is spoken to.

use std::collections::BTreeSet;

use bollard::models::{Service as Told, TaskSpecRestartPolicyConditionEnum as Condition};
use bollard::query_parameters::{
    ListConfigsOptionsBuilder, ListContainersOptionsBuilder, ListNetworksOptionsBuilder,
    ListServicesOptionsBuilder, ListTasksOptionsBuilder, ListVolumesOptionsBuilder,
};
use caviada_core::id::ResourceId;

use super::call::Call;
use super::fault::Fault;
use super::label::{self, Mark};
use super::node::{self, Nodes};
use super::task::{self, Task};

/// Everything of ours that the manager told of.
#[derive(Default)]
pub(super) struct Things {
    pub services: Vec<(Mark, Service)>,
    /// In the order in which they were made.
    pub tasks: Vec<(Mark, Task)>,
    /// By id.
    pub networks: Vec<(Mark, String)>,
    /// By id.
    pub configs: Vec<(Mark, String)>,
    /// By name, on the node that is spoken to.
    pub volumes: Vec<(Mark, String)>,
    /// By id, on the node that is spoken to.
    pub containers: Vec<(Mark, String)>,
    pub nodes: Nodes,
}

/// A service of the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub id: String,
    /// How often it was made to begin anew.
    pub forced: u64,
    /// What the swarm does when a task of it ends.
    pub again: Again,
}

/// Whether a task that ended is followed by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    OnFailure,
    Always,
}

impl Service {
    pub fn read(told: &Told) -> Option<Self> {
        let template = told.spec.as_ref()?.task_template.as_ref()?;
        let policy = template.restart_policy.as_ref();
        Some(Self {
            id: told.id.clone()?,
            forced: template.force_update.unwrap_or(0),
            again: match policy.and_then(|p| p.condition) {
                Some(Condition::NONE) => Again::Never,
                Some(Condition::ON_FAILURE) => Again::OnFailure,
                // What the swarm does where nothing is said.
                Some(Condition::ANY | Condition::EMPTY) | None => Again::Always,
            },
        })
    }
}

/// What the labels of a service say.
pub(super) fn mark(told: &Told) -> Option<Mark> {
    Mark::read(told.spec.as_ref()?.labels.as_ref()?)
}

/// Lists this installation's things, of one resource if asked; all of them or an error.
pub(super) async fn things(
    call: &Call<'_>,
    installation: &str,
    resource: Option<ResourceId>,
) -> Result<Things, Fault> {
    let engine = &call.engine;
    let filter = label::filter(installation, resource);
    let options = ListServicesOptionsBuilder::new().filters(&filter).build();
    // On the heap: together they are large.
    let services = Box::pin(call.quick(engine.list_services(Some(options))));
    let options = ListTasksOptionsBuilder::new().filters(&filter).build();
    let tasks = Box::pin(call.quick(engine.list_tasks(Some(options))));
    let options = ListNetworksOptionsBuilder::new().filters(&filter).build();
    let networks = Box::pin(call.quick(engine.list_networks(Some(options))));
    let options = ListConfigsOptionsBuilder::new().filters(&filter).build();
    let configs = Box::pin(call.quick(engine.list_configs(Some(options))));
    let options = ListVolumesOptionsBuilder::new().filters(&filter).build();
    let volumes = Box::pin(call.quick(engine.list_volumes(Some(options))));
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filter)
        .build();
    let containers = Box::pin(call.quick(engine.list_containers(Some(options))));
    let nodes = Box::pin(node::list(call));
    let (services, tasks, networks, configs, volumes, containers, nodes) = tokio::try_join!(
        services, tasks, networks, configs, volumes, containers, nodes
    )?;

    // The manager filtered already; a label that reads wrong is somebody else's game and not ours, and
    // what its engine has as a host of its own is the engine's.
    let ours = |mark: &Mark| {
        mark.swarm
            && mark.identity.installation == installation
            && resource.is_none_or(|r| r == mark.identity.resource)
    };
    let mut things = Things {
        nodes,
        ..Things::default()
    };
    for told in services {
        if let (Some(mark), Some(service)) = (mark(&told).filter(ours), Service::read(&told)) {
            things.services.push((mark, service));
        }
    }
    for told in tasks {
        let labels = told.spec.as_ref().and_then(|s| {
            let container = s.container_spec.as_ref()?;
            container.labels.as_ref()
        });
        let mark = labels.and_then(Mark::read).filter(ours);
        if let (Some(mark), Some(task)) = (mark, Task::read(told)) {
            things.tasks.push((mark, task));
        }
    }
    task::in_order(&mut things.tasks);
    // Of a service that is gone, only what still runs. A node out of sight clears up by itself when it
    // is back, and managers of 20.10 remember the ended tasks of a removed job for good.
    let services: BTreeSet<&str> = things.services.iter().map(|(_, s)| s.id.as_str()).collect();
    let nodes = &things.nodes;
    let runs = |task: &Task| {
        let there = task.node.as_deref().is_none_or(|id| !nodes.is_down(id));
        there && !task.is_over()
    };
    let kept = |(_, task): &(Mark, Task)| services.contains(task.service.as_str()) || runs(task);
    things.tasks.retain(kept);
    for network in networks {
        let mark = Mark::read(&network.labels.unwrap_or_default()).filter(ours);
        things.networks.extend(mark.zip(network.id));
    }
    for config in configs {
        let labels = config.spec.and_then(|s| s.labels).unwrap_or_default();
        things
            .configs
            .extend(Mark::read(&labels).filter(ours).zip(config.id));
    }
    for volume in volumes.volumes.unwrap_or_default() {
        let mark = Mark::read(&volume.labels).filter(ours);
        things.volumes.extend(mark.map(|mark| (mark, volume.name)));
    }
    for container in containers {
        let mark = Mark::read(&container.labels.unwrap_or_default()).filter(ours);
        things.containers.extend(mark.zip(container.id));
    }
    Ok(things)
}

impl Things {
    /// The identities of all that stands, each as often as it does.
    pub fn marks(&self) -> impl Iterator<Item = &Mark> {
        fn of<T>(things: &[(Mark, T)]) -> impl Iterator<Item = &Mark> {
            things.iter().map(|(mark, _)| mark)
        }
        let lists = [
            &self.networks,
            &self.configs,
            &self.volumes,
            &self.containers,
        ];
        of(&self.services)
            .chain(of(&self.tasks))
            .chain(lists.into_iter().flat_map(|list| of(list)))
    }

    /// What is of that generation or an older one.
    pub fn up_to(mut self, generation: u64) -> Self {
        fn cut<T>(things: &mut Vec<(Mark, T)>, generation: u64) {
            things.retain(|(mark, _)| mark.identity.generation <= generation);
        }
        cut(&mut self.services, generation);
        cut(&mut self.tasks, generation);
        for list in [
            &mut self.networks,
            &mut self.configs,
            &mut self.volumes,
            &mut self.containers,
        ] {
            cut(list, generation);
        }
        self
    }

    pub fn is_empty(&self) -> bool {
        self.marks().next().is_none()
    }
}
