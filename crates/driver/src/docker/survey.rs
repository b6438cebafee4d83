//! What an engine says of its machine and of what everybody has there.

use std::path::Path;

use bollard::models::{LocalNodeState, Network, SystemInfo};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListImagesOptions};
use caviada_core::host::survey::{Survey, SwarmPart};

use super::call::Call;
use super::fault::Fault;
use super::label::INSTALLATION;
use crate::machine::Machine;

/// A survey, and where the engine keeps things on its machine.
pub(super) struct Surveyed {
    pub survey: Survey,
    root: Option<String>,
}

/// Asks for all of it; four answers or an error.
pub(super) async fn take(call: &Call<'_>, installation: &str) -> Result<Surveyed, Fault> {
    let options = ListContainersOptionsBuilder::new().all(true).build();
    let info = call.quick(call.engine.info());
    let containers = call.quick(call.engine.list_containers(Some(options)));
    let networks = call.quick(call.engine.list_networks(None));
    let images = call.quick(call.engine.list_images(None::<ListImagesOptions>));
    let (info, containers, networks, images) =
        tokio::try_join!(info, containers, networks, images)?;

    let ours = |labels: &Option<std::collections::HashMap<String, String>>| {
        let label = labels.as_ref().and_then(|l| l.get(INSTALLATION));
        label.is_some_and(|i| i == installation)
    };
    let others = containers.iter().filter(|c| !ours(&c.labels));
    let published = others.flat_map(|c| c.ports.iter().flatten());
    let mut ports: Vec<u16> = published.filter_map(|p| p.public_port).collect();
    ports.sort_unstable();
    ports.dedup();
    let foreign = networks.iter().filter(|n| !ours(&n.labels));
    let bytes = images.iter().map(|i| u64::try_from(i.size).unwrap_or(0));
    Ok(Surveyed {
        root: info.docker_root_dir.clone(),
        survey: Survey {
            networks: Some(networks.len() as u64),
            images: Some(images.len() as u64),
            image_bytes: Some(bytes.sum()),
            subnets: foreign.flat_map(subnets).collect(),
            ports,
            ..of_machine(info, call.engine.client_version().to_string())
        },
    })
}

fn of_machine(info: SystemInfo, version: String) -> Survey {
    let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
    let swarm = info.swarm.as_ref();
    let active = swarm.and_then(|s| s.local_node_state) == Some(LocalNodeState::ACTIVE);
    let manages = swarm.and_then(|s| s.control_available).unwrap_or(false);
    Survey {
        version,
        swarm: active.then_some(match manages {
            true => SwarmPart::Manager,
            false => SwarmPart::Worker,
        }),
        cpus: count(info.ncpu).unwrap_or(0),
        memory_bytes: count(info.mem_total).unwrap_or(0),
        clock: info.system_time,
        forwards: info.ipv4_forwarding,
        bounds_memory: info.memory_limit,
        remarks: info.warnings.unwrap_or_default(),
        containers: count(info.containers),
        running: count(info.containers_running),
        ..Survey::default()
    }
}

/// The IPv4 subnets of a network.
fn subnets(network: &Network) -> Vec<(String, std::net::Ipv4Addr, u8)> {
    let name = network.name.clone().unwrap_or_default();
    let configs = network
        .ipam
        .iter()
        .flat_map(|ipam| ipam.config.iter().flatten());
    let read = |text: &str| {
        let (address, prefix) = text.split_once('/')?;
        let prefix = prefix.parse().ok().filter(|p| *p <= 32)?;
        Some((name.clone(), address.parse().ok()?, prefix))
    };
    configs.filter_map(|c| read(c.subnet.as_deref()?)).collect()
}

/// The engine keeps things on a disk of this machine, if its folder is here, too.
pub(super) async fn look_at_disk(surveyed: &mut Surveyed) {
    let Some(root) = surveyed.root.clone() else {
        return;
    };
    // A disk that hangs hangs whoever asks it.
    let asked = tokio::task::spawn_blocking(move || disk(Path::new(&root)));
    let Ok(Some(disk)) = asked.await else {
        return;
    };
    (surveyed.survey.disk_free_bytes, surveyed.survey.disk_bytes) = (Some(disk.0), Some(disk.1));
}

/// What is in use on the engine's machine, if it is this one: one that is reached by a socket of this
/// machine may be in a virtual one, which has other memory.
pub(super) async fn look_at_use(surveyed: &mut Surveyed, machine: &Machine) {
    let in_use = machine.in_use().await;
    let survey = &mut surveyed.survey;
    if let Some(memory) = in_use.memory
        && memory.total == survey.memory_bytes
    {
        survey.memory_used_bytes = Some(memory.used);
        survey.cpu_used_millicores = in_use.cpu_millicores;
    }
}

/// Free and all bytes of the disk below a folder.
pub(crate) fn disk(folder: &Path) -> Option<(u64, u64)> {
    let disk = nix::sys::statvfs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.fragment_size());
    Some((bytes(disk.blocks_available()), bytes(disk.blocks())))
}
