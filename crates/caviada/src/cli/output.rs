//! How answers are printed.

use std::ffi::OsStr;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use caviada_api::list::List;
use clap::ValueEnum;
use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use serde::Serialize;
use serde_json::Value;

use super::exit::Failure;
use super::table::{Table, printable};

/// The ways to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// The API's answer
    Json,
    /// For people with wide terminals
    Wide,
    /// Ids or names, one per line
    Name,
    /// NAME=value for a shell (leases only)
    Env,
}

/// What `-o` was told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// How to print.
    pub format: Format,
    /// Where to write a lease's files, too.
    pub folder: Option<PathBuf>,
}

/// Reads a format, or `dir=FOLDER`.
#[derive(Debug, Clone, Copy)]
pub struct WantedParser;

const FOLDER: &str = "dir=";

impl TypedValueParser for WantedParser {
    type Value = Wanted;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Wanted, clap::Error> {
        if let Some(folder) = value.to_str().and_then(|v| v.strip_prefix(FOLDER))
            && !folder.is_empty()
        {
            return Ok(Wanted {
                format: Format::default(),
                folder: Some(folder.into()),
            });
        }
        let format = EnumValueParser::<Format>::new().parse_ref(command, arg, value)?;
        Ok(Wanted {
            format,
            folder: None,
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let formats = Format::value_variants().iter();
        let formats = formats.filter_map(ValueEnum::to_possible_value);
        let folder = PossibleValue::new("dir=FOLDER");
        let folder = folder.help("Writes a lease's files (keys, profiles) into a new folder, too");
        Some(Box::new(formats.chain([folder])))
    }
}

/// A noun that can stand in a table.
pub trait Row: Serialize {
    /// Column heads of the narrow table.
    const COLUMNS: &'static [&'static str];
    /// Further heads of the wide one.
    const WIDE: &'static [&'static str];
    /// What other commands take as its name.
    fn name(&self) -> String;
    /// Cells under `COLUMNS`.
    fn cells(&self) -> Vec<String>;
    /// Cells under `WIDE`.
    fn wide_cells(&self) -> Vec<String>;
}

/// Colours only on a terminal, and not if `NO_COLOR` is set to anything.
pub fn wants_color(stream: &impl IsTerminal) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !unwanted && stream.is_terminal()
}

/// Standard output in the format asked for.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    /// The format.
    pub format: Format,
    color: bool,
}

impl Out {
    /// In colours if they are wanted.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            color: wants_color(&std::io::stdout()),
        }
    }

    /// Prints text as it is. A reader that has seen enough (`| head`) is no failure.
    pub fn raw(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        match stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
        {
            Err(e) if e.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::failed(format!("cannot write: {e}")))
            }
            _ => Ok(()),
        }
    }

    /// One line of text.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        self.raw(&format!("{text}\n"))
    }

    /// As indented JSON.
    pub fn json<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|e| Failure::failed(format!("cannot print: {e}")))?;
        self.line(&text)
    }

    /// A list.
    pub fn list<T: Row>(&self, list: &List<T>) -> Result<(), Failure> {
        self.rows(list, &list.items)
    }

    /// Items that are not all of a list; `whole` is what JSON has of them.
    pub fn rows<T: Row>(&self, whole: &impl Serialize, items: &[T]) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(whole),
            Format::Table | Format::Wide => self.raw(&self.table(items)),
            Format::Name => {
                let names: String = items.iter().map(|item| item.name() + "\n").collect();
                self.raw(&names)
            }
            Format::Env => Err(no_env()),
        }
    }

    fn table<T: Row>(&self, items: &[T]) -> String {
        let wide = self.format == Format::Wide;
        let mut heads = T::COLUMNS.to_vec();
        if wide {
            heads.extend(T::WIDE);
        }
        let mut table = Table::new(&heads, self.color);
        for item in items {
            let mut cells = item.cells();
            if wide {
                cells.extend(item.wide_cells());
            }
            table.push(cells);
        }
        table.render()
    }

    /// One noun with all that is known of it.
    pub fn one<T: Row>(&self, item: &T) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(item),
            Format::Name => self.line(&item.name()),
            Format::Env => Err(no_env()),
            Format::Table | Format::Wide => {
                let value = serde_json::to_value(item)
                    .map_err(|e| Failure::failed(format!("cannot print: {e}")))?;
                let mut rows = Vec::new();
                flatten("", &value, &mut rows);
                self.pairs(&rows)
            }
        }
    }

    /// Names and values below each other.
    pub fn pairs(&self, rows: &[(String, String)]) -> Result<(), Failure> {
        let mut table = Table::new(&[], self.color);
        for (name, value) in rows {
            table.push(vec![name.clone(), value.clone()]);
        }
        self.raw(&table.render())
    }
}

/// `-o dir=…` was asked of something that holds nothing.
pub fn no_folder() -> Failure {
    Failure::usage("-o dir=FOLDER writes the files of a lease: use it with acquire or wait")
}

/// `-o env` was asked of something that is no lease.
pub fn no_env() -> Failure {
    Failure::usage("-o env prints a lease; this command answers something else")
}

/// `{"a": {"b": 1}}` as `a.b` and `1`. Empty things are left out.
fn flatten(prefix: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let path = |key: &str| {
        if prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{prefix}.{key}")
        }
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                flatten(&path(key), value, rows);
            }
        }
        Value::Array(items) if items.iter().all(|i| !i.is_object() && !i.is_array()) => {
            let texts: Vec<String> = items.iter().map(plain).collect();
            if !texts.is_empty() {
                rows.push((prefix.to_owned(), texts.join(", ")));
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                flatten(&path(&index.to_string()), value, rows);
            }
        }
        Value::Null => {}
        other => rows.push((prefix.to_owned(), plain(other))),
    }
}

/// Text without quotes, the rest as JSON has it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_answers_become_lines() {
        let value =
            serde_json::json!({"a": {"b": 1}, "c": ["x", "y"], "d": [], "e": [{"f": true}]});
        let mut rows = Vec::new();
        flatten("", &value, &mut rows);
        let rows: Vec<String> = rows.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(rows, ["a.b=1", "c=x, y", "e.0.f=true"]);
    }
}
