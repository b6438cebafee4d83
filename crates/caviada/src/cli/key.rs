//! `caviada key`.

use caviada_api::client::{Client, every};
use caviada_api::duration::Duration;
use caviada_api::key::{CreatedKey, Key, NewKey, Role};
use caviada_api::list::{List, PageQuery};
use caviada_core::id::KeyId;
use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::output::{Format, Out, Row};
use super::pool::wire;
use super::table::{or_dash, time, word};

/// API keys. One is named by its id or its name.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// List them
    Ls,
    /// Make one and print its secret, this once
    Add(AddArgs),
    /// Make one worthless at once
    Rm {
        /// Its id or name
        // Not `key`: that is the flag with the caller's own secret.
        #[arg(value_name = "KEY")]
        name: String,
    },
    /// Show the key in use
    Own,
}

/// Make a key.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Its name
    name: String,
    /// What it may do: admin, operator or user
    #[arg(long, value_parser = wire::<Role>, default_value = "user")]
    role: Role,
    /// For whom it speaks [default: its name]
    #[arg(long)]
    owner: Option<String>,
    /// Group of the owner; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Pool in which it may acquire for any other owner, and release what others have; may be repeated
    #[arg(long, value_name = "POOL")]
    act_for: Vec<String>,
    /// It stops working after so long
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Duration>,
}

impl Row for Key {
    const COLUMNS: &'static [&'static str] = &["KEY", "ROLE", "OWNER", "GROUPS", "EXPIRES"];
    const WIDE: &'static [&'static str] = &["ID", "ACT FOR", "CREATED"];

    fn name(&self) -> String {
        self.name.clone()
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            word(&self.role),
            self.owner.clone(),
            or_dash((!self.groups.is_empty()).then(|| self.groups.join(","))),
            or_dash(self.expires_at.map(time)),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            or_dash((!self.act_for.is_empty()).then(|| self.act_for.join(","))),
            time(self.created_at),
        ]
    }
}

/// All keys.
pub async fn all(client: &Client) -> Result<List<Key>, Failure> {
    let page = async |cursor| {
        let query = PageQuery {
            limit: None,
            cursor,
        };
        client.keys(&query).await
    };
    Ok(every(page).await?)
}

/// `caviada key`.
pub async fn key(client: &Client, command: KeyCommand, out: &Out) -> Result<Exit, Failure> {
    match command {
        KeyCommand::Ls => out.list(&all(client).await?)?,
        KeyCommand::Own => out.one(&client.own_key().await?)?,
        KeyCommand::Add(args) => {
            let new = NewKey {
                name: args.name,
                role: args.role,
                owner: args.owner,
                groups: args.groups,
                act_for: args.act_for,
                expires_in_ms: args.expires_in.map(|d| d.0),
                secret: None,
                declared_in: None,
            };
            print(&client.create_key(&new).await?, out)?;
        }
        KeyCommand::Rm { name } => {
            let id = match name.parse::<KeyId>() {
                Ok(id) => id,
                Err(_) => named(client, &name).await?,
            };
            client.delete_key(id).await?;
        }
    }
    Ok(Exit::Ok)
}

async fn named(client: &Client, name: &str) -> Result<KeyId, Failure> {
    let keys = all(client).await?.items;
    keys.iter()
        .find(|key| key.name == name)
        .map(|key| key.id)
        .ok_or_else(|| Failure::failed(format!("no key is called {name}")))
}

/// The secret alone is data, so that `caviada key add ci > file` keeps just that.
fn print(created: &CreatedKey, out: &Out) -> Result<(), Failure> {
    match (out.format, &created.secret) {
        (Format::Json, _) => out.json(created),
        (_, Some(secret)) => {
            eprintln!(
                "{} ({}) for {}; its secret is shown only now:",
                created.key.id,
                word(&created.key.role),
                created.key.owner
            );
            out.line(secret)
        }
        (_, None) => {
            eprintln!("{} exists; its secret is not shown again", created.key.id);
            Ok(())
        }
    }
}
