//! Readiness: asking a resource's services until they answer as the template says.

use std::time::Duration;

use caviada_core::limits;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use crate::blueprint::{Blueprint, Check, Expect, JsonRpc, Probe, Protocol};
use crate::reach::{Reach, authority};
use crate::{DriverError, Failure};

const RESET_CALL: Duration = Duration::from_millis(limits::driver::RESET_CALL_MS_MAX);

const INTERVAL_MIN: Duration = Duration::from_millis(limits::driver::PROBE_INTERVAL_MS_MIN);

/// Repeats each probe, in order, until it passes; `passed` is told after each.
///
/// # Errors
/// `NotReady` with the service, the last answer and its last log lines when a probe's time or
/// `deadline` is over, or as soon as its service ended; the host's own errors as they are.
pub async fn until_ready(
    op: &'static str,
    blueprint: &Blueprint,
    reach: &dyn Reach,
    deadline: Instant,
    passed: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), DriverError> {
    for probe in &blueprint.readiness {
        until_passed(op, blueprint, reach, probe, deadline).await?;
        passed(service(&probe.check));
    }
    Ok(())
}

async fn until_passed(
    op: &'static str,
    blueprint: &Blueprint,
    reach: &dyn Reach,
    probe: &Probe,
    deadline: Instant,
) -> Result<(), DriverError> {
    let service = service(&probe.check);
    let began = Instant::now();
    let within = Duration::from_millis(probe.within_ms);
    let deadline = began
        .checked_add(within)
        .map_or(deadline, |d| d.min(deadline));
    let one = Duration::from_millis(probe.timeout_ms);
    let interval = Duration::from_millis(probe.interval_ms).max(INTERVAL_MIN);
    let mut first = None;
    let mut why = String::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let limit = one.min(left);
        let tried = timeout(limit, once(blueprint, reach, probe, &mut first)).await;
        match tried {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(said)) => why = said,
            // A last try that was cut short tells less than the one before.
            Err(_) if limit < one && !why.is_empty() => {}
            Err(_) => why = format!("no answer within {} ms", limit.as_millis()),
        }
        reach.alive(service).await?;
        let next = Instant::now() + interval;
        if next >= deadline {
            let waited_ms = began.elapsed().as_millis();
            let mut detail = format!("{service} was not ready after {waited_ms} ms: {why}");
            let lines = reach.last_lines(service).await;
            if !lines.is_empty() {
                detail = format!("{detail}; its last lines:\n{lines}");
            }
            return Err(DriverError {
                op,
                kind: Failure::NotReady,
                detail,
                source: None,
            });
        }
        sleep_until(next).await;
    }
}

fn service(check: &Check) -> &str {
    match check {
        Check::Http { service, .. }
        | Check::Tcp { service, .. }
        | Check::Exec { service, .. }
        | Check::JsonRpc {
            call: JsonRpc { service, .. },
            ..
        } => service,
    }
}

/// One try. `first` is the value of the first try that gave one, for `Grows`.
async fn once(
    blueprint: &Blueprint,
    reach: &dyn Reach,
    probe: &Probe,
    first: &mut Option<i128>,
) -> Result<(), String> {
    let at = |service: &str, port: u16| at(blueprint, reach.address(), service, port);
    match &probe.check {
        Check::Tcp { service, port } => {
            let address = at(service, *port)?;
            let connected = TcpStream::connect(&address).await;
            connected.map(drop).map_err(|e| format!("{address}: {e}"))
        }
        Check::Http {
            service,
            port,
            path,
            status,
            contains,
        } => {
            let answer = http(&at(service, *port)?, path, None).await?;
            if answer.status != *status {
                return Err(format!("status {} instead of {status}", answer.status));
            }
            has(&answer.body, contains.as_deref())
        }
        Check::Exec {
            service,
            command,
            contains,
        } => {
            let limit = Duration::from_millis(probe.timeout_ms);
            let ran = reach.exec(service, command, limit).await;
            let ran = ran.map_err(|e| e.to_string())?;
            if ran.code != 0 {
                return Err(format!("exit code {}{}", ran.code, said(&ran.stderr)));
            }
            has(&ran.stdout, contains.as_deref())
        }
        Check::JsonRpc { call, expect } => {
            let result = rpc(blueprint, reach.address(), call).await?;
            compare(&result, expect, first).map_err(|e| format!("{}: {e}", call.method))
        }
    }
}

/// Where a service's port is reached.
fn at(blueprint: &Blueprint, address: &str, service: &str, port: u16) -> Result<String, String> {
    blueprint
        .host_port(service, port, Protocol::Tcp)
        .map(|host| authority(address, host))
        .ok_or_else(|| format!("{service} publishes no port {port}"))
}

/// Makes a call once; its result.
async fn rpc(
    blueprint: &Blueprint,
    address: &str,
    call: &JsonRpc,
) -> Result<serde_json::Value, String> {
    let method = &call.method;
    let params = match call.params.trim() {
        "" => "[]",
        params => params,
    };
    let params: serde_json::Value =
        serde_json::from_str(params).map_err(|e| format!("params: {e}"))?;
    let body = serde_json::json!({
        "jsonrpc": "2.0", "id": 1, "method": method, "params": params
    });
    let at = at(blueprint, address, &call.service, call.port)?;
    let answer = http(&at, &call.path, Some(body.to_string())).await?;
    rpc_result(&answer.body).map_err(|e| format!("{method}: {e} (status {})", answer.status))
}

/// Makes a call of a reset, once: what it has changed when its answer is lost, nobody knows.
///
/// # Errors
/// `NotReady` with what was answered instead of a result within 30 s, or what is `left` of the reset.
pub async fn reset(
    blueprint: &Blueprint,
    address: &str,
    call: &JsonRpc,
    left: Duration,
) -> Result<(), DriverError> {
    let limit = left.min(RESET_CALL);
    let why = match timeout(limit, rpc(blueprint, address, call)).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(why)) => why,
        Err(_) => format!("{}: no answer within {} ms", call.method, limit.as_millis()),
    };
    Err(DriverError {
        op: "reset",
        kind: Failure::NotReady,
        detail: format!("{}: {why}", call.service),
        source: None,
    })
}

fn has(text: &[u8], wanted: Option<&str>) -> Result<(), String> {
    match wanted {
        Some(wanted) if !String::from_utf8_lossy(text).contains(wanted) => {
            Err(format!("'{wanted}' is not in the answer"))
        }
        _ => Ok(()),
    }
}

/// The end of what a command said, short enough for an error.
fn said(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end();
    let start = text.char_indices().rev().nth(199).map_or(0, |(i, _)| i);
    match text {
        "" => String::new(),
        _ => format!(": {}", &text[start..]),
    }
}

fn rpc_result(body: &[u8]) -> Result<serde_json::Value, String> {
    let answer: serde_json::Value =
        serde_json::from_slice(body).map_err(|_| "the answer is no JSON".to_owned())?;
    if let Some(error) = answer.get("error").filter(|e| !e.is_null()) {
        return Err(format!("error {error}"));
    }
    let result = answer.get("result").cloned();
    result.ok_or_else(|| "the answer has no result".to_owned())
}

fn compare(
    result: &serde_json::Value,
    expect: &Expect,
    first: &mut Option<i128>,
) -> Result<(), String> {
    let number_of = |v| number(v).ok_or_else(|| format!("{v} is no number"));
    match expect {
        Expect::Any => Ok(()),
        Expect::Equals(wanted) => {
            let wanted: serde_json::Value =
                serde_json::from_str(wanted).unwrap_or_else(|_| wanted.as_str().into());
            let same_number = number(result).is_some_and(|n| number(&wanted) == Some(n));
            match *result == wanted || same_number {
                true => Ok(()),
                false => Err(format!("{result} instead of {wanted}")),
            }
        }
        Expect::AtLeast(least) => {
            let n = number_of(result)?;
            match n >= i128::from(*least) {
                true => Ok(()),
                false => Err(format!("{n} is less than {least}")),
            }
        }
        Expect::Grows => {
            let n = number_of(result)?;
            match *first.get_or_insert(n) {
                before if n > before => Ok(()),
                before => Err(format!("{n} has not grown from {before}")),
            }
        }
    }
}

/// An integer, also as decimal or hexadecimal text.
fn number(value: &serde_json::Value) -> Option<i128> {
    match value {
        serde_json::Value::Number(n) => n
            .as_i64()
            .map(i128::from)
            .or_else(|| n.as_u64().map(i128::from)),
        serde_json::Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) => i128::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        },
        _ => None,
    }
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// GET, or POST of a JSON body; one connection, no redirects.
async fn http(address: &str, path: &str, post: Option<String>) -> Result<Answer, String> {
    let failed = |e: &dyn std::fmt::Display| format!("{address}{path}: {e}");
    let stream = TcpStream::connect(address).await.map_err(|e| failed(&e))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| failed(&e))?;
    let method = match post {
        Some(_) => hyper::Method::POST,
        None => hyper::Method::GET,
    };
    let request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header(hyper::header::HOST, address)
        .header(hyper::header::CONNECTION, "close")
        .header(hyper::header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(post.unwrap_or_default())))
        .map_err(|e| failed(&e))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|e| failed(&e))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), limits::driver::PROBE_BYTES_MAX)
            .collect()
            .await;
        let body = body.map_err(|e| failed(&e))?.to_bytes().to_vec();
        Ok(Answer { status, body })
    };
    // Driven here rather than in a task of its own, so that giving up closes the connection.
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        ended = connection => match ended {
            Ok(()) => exchange.await,
            Err(e) => Err(failed(&e)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hexadecimal_text_counts_as_a_number() {
        assert_eq!(number(&json!("0x1f")), Some(31));
        assert_eq!(number(&json!("12")), Some(12));
        assert_eq!(number(&json!(-3)), Some(-3));
        assert_eq!(number(&json!(u64::MAX)), Some(i128::from(u64::MAX)));
        assert_eq!(number(&json!(1.5)), None);
        assert_eq!(number(&json!("0xzz")), None);
    }

    #[test]
    fn a_result_is_compared_as_asked() {
        let first = &mut None;
        assert!(compare(&json!(null), &Expect::Any, first).is_ok());
        assert!(compare(&json!("0x5"), &Expect::Equals("5".into()), first).is_ok());
        assert!(
            compare(
                &json!({"a": 1}),
                &Expect::Equals(r#"{"a":1}"#.into()),
                first
            )
            .is_ok()
        );
        assert!(compare(&json!("geth"), &Expect::Equals("geth".into()), first).is_ok());
        assert!(compare(&json!("0x4"), &Expect::AtLeast(5), first).is_err());
        assert!(compare(&json!("0x5"), &Expect::AtLeast(5), first).is_ok());
        assert!(compare(&json!(true), &Expect::AtLeast(0), first).is_err());
    }

    #[test]
    fn a_value_grows_from_its_first_sight_and_not_before() {
        let mut first = None;
        for (value, passes) in [(7, false), (7, false), (6, false), (8, true)] {
            let passed = compare(&json!(value), &Expect::Grows, &mut first).is_ok();
            assert_eq!(passed, passes, "{value}");
        }
    }

    #[test]
    fn an_answer_with_an_error_is_no_result() {
        assert!(rpc_result(br#"{"result":1,"error":null}"#).is_ok());
        assert!(rpc_result(br#"{"result":1,"error":{"code":-1}}"#).is_err());
        assert!(rpc_result(b"{}").is_err());
        assert!(rpc_result(b"<html>").is_err());
    }
}
