//! The client commands: what is typed, sent to a server, and printed.
//!
//! Data goes to standard output and talk to standard error, so that every command can stand in a
//! pipe. Exit codes are in [`exit`].

pub mod chaincode;
pub mod connect;
pub mod context;
pub mod event;
pub mod exit;
pub mod file;
pub mod host;
pub mod image;
pub mod import;
pub mod key;
pub mod lease;
pub mod load;
pub mod output;
pub mod pool;
pub mod quota;
pub mod resource;
pub mod run;
pub mod status;
pub mod table;
pub mod template;
pub mod user;
pub mod webhook;
pub mod who;

use clap::{Args, Subcommand};
use clap_complete::Shell;

use exit::{Exit, Failure};
use output::{Out, Wanted};

/// What every client command takes.
#[derive(Debug, Clone, Args)]
pub struct Globals {
    /// Server to speak to [default: the context's, else http://127.0.0.1:7632]
    #[arg(
        long,
        env = "CAVIADA_URL",
        global = true,
        value_name = "URL",
        help_heading = "Connection"
    )]
    pub url: Option<String>,

    /// Secret of the API key. Others see a command line: prefer the environment or a context
    #[arg(
        long,
        env = "CAVIADA_KEY",
        hide_env_values = true,
        global = true,
        value_name = "SECRET",
        help_heading = "Connection"
    )]
    pub key: Option<String>,

    /// File with certificates to trust beside the system's (PEM), like a server's self-signed one
    #[arg(
        long,
        env = "CAVIADA_CA",
        global = true,
        value_name = "FILE",
        help_heading = "Connection"
    )]
    pub ca: Option<std::path::PathBuf>,

    /// Context to use instead of the current one
    #[arg(
        long,
        env = "CAVIADA_CONTEXT",
        global = true,
        value_name = "NAME",
        help_heading = "Connection"
    )]
    pub context: Option<String>,

    /// How to print
    #[arg(
        short,
        long,
        env = "CAVIADA_OUTPUT",
        global = true,
        value_parser = output::WantedParser,
        default_value = "table",
        help_heading = "Output"
    )]
    pub output: Wanted,
}

/// The client commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Acquire resources of a pool
    #[command(visible_alias = "apply")]
    Acquire(lease::AcquireArgs),
    /// Give leases back
    Release(lease::ReleaseArgs),
    /// Move a lease's deadline
    Renew(lease::RenewArgs),
    /// Give a lease to another owner
    Give(lease::GiveArgs),
    /// Let other owners use a lease
    Share(lease::ShareArgs),
    /// Change a lease's labels and note
    Note(lease::NoteArgs),
    /// End somebody's lease (operators)
    Revoke(lease::RevokeArgs),
    /// List leases
    Ls(lease::LsArgs),
    /// Wait until a lease is active
    Wait(lease::WaitArgs),
    /// Run a command while holding a lease
    Run(run::RunArgs),
    /// Show who holds what
    Who(who::WhoArgs),
    /// Show why something is as it is
    Why(who::WhyArgs),
    /// Show how things stand
    Status,
    /// Declare everything that a file says
    Load(load::LoadArgs),
    /// Remember a server and a key
    Login(context::LoginArgs),
    /// Remembered servers
    #[command(subcommand)]
    Context(context::ContextCommand),
    /// Pools
    #[command(subcommand)]
    Pool(pool::PoolCommand),
    /// Resources: machines, addresses, whatever pools hold
    #[command(subcommand, visible_aliases = ["machine", "address"])]
    Resource(resource::ResourceCommand),
    /// Chaincode of a Fabric network that one holds
    #[command(subcommand)]
    Chaincode(chaincode::ChaincodeCommand),
    /// Hosts
    #[command(subcommand)]
    Host(host::HostCommand),
    /// Images of hosts
    #[command(subcommand)]
    Image(image::ImageCommand),
    /// Templates
    #[command(subcommand)]
    Template(template::TemplateCommand),
    /// API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Users, who sign in with a password
    #[command(subcommand)]
    User(user::UserCommand),
    /// Quotas
    #[command(subcommand)]
    Quota(quota::QuotaCommand),
    /// Webhooks
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Bring over what an older system had
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// What happened
    #[command(subcommand)]
    Event(event::EventCommand),
    /// Print a manual page: `caviada man pool set | man -l -`
    Man {
        /// Of this command [default: of the whole program]
        command: Vec<String>,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Does a client command. `root` is the whole program's command line, for completions.
pub async fn run(globals: &Globals, command: Command, root: clap::Command) -> Exit {
    match dispatch(globals, command, root).await {
        Ok(exit) => exit,
        Err(failure) => {
            eprintln!("caviada: {failure}");
            failure.exit
        }
    }
}

async fn dispatch(
    globals: &Globals,
    command: Command,
    mut root: clap::Command,
) -> Result<Exit, Failure> {
    let out = Out::new(globals.output.format);
    let folder = globals.output.folder.as_deref();
    if folder.is_some() && !matches!(command, Command::Acquire(_) | Command::Wait(_)) {
        return Err(output::no_folder());
    }
    match command {
        Command::Login(args) => return context::login(globals, args).await,
        Command::Context(command) => return context::contexts(globals, &command, &out),
        Command::Template(template::TemplateCommand::Check { folder, parameters }) => {
            return template::check(&folder, &parameters);
        }
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut root, "caviada", &mut text);
            out.raw(&String::from_utf8_lossy(&text))?;
            return Ok(Exit::Ok);
        }
        Command::Man { command } => {
            out.raw(&manual(root, &command)?)?;
            return Ok(Exit::Ok);
        }
        _ => {}
    }
    // Said before a connection is made: it needs none.
    if let Command::Acquire(args) = &command {
        args.check()?;
    }
    if let Some(folder) = folder {
        lease::files::check(folder)?;
    }
    let client = connect::client(globals)?;
    match command {
        Command::Acquire(args) => lease::acquire(&client, args, &out, folder).await,
        Command::Release(args) => lease::release(&client, args, &out).await,
        Command::Renew(args) => lease::renew(&client, args, &out).await,
        Command::Give(args) => lease::give(&client, args, &out).await,
        Command::Share(args) => lease::share(&client, args, &out).await,
        Command::Note(args) => lease::note(&client, args, &out).await,
        Command::Revoke(args) => lease::revoke(&client, args, &out).await,
        Command::Ls(args) => lease::ls(&client, args, &out).await,
        Command::Wait(args) => lease::wait(&client, args, &out, folder).await,
        Command::Run(args) => run::run(&client, args).await,
        Command::Who(args) => who::who(&client, args, &out).await,
        Command::Why(args) => who::why(&client, args, &out).await,
        Command::Status => status::status(&client, &out).await,
        Command::Load(args) => load::load(&client, args, &out).await,
        Command::Pool(command) => pool::pool(&client, command, &out).await,
        Command::Resource(command) => resource::resource(&client, command, &out).await,
        Command::Chaincode(command) => chaincode::chaincode(&client, command, &out).await,
        Command::Host(command) => host::host(&client, command, &out).await,
        Command::Image(command) => image::image(&client, command, &out).await,
        Command::Template(command) => template::template(&client, command, &out).await,
        Command::Key(command) => key::key(&client, command, &out).await,
        Command::User(command) => user::user(&client, command, &out).await,
        Command::Quota(command) => quota::quota(&client, command, &out).await,
        Command::Webhook(command) => webhook::webhook(&client, command, &out).await,
        Command::Import(command) => import::import(&client, command, &out).await,
        Command::Event(command) => event::event(&client, command, &out).await,
        Command::Login(_)
        | Command::Context(_)
        | Command::Man { .. }
        | Command::Completions { .. } => Ok(Exit::Ok),
    }
}

/// The manual page of a command, in roff.
fn manual(mut root: clap::Command, words: &[String]) -> Result<String, Failure> {
    // Gives every command its whole name and the flags that all have.
    root.build();
    let mut command = &root;
    for word in words {
        command = command.find_subcommand(word).ok_or_else(|| {
            Failure::usage(format!(
                "there is no command `{}`; `caviada --help` lists them",
                words.join(" ")
            ))
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut page)
        .map_err(|e| Failure::failed(format!("the page cannot be written: {e}")))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An argument of the same name would be taken for the flag that every command has.
    #[test]
    fn no_argument_of_a_command_is_called_like_a_global_flag() {
        fn look(command: &clap::Command, flags: &[String]) {
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str();
                let clash = flags.iter().any(|flag| flag == id);
                assert!(!clash, "{}: {id}", command.get_name());
            }
            for inner in command.get_subcommands() {
                look(inner, flags);
            }
        }
        let globals = Globals::augment_args(clap::Command::new("globals"));
        let flags = globals.get_arguments().map(|a| a.get_id().to_string());
        let flags: Vec<String> = flags.collect();
        assert!(flags.contains(&"key".to_owned()));
        look(
            &Command::augment_subcommands(clap::Command::new("caviada")),
            &flags,
        );
    }
}
