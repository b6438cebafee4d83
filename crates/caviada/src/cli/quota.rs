//! `caviada quota`.

use caviada_api::client::{Client, every};
use caviada_api::list::PageQuery;
use caviada_api::quantity;
use caviada_api::quota::{Quota, QuotaSpec};
use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::output::{Out, Row};
use super::table::{key_values, or_dash};

/// Quotas.
#[derive(Debug, Subcommand)]
pub enum QuotaCommand {
    /// List them
    Ls,
    /// Show all of one
    Show {
        /// Whose
        owner: String,
    },
    /// Set one; what is not said stays
    Set(SetArgs),
    /// Remove one: nothing bounds the owner then
    Rm {
        /// Whose
        owner: String,
    },
}

/// Set a quota.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Whose
    owner: String,
    /// Leases, waiting and live
    #[arg(long, value_name = "N")]
    leases: Option<u32>,
    /// Resources in them
    #[arg(long, value_name = "N")]
    resources: Option<u32>,
    /// Amounts of divisible resources: cpu=8,mem=32Gi
    #[arg(long, value_name = "AMOUNTS")]
    quantity: Option<String>,
}

impl Row for Quota {
    const COLUMNS: &'static [&'static str] = &["OWNER", "LEASES", "RESOURCES", "QUANTITY"];
    const WIDE: &'static [&'static str] = &["QUANTITY USED"];

    fn name(&self) -> String {
        self.owner.clone()
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.owner.clone(),
            format!("{}/{}", self.used.leases, or_dash(self.spec.leases_max)),
            format!(
                "{}/{}",
                self.used.resources,
                or_dash(self.spec.resources_max)
            ),
            key_values(&self.spec.quantity_max),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        vec![key_values(&self.used.quantity)]
    }
}

/// `caviada quota`.
pub async fn quota(client: &Client, command: QuotaCommand, out: &Out) -> Result<Exit, Failure> {
    match command {
        QuotaCommand::Ls => {
            let page = async |cursor| {
                let query = PageQuery {
                    limit: None,
                    cursor,
                };
                client.quotas(&query).await
            };
            out.list(&every(page).await?)?;
        }
        QuotaCommand::Show { owner } => out.one(&client.quota(&owner).await?)?,
        QuotaCommand::Set(args) => out.one(&set(client, &args).await?)?,
        QuotaCommand::Rm { owner } => client.delete_quota(&owner).await?,
    }
    Ok(Exit::Ok)
}

async fn set(client: &Client, args: &SetArgs) -> Result<Quota, Failure> {
    let (mut spec, etag) = match client.quota(&args.owner).await {
        Ok(quota) => (quota.spec, Some(quota.etag)),
        Err(error) if error.is_unknown() => (QuotaSpec::default(), None),
        Err(error) => return Err(error.into()),
    };
    if let Some(text) = &args.quantity {
        spec.quantity_max =
            quantity::parse(text).map_err(|e| Failure::usage(format!("--quantity {text}: {e}")))?;
    }
    spec.leases_max = args.leases.or(spec.leases_max);
    spec.resources_max = args.resources.or(spec.resources_max);
    Ok(client
        .put_quota(&args.owner, &spec, etag.as_deref())
        .await?)
}
