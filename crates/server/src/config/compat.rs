//! APIs of older systems: where they listen, and for whom.

use std::net::SocketAddr;

use caviada_core::name::Name;

use super::ConfigError;
use super::layer::Layered;
use crate::compat::poolmanager::{Options, Register, Settings, Version};

/// Older systems whose APIs are meant to be spoken, but are not yet. Each is refused by its name,
/// so that nobody waits for a port that never opens.
const LATER: [&str; 3] = ["resourcemanager", "sorna", "boskos"];
/// The one that is.
const POOLMANAGER: &str = "poolmanager";

/// Variables that the services of PoolManager and Cello read, and what says the same here.
const OLD: [(&str, &str); 16] = [
    ("POOLMANAGER_CONFIG_FILE", "--config, another format"),
    ("CELLO_CONFIG_FILE", "--config, another format"),
    ("MONGO_URL", "`store` and `data_dir`; there is no MongoDB"),
    (
        "MONGO_COLLECTION",
        "`store` and `data_dir`; there is no MongoDB",
    ),
    ("MONGO_DB", "`store` and `data_dir`; there is no MongoDB"),
    (
        "MONGODB_HOST",
        "`store` and `data_dir`; there is no MongoDB",
    ),
    ("CLUSTER_API_PORT_START", "`ports` of the host"),
    ("CLUSTER_PORT_START", "`ports` of the host"),
    ("COMPOSE_FILE_PATH", "a template"),
    ("PERIOD_TIME", "`reconciler.probe`"),
    ("LOG_LEVEL", "`log`"),
    ("ADMIN", "`caviada user set NAME --role admin --password`"),
    (
        "ADMIN_PASSWORD",
        "`caviada user set NAME --role admin --password`, which reads it from its input",
    ),
    (
        "ENABLE_EMAIL_ACTIVE",
        "`compat.poolmanager.register`; no mail is sent",
    ),
    ("SECRET_KEY", "CAVIADA_MASTER_KEY, or a file made for it"),
    ("BROKER", "nothing: there is no queue"),
];

/// Is it a variable of an older system, whose users should be told what took its place?
pub fn is_old(variable: &str) -> bool {
    OLD.iter().any(|(name, _)| *name == variable)
}

/// What to tell them who set such variables and speak the old API.
pub(super) fn told(variables: &[(String, String)], settings: &Settings) -> Vec<String> {
    let listens = !settings.listeners.is_empty();
    let set = |name: &str| variables.iter().any(|(n, _)| n == name);
    let old = OLD.iter().filter(|(name, _)| listens && set(name));
    old.map(|(name, now)| format!("the variable {name} does nothing here; now it is {now}"))
        .collect()
}

/// The API of PoolManager: nowhere to listen, if nobody asks for it.
pub(super) fn poolmanager(l: &Layered, errors: &mut Vec<ConfigError>) -> Option<Settings> {
    let listed = l.parsed("compat", errors, |text| entries(text, listener));
    let own = l.parsed("compat.poolmanager.listen", errors, |text| {
        entries(text, |entry| match entry.rsplit_once('=') {
            Some((version, address)) => Ok((version.parse()?, at(address)?)),
            None => Ok((Version::default(), at(entry)?)),
        })
    });
    let mut name = |key| {
        l.parsed(key, errors, |text| match text {
            "" => Ok(None),
            text => Name::new(text)
                .map(Some)
                .map_err(|e| format!("must be a key's name: {e}")),
        })
    };
    let principal = name("compat.poolmanager.principal");
    let operator = name("compat.poolmanager.operator");
    let allow_from = l.parsed("compat.poolmanager.allow_from", errors, str::parse);
    let names = l.parsed("compat.poolmanager.names", errors, |text| {
        entries(text, called)
    });
    let register = l.parsed("compat.poolmanager.register", errors, |text| match text {
        "off" => Ok(Register::Off),
        "active" => Ok(Register::Active),
        "inactive" => Ok(Register::Inactive),
        _ => Err("must be off, active or inactive".to_owned()),
    });
    let mut listeners = listed?;
    listeners.extend(own?);
    Some(Settings {
        listeners,
        options: Options {
            principal: principal?,
            operator: operator?,
            allow_from: allow_from?,
            names: names?,
            plain_tcp: l.text("compat.poolmanager.plain_tcp") == "true",
            register: register?,
            profiles: l.text("compat.poolmanager.profiles") == "true",
            tell_users: l.text("compat.poolmanager.tell_users") == "true",
            unreached: l.text("compat.poolmanager.unreached") == "true",
            ..Options::default()
        },
    })
}

fn entries<T>(text: &str, one: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let entries = text.split(',').map(str::trim).filter(|e| !e.is_empty());
    entries.map(one).collect()
}

/// `NAME=ADDR` or `NAME:VERSION=ADDR`.
fn listener(entry: &str) -> Result<(Version, SocketAddr), String> {
    let known = || format!("{POOLMANAGER}, {}", LATER.join(", "));
    let Some((what, address)) = entry.split_once('=') else {
        return Err(format!("must be NAME=ADDR; the names are {}", known()));
    };
    let (name, version) = match what.split_once(':') {
        Some((name, version)) => (name, Some(version)),
        None => (what, None),
    };
    if LATER.contains(&name) {
        return Err(format!(
            "asks for the API of {name}, which this version does not have yet; leave it out"
        ));
    }
    if name != POOLMANAGER {
        return Err(format!(
            "knows no API called `{name}`; there are {}",
            known()
        ));
    }
    let version = version.map_or(Ok(Version::default()), str::parse)?;
    Ok((version, at(address)?))
}

/// A name by which the server is called.
fn called(name: &str) -> Result<String, String> {
    let sound = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    match name.strip_suffix('.').unwrap_or(name) {
        name if !name.is_empty() && name.bytes().all(sound) => Ok(name.to_ascii_lowercase()),
        _ => Err(format!(
            "must be names of this server without a port, like pool.example; `{name}` is none"
        )),
    }
}

fn at(address: &str) -> Result<SocketAddr, String> {
    let wrong =
        || format!("must end in an address and a port, like 127.0.0.1:80; `{address}` is none");
    address.trim().parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::super::{Sources, load};
    use super::*;

    fn settings(flag: &str, file: &str) -> Result<Settings, String> {
        let sources = Sources {
            file: Some(("caviada.toml".to_owned(), file.to_owned())),
            flags: vec![("compat", flag.to_owned())],
            ..Sources::default()
        };
        let loaded = load(&sources).map_err(|errors| errors[0].to_string())?;
        Ok(loaded.config.poolmanager)
    }

    #[test]
    fn an_old_api_listens_where_it_is_asked_to() {
        let file = "[compat.poolmanager]\nlisten = [\"pm1=127.0.0.1:3\", \"[::1]:4\"]\n\
                    principal = \"old\"\nallow_from = [\"10.0.0.0/8\"]\n\
                    names = [\"Pool.test\", \"old\"]\n";
        let s = settings("poolmanager=127.0.0.1:1,poolmanager:pm2=127.0.0.1:2", file).unwrap();
        let at: Vec<_> = s
            .listeners
            .iter()
            .map(|(v, a)| format!("{v} {a}"))
            .collect();
        let all = [
            "0.7 127.0.0.1:1",
            "pm2 127.0.0.1:2",
            "pm1 127.0.0.1:3",
            "0.7 [::1]:4",
        ];
        assert_eq!(at, all);
        assert_eq!(s.options.principal.unwrap(), "old");
        assert_eq!(s.options.allow_from.to_string(), "10.0.0.0/8");
        assert_eq!(s.options.names, ["pool.test", "old"]);
        let none = settings("", "").unwrap();
        assert!(none.listeners.is_empty() && none.options.operator.is_none());
        assert_eq!(none.options.allow_from.to_string(), "127.0.0.0/8,::1/128");
    }

    #[test]
    fn who_sets_an_old_variable_is_told_the_new_one() {
        let variables = [
            ("MONGO_URL", "mongodb://a:hush@b"),
            ("PERIOD_TIME", "5"),
            ("ADMIN_PASSWORD", "hush"),
            ("HOME", "/"),
        ];
        let own = |(n, v): (&str, &str)| (n.to_owned(), v.to_owned());
        let mut sources = Sources {
            variables: variables.map(own).to_vec(),
            ..Sources::default()
        };
        assert!(load(&sources).unwrap().warnings.is_empty());
        sources.flags = vec![("compat", "poolmanager=127.0.0.1:1".to_owned())];
        let warnings = load(&sources).unwrap().warnings.join("\n");
        assert!(
            warnings.contains("MONGO_URL does nothing here; now it is `store`"),
            "{warnings}"
        );
        assert!(warnings.contains("ADMIN_PASSWORD does nothing here; now it is `caviada user set"));
        assert!(warnings.contains("`reconciler.probe`") && !warnings.contains("hush"));
        assert!(is_old("CELLO_CONFIG_FILE") && !is_old("HOME"));
    }

    #[test]
    fn what_is_not_there_is_refused_by_name() {
        for (flag, says) in [
            (
                "sorna=127.0.0.1:1",
                "sorna, which this version does not have yet",
            ),
            ("pool=127.0.0.1:1", "knows no API called `pool`"),
            ("poolmanager", "must be NAME=ADDR"),
            ("poolmanager:3=127.0.0.1:1", "knows no version `3`"),
            ("poolmanager=80", "an address and a port"),
        ] {
            let error = settings(flag, "").unwrap_err();
            assert!(error.contains(says), "{flag}: {error}");
        }
        for file in [
            "principal = \"A B\"",
            "allow_from = [\"x\"]",
            "listen = [\"x\"]",
            "names = [\"pool.test:80\"]",
            "register = \"on\"",
        ] {
            assert!(
                settings("", &format!("[compat.poolmanager]\n{file}\n")).is_err(),
                "{file}"
            );
        }
    }
}
