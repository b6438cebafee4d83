//! How a container ended, as its engine tells it.

use std::fmt;

use bollard::models::ContainerInspectResponse;

/// The exit code of what was killed.
const KILLED: i64 = 128 + 9;

/// How a container ended.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    code: i64,
    /// Whether the engine says that memory ran out.
    out_of_memory: bool,
    limit_bytes: Option<i64>,
}

impl Ending {
    pub fn of(found: &ContainerInspectResponse) -> Self {
        let state = found.state.as_ref();
        let limit = found.host_config.as_ref().and_then(|host| host.memory);
        Self {
            code: state.and_then(|state| state.exit_code).unwrap_or(-1),
            out_of_memory: state.and_then(|state| state.oom_killed) == Some(true),
            limit_bytes: limit.filter(|bytes| *bytes > 0),
        }
    }

    /// Whether it was killed and has a memory limit, and the engine has not said that it met it.
    pub fn may_be_for_memory(self) -> bool {
        self.code == KILLED && self.limit_bytes.is_some() && !self.out_of_memory
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code;
        match self.limit_bytes {
            Some(limit) if self.out_of_memory => write!(
                f,
                "met its memory limit of {limit} bytes and ended with exit code {code}"
            ),
            Some(limit) if self.may_be_for_memory() => write!(
                f,
                "ended with exit code {code}, perhaps because it met its memory limit of {limit} bytes"
            ),
            None if self.out_of_memory => {
                write!(f, "ran out of memory and ended with exit code {code}")
            }
            _ => write!(f, "ended with exit code {code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerState, HostConfig};

    use super::*;

    fn told(code: i64, oom_killed: Option<bool>, memory: Option<i64>) -> String {
        let found = ContainerInspectResponse {
            state: Some(ContainerState {
                exit_code: Some(code),
                oom_killed,
                ..ContainerState::default()
            }),
            host_config: Some(HostConfig {
                memory,
                ..HostConfig::default()
            }),
            ..ContainerInspectResponse::default()
        };
        Ending::of(&found).to_string()
    }

    #[test]
    fn a_kill_is_told_with_the_memory_limit_that_was_or_may_have_been_met() {
        let limit = Some(16 << 20);
        let met = "met its memory limit of 16777216 bytes and ended with exit code";
        let perhaps =
            "ended with exit code 137, perhaps because it met its memory limit of 16777216 bytes";
        for (code, oom_killed, memory, expected) in [
            (137, Some(true), limit, format!("{met} 137")),
            (1, Some(true), limit, format!("{met} 1")),
            (
                137,
                Some(true),
                Some(0),
                "ran out of memory and ended with exit code 137".into(),
            ),
            (137, Some(false), limit, perhaps.into()),
            (137, None, limit, perhaps.into()),
            (137, Some(false), Some(0), "ended with exit code 137".into()),
            (7, Some(false), limit, "ended with exit code 7".into()),
        ] {
            assert_eq!(told(code, oom_killed, memory), expected);
        }
    }
}
