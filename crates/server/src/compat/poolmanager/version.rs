//! Which of the old systems is spoken.

use std::fmt;
use std::str::FromStr;

/// A version of PoolManager or Cello. Later ones come after earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Version {
    /// PoolManager 1.
    Pm1,
    /// PoolManager 2.
    Pm2,
    /// Cello 0.6.
    Cello06,
    /// Cello 0.7, and PoolManager 2 under `/v1`.
    #[default]
    Cello07,
    /// Cello 0.8.
    Cello08,
    /// Cello 0.9.
    Cello09,
}

impl Version {
    /// Every version and its name, oldest first.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Pm1, "pm1"),
        (Self::Pm2, "pm2"),
        (Self::Cello06, "0.6"),
        (Self::Cello07, "0.7"),
        (Self::Cello08, "0.8"),
        (Self::Cello09, "0.9"),
    ];

    /// Who answers under the first part of a path, if anybody does.
    pub(super) fn speaks_under(self, prefix: &str) -> Option<Self> {
        match (self, prefix) {
            (Self::Pm1, "v1") | (Self::Pm2, "v1" | "v2") => Some(self),
            // Its operators' calls have nothing before them.
            (Self::Pm1, "cluster") => Some(self),
            (Self::Pm2, "host" | "host_action" | "cluster" | "_stat") => Some(self),
            (Self::Cello07, "v1") => Some(Self::Pm2),
            (Self::Pm1 | Self::Pm2, _) => None,
            (_, "v2" | "api") => Some(self),
            _ => None,
        }
    }

    /// Plugins that apply knows. Those of today's Fabric are known to Cello, too.
    pub(super) fn plugins(self) -> &'static [&'static str] {
        match self {
            Self::Pm1 | Self::Pm2 => &["noops", "pbft"],
            Self::Cello06 => &["noops", "pbft", "solo", "raft", "bft"],
            Self::Cello07 => &["solo", "kafka", "noops", "pbft", "raft", "bft"],
            Self::Cello08 | Self::Cello09 => &["solo", "kafka", "raft", "bft"],
        }
    }

    /// Sizes that apply knows.
    pub(super) fn sizes(self) -> &'static [i64] {
        match self {
            Self::Pm1 | Self::Cello08 | Self::Cello09 => &[4],
            Self::Pm2 | Self::Cello07 => &[4, 6],
            Self::Cello06 => &[4, 6, 7],
        }
    }

    /// What it shows of a cluster has the name of its host.
    pub(super) fn names_hosts(self) -> bool {
        self >= Self::Cello08
    }

    /// It is of PoolManager, not of Cello.
    pub(super) fn is_pm(self) -> bool {
        self <= Self::Pm2
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(version, _)| *version).ok_or_else(|| {
            let names = Self::ALL.map(|(_, name)| name).join(", ");
            format!("knows no version `{text}` of poolmanager; there are {names}")
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(version, _)| version == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_reads_as_it_prints() {
        for (version, name) in Version::ALL {
            assert_eq!(version.to_string(), name);
            assert_eq!(name.parse(), Ok(version));
        }
        assert!("1.0".parse::<Version>().is_err());
    }
}
