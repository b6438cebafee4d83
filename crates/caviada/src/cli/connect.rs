//! Which server a command speaks to, and with which key.

use std::path::Path;

use caviada_api::client::{Client, Options};

use super::context::{Context, Contexts};
use super::exit::Failure;
use super::{Globals, file};

/// Where a server listens unless told otherwise.
pub const URL_DEFAULT: &str = "http://127.0.0.1:7632";

/// The client that flags, environment and contexts ask for, in this order.
pub fn client(globals: &Globals) -> Result<Client, Failure> {
    let contexts = Contexts::read()?;
    let context = contexts.chosen(globals.context.as_deref())?;
    Ok(Client::new(&options(globals, context)?)?)
}

/// A context's key and authorities go only to the context's own server.
fn options(globals: &Globals, context: Option<&Context>) -> Result<Options, Failure> {
    let url = globals
        .url
        .clone()
        .or_else(|| context.map(|c| c.url.clone()))
        .unwrap_or_else(|| URL_DEFAULT.to_owned());
    let own = context.filter(|c| c.url.trim_end_matches('/') == url.trim_end_matches('/'));
    let ca_file = globals
        .ca
        .as_deref()
        .or_else(|| own.and_then(|c| c.ca_file.as_deref()));
    let mut options = Options::new(url);
    options.key = globals
        .key
        .clone()
        .or_else(|| own.and_then(|c| c.key.clone()))
        .filter(|key| !key.is_empty());
    options.ca_pem = ca_file.map(read_ca).transpose()?;
    Ok(options)
}

/// Authorities from a file.
pub fn read_ca(path: &Path) -> Result<Vec<u8>, Failure> {
    file::read(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Wanted;

    fn globals(url: Option<&str>, key: Option<&str>) -> Globals {
        Globals {
            url: url.map(str::to_owned),
            key: key.map(str::to_owned),
            ca: None,
            context: None,
            output: Wanted::default(),
        }
    }

    #[test]
    fn a_contexts_key_goes_to_no_other_server() {
        let context = Context {
            url: "https://lab:7632".into(),
            key: Some("hush".into()),
            ca_file: None,
        };
        let own = options(&globals(None, None), Some(&context)).unwrap();
        assert_eq!(
            (own.url.as_str(), own.key.as_deref()),
            ("https://lab:7632", Some("hush"))
        );
        let same = options(&globals(Some("https://lab:7632/"), None), Some(&context)).unwrap();
        assert_eq!(same.key.as_deref(), Some("hush"));
        let other = options(&globals(Some("http://elsewhere"), None), Some(&context)).unwrap();
        assert_eq!(other.key, None);
        let told = options(
            &globals(Some("http://elsewhere"), Some("k")),
            Some(&context),
        )
        .unwrap();
        assert_eq!(told.key.as_deref(), Some("k"));
    }

    #[test]
    fn without_anything_it_is_the_server_beside() {
        let options = options(&globals(None, None), None).unwrap();
        assert_eq!(options.url, URL_DEFAULT);
        assert_eq!(options.key, None);
    }
}
