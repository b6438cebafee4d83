//! What a host is and has right now, and what of it would be in the way of building there.

use std::net::Ipv4Addr;

use crate::host::{HostSpec, Network};

/// What a host says of itself; none where it does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// The version spoken with it.
    pub version: String,
    /// Its part in a swarm.
    pub swarm: Option<SwarmPart>,
    /// Logical processors.
    pub cpus: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Thousandths of a processor that everybody there used, on average since the last look.
    pub cpu_used_millicores: Option<u64>,
    /// Memory of everybody there that could not be had.
    pub memory_used_bytes: Option<u64>,
    /// Its clock, as RFC 3339 writes it.
    pub clock: Option<String>,
    /// Forwards packets between networks.
    pub forwards: Option<bool>,
    /// Can bound the memory of a service.
    pub bounds_memory: Option<bool>,
    /// What it warns of itself.
    pub remarks: Vec<String>,
    /// Containers of everybody.
    pub containers: Option<u64>,
    /// Those that run.
    pub running: Option<u64>,
    /// Images.
    pub images: Option<u64>,
    /// Their bytes, those that several share counted for each.
    pub image_bytes: Option<u64>,
    /// Networks of everybody.
    pub networks: Option<u64>,
    /// Space left where it keeps things.
    pub disk_free_bytes: Option<u64>,
    /// All of that disk.
    pub disk_bytes: Option<u64>,
    /// Networks that are not ours: name, first address, prefix length.
    pub subnets: Vec<(String, Ipv4Addr, u8)>,
    /// Host ports that others publish.
    pub ports: Vec<u16>,
}

/// An engine's part in a swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwarmPart {
    /// It may be told what the swarm shall run.
    Manager,
    /// It runs what managers say.
    Worker,
}

/// What came of knocking at a port of a host from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knock {
    /// Nobody listens, and the host says so: it will be reached once somebody does.
    Closed,
    /// Somebody listens.
    Open,
    /// No answer.
    Silent,
}

/// How it stands with one thing about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in a word.
    pub check: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// What was seen and, where it is not well, what to do.
    pub what: String,
}

/// Whether somebody has to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing is wrong.
    Well,
    /// Somebody should know.
    Warning,
    /// Building will fail.
    Bad,
}

/// Below this a disk is about to be full.
pub const DISK_LOW_BYTES: u64 = 2 << 30;
/// A clock further off breaks certificates and what keeps time.
const CLOCK_OFF_MS: u64 = 2_000;
/// So far off that nothing signed there is believed.
const CLOCK_BAD_MS: u64 = 60_000;
/// Networks for which an engine's own address pools suffice.
const OWN_POOLS_LAST: u64 = 30;
/// First port that kernels give to whoever asks for any.
const EPHEMERAL: u16 = 32_768;

fn finding(check: &'static str, verdict: Verdict, what: impl Into<String>) -> Finding {
    Finding {
        check,
        verdict,
        what: what.into(),
    }
}

/// Everything there is to say of a host before something is built there. `clock_off_ms` is how far
/// its clock is off the server's, `knocks` what came of knocking at some of its ports.
pub fn findings(
    spec: &HostSpec,
    survey: &Survey,
    clock_off_ms: Option<u64>,
    knocks: &[(u16, Knock)],
) -> Vec<Finding> {
    let mut found = vec![finding(
        "engine",
        Verdict::Well,
        format!(
            "version {}, {} processors, {} MiB of memory",
            survey.version,
            survey.cpus,
            survey.memory_bytes >> 20
        ),
    )];
    found.extend(kind(spec, survey));
    found.extend(clock_off_ms.map(clock));
    found.extend(kernel(spec, survey));
    found.extend(room(spec, survey));
    found.extend(ports(spec, survey, knocks));
    found.extend(networks(spec, survey));
    found.extend(disk(survey));
    found
}

fn kind(spec: &HostSpec, survey: &Survey) -> Option<Finding> {
    let (verdict, what) = match (&*spec.driver, survey.swarm?) {
        ("docker", SwarmPart::Manager) => (
            Verdict::Warning,
            "it manages a swarm: the driver docker uses this machine alone, the driver swarm all of it",
        ),
        ("docker", SwarmPart::Worker) => (
            Verdict::Warning,
            "it works in a swarm, whose managers may place things here beside ours",
        ),
        ("swarm", SwarmPart::Worker) => (
            Verdict::Bad,
            "it is no manager of its swarm: name one that is",
        ),
        _ => (Verdict::Well, "it manages its swarm"),
    };
    Some(finding("type", verdict, what))
}

fn clock(off_ms: u64) -> Finding {
    match off_ms {
        CLOCK_BAD_MS.. => finding(
            "clock",
            Verdict::Bad,
            format!(
                "its clock is {} s off the server's: certificates made on either count as not yet \
                 or no more valid. Run an NTP client on both",
                off_ms / 1_000
            ),
        ),
        CLOCK_OFF_MS.. => finding(
            "clock",
            Verdict::Warning,
            format!("its clock is {off_ms} ms off the server's: run an NTP client on both"),
        ),
        _ => finding("clock", Verdict::Well, "as the server's"),
    }
}

fn kernel(spec: &HostSpec, survey: &Survey) -> Vec<Finding> {
    let mut found = Vec::new();
    match survey.forwards {
        Some(true) => found.push(finding("ip_forward", Verdict::Well, "on")),
        Some(false) => found.push(finding(
            "ip_forward",
            Verdict::Bad,
            "off: published ports lead nowhere. `sysctl -w net.ipv4.ip_forward=1`, and in /etc/sysctl.d",
        )),
        None => {}
    }
    if survey.bounds_memory == Some(false) {
        let bounded = spec.defaults.memory_bytes.is_some();
        found.push(finding(
            "limits",
            if bounded { Verdict::Bad } else { Verdict::Warning },
            "its kernel bounds no memory: templates with mem_limit are refused there. Start it with \
             cgroup_enable=memory",
        ));
    }
    // What is said above is not said again.
    let told = ["IPv4 forwarding", "No memory limit support"];
    let remarks = survey.remarks.iter();
    let remarks = remarks.filter(|r| !told.iter().any(|t| r.contains(t)));
    found.extend(remarks.map(|r| finding("remark", Verdict::Warning, r.trim())));
    found
}

fn room(spec: &HostSpec, survey: &Survey) -> Option<Finding> {
    if survey.memory_bytes == 0 {
        return None;
    }
    let each = spec.defaults.memory_bytes.unwrap_or(0);
    let asked = each.saturating_mul(u64::from(spec.capacity));
    let have = survey.memory_bytes;
    let held = spec.holds.get("mem").copied().unwrap_or(0);
    Some(match (asked > have, held > have) {
        (_, true) => finding(
            "memory",
            Verdict::Bad,
            format!("its capacity says mem={held}, and it has {have} bytes: say less"),
        ),
        (true, _) => finding(
            "memory",
            Verdict::Warning,
            format!(
                "{} resources of one service of {} MiB each want more than its {} MiB: lower the \
                 capacity or the default",
                spec.capacity,
                each >> 20,
                have >> 20
            ),
        ),
        _ => finding("memory", Verdict::Well, format!("{} MiB", have >> 20)),
    })
}

fn ports(spec: &HostSpec, survey: &Survey, knocks: &[(u16, Knock)]) -> Vec<Finding> {
    let Some(range) = spec.ports else {
        return vec![finding(
            "ports",
            Verdict::Warning,
            "none are said: templates that publish ports cannot be built here. Say ports, like \
             20000-29999/16",
        )];
    };
    let mut found = Vec::new();
    if range.blocks() < spec.capacity {
        let what = format!(
            "{} to {} in blocks of {} are enough for {} resources, and the capacity is {}",
            range.first,
            range.last,
            range.block,
            range.blocks(),
            spec.capacity
        );
        found.push(finding("ports", Verdict::Warning, what));
    }
    if range.last >= EPHEMERAL {
        let what = format!(
            "the range reaches into those that kernels give to whoever asks ({EPHEMERAL} and above): \
             end it below, or raise net.ipv4.ip_local_port_range"
        );
        found.push(finding("ports", Verdict::Warning, what));
    }
    let within = |port: &&u16| (range.first..=range.last).contains(*port);
    let taken: Vec<String> = survey
        .ports
        .iter()
        .filter(within)
        .map(u16::to_string)
        .collect();
    if !taken.is_empty() {
        let some = taken[..taken.len().min(8)].join(", ");
        let what = format!(
            "others publish {} of them ({some}): their blocks will be closed once they are tried",
            taken.len()
        );
        found.push(finding("ports", Verdict::Warning, what));
    }
    let silent: Vec<String> = knocks
        .iter()
        .filter(|(_, knock)| *knock == Knock::Silent)
        .map(|(port, _)| port.to_string())
        .collect();
    if !silent.is_empty() {
        let what = format!(
            "nothing answers from here at {}: open {} to {} for the server and for holders, or say \
             another address with reach",
            silent.join(", "),
            range.first,
            range.last
        );
        found.push(finding("ports", Verdict::Bad, what));
    }
    if found.is_empty() {
        let what = format!("{} to {}", range.first, range.last);
        found.push(finding("ports", Verdict::Well, what));
    }
    found
}

fn networks(spec: &HostSpec, survey: &Survey) -> Vec<Finding> {
    let Some(own) = spec.network else {
        let many = u64::from(spec.capacity) > OWN_POOLS_LAST;
        let (verdict, what) = match many {
            true => (
                Verdict::Warning,
                "no subnets are said, and the engine's own last for some thirty networks: say \
                 subnets, like 10.200.0.0/16/28",
            ),
            false => (Verdict::Well, "the engine chooses their subnets"),
        };
        return vec![finding("networks", verdict, what)];
    };
    let mut found = Vec::new();
    if own.subnets() < spec.capacity {
        let what = format!(
            "its subnets are enough for {} resources, and the capacity is {}",
            own.subnets(),
            spec.capacity
        );
        found.push(finding("networks", Verdict::Warning, what));
    }
    let others = survey.subnets.iter();
    for (name, address, prefix) in others.filter(|(_, a, p)| overlaps(own, *a, *p)) {
        let what = format!(
            "{address}/{prefix} of the network {name} lies in the subnets {}/{}: remove it, or say \
             others",
            own.address, own.prefix
        );
        found.push(finding("networks", Verdict::Bad, what));
    }
    if found.is_empty() {
        let what = format!("{}/{} is free", own.address, own.prefix);
        found.push(finding("networks", Verdict::Well, what));
    }
    found
}

fn overlaps(own: Network, address: Ipv4Addr, prefix: u8) -> bool {
    let shared = own.prefix.min(prefix).min(32);
    let mask = u32::MAX.checked_shl(32 - u32::from(shared)).unwrap_or(0);
    u32::from(own.address) & mask == u32::from(address) & mask
}

fn disk(survey: &Survey) -> Option<Finding> {
    let free = survey.disk_free_bytes?;
    let what = format!("{} MiB free where the engine keeps things", free >> 20);
    Some(match free < DISK_LOW_BYTES {
        true => {
            let what = format!("{what}: remove images and logs, or give it a larger disk");
            finding("disk", Verdict::Bad, what)
        }
        false => finding("disk", Verdict::Well, what),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Defaults, PortRange};

    fn spec() -> HostSpec {
        HostSpec {
            driver: "docker".into(),
            address: "unix:///run/docker.sock".into(),
            options: Default::default(),
            credential: None,
            reach: "".into(),
            capacity: 8,
            holds: Default::default(),
            schedulable: true,
            drain: false,
            autofill: false,
            ports: Some(PortRange {
                first: 20_000,
                last: 20_999,
                block: 10,
            }),
            network: Some(Network {
                address: [10, 200, 0, 0].into(),
                prefix: 16,
                subnet: 28,
            }),
            defaults: Defaults::default(),
            images: Default::default(),
            builds_max: 4,
            attributes: Default::default(),
            labels: Default::default(),
            declared_in: None,
            lost_after_ms: 60_000,
        }
    }

    fn well() -> Survey {
        Survey {
            version: "1.41".to_owned(),
            cpus: 2,
            memory_bytes: 8 << 30,
            forwards: Some(true),
            bounds_memory: Some(true),
            disk_free_bytes: Some(50 << 30),
            ..Survey::default()
        }
    }

    /// What is not well, in words.
    fn wrong(
        spec: &HostSpec,
        survey: &Survey,
        knocks: &[(u16, Knock)],
    ) -> Vec<(&'static str, Verdict)> {
        let found = findings(spec, survey, Some(500), knocks);
        let wrong = found.into_iter().filter(|f| f.verdict != Verdict::Well);
        wrong.map(|f| (f.check, f.verdict)).collect()
    }

    #[test]
    fn a_host_in_order_has_nothing_said_against_it() {
        let knocks = [(20_000, Knock::Closed), (20_999, Knock::Open)];
        assert_eq!(wrong(&spec(), &well(), &knocks), []);
    }

    #[test]
    fn each_thing_in_the_way_is_found() {
        use Verdict::{Bad, Warning};
        let of = |change: &dyn Fn(&mut HostSpec, &mut Survey)| {
            let (mut spec, mut survey) = (spec(), well());
            change(&mut spec, &mut survey);
            wrong(&spec, &survey, &[])
        };
        assert_eq!(of(&|_, s| s.forwards = Some(false)), [("ip_forward", Bad)]);
        assert_eq!(
            (clock(5_000).verdict, clock(90_000).verdict),
            (Warning, Bad)
        );
        assert_eq!(of(&|_, s| s.disk_free_bytes = Some(1)), [("disk", Bad)]);
        assert_eq!(of(&|_, s| s.ports = vec![20_005, 80]), [("ports", Warning)]);
        assert_eq!(of(&|h, _| h.ports = None), [("ports", Warning)]);
        assert_eq!(of(&|h, _| h.capacity = 101), [("ports", Warning)]);
        assert_eq!(
            of(&|h, _| h.holds = [("mem".parse().unwrap(), 1 << 40)].into()),
            [("memory", Bad)]
        );
        assert_eq!(
            of(&|h, _| h.defaults.memory_bytes = Some(2 << 30)),
            [("memory", Warning)]
        );
        let swarm = |s: &mut Survey| s.swarm = Some(SwarmPart::Manager);
        assert_eq!(of(&|_, s| swarm(s)), [("type", Warning)]);
        let worker = |s: &mut Survey| s.swarm = Some(SwarmPart::Worker);
        let on_worker = |h: &mut HostSpec, s: &mut Survey| (h.driver = "swarm".into(), worker(s)).1;
        assert_eq!(of(&on_worker), [("type", Bad)]);
        let lan = |a: [u8; 4], p| vec![("lan".to_owned(), Ipv4Addr::from(a), p)];
        assert_eq!(
            of(&|_, s| s.subnets = lan([10, 200, 7, 0], 24)),
            [("networks", Bad)]
        );
        assert_eq!(
            of(&|_, s| s.subnets = lan([10, 0, 0, 0], 8)),
            [("networks", Bad)]
        );
        assert_eq!(of(&|_, s| s.subnets = lan([10, 201, 0, 0], 16)), []);
        let no_limits = |s: &mut Survey| {
            s.bounds_memory = Some(false);
            s.remarks = vec!["WARNING: No memory limit support".to_owned()];
        };
        assert_eq!(of(&|_, s| no_limits(s)), [("limits", Warning)]);
        let silent = [(20_000, Knock::Silent)];
        assert_eq!(wrong(&spec(), &well(), &silent), [("ports", Bad)]);
    }
}
