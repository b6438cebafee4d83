//! What is promised of every answer.

use serde_json::{Value, json};

use super::description::{Description, Operation};
use super::request::{Answer, Sent};

/// A refusal is read by people and kept in logs.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// Ok, or which promise is broken.
pub fn kept(description: &Description, sent: &Sent, answer: &Answer) -> Result<(), String> {
    if answer.request_id.is_empty() {
        return Err("no request id".to_owned());
    }
    match answer.status {
        200..300 => done(description, sent, answer),
        400..500 => refused(description, answer),
        503 if answer.retry_after.is_some() => refused(description, answer),
        status => Err(format!("nobody expects a {status}")),
    }
}

fn done(description: &Description, sent: &Sent, answer: &Answer) -> Result<(), String> {
    let Some(operation) = sent.operation.map(|index| &description.operations[index]) else {
        return Err("done, and yet nobody described it".to_owned());
    };
    if let Some(wrong) = sent.wrong {
        return Err(format!("done, although {wrong}"));
    }
    let Some(kinds) = operation.answers.get(&answer.status.to_string()) else {
        return Err(format!("{} is no described answer", answer.status));
    };
    if kinds.is_empty() {
        return match answer.bytes.is_empty() {
            true => Ok(()),
            false => Err("a body where none is described".to_owned()),
        };
    }
    let essence = answer.media_type.split(';').next().unwrap_or_default();
    let Some(schema) = kinds.get(essence) else {
        return Err(format!("{essence:?} is none of {:?}", kinds.keys()));
    };
    if essence == "application/json" {
        fits(description, operation, schema, answer)?;
    }
    Ok(())
}

fn fits(
    description: &Description,
    operation: &Operation,
    schema: &Value,
    answer: &Answer,
) -> Result<(), String> {
    let document = answer.json.as_ref().ok_or("no JSON")?;
    match description.breaks(schema, document) {
        Some(why) => Err(format!("{} {}: {why}", operation.method, operation.path)),
        None => Ok(()),
    }
}

/// A problem with everything a program and a person need.
fn refused(description: &Description, answer: &Answer) -> Result<(), String> {
    if answer.media_type != "application/problem+json" {
        return Err(format!("a refusal as {:?}", answer.media_type));
    }
    if answer.bytes.len() > REFUSAL_BYTES_MAX {
        return Err(format!("{} bytes of refusal", answer.bytes.len()));
    }
    let problem = answer.json.as_ref().ok_or("no JSON")?;
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    if let Some(why) = description.breaks(&schema, problem) {
        return Err(format!("no problem: {why}"));
    }
    if problem["status"] != answer.status || problem["instance"] != answer.request_id.as_str() {
        return Err("status or request id differ from the headers'".to_owned());
    }
    let names_a_field = problem["errors"].as_array().is_some_and(|errors| {
        let told = |text: &Value| text.as_str().is_some_and(|t| !t.is_empty());
        !errors.is_empty()
            && errors
                .iter()
                .all(|e| told(&e["field"]) && told(&e["reason"]))
    });
    let code = problem["code"].as_str().unwrap_or_default();
    if matches!(code, "malformed" | "invalid") && !names_a_field {
        return Err("no field with its reason".to_owned());
    }
    if answer.status == 429 && answer.retry_after.is_none() {
        return Err("429 without Retry-After".to_owned());
    }
    Ok(())
}
