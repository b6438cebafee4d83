//! The file, and the files it names.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use caviada_api::declare::{CredentialFiles, Document, HostEntry, KeyEntry};
use caviada_api::host::{HostCredential, RegistryCredential};
use caviada_api::named::Named;
use caviada_core::limits;
use serde::Deserialize as _;

use crate::cli::exit::Failure;
use crate::cli::file::{read_secret, read_text};
use crate::cli::template::read_folder;

/// A document with everything it names already read.
#[derive(Debug)]
pub struct Source {
    /// What the file says.
    pub document: Document,
    /// Template → its files.
    pub templates: BTreeMap<String, BTreeMap<String, String>>,
    /// Host → its credential.
    pub credentials: BTreeMap<String, HostCredential>,
    /// Host → its credentials for registries.
    pub registries: BTreeMap<String, BTreeMap<String, RegistryCredential>>,
}

/// Reads it all, so that a missing file is noticed before anything changes.
pub fn read(path: &Path) -> Result<Source, Failure> {
    let named = |e: &dyn std::fmt::Display| Failure::usage(format!("{}: {e}", path.display()));
    let mut text = String::new();
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(|e| named(&e))?)
    };
    reader
        .take(limits::client::DOCUMENT_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|e| named(&e))?;
    if text.len() as u64 > limits::client::DOCUMENT_BYTES_MAX {
        return Err(named(&"larger than 64 MiB"));
    }
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    parse(&text, &folder).map_err(|failure| named(&failure))
}

fn parse(text: &str, folder: &Path) -> Result<Source, Failure> {
    let document = toml::Deserializer::parse(text)
        .and_then(|toml| Document::deserialize(Named(toml)))
        .map_err(|e| Failure::usage(e.to_string()))?;
    if document.name.is_empty() {
        return Err(Failure::usage("`name` is empty"));
    }
    check_unique(&document)?;
    let mut templates = BTreeMap::new();
    for entry in &document.templates {
        let path = entry
            .path
            .clone()
            .unwrap_or_else(|| format!("templates/{}", entry.name));
        templates.insert(entry.name.clone(), read_folder(&folder.join(path))?);
    }
    let mut credentials = BTreeMap::new();
    let mut registries = BTreeMap::new();
    for entry in &document.hosts {
        if let Some(files) = &entry.credential {
            credentials.insert(entry.name.clone(), credential(files, folder)?);
        }
        registries.insert(entry.name.clone(), of_registries(entry, folder)?);
    }
    Ok(Source {
        document,
        templates,
        credentials,
        registries,
    })
}

fn credential(files: &CredentialFiles, folder: &Path) -> Result<HostCredential, Failure> {
    let read = |path: &Option<String>| {
        path.as_ref()
            .map(|path| read_text(&folder.join(path)))
            .transpose()
    };
    Ok(HostCredential {
        ca_pem: read(&files.ca_file)?,
        certificate_pem: read(&files.certificate_file)?,
        key_pem: read(&files.key_file)?,
        ssh_key_pem: read(&files.ssh_key_file)?,
        ssh_known_hosts: read(&files.ssh_known_hosts_file)?,
    })
}

fn of_registries(
    entry: &HostEntry,
    folder: &Path,
) -> Result<BTreeMap<String, RegistryCredential>, Failure> {
    let secret = |path: &Option<String>| {
        let read = path.as_ref().map(|path| read_secret(&folder.join(path)));
        read.transpose()
    };
    let all = entry.registries.iter().map(|(registry, files)| {
        let credential = RegistryCredential {
            username: files.username.clone(),
            password: secret(&files.password_file)?,
            identity_token: secret(&files.identity_token_file)?,
        };
        Ok((registry.clone(), credential))
    });
    all.collect()
}

/// The secret that an entry's environment variable has.
pub fn secret(entry: &KeyEntry) -> Result<Option<String>, Failure> {
    let Some(name) = &entry.secret_env else {
        return Ok(None);
    };
    match std::env::var(name) {
        Ok(secret) if !secret.is_empty() => Ok(Some(secret)),
        _ => Err(Failure::usage(format!(
            "key {}: set its secret in the environment variable {name}",
            entry.name
        ))),
    }
}

fn check_unique(document: &Document) -> Result<(), Failure> {
    fn each<'a>(noun: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name) {
                return Err(Failure::usage(format!("two entries for {noun} {name}")));
            }
        }
        Ok(())
    }
    each(
        "template",
        document.templates.iter().map(|e| e.name.as_str()),
    )?;
    each("host", document.hosts.iter().map(|e| e.name.as_str()))?;
    each("pool", document.pools.iter().map(|e| e.name.as_str()))?;
    each("key", document.keys.iter().map(|e| e.name.as_str()))?;
    each("quota", document.quotas.iter().map(|e| e.owner.as_str()))?;
    each("webhook", document.webhooks.iter().map(|e| e.name.as_str()))?;
    let mut seen = BTreeSet::new();
    for entry in &document.resources {
        if entry.names().next().is_none() {
            return Err(Failure::usage(format!(
                "a resource of {} has neither name nor names",
                entry.pool
            )));
        }
        for name in entry.names() {
            if !seen.insert((entry.pool.as_str(), name)) {
                let pool = &entry.pool;
                return Err(Failure::usage(format!(
                    "two entries for resource {pool}/{name}"
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse(text, Path::new("/nowhere")).unwrap_err().to_string()
    }

    #[test]
    fn the_same_thing_twice_is_refused() {
        let text = "name = 'a'\n[[resource]]\npool = 'p'\nnames = ['x', 'y']\n[[resource]]\npool = 'p'\nname = 'x'\n";
        assert!(refused(text).contains("p/x"));
        let text = "name = 'a'\n[[pool]]\nname = 'p'\n[[pool]]\nname = 'p'\n";
        assert!(refused(text).contains("pool p"));
        let text = "name = 'a'\n[[resource]]\npool = 'p'\n";
        assert!(refused(text).contains("neither name nor names"));
    }

    #[test]
    fn a_template_that_is_not_there_is_named() {
        let text = "name = 'a'\n[[template]]\nname = 'tiny'\n";
        assert!(refused(text).contains("/nowhere/templates/tiny"));
    }
}
