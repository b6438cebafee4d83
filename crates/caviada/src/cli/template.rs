//! `caviada template`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use caviada_api::client::{Client, every};
use caviada_api::list::PageQuery;
use caviada_api::template::{Template, TemplateSpec};
use caviada_core::limits;
use caviada_core::limits::template::FILES_MAX;
use caviada_driver::template as recipe;
use clap::Subcommand;

use super::exit::{Exit, Failure};
use super::file::read_text;
use super::output::{Format, Out, Row};
use super::table::{or_dash, time};

/// Templates.
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// List them
    Ls,
    /// Show one with its files
    Show {
        /// Its name
        name: String,
    },
    /// Put a folder as a template; other files than before make a new revision
    Put {
        /// Its name
        name: String,
        /// The folder; without one, the built-in template of that name
        folder: Option<PathBuf>,
    },
    /// Check a folder without a server: with its defaults and each allowed value
    Check {
        /// The folder, or the name of a built-in one
        folder: PathBuf,
        /// Try just these instead; may be repeated
        #[arg(long = "parameter", value_name = "NAME=VALUE")]
        parameters: Vec<String>,
    },
    /// Remove one that no pool uses
    Rm {
        /// Its name
        name: String,
    },
}

impl Row for Template {
    const COLUMNS: &'static [&'static str] = &["TEMPLATE", "REVISION", "SINCE", "POOLS"];
    const WIDE: &'static [&'static str] = &["ID", "BUILT IN"];

    fn name(&self) -> String {
        self.name.clone()
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.revision.to_string(),
            time(self.created_at),
            or_dash((!self.pools.is_empty()).then(|| self.pools.join(","))),
        ]
    }

    fn wide_cells(&self) -> Vec<String> {
        let built_in = if self.built_in { "yes" } else { "no" };
        vec![self.id.to_string(), built_in.to_owned()]
    }
}

/// `caviada template`.
pub async fn template(
    client: &Client,
    command: TemplateCommand,
    out: &Out,
) -> Result<Exit, Failure> {
    match command {
        TemplateCommand::Ls => {
            let page = async |cursor| {
                let query = PageQuery {
                    limit: None,
                    cursor,
                };
                client.templates(&query).await
            };
            out.list(&every(page).await?)?;
        }
        TemplateCommand::Show { name } => show(&client.template(&name).await?, out)?,
        TemplateCommand::Put { name, folder } => {
            let spec = TemplateSpec {
                files: match folder {
                    Some(folder) => read_folder(&folder)?,
                    None => built_in(&name)?,
                },
                declared_in: None,
            };
            let template = client.put_template(&name, &spec, None).await?;
            let list = caviada_api::list::List {
                items: vec![template],
                revision: 0,
                next: None,
            };
            match (out.format, list.items.first()) {
                (Format::Json, Some(template)) => out.one(template)?,
                _ => out.list(&list)?,
            }
        }
        TemplateCommand::Check { folder, parameters } => return check(&folder, &parameters),
        TemplateCommand::Rm { name } => client.delete_template(&name).await?,
    }
    Ok(Exit::Ok)
}

/// The files of a built-in template.
fn built_in(name: &str) -> Result<BTreeMap<String, String>, Failure> {
    let source = recipe::builtin::source(name);
    source.map(|source| source.files).ok_or_else(|| {
        let names: Vec<_> = recipe::builtin::names().collect();
        let names = names.join(", ");
        Failure::usage(format!(
            "{name} is no built-in template ({names}): name its folder, too"
        ))
    })
}

/// Tells everything wrong in a folder, each with file, line and key.
pub fn check(folder: &Path, parameters: &[String]) -> Result<Exit, Failure> {
    let built_in = folder.to_str().filter(|_| !folder.exists());
    let source = match built_in.and_then(recipe::builtin::source) {
        Some(source) => source,
        None => recipe::Source {
            files: read_folder(folder)?,
        },
    };
    let given = serde_json::to_value(super::pool::parameters(parameters)?);
    let given: recipe::Parameters = given.and_then(serde_json::from_value).map_err(|_| {
        Failure::usage("--parameter: each is true, false, a number, a text or a list of items")
    })?;
    let problems = match recipe::Template::parse(&source) {
        Ok(template) if given.is_empty() => template.check(),
        Ok(template) => template.check_with(&given),
        Err(problems) => problems,
    };
    for problem in &problems {
        eprintln!("{}/{problem}", folder.display());
    }
    match problems.len() {
        0 => Ok(Exit::Ok),
        1 => Err(Failure::usage("the template has a problem")),
        count => Err(Failure::usage(format!("the template has {count} problems"))),
    }
}

/// Its files as they are: a template is read by people.
fn show(template: &Template, out: &Out) -> Result<(), Failure> {
    if !matches!(out.format, Format::Table | Format::Wide) {
        return out.one(template);
    }
    let mut text = format!("{} revision {}\n", template.name, template.revision);
    for (path, content) in &template.files {
        let end = if content.ends_with('\n') { "" } else { "\n" };
        text.push_str(&format!("\n--- {path}\n{content}{end}"));
    }
    out.raw(&text)
}

/// All text files below a folder by their path in it. Hidden files are left out; links are not
/// followed, so that nothing outside the folder is sent.
pub fn read_folder(folder: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let mut files = BTreeMap::new();
    read_below(folder, "", 0, &mut files)?;
    if files.is_empty() {
        return Err(Failure::usage(format!(
            "{} has no files: a template is a folder with template.toml and compose.yaml",
            folder.display()
        )));
    }
    Ok(files)
}

fn read_below(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, String>,
) -> Result<(), Failure> {
    let wrong = |e: &dyn std::fmt::Display| Failure::usage(format!("{}: {e}", folder.display()));
    if depth > limits::client::TEMPLATE_FOLDERS_DEEP_MAX {
        return Err(wrong(&"folders lie too deep"));
    }
    for entry in std::fs::read_dir(folder).map_err(|e| wrong(&e))? {
        let entry = entry.map_err(|e| wrong(&e))?;
        let kind = entry.file_type().map_err(|e| wrong(&e))?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| wrong(&"a file's name is not UTF-8"))?;
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}{name}");
        if kind.is_dir() {
            read_below(&entry.path(), &format!("{path}/"), depth + 1, files)?;
        } else if kind.is_file() {
            files.insert(path, read_text(&entry.path())?);
        } else {
            return Err(wrong(&format!("{name} is neither a file nor a folder")));
        }
        if files.len() > FILES_MAX {
            return Err(wrong(&format!("more than {FILES_MAX} files")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_with_its_folders_and_without_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("conf")).unwrap();
        std::fs::write(at("template.toml"), "a").unwrap();
        std::fs::write(at("conf/x.json"), "b").unwrap();
        std::fs::write(at(".secret"), "c").unwrap();
        let files = read_folder(folder.path()).unwrap();
        let paths: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(paths, ["conf/x.json", "template.toml"]);

        std::os::unix::fs::symlink("/etc/hostname", at("link")).unwrap();
        assert!(read_folder(folder.path()).is_err());
    }

    #[test]
    fn an_empty_folder_is_no_template() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_folder(folder.path()).is_err());
    }
}
