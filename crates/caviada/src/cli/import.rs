//! `caviada import`: what an older system had, from the files its database was exported to.
//!
//! Everything is read and decided first, and said; only then it is made, by the same calls as
//! anybody's. What is there already is left alone, so that an import may be repeated.

mod extended;
mod poolmanager;
mod there;

use std::path::PathBuf;

use caviada_api::client::{Client, Error};
use caviada_api::problem::{Problem, code};
use caviada_core::name::Name;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::output::{Format, Out};
use super::table::printable;
use poolmanager::Plan;

/// Bring over what an older system had.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// From the collections of PoolManager or Cello, as `mongoexport` writes them
    Poolmanager(PoolmanagerArgs),
}

/// Import PoolManager's or Cello's database.
///
/// Each file is an array of documents, or one document after another, in canonical or relaxed
/// extended JSON. What is there already is left alone, so that an import may be repeated.
#[derive(Debug, Args)]
pub struct PoolmanagerArgs {
    /// Folder of exported collections, each a file of its name: host.json, cluster_active.json …
    folder: Option<PathBuf>,
    /// Hosts
    #[arg(long, value_name = "FILE")]
    hosts: Vec<PathBuf>,
    /// Clusters (`cluster`, `cluster_active`)
    #[arg(long, value_name = "FILE")]
    clusters: Vec<PathBuf>,
    /// Ports of clusters, from Cello 0.8 on (`service_port`)
    #[arg(long, value_name = "FILE")]
    service_ports: Vec<PathBuf>,
    /// Clusters that were given back (`cluster_released`)
    #[arg(long, value_name = "FILE")]
    released: Vec<PathBuf>,
    /// Users
    #[arg(long, value_name = "FILE")]
    users: Vec<PathBuf>,
    /// What users say of themselves
    #[arg(long, value_name = "FILE")]
    profiles: Vec<PathBuf>,
    /// Pool for the clusters; made if it is not there
    #[arg(long, value_name = "POOL", default_value = "imported")]
    pool: Name,
    /// Keep the roles of users, too: in the old systems people could give themselves any
    #[arg(long)]
    roles: bool,
    /// Take hosts whose engine listens without TLS: whoever reaches such a port owns the machine
    #[arg(long)]
    allow_plain_tcp: bool,
    /// Only say what would be made
    #[arg(long)]
    dry_run: bool,
}

/// Something that is not brought over.
#[derive(Debug, Clone, Serialize)]
pub struct Skipped {
    /// File and line.
    at: String,
    /// What it is.
    what: String,
    /// And why not.
    why: String,
}

/// What an import did, or would do.
#[derive(Debug, Serialize)]
struct Report<'a> {
    dry_run: bool,
    made: &'a [Made],
    skipped: &'a [Skipped],
    notes: &'a [String],
}

/// Something that is made, or would be.
#[derive(Debug, Serialize)]
struct Made {
    noun: &'static str,
    name: String,
    from: String,
    details: Vec<String>,
}

/// `caviada import`.
pub async fn import(client: &Client, command: ImportCommand, out: &Out) -> Result<Exit, Failure> {
    let ImportCommand::Poolmanager(args) = command;
    let dry_run = args.dry_run;
    let read = poolmanager::read(&args)?;
    let there = there::look(client, args.pool.as_str()).await?;
    let mut plan = poolmanager::plan(&args, read, &there);
    let mut made = Vec::new();
    let (mut refused, mut broken) = (false, None);
    for step in &plan.steps {
        if !dry_run && let Err(error) = there::make(client, args.pool.as_str(), step).await {
            match error {
                // One that is not taken hinders no other one, unless all hang on it.
                Error::Refused(problem) if is_about_it(&problem) && !step.is_pool() => {
                    refused = true;
                    plan.skipped.push(Skipped {
                        at: step.at().to_owned(),
                        what: format!("{} {}", step.noun(), step.name()),
                        why: problem.to_string(),
                    });
                    continue;
                }
                error => {
                    broken = Some((step, error));
                    break;
                }
            }
        }
        made.push(Made {
            noun: step.noun(),
            name: step.name().to_owned(),
            from: step.at().to_owned(),
            details: step.details(),
        });
    }
    print(dry_run, &made, &plan, out)?;
    let Some((step, error)) = broken else {
        return Ok(if refused { Exit::Failed } else { Exit::Ok });
    };
    let failure = Failure::from(error);
    let what = format!("{} {} {}", step.noun(), printable(step.name()), step.at());
    Err(Failure::new(
        failure.exit,
        format!(
            "{what}: {failure}\n  {} of {} are made; import again to go on",
            made.len(),
            plan.steps.len()
        ),
    ))
}

/// Is the one thing to blame, and not who asks, how often, or the server?
fn is_about_it(problem: &Problem) -> bool {
    matches!(problem.status, 400 | 404 | 409 | 412 | 413 | 422)
        || problem.code == code::QUOTA_EXCEEDED
}

fn print(dry_run: bool, made: &[Made], plan: &Plan, out: &Out) -> Result<(), Failure> {
    if out.format == Format::Json {
        return out.json(&Report {
            dry_run,
            made,
            skipped: &plan.skipped,
            notes: &plan.notes,
        });
    }
    let mut text = String::new();
    for one in made {
        text += &format!("+ {} {}  {}\n", one.noun, printable(&one.name), one.from);
        for detail in &one.details {
            text += &format!("    {}\n", printable(detail));
        }
    }
    for one in &plan.skipped {
        let (what, why) = (printable(&one.what), printable(&one.why));
        text += &format!("- {what}  {}\n    {why}\n", one.at);
    }
    out.raw(&text)?;
    for note in &plan.notes {
        eprintln!("caviada: {}", printable(note));
    }
    let skipped = plan.skipped.len();
    match dry_run {
        true => eprintln!(
            "caviada: {} would be made, {skipped} skipped; nothing was changed (dry run)",
            plan.steps.len()
        ),
        false => eprintln!("caviada: {} made, {skipped} skipped", made.len()),
    }
    Ok(())
}
