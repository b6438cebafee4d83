//! What goes wrong at an engine, told apart by meaning.
//!
//! Engines say most things in prose that changes between versions. The few sentences somebody acts
//! on are known here, each with the engine versions it was read from, and nowhere else.

use std::time::Duration;

use bollard::errors::Error;
use caviada_core::limits;

use super::credential::Unusable;
use crate::{DriverError, Failure};

/// One engine call that failed.
#[derive(Debug)]
pub(crate) struct Fault {
    pub kind: Failure,
    /// The HTTP status, if the engine answered at all.
    pub status: Option<u16>,
    /// What the engine said.
    pub message: String,
    source: Option<Error>,
}

impl Fault {
    pub fn new(kind: Failure, message: impl Into<String>) -> Self {
        Self {
            kind,
            status: None,
            message: message.into(),
            source: None,
        }
    }

    pub fn late(limit: Duration) -> Self {
        let seconds = limit.as_secs_f32();
        Self::new(
            Failure::TimedOut,
            format!("the engine gave no answer within {seconds} s"),
        )
    }

    pub fn is(&self, status: u16) -> bool {
        self.status == Some(status)
    }

    pub fn into_error(self, op: &'static str, subject: &str) -> DriverError {
        let detail = if subject.is_empty() {
            self.message
        } else {
            format!("{subject}: {}", self.message)
        };
        DriverError {
            op,
            kind: self.kind,
            detail,
            source: self.source.map(|e| Box::new(e) as _),
        }
    }
}

impl From<Unusable> for Fault {
    fn from(unusable: Unusable) -> Self {
        Self::new(Failure::Refused, unusable.to_string())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let (kind, status, message) = match &error {
            Error::DockerResponseServerError {
                status_code,
                message,
            } => (
                meaning(*status_code, message),
                Some(*status_code),
                message.trim().to_owned(),
            ),
            Error::DockerStreamError { error } => (Failure::Refused, None, error.trim().to_owned()),
            Error::RequestTimeoutError => (Failure::TimedOut, None, "no answer in time".to_owned()),
            Error::IOError { .. }
            | Error::HyperResponseError { .. }
            | Error::HyperLegacyError { .. }
            | Error::SocketNotFoundError(_) => (Failure::Unreachable, None, chain(&error)),
            _ => (Failure::Bug, None, chain(&error)),
        };
        Self {
            kind,
            status,
            message: limits::capped(&message),
            source: Some(error),
        }
    }
}

/// The error and its sources in one line: hyper says no more than "client error" by itself.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = source.source();
    }
    text
}

/// What a task of a swarm means by the words with which it ended, or waits.
pub(crate) fn of_task(message: &str) -> Failure {
    match meaning(404, message) {
        Failure::Refused => Failure::NotReady,
        other => other,
    }
}

fn meaning(status: u16, message: &str) -> Failure {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|w| message.contains(w));
    // 20.10 "port is already allocated" (another container) and "bind: address already in use"
    // (another program); 28 "failed to bind host port … address already in use". Swarms of 20.10:
    // "port '80' is already in use by service …" and "host-mode port already in use on 1 node".
    if says(&[
        "port is already allocated",
        "address already in use",
        "' is already in use by service",
        "host-mode port already in use",
    ]) {
        return Failure::PortTaken(port_in(&message).unwrap_or(0));
    }
    if says(&[
        "no space left on device",
        "cannot allocate memory",
        "non-overlapping ipv4 address pool",
        "all predefined address pools have been fully subnetted",
        "pool overlaps with other one",
        // The other network is being removed, or made.
        "networks have overlapping",
        "no available ipv4 addresses",
        "disk quota exceeded",
        "insufficient resources on",
    ]) {
        return Failure::NoRoom;
    }
    // Managers that lost their leader, or too many of each other.
    if says(&[
        "the swarm does not have a leader",
        "too few managers are online",
    ]) {
        return Failure::Unreachable;
    }
    match status {
        404 if says(&["no such image"]) => Failure::NoImage,
        503 => Failure::Unreachable,
        _ => Failure::Refused,
    }
}

/// The host port an engine complains about: the first `address:port` of its sentence.
fn port_in(message: &str) -> Option<u16> {
    let quoted = message
        .split_once("port '")
        .and_then(|(_, rest)| rest.split('\'').next());
    if let Some(port) = quoted.and_then(|port| port.parse().ok()) {
        return Some(port);
    }
    let bytes = message.as_bytes();
    for (at, _) in message.match_indices(':') {
        let before = at.checked_sub(1).map(|i| bytes[i]);
        let digits: String = message[at + 1..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let after = bytes.get(at + 1 + digits.len());
        let in_address = matches!(before, Some(b'0'..=b'9' | b']'));
        let ends = matches!(after, None | Some(b' ' | b':' | b'/' | b','));
        if in_address
            && ends
            && let Ok(port) = digits.parse()
        {
            return Some(port);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, message: &str) -> Failure {
        Fault::from(Error::DockerResponseServerError {
            status_code: status,
            message: message.to_owned(),
        })
        .kind
    }

    #[test]
    fn a_taken_port_is_named_whoever_took_it() {
        for message in [
            "driver failed programming external connectivity on endpoint x (ab:12): \
             Bind for 127.0.0.1:20001 failed: port is already allocated",
            "driver failed programming external connectivity on endpoint x (ab): \
             Error starting userland proxy: listen tcp4 127.0.0.1:20001: bind: address already in use",
            "failed to set up container networking: failed to bind host port for \
             0.0.0.0:20001:172.17.0.2:80/tcp: address already in use",
            "failed to bind host port [::1]:20001/tcp: address already in use",
            "rpc error: code = InvalidArgument desc = port '20001' is already in use by service \
             'web' (xqiha28xhqh28) as an ingress port",
        ] {
            assert_eq!(kind(500, message), Failure::PortTaken(20001), "{message}");
        }
    }

    #[test]
    fn what_an_engine_says_at_length_is_cut() {
        let long = "é".repeat(1 << 20);
        for error in [
            Error::DockerResponseServerError {
                status_code: 500,
                message: long.clone(),
            },
            Error::DockerStreamError { error: long },
        ] {
            let fault = Fault::from(error);
            assert_eq!(fault.message.chars().count(), limits::CAUSE_CHARS_MAX);
        }
    }

    #[test]
    fn what_ran_out_is_no_room() {
        for message in [
            "write /var/lib/x: no space left on device",
            "could not find an available, non-overlapping IPv4 address pool among the defaults \
             to assign to the network",
            "Pool overlaps with other one on this address space",
            "cannot create network a (br-a): conflicts with network b (br-b): networks have \
             overlapping IPv4",
        ] {
            assert_eq!(kind(500, message), Failure::NoRoom, "{message}");
        }
    }

    #[test]
    fn an_absent_image_is_told_from_an_absent_container() {
        assert_eq!(kind(404, "No such image: a:b"), Failure::NoImage);
        assert_eq!(kind(404, "No such container: a"), Failure::Refused);
    }
}
