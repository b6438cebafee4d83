//! The templates that come with the program.

use super::Source;

/// Name → files.
const ALL: [(&str, &[(&str, &str)]); 2] = [
    (
        "tiny",
        &[
            (
                "template.toml",
                include_str!("../../../../templates/tiny/template.toml"),
            ),
            (
                "compose.yaml",
                include_str!("../../../../templates/tiny/compose.yaml"),
            ),
        ],
    ),
    (
        "cluster",
        &[
            (
                "template.toml",
                include_str!("../../../../templates/cluster/template.toml"),
            ),
            (
                "compose.yaml",
                include_str!("../../../../templates/cluster/compose.yaml"),
            ),
        ],
    ),
];

/// The names of all built-in templates.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// The files of a built-in template.
pub fn source(name: &str) -> Option<Source> {
    let (_, files) = ALL.iter().find(|(known, _)| *known == name)?;
    let files = files.iter();
    let files = files.map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    Some(Source {
        files: files.collect(),
    })
}
