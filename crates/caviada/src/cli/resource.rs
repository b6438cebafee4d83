//! `caviada resource`.

use std::collections::BTreeMap;

use caviada_api::attribute::{Attribute, Attributes};
use caviada_api::client::{Client, every};
use caviada_api::duration::Duration;
use caviada_api::quantity;
use caviada_api::resource::{
    Alter, Alteration, Build, DECLARE_MAX, DeclaredState, DeleteResource, Divisible, Evidence,
    LogQuery, Power, PowerAction, Resource, ResourceQuery, ResourceSpec, ResourceState, Turn,
    WithheldReason, Withhold,
};
use caviada_core::id::{LeaseId, ResourceId};
use caviada_core::limits;
use caviada_core::resource::LOOKS;
use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::lease::want::key_values as pairs;
use super::output::{Out, Row};
use super::pool::{parameters, wire};
use super::table::{key_values, or_dash, time, word};

/// Resources. One is named by its id or as POOL/NAME.
#[derive(Debug, Subcommand)]
pub enum ResourceCommand {
    /// List them
    Ls(LsArgs),
    /// Show all of one
    Show {
        /// Its id, or POOL/NAME
        resource: String,
    },
    /// Declare some
    Add(Box<AddArgs>),
    /// Delete one
    Rm {
        /// Its id, or POOL/NAME
        resource: String,
        /// Even if it is leased: revokes the lease
        #[arg(long)]
        force: bool,
    },
    /// Keep one out of its pool, at once or when it is no longer busy
    Withhold(WithholdArgs),
    /// Put a withheld one back
    Return {
        /// Its id, or POOL/NAME
        resource: String,
    },
    /// Start what is stopped of a built one
    Start(PowerArgs),
    /// Stop a built one; its ports and data stay
    Stop(PowerArgs),
    /// Stop and start a built one
    Restart(PowerArgs),
    /// Have a leased one made with other parameters, as far as its template leaves them to its holder
    Alter(AlterArgs),
    /// Clean a built one that nobody holds, in its place
    Recycle {
        /// Its id, or POOL/NAME
        resource: String,
    },
    /// Build one more member of a pool, beyond what it keeps warm
    Build {
        /// The pool
        pool: String,
        /// Where
        #[arg(long)]
        host: Option<String>,
        /// What it is called
        #[arg(long)]
        name: Option<String>,
    },
    /// Print the last lines that a service of a built one wrote
    Logs {
        /// Its id, or POOL/NAME
        resource: String,
        /// The service
        service: String,
        /// So many lines, at most 10,000
        #[arg(long, value_name = "N")]
        lines: Option<u32>,
    },
}

/// Start or stop a resource.
#[derive(Debug, Args)]
pub struct PowerArgs {
    /// Its id, or POOL/NAME
    resource: String,
    /// Only this service of it
    #[arg(long)]
    service: Option<String>,
    /// Do not wait for the end of it
    #[arg(long)]
    no_wait: bool,
}

/// Have a leased resource made with other parameters.
#[derive(Debug, Args)]
pub struct AlterArgs {
    /// Its id, or POOL/NAME
    resource: String,
    /// A parameter and its whole new value; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE", required = true)]
    parameters: Vec<String>,
    /// Do not wait for the end of it
    #[arg(long)]
    no_wait: bool,
}

/// List resources.
#[derive(Debug, Args)]
pub struct LsArgs {
    /// Of this pool
    pool: Option<String>,
    /// On this host
    #[arg(long)]
    host: Option<String>,
    /// In this state: free, leased, dirty, withheld …
    #[arg(long, value_parser = wire::<ResourceState>)]
    state: Option<ResourceState>,
    /// Conditions on labels and attributes: 'arch=arm64, cores>=4'
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    select: Option<String>,
    /// name, state, since or uses; a minus before it turns the order
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
}

/// Declare resources.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Their pool
    pool: String,
    /// Their names
    #[arg(required = true)]
    names: Vec<String>,
    /// Fact: arch=arm64, cores=4; may be repeated
    #[arg(long = "attribute", short = 'a', value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// Label; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    /// How to reach it: ssh={name}.lab:22; may be repeated
    #[arg(long = "endpoint", short = 'e', value_name = "NAME=ADDRESS")]
    endpoints: Vec<String>,
    /// How they begin: free, dirty or withheld
    #[arg(long, value_parser = wire::<DeclaredState>, default_value = "free")]
    state: DeclaredState,
    /// Cut slices from these addresses: 10.0.0.0/24
    #[arg(long, value_name = "PREFIX", group = "whole")]
    range: Option<String>,
    /// Cut slices from these ports: 20000-29999
    #[arg(long, value_name = "FIRST-LAST", group = "whole")]
    ports: Option<String>,
    /// Cut slices from these amounts: cpu=16,mem=64Gi
    #[arg(long, value_name = "AMOUNTS", group = "whole")]
    quantity: Option<String>,
    /// Never handed out; may be repeated
    #[arg(long, requires = "whole")]
    exclude: Vec<String>,
}

/// Keep a resource out of its pool.
#[derive(Debug, Args)]
pub struct WithholdArgs {
    /// Its id, or POOL/NAME
    resource: String,
    /// Why: maintenance, needs_repair, quarantine or debugging
    #[arg(long, value_parser = wire::<WithheldReason>, default_value = "maintenance")]
    reason: WithheldReason,
    /// In words
    #[arg(long)]
    note: Option<String>,
    /// Clean it and put it back after so long
    #[arg(long = "for", value_name = "DURATION")]
    hold: Option<Duration>,
}

impl Row for Resource {
    const COLUMNS: &'static [&'static str] =
        &["RESOURCE", "POOL", "STATE", "HOLDER", "SINCE", "WHY"];
    const WIDE: &'static [&'static str] = &[
        "ID",
        "HOST",
        "HEALTH",
        "POWER",
        "GEN",
        "USES",
        "ATTRIBUTES",
        "LABELS",
    ];

    fn name(&self) -> String {
        format!("{}/{}", self.pool, self.name)
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.pool.clone(),
            word(&self.state),
            or_dash(self.holder.as_ref().map(|h| h.owner.as_str())),
            or_dash(self.since.map(time)),
            or_dash(self.why.as_deref()),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            or_dash(self.host.as_deref()),
            or_dash(self.health.map(|h| word(&h))),
            or_dash(self.power.map(|p| word(&p))),
            self.generation.to_string(),
            self.uses.to_string(),
            key_values(&self.attributes),
            key_values(&self.labels),
        ]
    }
}

/// All resources that `query` asks for.
pub async fn all(
    client: &Client,
    query: &ResourceQuery,
) -> Result<caviada_api::list::List<Resource>, Failure> {
    let page = async |cursor| {
        let query = ResourceQuery {
            cursor,
            ..query.clone()
        };
        client.resources(&query).await
    };
    Ok(every(page).await?)
}

/// The resource that is meant by an id or by POOL/NAME.
pub async fn find(client: &Client, text: &str) -> Result<Resource, Failure> {
    if let Ok(id) = text.parse::<ResourceId>() {
        return Ok(client.resource(id).await?);
    }
    let (pool, name) = text.split_once('/').ok_or_else(|| {
        Failure::usage(format!("{text} is no resource: write its id or POOL/NAME"))
    })?;
    let query = ResourceQuery {
        pool: Some(pool.to_owned()),
        name: Some(name.to_owned()),
        ..ResourceQuery::default()
    };
    let mut found = client.resources(&query).await?.items;
    found
        .pop()
        .ok_or_else(|| Failure::failed(format!("{pool} has no resource {name}")))
}

/// `caviada resource`.
pub async fn resource(
    client: &Client,
    command: ResourceCommand,
    out: &Out,
) -> Result<Exit, Failure> {
    match command {
        ResourceCommand::Ls(args) => ls(client, args, out).await?,
        ResourceCommand::Show { resource } => out.one(&find(client, &resource).await?)?,
        ResourceCommand::Add(args) => {
            for part in args.specs()?.chunks(DECLARE_MAX) {
                out.list(&client.declare(part.to_vec()).await?)?;
            }
        }
        ResourceCommand::Rm { resource, force } => {
            let id = find(client, &resource).await?.id;
            client
                .delete_resource(id, &DeleteResource { force })
                .await?;
        }
        ResourceCommand::Withhold(args) => {
            let withhold = Withhold {
                reason: args.reason,
                note: args.note,
                hold_ms: args.hold.map(|d| d.0),
            };
            let id = find(client, &args.resource).await?.id;
            out.one(&client.withhold(id, &withhold).await?)?;
        }
        ResourceCommand::Start(args) => turn(client, args, PowerAction::Start, out).await?,
        ResourceCommand::Stop(args) => turn(client, args, PowerAction::Stop, out).await?,
        ResourceCommand::Restart(args) => turn(client, args, PowerAction::Restart, out).await?,
        ResourceCommand::Alter(args) => {
            let found = find(client, &args.resource).await?;
            let wanted = parameters(&args.parameters)?;
            alter(client, found, wanted, args.no_wait, out).await?;
        }
        ResourceCommand::Recycle { resource } => {
            let id = find(client, &resource).await?.id;
            out.one(&client.recycle(id).await?)?;
        }
        ResourceCommand::Build { pool, host, name } => {
            out.one(&client.build(&pool, &Build { host, name }).await?)?;
        }
        ResourceCommand::Logs {
            resource,
            service,
            lines,
        } => {
            let id = find(client, &resource).await?.id;
            let text = client.logs(id, &LogQuery { service, lines }).await?;
            out.raw(&String::from_utf8_lossy(&text))?;
        }
        ResourceCommand::Return { resource } => {
            let id = find(client, &resource).await?.id;
            out.one(&client.return_resource(id).await?)?;
        }
    }
    Ok(Exit::Ok)
}

async fn turn(
    client: &Client,
    args: PowerArgs,
    action: PowerAction,
    out: &Out,
) -> Result<(), Failure> {
    let found = find(client, &args.resource).await?;
    let lease = found.holder.map(|h| h.lease);
    let turn = Turn {
        action,
        service: args.service,
        lease,
    };
    let mut now = client.power(found.id, &turn).await?;
    if !args.no_wait {
        let busy = [Power::Starting, Power::Stopping, Power::Restarting];
        now = over(client, now, |r| r.power.is_some_and(|p| busy.contains(&p))).await?;
        done(&now, lease)?;
    }
    out.one(&now)
}

const LOOK_EVERY: std::time::Duration =
    std::time::Duration::from_millis(limits::client::TURN_LOOK_MS);

/// The resource once it is no longer busy.
async fn over(
    client: &Client,
    mut now: Resource,
    busy: impl Fn(&Resource) -> bool,
) -> Result<Resource, Failure> {
    while busy(&now) {
        tokio::time::sleep(LOOK_EVERY).await;
        now = client.resource(now.id).await?;
    }
    Ok(now)
}

/// Fails where what was asked for under this lease did. What was only seen of it since is no failure of it.
fn done(now: &Resource, lease: Option<LeaseId>) -> Result<(), Failure> {
    if now.holder.as_ref().map(|h| h.lease) != lease {
        return Err(Failure::failed("its lease ended meanwhile"));
    }
    let seen = |f: &&Evidence| LOOKS.contains(&f.cause.as_str());
    match now.failure.as_ref().filter(|f| !seen(f)) {
        Some(Evidence { cause, detail, .. }) => Err(Failure::failed(format!("{cause}: {detail}"))),
        None => Ok(()),
    }
}

/// Has a leased resource made with other parameters, and waits for the end of it unless told not to.
pub(super) async fn alter(
    client: &Client,
    found: Resource,
    wanted: BTreeMap<String, serde_json::Value>,
    no_wait: bool,
    out: &Out,
) -> Result<(), Failure> {
    let lease = found.holder.map(|h| h.lease);
    let alter = Alter {
        parameters: wanted,
        lease,
    };
    let mut now = client.alter(found.id, &alter, Some(&found.etag)).await?;
    if now.parameters == found.parameters && now.alteration == found.alteration {
        eprintln!("Nothing to do: it is made with these already");
        return out.one(&now);
    }
    if !no_wait {
        let busy = [Some(Alteration::Altering), Some(Alteration::Restoring)];
        now = over(client, now, |r| busy.contains(&r.alteration)).await?;
        done(&now, lease)?;
    }
    out.one(&now)
}

async fn ls(client: &Client, args: LsArgs, out: &Out) -> Result<(), Failure> {
    let query = ResourceQuery {
        pool: args.pool,
        host: args.host,
        state: args.state,
        selector: args.select,
        sort: args.sort,
        limit: args.limit,
        ..ResourceQuery::default()
    };
    let list = if args.limit.is_some() {
        client.resources(&query).await?
    } else {
        all(client, &query).await?
    };
    out.list(&list)
}

impl AddArgs {
    fn specs(&self) -> Result<Vec<ResourceSpec>, Failure> {
        let attributes: Attributes = pairs("--attribute", &self.attributes)?
            .iter()
            .map(|(name, value)| (name.clone(), Attribute::from(value.as_str())))
            .collect();
        let labels = pairs("--label", &self.labels)?;
        let endpoints = pairs("--endpoint", &self.endpoints)?;
        let divisible = self.divisible()?;
        let spec = |name: &String| ResourceSpec {
            pool: self.pool.clone(),
            name: name.clone(),
            attributes: attributes.clone(),
            labels: labels.clone(),
            endpoints: endpoints
                .iter()
                .map(|(key, value)| (key.clone(), value.replace("{name}", name)))
                .collect::<BTreeMap<_, _>>(),
            state: self.state,
            reason: None,
            divisible: divisible.clone(),
            declared_in: None,
        };
        Ok(self.names.iter().map(spec).collect())
    }

    fn divisible(&self) -> Result<Option<Divisible>, Failure> {
        if self.range.is_none() && self.ports.is_none() && self.quantity.is_none() {
            return Ok(None);
        }
        let quantity = self
            .quantity
            .as_deref()
            .map(|text| {
                quantity::parse(text).map_err(|e| Failure::usage(format!("--quantity {text}: {e}")))
            })
            .transpose()?;
        Ok(Some(Divisible {
            range: self.range.clone(),
            ports: self.ports.clone(),
            quantity,
            slice: None,
            exclude: self.exclude.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        add: AddArgs,
    }

    #[test]
    fn what_is_typed_becomes_one_declaration_per_name() {
        let line = "x boards b1 b2 -a cores=4 -a arch=arm64 -e ssh={name}.lab:22 --state dirty";
        let specs = Line::try_parse_from(line.split(' '))
            .unwrap()
            .add
            .specs()
            .unwrap();
        assert_eq!(specs.len(), 2);
        assert_eq!(specs[0].attributes["cores"], Attribute::Number(4));
        assert_eq!(specs[1].endpoints["ssh"], "b2.lab:22");
        assert_eq!(specs[1].state, DeclaredState::Dirty);
    }

    #[test]
    fn a_range_is_divisible() {
        let line = "x nets lab --range 10.0.0.0/24 --exclude 10.0.0.0/30";
        let specs = Line::try_parse_from(line.split(' '))
            .unwrap()
            .add
            .specs()
            .unwrap();
        let divisible = specs[0].divisible.clone().unwrap();
        assert_eq!(divisible.exclude, ["10.0.0.0/30"]);
        assert!(Line::try_parse_from("x a b --exclude 1".split(' ')).is_err());
        assert!(Line::try_parse_from("x a b --range r --ports p".split(' ')).is_err());
    }
}
