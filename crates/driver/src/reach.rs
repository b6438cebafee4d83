//! How probes and outputs get at the services of one resource, whatever driver made them.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;

use crate::{DriverError, ExecOutput};

/// What a driver offers for one resource while it comes up.
#[async_trait]
pub trait Reach: Send + Sync {
    /// The host's name or address under which published ports answer.
    fn address(&self) -> &str;

    /// Runs a command inside a service.
    async fn exec(
        &self,
        service: &str,
        command: &[String],
        timeout: Duration,
    ) -> Result<ExecOutput, DriverError>;

    /// The content of a file of a service, at most `bytes_max`.
    async fn read_file(
        &self,
        service: &str,
        path: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, DriverError>;

    /// An error once waiting for the service has no sense any more: it ended for good, or the
    /// host went away.
    async fn alive(&self, service: &str) -> Result<(), DriverError>;

    /// The last few lines it wrote, for the one who must find out why; empty if there are none.
    async fn last_lines(&self, service: &str) -> String;
}

/// The address as it stands in a URL: IPv6 in brackets.
#[must_use]
pub fn bracketed(address: &str) -> Cow<'_, str> {
    match address.contains(':') && !address.starts_with('[') {
        true => format!("[{address}]").into(),
        false => address.into(),
    }
}

/// `address:port`, IPv6 in brackets.
#[must_use]
pub fn authority(address: &str, port: u16) -> String {
    format!("{}:{port}", bracketed(address))
}
