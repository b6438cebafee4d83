//! `caviada webhook`.

use caviada_api::client::{Client, every};
use caviada_api::list::PageQuery;
use caviada_api::webhook::{DeclaredWebhook, Webhook, WebhookSpec};
use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::output::{Format, Out, Row};
use super::table::or_dash;

/// Webhooks.
#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// List them
    Ls,
    /// Show all of one
    Show {
        /// Its name
        name: String,
    },
    /// Declare one, or declare it differently; a new one's secret is printed, this once
    Set(SetArgs),
    /// Remove one: what it has not been told is lost
    Rm {
        /// Its name
        name: String,
    },
}

/// Declare a webhook.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Its name
    name: String,
    /// Where to; among the targets that the server's configuration allows
    #[arg(value_name = "URL")]
    target: String,
    /// Events it is told, lease.granted, or a noun with all its events, lease [default: all]
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<String>,
    /// Only what is about this pool; may be given several times
    #[arg(long = "pool", value_name = "POOL")]
    pools: Vec<String>,
    /// Environment variable with a signing secret of one's own [default: made by the server]
    #[arg(long, value_name = "VARIABLE")]
    secret_env: Option<String>,
}

impl Row for Webhook {
    const COLUMNS: &'static [&'static str] = &["NAME", "URL", "EVENTS", "TOLD", "FAILURES"];
    const WIDE: &'static [&'static str] = &["POOLS", "WHY"];

    fn name(&self) -> String {
        self.name.clone()
    }

    fn cells(&self) -> Vec<String> {
        let all = |list: &Option<Vec<String>>| list.as_ref().map(|l| l.join(","));
        vec![
            self.name.clone(),
            self.spec.url.clone(),
            all(&self.spec.events).unwrap_or_else(|| "all".to_owned()),
            or_dash(self.told.as_deref()),
            self.failures.to_string(),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        vec![
            or_dash(self.spec.pools.as_ref().map(|p| p.join(","))),
            or_dash(self.why.as_deref()),
        ]
    }
}

/// `caviada webhook`.
pub async fn webhook(client: &Client, command: WebhookCommand, out: &Out) -> Result<Exit, Failure> {
    match command {
        WebhookCommand::Ls => {
            let page = async |cursor| {
                let query = PageQuery {
                    limit: None,
                    cursor,
                };
                client.webhooks(&query).await
            };
            out.list(&every(page).await?)?;
        }
        WebhookCommand::Show { name } => out.one(&client.webhook(&name).await?)?,
        WebhookCommand::Set(args) => set(client, args, out).await?,
        WebhookCommand::Rm { name } => client.delete_webhook(&name).await?,
    }
    Ok(Exit::Ok)
}

async fn set(client: &Client, args: SetArgs, out: &Out) -> Result<(), Failure> {
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let spec = WebhookSpec {
        url: args.target,
        events: some(args.events),
        pools: some(args.pools),
        secret: args.secret_env.as_deref().map(secret).transpose()?,
        declared_in: None,
    };
    let DeclaredWebhook { webhook, secret } = client.put_webhook(&args.name, &spec, None).await?;
    match (out.format, secret) {
        (Format::Json, secret) => out.one(&WithSecret { webhook, secret }),
        // The secret alone is data, so that it can be kept in a file.
        (_, Some(secret)) => {
            eprintln!("{}; its secret is shown only now:", webhook.name);
            out.line(&secret)
        }
        (_, None) => out.one(&webhook),
    }
}

#[derive(Debug, serde::Serialize)]
struct WithSecret {
    #[serde(flatten)]
    webhook: Webhook,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl Row for WithSecret {
    const COLUMNS: &'static [&'static str] = Webhook::COLUMNS;
    const WIDE: &'static [&'static str] = Webhook::WIDE;

    fn name(&self) -> String {
        self.webhook.name()
    }

    fn cells(&self) -> Vec<String> {
        self.webhook.cells()
    }

    fn wide_cells(&self) -> Vec<String> {
        self.webhook.wide_cells()
    }
}

/// The secret that an environment variable has.
pub fn secret(variable: &str) -> Result<String, Failure> {
    let found = std::env::var(variable).ok().filter(|s| !s.is_empty());
    found.ok_or_else(|| {
        Failure::usage(format!(
            "set the webhook's secret in the environment variable {variable}"
        ))
    })
}
