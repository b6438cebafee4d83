//! `caviada load FILE`: makes the server have what a file says.
//!
//! Reads what there is, compares, and sends only what differs, each with the etag it read: whoever
//! changes the same things meanwhile is not overwritten. A load that broke off is repaired by
//! loading again.

mod compare;
mod document;
mod plan;

use std::path::PathBuf;

use caviada_api::client::Client;
use clap::Args;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::output::{Format, Out, no_env};
use super::table::printable;
use plan::{Action, Change, Plan};

/// Declare everything that a file says.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// The file (TOML); - for standard input
    file: PathBuf,
    /// Show what would change, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove what an earlier load of a file of the same name declared and this one does not.
    /// What is leased is kept
    #[arg(long)]
    prune: bool,
}

/// The secret of a key or webhook that was made.
#[derive(Debug, Serialize)]
struct Secret {
    name: String,
    secret: String,
}

/// What a load did, or would do.
#[derive(Debug, Serialize)]
struct Report<'a> {
    name: &'a str,
    dry_run: bool,
    changes: &'a [Change],
    /// Reasons why something was not removed.
    kept: &'a [String],
    secrets: Vec<Secret>,
}

/// `caviada load`.
pub async fn load(client: &Client, args: LoadArgs, out: &Out) -> Result<Exit, Failure> {
    if out.format == Format::Env {
        return Err(no_env());
    }
    let source = document::read(&args.file)?;
    let mut plan = plan::make(client, &source, args.prune).await?;
    let secrets = if args.dry_run {
        Vec::new()
    } else {
        apply(client, &mut plan).await?
    };
    print(&source.document.name, args.dry_run, &plan, secrets, out)?;
    Ok(if plan.failed { Exit::Failed } else { Exit::Ok })
}

/// Makes the changes in order. One that cannot be removed hinders nothing; one that cannot be made
/// may be needed by the next, and ends the load.
async fn apply(client: &Client, plan: &mut Plan) -> Result<Vec<Secret>, Failure> {
    let mut secrets = Vec::new();
    let (mut done, mut retried) = (0, None);
    while done < plan.changes.len() {
        match plan::act(client, &plan.changes[done..]).await {
            Ok(acted) if acted.same => drop(plan.changes.remove(done)),
            Ok(acted) => {
                secrets.extend(acted.secret.map(|secret| Secret {
                    name: plan.changes[done].name.clone(),
                    secret,
                }));
                done += acted.count;
            }
            Err(error) if plan.changes[done].action == Action::Remove => {
                let change = plan.changes.remove(done);
                plan.kept
                    .push(format!("{} {}: {error}", change.noun, change.name));
                plan.failed = true;
            }
            Err(error)
                if retried != Some(done)
                    && plan::again(client, &mut plan.changes[done], &error).await =>
            {
                retried = Some(done);
            }
            Err(error) => {
                // A secret that is not said now is lost.
                for Secret { name, secret } in &secrets {
                    eprintln!("caviada: secret of {name}, shown only now: {secret}");
                }
                let failure = Failure::from(error);
                let (of, change) = (plan.changes.len(), &plan.changes[done]);
                return Err(Failure::new(
                    failure.exit,
                    format!(
                        "{} {}: {failure}\n  {done} of {of} changes are made; load again to go on",
                        change.noun,
                        printable(&change.name)
                    ),
                ));
            }
        }
    }
    Ok(secrets)
}

fn print(
    name: &str,
    dry_run: bool,
    plan: &Plan,
    secrets: Vec<Secret>,
    out: &Out,
) -> Result<(), Failure> {
    match out.format {
        Format::Json => {
            return out.json(&Report {
                name,
                dry_run,
                changes: &plan.changes,
                kept: &plan.kept,
                secrets,
            });
        }
        Format::Name => {
            let lines = plan
                .changes
                .iter()
                .map(|c| format!("{}/{}\n", c.noun, c.name));
            out.raw(&lines.collect::<String>())?;
        }
        Format::Table | Format::Wide | Format::Env => {
            out.raw(&plan.changes.iter().map(lines).collect::<String>())?;
        }
    }
    for Secret { name, secret } in &secrets {
        eprintln!("caviada: secret of {name}, shown only now:");
        out.line(secret)?;
    }
    for kept in &plan.kept {
        eprintln!("caviada: kept {}", printable(kept));
    }
    if plan.changes.is_empty() {
        eprintln!("caviada: {name}: nothing to change");
    } else if dry_run {
        eprintln!("caviada: {name}: nothing was changed (dry run)");
    }
    Ok(())
}

/// `~ pool boards` and what differs below it.
fn lines(change: &Change) -> String {
    let sign = match change.action {
        Action::Create => '+',
        Action::Change => '~',
        Action::Remove => '-',
    };
    let mut text = format!("{sign} {} {}\n", change.noun, printable(&change.name));
    for field in &change.fields {
        text.push_str(&format!("    {}\n", printable(field)));
    }
    text
}
