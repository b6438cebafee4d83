//! Remembered servers: `caviada login` and `caviada context`.
//!
//! They stand in `$XDG_CONFIG_HOME/caviada/contexts.toml` (`~/.config` without it), readable by
//! nobody else.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use caviada_api::client::{Client, Options};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::connect::{URL_DEFAULT, read_ca};
use super::exit::{Exit, Failure};
use super::output::{Format, Out, no_env};
use super::table::{Table, word};
use super::{Globals, file};

/// Remember a server and a key.
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// The server's address [default: --url, else http://127.0.0.1:7632]
    #[arg(value_name = "URL")]
    server: Option<String>,
    /// Name of the context
    #[arg(long, default_value = "default")]
    name: String,
    /// Read the key from standard input, even from a terminal without asking
    #[arg(long)]
    key_stdin: bool,
    /// Do not ask the server whether it knows the key
    #[arg(long)]
    no_check: bool,
}

/// Remembered servers.
#[derive(Debug, Subcommand)]
pub enum ContextCommand {
    /// List them; the current one has a star
    Ls,
    /// Make one the current one
    Use {
        /// Its name
        name: String,
    },
    /// Forget one
    Rm {
        /// Its name
        name: String,
    },
}

/// One remembered server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Its address.
    pub url: String,
    /// The secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// All remembered servers.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contexts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(default, rename = "context")]
    contexts: BTreeMap<String, Context>,
}

/// The file, or none if there is no home to keep it in.
fn path() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    set("XDG_CONFIG_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".config")))
        .map(|base| base.join("caviada/contexts.toml"))
}

impl Contexts {
    /// What is remembered; nothing if nothing is.
    pub fn read() -> Result<Self, Failure> {
        path().map_or_else(|| Ok(Self::default()), |path| Self::read_from(&path))
    }

    fn read_from(path: &Path) -> Result<Self, Failure> {
        let wrong = |e: &dyn std::fmt::Display| Failure::usage(format!("{}: {e}", path.display()));
        let text = match file::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(wrong(&e)),
        };
        let mode = std::fs::metadata(path)
            .map_err(|e| wrong(&e))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            eprintln!(
                "caviada: others can read {}, which has keys: chmod 600 it",
                path.display()
            );
        }
        toml::from_str(&text).map_err(|e| wrong(&e))
    }

    /// The context named, else the current one.
    pub fn chosen(&self, name: Option<&str>) -> Result<Option<&Context>, Failure> {
        match name {
            Some(name) => self
                .contexts
                .get(name)
                .map(Some)
                .ok_or_else(|| unknown(name)),
            None => Ok(self
                .current
                .as_ref()
                .and_then(|name| self.contexts.get(name))),
        }
    }

    fn write(&self) -> Result<PathBuf, Failure> {
        let path = path().ok_or_else(|| {
            Failure::failed("no place to remember it: set HOME or XDG_CONFIG_HOME")
        })?;
        self.write_to(&path)
            .map_err(|e| Failure::failed(format!("{}: {e}", path.display())))?;
        Ok(path)
    }

    /// Whole or not at all, and never readable by others, not even for a moment.
    fn write_to(&self, path: &Path) -> std::io::Result<()> {
        let text = toml::to_string(self).map_err(std::io::Error::other)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let beside = path.with_extension(format!("toml.{}", std::process::id()));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::rename(&beside, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        written
    }
}

fn unknown(name: &str) -> Failure {
    Failure::usage(format!(
        "no context is called {name}: `caviada context ls` lists them"
    ))
}

/// Asks the server about the key and remembers both.
pub async fn login(globals: &Globals, args: LoginArgs) -> Result<Exit, Failure> {
    let url = args
        .server
        .or_else(|| globals.url.clone())
        .unwrap_or_else(|| URL_DEFAULT.to_owned());
    let key = match &globals.key {
        Some(key) if !args.key_stdin => key.clone(),
        _ => ask_for_key(args.key_stdin)?,
    };
    if key.is_empty() {
        return Err(Failure::usage("no key was given"));
    }
    let ca_file = globals
        .ca
        .as_deref()
        .map(std::path::absolute)
        .transpose()
        .map_err(|e| Failure::usage(format!("the CA file: {e}")))?;
    let mut options = Options::new(url.clone());
    options.key = Some(key.clone());
    options.ca_pem = ca_file.as_deref().map(read_ca).transpose()?;
    let client = Client::new(&options)?;
    if !args.no_check {
        let own = client.own_key().await?;
        eprintln!("signed in as {} ({})", own.owner, word(&own.role));
    }
    let mut contexts = Contexts::read()?;
    contexts.contexts.insert(
        args.name.clone(),
        Context {
            url,
            key: Some(key),
            ca_file,
        },
    );
    contexts.current = Some(args.name);
    let path = contexts.write()?;
    eprintln!("remembered in {}", path.display());
    Ok(Exit::Ok)
}

/// The key from standard input, unseen if that is a terminal.
fn ask_for_key(quietly: bool) -> Result<String, Failure> {
    Ok(ask("API key", quietly)?.trim().to_owned())
}

/// A secret from standard input: a line typed unseen if that is a terminal, else all of it. Its last
/// line may end.
pub fn ask(what: &str, quietly: bool) -> Result<String, Failure> {
    let failed = |e: std::io::Error| Failure::failed(format!("the {what} cannot be read: {e}"));
    let stdin = std::io::stdin();
    let whole = |text: String| text.trim_end_matches(['\n', '\r']).to_owned();
    if quietly || !stdin.is_terminal() {
        // A secret has at most 256 characters; the rest of a large file is of no use.
        let mut text = String::new();
        stdin
            .take(4_096)
            .read_to_string(&mut text)
            .map_err(failed)?;
        return Ok(whole(text));
    }
    eprint!("{what}: ");
    let hidden = Unseen::new();
    let mut line = String::new();
    let read = stdin.read_line(&mut line).map_err(failed);
    drop(hidden);
    eprintln!();
    read?;
    Ok(whole(line))
}

/// The terminal does not show what is typed as long as this lives.
struct Unseen(Option<nix::sys::termios::Termios>);

impl Unseen {
    fn new() -> Self {
        use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else {
            return Self(None);
        };
        let mut unseen = before.clone();
        unseen.local_flags.remove(LocalFlags::ECHO);
        let set = tcsetattr(&stdin, SetArg::TCSANOW, &unseen);
        Self(set.is_ok().then_some(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        use nix::sys::termios::{SetArg, tcsetattr};
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, before);
        }
    }
}

/// Lists, chooses and forgets.
pub fn contexts(globals: &Globals, command: &ContextCommand, out: &Out) -> Result<Exit, Failure> {
    let mut contexts = Contexts::read()?;
    match command {
        ContextCommand::Ls => contexts.print(globals.context.as_deref(), out)?,
        ContextCommand::Use { name } => {
            contexts.chosen(Some(name))?;
            contexts.current = Some(name.clone());
            contexts.write()?;
        }
        ContextCommand::Rm { name } => {
            contexts
                .contexts
                .remove(name)
                .ok_or_else(|| unknown(name))?;
            if contexts.current.as_ref() == Some(name) {
                contexts.current = None;
            }
            contexts.write()?;
        }
    }
    Ok(Exit::Ok)
}

impl Contexts {
    fn print(&self, chosen: Option<&str>, out: &Out) -> Result<(), Failure> {
        let current = chosen.or(self.current.as_deref());
        match out.format {
            Format::Env => Err(no_env()),
            Format::Name => {
                let names: String = self
                    .contexts
                    .keys()
                    .map(|name| format!("{name}\n"))
                    .collect();
                out.raw(&names)
            }
            Format::Json => {
                let items: Vec<_> = self
                    .contexts
                    .iter()
                    .map(|(name, context)| {
                        serde_json::json!({
                            "name": name,
                            "url": context.url,
                            "current": current == Some(name),
                            "key": context.key.is_some(),
                        })
                    })
                    .collect();
                out.json(&items)
            }
            Format::Table | Format::Wide => {
                let mut table = Table::new(&["", "NAME", "URL"], false);
                for (name, context) in &self.contexts {
                    let star = if current == Some(name) { "*" } else { "" };
                    table.push(vec![star.into(), name.clone(), context.url.clone()]);
                }
                out.raw(&table.render())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_kept_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/contexts.toml");
        let mut contexts = Contexts::default();
        contexts.contexts.insert(
            "lab".into(),
            Context {
                url: "https://lab".into(),
                key: Some("hush".into()),
                ca_file: None,
            },
        );
        contexts.current = Some("lab".into());
        contexts.write_to(&path).unwrap();
        contexts.write_to(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1
        );

        let read = Contexts::read_from(&path).unwrap();
        assert!(read == contexts);
        assert_eq!(read.chosen(None).unwrap().unwrap().url, "https://lab");
        assert!(read.chosen(Some("home")).is_err());
    }

    #[test]
    fn no_file_is_no_contexts_and_a_broken_one_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contexts.toml");
        assert!(Contexts::read_from(&path).unwrap() == Contexts::default());
        std::fs::write(&path, "curent = \"lab\"").unwrap();
        let failure = Contexts::read_from(&path).err().unwrap();
        assert_eq!(failure.exit, Exit::Usage);
    }
}
