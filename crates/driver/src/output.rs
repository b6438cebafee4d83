//! What the holder is given: ports, files and documents made of them.

use crate::blueprint::{Blueprint, OutputValue};
use crate::reach::{Reach, bracketed};
use crate::{DriverError, Failure};

/// Bytes of one file handed out; outputs are kept in memory with the resource.
pub const FILE_BYTES_MAX: usize = 256 << 10;
/// Bytes of all outputs of one resource together.
pub const TOTAL_BYTES_MAX: usize = 1 << 20;

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
            OutputValue::Document(text) => compose(text, &done),
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

/// Puts earlier outputs in for `{name}`, and for `{name:json}` as the inside of a JSON string.
/// Every other brace is the document's own, and what was put in is not looked at again.
fn compose(document: &str, done: &[(String, String)]) -> String {
    let mut text = String::with_capacity(document.len());
    let mut rest = document;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        rest = &rest[open..];
        let value = rest[1..].find('}').and_then(|close| {
            let placeholder = &rest[1..=close];
            let (name, json) = match placeholder.strip_suffix(":json") {
                Some(name) => (name, true),
                None => (placeholder, false),
            };
            let (_, value) = done.iter().find(|(n, _)| n == name)?;
            Some((close + 2, value, json))
        });
        match value {
            Some((length, value, true)) => {
                let quoted = serde_json::Value::from(value.as_str()).to_string();
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
        let done = vec![
            ("web".to_owned(), "http://h:1".to_owned()),
            ("pem".to_owned(), "a\n\"{web}\"".to_owned()),
        ];
        assert_eq!(
            compose(
                r#"{"web": "{web}", "pem": "{pem:json}", "x": {}, "y": "{other}"}"#,
                &done
            ),
            r#"{"web": "http://h:1", "pem": "a\n\"{web}\"", "x": {}, "y": "{other}"}"#
        );
        assert_eq!(compose("{", &done), "{");
        assert_eq!(compose("{web", &done), "{web");
        assert_eq!(compose("{{web}}", &done), "{http://h:1}");
    }
}
