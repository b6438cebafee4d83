//! The templates that come with the program.

use super::Source;

/// The files of a template's folder.
macro_rules! folder {
    ($name:literal: $($file:literal),+ $(,)?) => {
        ($name, &[$(($file, include_str!(concat!("../../../../templates/", $name, "/", $file)))),+])
    };
}

/// Name → files.
const ALL: [(&str, &[(&str, &str)]); 4] = [
    folder!("tiny": "template.toml", "compose.yaml"),
    folder!("cluster": "template.toml", "compose.yaml"),
    folder!("ethereum": "template.toml", "compose.yaml", "chain.env.j2"),
    folder!(
        "fabric": "template.toml", "compose.yaml", "crypto-config.yaml.j2", "configtx.yaml.j2",
        "connection.json.j2", "connection-org.json.j2", "org.env.j2", "crypto.sh.j2", "join-orderers.sh.j2", "join-peers.sh.j2", "package.sh.j2",
        "chaincode.sh.j2", "ready.sh.j2",
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
