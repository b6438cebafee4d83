//! `caviada event`.

use std::time::{SystemTime, UNIX_EPOCH};

use caviada_api::client::{Client, every};
use caviada_api::duration::Duration;
use caviada_api::event::{Event, EventQuery, Message};
use caviada_api::host::HostFacts;
use caviada_api::timestamp::Timestamp;
use caviada_core::id::{LeaseId, ResourceId};
use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::output::{Format, Out, Row, no_env, plain};
use super::table::{or_dash, printable, time};

/// What happened.
#[derive(Debug, Subcommand)]
pub enum EventCommand {
    /// List what happened, newest last
    Ls(LsArgs),
    /// Print what happens until stopped
    Watch(WatchArgs),
}

/// Which events.
#[derive(Debug, Clone, Args)]
pub struct Which {
    /// lease.granted, or a noun with all its events: lease
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// About this pool
    #[arg(long)]
    pool: Option<String>,
    /// About this resource
    #[arg(long)]
    resource: Option<ResourceId>,
    /// About this lease
    #[arg(long)]
    lease: Option<LeaseId>,
    /// About this host
    #[arg(long)]
    host: Option<String>,
    /// About this owner
    #[arg(long)]
    owner: Option<String>,
}

/// List events.
#[derive(Debug, Args)]
pub struct LsArgs {
    #[command(flatten)]
    which: Which,
    /// Not older than this: 1h
    #[arg(long, value_name = "DURATION")]
    since: Option<Duration>,
    /// Later than the event of this id; then all that followed, up to the limit
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "N", default_value = "50")]
    limit: u32,
}

/// Print what happens.
#[derive(Debug, Args)]
pub struct WatchArgs {
    #[command(flatten)]
    which: Which,
    /// Begin after the event of this id [default: now]
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// Bring-ups under way, too
    #[arg(long)]
    progress: bool,
    /// What hosts tell of themselves, too
    #[arg(long)]
    hosts: bool,
}

impl From<Which> for EventQuery {
    fn from(which: Which) -> Self {
        Self {
            kind: which.kind,
            pool: which.pool,
            resource: which.resource,
            lease: which.lease,
            host: which.host,
            owner: which.owner,
            ..Self::default()
        }
    }
}

/// What it is about, in few words.
fn subject(event: &Event) -> String {
    let mut words = Vec::new();
    words.extend(event.pool.clone());
    words.extend(event.host.clone());
    words.extend(event.resource.map(|id| id.to_string()));
    words.extend(event.lease.map(|id| id.to_string()));
    for (name, value) in &event.facts {
        words.push(format!("{name}={}", plain(value)));
    }
    words.join(" ")
}

impl Row for Event {
    const COLUMNS: &'static [&'static str] = &["EVENT", "AT", "TYPE", "OWNER", "ABOUT"];
    const WIDE: &'static [&'static str] = &["BY", "COMMAND", "REQUEST"];

    fn name(&self) -> String {
        self.id.clone()
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            time(self.at),
            self.kind.clone(),
            or_dash(self.owner.as_deref()),
            subject(self),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        vec![
            or_dash(self.principal.as_deref()),
            or_dash(self.command.as_deref()),
            or_dash(self.request_id.as_deref()),
        ]
    }
}

/// `caviada event`.
pub async fn event(client: &Client, command: EventCommand, out: &Out) -> Result<Exit, Failure> {
    match command {
        EventCommand::Ls(args) => ls(client, args, out).await,
        EventCommand::Watch(args) => watch(client, args, out).await,
    }
}

async fn ls(client: &Client, args: LsArgs, out: &Out) -> Result<Exit, Failure> {
    let forward = args.after.is_some();
    let mut left = args.limit;
    let query = EventQuery {
        since: args.since.map(ago),
        after: args.after,
        ..args.which.into()
    };
    let page = async |cursor| {
        let query = EventQuery {
            cursor,
            limit: Some(left.min(caviada_api::list::LIMIT_MAX)),
            ..query.clone()
        };
        let mut page = client.events(&query).await?;
        left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        if left == 0 {
            page.next = None;
        }
        Ok(page)
    };
    let mut list = every(page).await?;
    if !forward {
        list.items.reverse();
    }
    out.list(&list)?;
    Ok(Exit::Ok)
}

/// So long before now, by this machine's clock.
fn ago(duration: Duration) -> Timestamp {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    Timestamp(now.saturating_sub(duration.0))
}

/// What a host has, in one line.
fn told(facts: &HostFacts) -> String {
    let count = |name: &str, n: Option<u64>| n.map(|n| format!("{name}={n}"));
    let mib = |name: &str, n: Option<u64>| n.map(|n| format!("{name}={} MiB", n >> 20));
    let all = [
        count("cpus", Some(facts.cpus)),
        mib("memory", Some(facts.memory_bytes)),
        count("cpu-used-millicores", facts.cpu_used_millicores),
        mib("memory-used", facts.memory_used_bytes),
        count("containers", facts.containers),
        count("running", facts.containers_running),
        count("networks", facts.networks),
        count("images", facts.images),
        mib("image-bytes", facts.image_bytes),
        mib("disk-free", facts.disk_free_bytes),
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

async fn watch(client: &Client, args: WatchArgs, out: &Out) -> Result<Exit, Failure> {
    if out.format == Format::Env {
        return Err(no_env());
    }
    let query = EventQuery {
        after: args.after,
        ..args.which.into()
    };
    let mut stream = client.watch(query).await?;
    loop {
        match stream.next().await? {
            Message::Event(event) => print(&event, out)?,
            Message::Progress(progress) if args.progress => match out.format {
                Format::Json => json_line(&progress, out)?,
                _ => out.line(&printable(&format!(
                    "- {} {} {} {} ({}/{})",
                    progress.pool,
                    progress.resource,
                    progress.step,
                    progress.subject,
                    progress.done,
                    progress.of
                )))?,
            },
            Message::Host(figures) if args.hosts => match out.format {
                Format::Json => json_line(&figures, out)?,
                _ => out.line(&printable(&format!(
                    "- {} {}",
                    figures.host,
                    told(&figures.facts)
                )))?,
            },
            Message::Image(image) if args.progress => match out.format {
                Format::Json => json_line(&image, out)?,
                _ => out.line(&printable(&super::image::told(&image)))?,
            },
            Message::Progress(_) | Message::Host(_) | Message::Image(_) => {}
        }
    }
}

fn print(event: &Event, out: &Out) -> Result<(), Failure> {
    match out.format {
        Format::Json => json_line(event, out),
        Format::Name => out.line(&event.name()),
        Format::Wide => out.line(&line(event, true)),
        Format::Table | Format::Env => out.line(&line(event, false)),
    }
}

fn line(event: &Event, wide: bool) -> String {
    let mut cells = event.cells();
    if wide {
        cells.extend(event.wide_cells());
    }
    printable(&cells.join("  "))
}

/// One line each, for programs that read lines.
fn json_line<T: serde::Serialize>(value: &T, out: &Out) -> Result<(), Failure> {
    let text =
        serde_json::to_string(value).map_err(|e| Failure::failed(format!("cannot print: {e}")))?;
    out.line(&text)
}
