//! `caviada user`.

use caviada_api::client::{Client, every};
use caviada_api::key::Role;
use caviada_api::list::PageQuery;
use caviada_api::user::{NewPassword, Profile, User, UserSpec};
use clap::{Args, Subcommand};

use super::context::ask;
use super::exit::{Exit, Failure};
use super::output::{Out, Row};
use super::pool::wire;
use super::table::{or_dash, time, word};

/// Users. What they hold is held by the owner of their name.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List them
    Ls,
    /// Show all of one
    Show {
        /// Who
        name: String,
    },
    /// Enter one, or change what is said of him; what is not said stays
    Set(Box<SetArgs>),
    /// Change a password, read from standard input, which ends the user's sessions
    Password {
        /// Whose
        name: String,
        /// Read the present password before it, on a line of its own; needed of whoever is no admin
        #[arg(long)]
        current: bool,
    },
    /// Remove one; what he holds stays with the owner of his name
    Rm {
        /// Who
        name: String,
    },
}

/// Enter or change a user.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// What he signs in with
    name: String,
    /// What he may do: admin, operator or user [default: user]
    #[arg(long, value_parser = wire::<Role>)]
    role: Option<Role>,
    /// May he sign in? [default: true]
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
    /// Credits, as the older systems counted them [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    balance: Option<i64>,
    /// His name, as people write it
    #[arg(long, value_name = "NAME")]
    full_name: Option<String>,
    /// Where mail reaches him
    #[arg(long)]
    email: Option<String>,
    /// About him
    #[arg(long)]
    bio: Option<String>,
    /// Whom he works for
    #[arg(long)]
    organization: Option<String>,
    /// His page
    #[arg(long, value_name = "URL")]
    page: Option<String>,
    /// Where he is
    #[arg(long)]
    location: Option<String>,
    /// Read a password for him from standard input
    #[arg(long)]
    password: bool,
}

impl Row for User {
    const COLUMNS: &'static [&'static str] = &["USER", "ROLE", "ACTIVE", "BALANCE", "SIGNED IN"];
    const WIDE: &'static [&'static str] = &["ID", "PASSWORD", "NAME", "E-MAIL", "CREATED"];

    fn name(&self) -> String {
        self.name.clone()
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            word(&self.role),
            self.active.to_string(),
            self.balance.to_string(),
            or_dash(self.signed_in_at.map(time)),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        let text = |text: &str| or_dash((!text.is_empty()).then(|| text.to_owned()));
        vec![
            self.id.to_string(),
            self.has_password.to_string(),
            text(&self.profile.name),
            text(&self.profile.email),
            time(self.created_at),
        ]
    }
}

/// `caviada user`.
pub async fn user(client: &Client, command: UserCommand, out: &Out) -> Result<Exit, Failure> {
    match command {
        UserCommand::Ls => {
            let page = async |cursor| {
                let query = PageQuery {
                    limit: None,
                    cursor,
                };
                client.users(&query).await
            };
            out.list(&every(page).await?)?;
        }
        UserCommand::Show { name } => out.one(&client.user(&name).await?)?,
        UserCommand::Set(args) => out.one(&set(client, *args).await?)?,
        UserCommand::Password { name, current } => {
            let password = passwords(current)?;
            client.put_password(&name, &password).await?;
        }
        UserCommand::Rm { name } => client.delete_user(&name).await?,
    }
    Ok(Exit::Ok)
}

async fn set(client: &Client, args: SetArgs) -> Result<User, Failure> {
    let there = match client.user(&args.name).await {
        Ok(user) => Some(user),
        Err(error) if error.is_unknown() => None,
        Err(error) => return Err(error.into()),
    };
    let new = UserSpec::default();
    let had = there.as_ref().map(|u| u.profile.clone());
    let mut profile = had.clone().unwrap_or_default();
    for (said, place) in [
        (args.full_name, &mut profile.name),
        (args.email, &mut profile.email),
        (args.bio, &mut profile.bio),
        (args.organization, &mut profile.organization),
        (args.page, &mut profile.url),
        (args.location, &mut profile.location),
    ] {
        if let Some(text) = said {
            *place = text;
        }
    }
    let said = |profile: &Profile| {
        had.as_ref()
            .map_or(*profile != Profile::default(), |h| h != profile)
    };
    let spec = UserSpec {
        role: args
            .role
            .or(there.as_ref().map(|u| u.role))
            .unwrap_or(new.role),
        active: args
            .active
            .or(there.as_ref().map(|u| u.active))
            .unwrap_or(new.active),
        balance: args
            .balance
            .or(there.as_ref().map(|u| u.balance))
            .unwrap_or(new.balance),
        profile: Some(profile).filter(said),
        password: args.password.then(|| ask("password", false)).transpose()?,
        password_hash: None,
    };
    let etag = there.map(|u| u.etag);
    Ok(client.put_user(&args.name, &spec, etag.as_deref()).await?)
}

/// The new password, with the present one before it if that is asked for. Typed unseen, or piped in
/// as lines.
fn passwords(current: bool) -> Result<NewPassword, Failure> {
    if !current {
        let password = ask("new password", false)?;
        return Ok(NewPassword {
            password,
            current: None,
        });
    }
    let first = ask("present password", false)?;
    let (current, password) = match first.split_once('\n') {
        Some((current, password)) => (
            current.trim_end_matches('\r').to_owned(),
            password.to_owned(),
        ),
        None => (first, ask("new password", false)?),
    };
    Ok(NewPassword {
        password,
        current: Some(current),
    })
}
