//! Leases: `acquire`, `release`, `renew`, `give`, `share`, `note`, `revoke`, `ls`, `wait`.

pub mod environment;
pub mod files;
pub mod want;

use std::collections::BTreeMap;
use std::path::Path;

use caviada_api::client::{Client, every};
use caviada_api::duration::Duration;
use caviada_api::lease::{
    Annotate, CleanResult, Give, Lease, LeaseQuery, LeaseState, Release, Renew, Revoke, Share,
};
use caviada_api::list::List;
use caviada_core::id::{Fence, LeaseId, ResourceId};
use clap::Args;

use super::exit::{Exit, Failure, of_ended};
use super::output::{Format, Out, Row};
use super::table::{key_values, or_dash, short, time, word};
use want::Want;

/// Acquire resources.
#[derive(Debug, Args)]
pub struct AcquireArgs {
    #[command(flatten)]
    want: Want,
    /// Do not wait here: print the lease at once, even if it waits
    #[arg(long, conflicts_with = "no_wait")]
    detach: bool,
    /// A repeat with the same key gives the same lease
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    // Whoever comes from other tools types `apply -f FILE`.
    #[arg(short, long, hide = true, value_name = "FILE")]
    file: Option<String>,
}

impl AcquireArgs {
    /// What can be said without a server.
    pub fn check(&self) -> Result<(), Failure> {
        match &self.file {
            Some(file) => Err(Failure::usage(format!(
                "acquire takes a pool, not a file: did you mean `caviada load {file}`?"
            ))),
            None => self.want.check(),
        }
    }
}

/// Give leases back.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// Leases
    #[arg(required = true, value_name = "LEASE")]
    leases: Vec<LeaseId>,
    /// Release only this resource of the lease; may be repeated
    #[arg(long = "resource", value_name = "RESOURCE")]
    resources: Vec<ResourceId>,
    /// Keep what is released out of the pool for so long, to look at it
    #[arg(long, value_name = "DURATION")]
    hold: Option<Duration>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// Of a lease acquired with --clean: did the cleaning succeed?
    #[arg(long, value_enum)]
    result: Option<ResultWord>,
    /// Refuse unless this is the lease's fence
    #[arg(long)]
    fence: Option<u64>,
}

/// What came of a cleaning.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum ResultWord {
    /// Clean
    Ok,
    /// Still dirty
    Failed,
}

/// Move a lease's deadline.
#[derive(Debug, Args)]
pub struct RenewArgs {
    /// The lease
    lease: LeaseId,
    /// From now [default: as when it was acquired]
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Duration>,
    /// Refuse unless this is the lease's fence
    #[arg(long)]
    fence: Option<u64>,
}

/// Give a lease to another owner.
#[derive(Debug, Args)]
pub struct GiveArgs {
    /// The lease
    lease: LeaseId,
    /// The new owner
    owner: String,
}

/// Let other owners use a lease.
#[derive(Debug, Args)]
pub struct ShareArgs {
    /// The lease
    lease: LeaseId,
    /// All who may use it beside its owner; none ends sharing
    owners: Vec<String>,
}

/// Change a lease's labels and note.
#[derive(Debug, Args)]
pub struct NoteArgs {
    /// The lease
    lease: LeaseId,
    /// The new note; an empty one removes it
    note: Option<String>,
    /// KEY=VALUE sets a label, KEY- removes it; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
}

/// End somebody's lease.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The lease
    lease: LeaseId,
    /// Why; its holder reads it with the event
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// List leases.
#[derive(Debug, Args)]
pub struct LsArgs {
    /// Of this pool
    #[arg(long)]
    pool: Option<String>,
    /// Of this owner
    #[arg(long)]
    owner: Option<String>,
    /// In this state: waiting, preparing, active or ended [default: all but ended]
    #[arg(long, value_parser = state)]
    state: Option<LeaseState>,
    /// Conditions on labels: job=17
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    select: Option<String>,
    /// created_at, expires_at or owner; a minus before it turns the order
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

fn state(text: &str) -> Result<LeaseState, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "one of waiting, preparing, active, ended".to_owned())
}

/// Wait until a lease is active.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// The lease
    lease: LeaseId,
    /// No longer than this
    #[arg(long = "for", value_name = "DURATION")]
    within: Option<Duration>,
}

impl Row for Lease {
    const COLUMNS: &'static [&'static str] = &[
        "LEASE",
        "STATE",
        "OWNER",
        "POOL",
        "RESOURCES",
        "EXPIRES",
        "NOTE",
    ];
    const WIDE: &'static [&'static str] = &["FENCE", "POSITION", "PRIORITY", "CREATED", "LABELS"];

    fn name(&self) -> String {
        self.id.to_string()
    }

    fn cells(&self) -> Vec<String> {
        let names: Vec<&str> = self.resources.iter().map(|r| r.name.as_str()).collect();
        let state = self.end.map_or_else(|| word(&self.state), |end| word(&end));
        vec![
            self.name(),
            state,
            self.owner.clone(),
            self.pools.join(","),
            or_dash((!names.is_empty()).then(|| names.join(","))),
            or_dash(self.expires_in_ms.map(short)),
            or_dash(self.note.as_deref()),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        vec![
            or_dash(self.fence),
            or_dash(self.position),
            or_dash(self.priority),
            or_dash(self.created_at.map(time)),
            key_values(&self.labels),
        ]
    }
}

/// Prints a lease with what its holder needs.
fn show(lease: &Lease, out: &Out) -> Result<(), Failure> {
    match out.format {
        Format::Env => out.raw(&environment::shell(&environment::pairs(lease))),
        Format::Table | Format::Wide => out.pairs(&describe(lease, out.format == Format::Wide)),
        Format::Json | Format::Name => out.one(lease),
    }
}

fn describe(lease: &Lease, wide: bool) -> Vec<(String, String)> {
    let mut rows = vec![
        ("lease".to_owned(), lease.id.to_string()),
        ("state".to_owned(), word(&lease.state)),
        ("owner".to_owned(), lease.owner.clone()),
    ];
    let mut row = |name: &str, value: Option<String>| {
        rows.extend(value.map(|value| (name.to_owned(), value)));
    };
    row("end", lease.end.map(|end| word(&end)));
    row("fence", lease.fence.map(|fence| fence.to_string()));
    let deadline = lease.expires_at.zip(lease.expires_in_ms);
    row(
        "expires",
        deadline.map(|(at, in_ms)| format!("{} (in {})", time(at), short(in_ms))),
    );
    row("position", lease.position.map(|p| p.to_string()));
    row("estimate", lease.estimate_ms.map(short));
    row("why", lease.why.clone());
    row("note", lease.note.clone());
    for resource in &lease.resources {
        let flag = if resource.flagged { " (unwell)" } else { "" };
        row(
            "resource",
            Some(format!("{}/{}{flag}", resource.pool, resource.name)),
        );
        if wide {
            row("  id", Some(resource.id.to_string()));
            for (name, value) in &resource.attributes {
                row(&format!("  {name}"), Some(value.to_string()));
            }
        }
        for (name, value) in &resource.endpoints {
            row(&format!("  {name}"), Some(value.clone()));
        }
    }
    rows
}

/// `caviada acquire`.
pub async fn acquire(
    client: &Client,
    args: AcquireArgs,
    out: &Out,
    folder: Option<&Path>,
) -> Result<Exit, Failure> {
    let mut request = args.want.request()?;
    if args.detach {
        // Nobody stays to show that he lives.
        request.poll_within_ms = None;
    }
    let asked = tokio::time::Instant::now();
    let lease = match &args.idempotency_key {
        Some(key) => client.acquire_once(&request, key).await?,
        None => client.acquire(&request).await?,
    };
    let mut granted = want::Granted { lease, asked };
    if !args.detach {
        granted = want::settle(client, granted, &request).await?;
    }
    show(&granted.lease, out)?;
    if let Some(folder) = folder {
        files::write(client, &granted.lease, folder).await?;
    }
    Ok(Exit::Ok)
}

/// `caviada release`.
pub async fn release(client: &Client, args: ReleaseArgs, out: &Out) -> Result<Exit, Failure> {
    if args.leases.len() > 1 && (!args.resources.is_empty() || args.fence.is_some()) {
        return Err(Failure::usage(
            "--resource and --fence go with a single lease",
        ));
    }
    let release = Release {
        resources: args.resources,
        hold_ms: args.hold.map(|d| d.0),
        reason: args.reason,
        result: args.result.map(|word| match word {
            ResultWord::Ok => CleanResult::Ok,
            ResultWord::Failed => CleanResult::Failed,
        }),
        fence: args.fence.map(Fence),
    };
    // One that cannot be released keeps no other from being released.
    let mut worst = None;
    for id in args.leases {
        match client.release(id, &release).await {
            Ok(lease) => released(&lease, out)?,
            Err(error) => {
                let failure = Failure::from(error);
                eprintln!("caviada: {id}: {failure}");
                worst.get_or_insert(failure.exit);
            }
        }
    }
    Ok(worst.unwrap_or(Exit::Ok))
}

fn released(lease: &Lease, out: &Out) -> Result<(), Failure> {
    match out.format {
        Format::Table | Format::Wide => {
            let how = lease
                .end
                .map_or_else(|| word(&lease.state), |end| word(&end));
            out.line(&format!("{} {how}", lease.id))
        }
        _ => show(lease, out),
    }
}

/// `caviada renew`.
pub async fn renew(client: &Client, args: RenewArgs, out: &Out) -> Result<Exit, Failure> {
    let renew = Renew {
        ttl_ms: args.ttl.map(|d| d.0),
        fence: args.fence.map(Fence),
    };
    show(&client.renew(args.lease, &renew).await?, out)?;
    Ok(Exit::Ok)
}

/// `caviada give`.
pub async fn give(client: &Client, args: GiveArgs, out: &Out) -> Result<Exit, Failure> {
    let give = Give {
        owner: args.owner,
        fence: None,
    };
    show(&client.give(args.lease, &give).await?, out)?;
    Ok(Exit::Ok)
}

/// `caviada share`.
pub async fn share(client: &Client, args: ShareArgs, out: &Out) -> Result<Exit, Failure> {
    let share = Share {
        owners: args.owners,
        fence: None,
    };
    show(&client.share(args.lease, &share).await?, out)?;
    Ok(Exit::Ok)
}

/// `caviada note`.
pub async fn note(client: &Client, args: NoteArgs, out: &Out) -> Result<Exit, Failure> {
    let mut labels = BTreeMap::new();
    for text in args.labels {
        let (key, value) = match (text.split_once('='), text.strip_suffix('-')) {
            (Some((key, value)), _) => (key, Some(value.to_owned())),
            (None, Some(key)) => (key, None),
            (None, None) => {
                return Err(Failure::usage(format!(
                    "--label {text}: write KEY=VALUE, or KEY- to remove it"
                )));
            }
        };
        labels.insert(key.to_owned(), value);
    }
    if labels.is_empty() && args.note.is_none() {
        return Err(Failure::usage("say a note or a --label"));
    }
    let annotate = Annotate {
        labels,
        note: args.note,
    };
    show(&client.annotate(args.lease, &annotate).await?, out)?;
    Ok(Exit::Ok)
}

/// `caviada revoke`.
pub async fn revoke(client: &Client, args: RevokeArgs, out: &Out) -> Result<Exit, Failure> {
    let revoke = Revoke {
        reason: args.reason,
    };
    let ended = client.revoke(args.lease, &revoke).await?;
    released(&ended, out)?;
    Ok(Exit::Ok)
}

/// `caviada ls`.
pub async fn ls(client: &Client, args: LsArgs, out: &Out) -> Result<Exit, Failure> {
    let query = LeaseQuery {
        pool: args.pool,
        owner: args.owner,
        state: args.state,
        selector: args.select,
        sort: args.sort,
        limit: args.limit,
        cursor: None,
    };
    let page = async |cursor| {
        let query = LeaseQuery {
            cursor,
            ..query.clone()
        };
        client.leases(&query).await
    };
    let list: List<Lease> = if args.limit.is_some() {
        page(None).await?
    } else {
        every(page).await?
    };
    out.list(&list)?;
    Ok(Exit::Ok)
}

/// `caviada wait`.
pub async fn wait(
    client: &Client,
    args: WaitArgs,
    out: &Out,
    folder: Option<&Path>,
) -> Result<Exit, Failure> {
    let until = args.within.map(|d| tokio::time::Instant::now() + d.into());
    loop {
        let left = until.map(|t| t.saturating_duration_since(tokio::time::Instant::now()));
        let ms = left.map_or(want::POLL_MS, |l| {
            u64::try_from(l.as_millis()).unwrap_or(want::POLL_MS)
        });
        let lease = client
            .lease_settled(args.lease, ms.min(want::POLL_MS))
            .await?;
        match lease.state {
            LeaseState::Active => {
                show(&lease, out)?;
                if let Some(folder) = folder {
                    files::write(client, &lease, folder).await?;
                }
                return Ok(Exit::Ok);
            }
            LeaseState::Ended => return Err(of_ended(&lease)),
            LeaseState::Waiting | LeaseState::Preparing if left.is_some_and(|l| l.is_zero()) => {
                return Err(Failure::new(
                    Exit::WaitOver,
                    format!("{} is still {}", lease.id, word(&lease.state)),
                ));
            }
            LeaseState::Waiting | LeaseState::Preparing => {}
        }
    }
}
