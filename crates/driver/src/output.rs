//! What the holder is given: ports, files and documents made of them.

use caviada_core::limits;

use crate::blueprint::{Blueprint, OutputValue};
use crate::reach::{Reach, bracketed};
use crate::{DriverError, Failure};

/// Bytes of one file handed out; outputs are kept in memory with the resource.
pub const FILE_BYTES_MAX: usize = limits::driver::OUTPUT_FILE_BYTES_MAX;
/// Bytes of all outputs of one resource together.
pub const TOTAL_BYTES_MAX: usize = limits::driver::OUTPUTS_BYTES_MAX;

/// All outputs, in the blueprint's order.
///
/// # Errors
/// `Refused` if an output names what the blueprint lacks or is too large; a file's own error.
pub async fn render(
    op: &'static str,
    blueprint: &Blueprint,
    reach: &dyn Reach,
) -> Result<Vec<(String, String)>, DriverError> {
    let mut done: Vec<(String, String)> = Vec::with_capacity(blueprint.outputs.len());
    let mut total = 0;
    for output in &blueprint.outputs {
        let refused = |why: String| DriverError {
            op,
            kind: Failure::Refused,
            detail: format!("output {}: {why}", output.name),
            source: None,
        };
        let value = match &output.value {
            OutputValue::Port {
                service,
                port,
                protocol,
                format,
            } => {
                let host = blueprint
                    .host_port(service, *port, *protocol)
                    .ok_or_else(|| refused(format!("{service} publishes no port {port}")))?;
                endpoint(format, reach.address(), host)
            }
            OutputValue::File { service, path } => {
                let content = reach.read_file(service, path, FILE_BYTES_MAX).await?;
                String::from_utf8(content)
                    .map_err(|_| refused(format!("{path} of {service} is not UTF-8 text")))?
            }
            OutputValue::Literal(text) => text.clone(),
            OutputValue::Document(text) => compose(text, |name| {
                let (_, value) = done.iter().find(|(n, _)| n == name)?;
                Some(value.as_str())
            }),
        };
        total += value.len();
        if total > TOTAL_BYTES_MAX {
            return Err(refused(format!(
                "all outputs together exceed {TOTAL_BYTES_MAX} bytes"
            )));
        }
        done.push((output.name.clone(), value));
    }
    Ok(done)
}

/// A published port's value.
fn endpoint(format: &str, address: &str, port: u16) -> String {
    format
        .replace("{address}", &bracketed(address))
        .replace("{port}", &port.to_string())
}

/// Puts what `value` knows in for `{name}`, and for `{name:json}` as the inside of a JSON string.
/// Every other brace is the document's own, and what was put in is not looked at again.
pub(crate) fn compose<'a>(document: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut text = String::with_capacity(document.len());
    let mut rest = document;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        rest = &rest[open..];
        let found = placeholder(rest).and_then(|(name, json, length)| {
            let value = value(name)?;
            Some((length, value, json))
        });
        match found {
            Some((length, value, true)) => {
                let quoted = serde_json::Value::from(value).to_string();
                text.push_str(&quoted[1..quoted.len() - 1]);
                rest = &rest[length..];
            }
            Some((length, value, false)) => {
                text.push_str(value);
                rest = &rest[length..];
            }
            None => {
                text.push('{');
                rest = &rest[1..];
            }
        }
    }
    text + rest
}

/// What stands between the braces that a text begins with, whether JSON is asked for, and how long
/// all of it is.
fn placeholder(text: &str) -> Option<(&str, bool, usize)> {
    let close = text.find('}')?;
    let inside = text.get(1..close)?;
    Some(match inside.strip_suffix(":json") {
        Some(name) => (name, true, close + 1),
        None => (inside, false, close + 1),
    })
}

/// Everything in a document that could be a placeholder.
pub(crate) fn placeholders(document: &str) -> impl Iterator<Item = &str> {
    let opens = document.match_indices('{');
    opens.filter_map(|(at, _)| placeholder(&document[at..]).map(|(name, ..)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_what_its_format_says() {
        assert_eq!(endpoint("{address}:{port}", "10.0.0.1", 80), "10.0.0.1:80");
        assert_eq!(
            endpoint("http://{address}:{port}/", "2001:db8::1", 80),
            "http://[2001:db8::1]:80/"
        );
    }

    #[test]
    fn a_document_keeps_the_braces_that_name_nothing() {
        let done = [
            ("web".to_owned(), "http://h:1".to_owned()),
            ("pem".to_owned(), "a\n\"{web}\"".to_owned()),
        ];
        let compose = |document| {
            compose(document, |name| {
                let (_, value) = done.iter().find(|(n, _)| n == name)?;
                Some(value.as_str())
            })
        };
        assert_eq!(
            compose(r#"{"web": "{web}", "pem": "{pem:json}", "x": {}, "y": "{other}"}"#),
            r#"{"web": "http://h:1", "pem": "a\n\"{web}\"", "x": {}, "y": "{other}"}"#
        );
        assert_eq!(compose("{"), "{");
        assert_eq!(compose("{web"), "{web");
        assert_eq!(compose("{{web}}"), "{http://h:1}");
    }
}
