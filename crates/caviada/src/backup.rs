//! `caviada backup` and `caviada restore`: the store as one file, and a store from it.

use std::path::PathBuf;
use std::process::ExitCode;

use caviada_api::timestamp::Timestamp;
use caviada_ledger::backup::{Backup, BackupError, backup, restore, verify};
use caviada_ledger::directory::Directory;
use clap::Args;
use serde_json::json;

use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{Format, Out, no_env};
use crate::cli::table::time;
use crate::config::{StoreArgs, warn};
use crate::doctor::next_step;

/// Where the key lies that no backup holds.
const MASTER_KEY_FILE: &str = "master.key";

/// Back the store up.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file to write; there must be none yet
    file: PathBuf,
    /// Write nothing: look at the backup that is there, every row by its digest and SQLite's own structure
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Restore a backup into an empty store.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let hint = match &error {
            BackupError::Nothing(_) => "; say where one is with --data-dir or --config",
            BackupError::NotEmpty => ": name another --data-dir, or an empty database",
            BackupError::Unsound(..) => "; take another one",
            BackupError::Store(error) => {
                return Self::failed(format!("{error}; {}", next_step(error)));
            }
            _ => "",
        };
        Self::failed(format!("{error}{hint}"))
    }
}

/// `caviada backup`.
pub fn run_backup(args: &BackupArgs, format: Format) -> ExitCode {
    ended(write(args, &Out::new(format)))
}

/// `caviada restore`.
pub fn run_restore(args: &RestoreArgs, format: Format) -> ExitCode {
    ended(read(args, &Out::new(format)))
}

fn ended(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => Exit::Ok.into(),
        Err(failure) => failure.tell(),
    }
}

fn write(args: &BackupArgs, out: &Out) -> Result<(), Failure> {
    if args.check {
        print(&verify(&args.file)?, args, out)?;
        eprintln!("caviada: the backup is sound");
        return Ok(());
    }
    let loaded = args.store.load()?;
    warn(&loaded);
    let config = loaded.config;
    print(
        &backup(&config.data_dir, &config.store, &args.file)?,
        args,
        out,
    )?;
    eprintln!(
        "caviada: the master key is not in it: keep {} (or CAVIADA_MASTER_KEY) elsewhere, sealed secrets need it",
        config.data_dir.join(MASTER_KEY_FILE).display()
    );
    Ok(())
}

fn print(backup: &Backup, args: &BackupArgs, out: &Out) -> Result<(), Failure> {
    let made_at = Timestamp(backup.made_at.0);
    match out.format {
        Format::Env => Err(no_env()),
        Format::Name => out.line(&args.file.display().to_string()),
        Format::Json => out.json(&json!({
            "file": args.file.display().to_string(),
            "made_at": made_at,
            "revision": backup.revision,
            "rows": backup.rows,
            "digest": backup.digest,
        })),
        Format::Table | Format::Wide => out.pairs(&[
            ("file".to_owned(), args.file.display().to_string()),
            ("made at".to_owned(), time(made_at)),
            ("revision".to_owned(), backup.revision.to_string()),
            ("rows".to_owned(), backup.rows.to_string()),
            ("digest".to_owned(), backup.digest.clone()),
        ]),
    }
}

fn read(args: &RestoreArgs, out: &Out) -> Result<(), Failure> {
    let loaded = args.store.load()?;
    warn(&loaded);
    let config = loaded.config;
    // Before anything is made: an empty folder would look like a begun one.
    verify(&args.file)?;
    let directory =
        Directory::lock(&config.data_dir).map_err(|e| Failure::failed(e.to_string()))?;
    let restored = restore(&args.file, &directory, &config.store)?;
    match out.format {
        Format::Env => return Err(no_env()),
        Format::Name => {}
        Format::Json => out.json(&json!({
            "revision": restored.backup.revision,
            "counter": restored.counter,
            "rolled_back": restored.rolled_back,
        }))?,
        Format::Table | Format::Wide => out.pairs(&[
            (
                "made at".to_owned(),
                time(Timestamp(restored.backup.made_at.0)),
            ),
            ("revision".to_owned(), restored.backup.revision.to_string()),
            ("fences above".to_owned(), restored.counter.to_string()),
        ])?,
    }
    if restored.rolled_back {
        eprintln!(
            "caviada: hosts may hold what this backup does not know, so nothing is changed on them; look with `caviada doctor`, which says how to go on"
        );
    }
    let key = config.data_dir.join(MASTER_KEY_FILE);
    if !key.exists() && std::env::var_os(caviada_ledger::seal::MASTER_KEY).is_none() {
        eprintln!(
            "caviada: secrets sealed in it need their master key: put it at {} before the start",
            key.display()
        );
    }
    Ok(())
}
