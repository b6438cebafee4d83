//! The keys there are.

/// One key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name, with dots between a table and what is in it.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// The value when nobody says one, as text.
    pub default: &'static str,
    /// What it does.
    pub about: &'static str,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A duration as text: `5s`, `1m`.
    Duration,
    /// A whole number.
    Number,
    /// True or false.
    Flag,
    /// A list of texts; with commas in a variable.
    Texts,
    /// Text that holds a password; shown without it.
    Secret,
}

impl Kind {
    /// What to write, for people.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Text | Self::Secret => "must be a text",
            Self::Duration => "must be a duration as text, like \"5s\"",
            Self::Number => "must be a whole number",
            Self::Flag => "must be true or false",
            Self::Texts => "must be a list of texts",
        }
    }
}

macro_rules! keys {
    ($($name:literal $kind:ident = $default:literal: $about:literal;)+) => {
        /// Every key, in the order of the reference page.
        pub const KEYS: &[Key] = &[$(Key {
            name: $name,
            kind: Kind::$kind,
            default: $default,
            about: $about,
        }),+];
    };
}

keys! {
    "listen" Text = "127.0.0.1:7632": "Address and port to listen on.";
    "data_dir" Text = "./caviada-data": "Folder for everything that is kept; made if it is not there.";
    "store" Secret = "sqlite": "Where the ledger is: `sqlite`, in the data directory, or a URL `postgres://…`.";
    "compat" Texts = "": "APIs of older systems, each as `NAME=ADDR` with its address to listen on; `poolmanager` or `poolmanager:VERSION`, VERSION one of `pm1`, `pm2`, `0.6`, `0.7` (the default), `0.8`, `0.9`. `resourcemanager`, `sorna` and `boskos` this version does not have yet and refuses by name.";
    "compat.poolmanager.listen" Texts = "": "Where the API of PoolManager listens, each `ADDR` or `VERSION=ADDR`; for files, which cannot have both `compat` and its tables.";
    "compat.poolmanager.principal" Text = "": "Name of the key by which callers speak who show none: role user, with the pools of this API in `act_for`. It may be made later.";
    "compat.poolmanager.operator" Text = "": "Name of an operator's key by which callers without a key change hosts and clusters; without it they may not.";
    "compat.poolmanager.allow_from" Texts = "127.0.0.0/8,::1": "Addresses and networks from which callers need no key on this API's own listeners.";
    "compat.poolmanager.names" Texts = "": "Names by which callers without a key may call this server, without a port: what `Host` says must be one of them, `localhost` or an address.";
    "compat.poolmanager.plain_tcp" Flag = "false": "Let operators add hosts through this API whose engine's port is open without TLS, as it was usual there: whoever reaches that port owns the host.";
    "compat.poolmanager.register" Text = "off": "Whether people may register through this API: `off`, `active`, or `inactive`, which lets them sign in once an admin has made them active.";
    "compat.poolmanager.profiles" Flag = "false": "Let everybody who may call read the account and the profile of every user, and look for users.";
    "compat.poolmanager.tell_users" Flag = "false": "Tell who signs in with a name that nobody has that nobody has it.";
    "compat.poolmanager.unreached" Flag = "false": "Let operators add hosts through this API whose engine does not answer: they are inactive until it does. The old system refused them.";
    "log" Text = "info": "What is logged: a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or levels by part, like `info,caviada::access=warn`.";
    "log_format" Text = "text": "How it is logged: `text` or `json`.";
    "requests_per_s" Number = "": "Requests per second that one key may make; no bound when absent.";
    "body_bytes_max" Number = "5242880": "Largest body of a request, in bytes.";
    "answer_within" Duration = "30s": "A request that takes longer is answered with 503; one that waits for a lease has that much on top of its wait.";
    "tls.certificate" Text = "": "PEM file with the server's certificate chain; with it the server speaks TLS.";
    "tls.key" Text = "": "PEM file with the key of that certificate.";
    "tls.self_signed" Flag = "false": "Speak TLS with a certificate made at the first start, kept as `self-signed.pem` in the data directory for clients to trust (`--ca`).";
    "tls.names" Texts = "localhost,127.0.0.1": "Names and addresses in the made certificate.";
    "reconciler.probe" Duration = "5s": "Pause between two looks at a host.";
    "reconciler.second_look" Duration = "1s": "Pause before the look that confirms a bad one.";
    "reconciler.orphan_grace" Duration = "60s": "Between the two looks after which an unknown thing of ours is removed.";
    "webhook.targets" Texts = "": "Where webhooks may go: `[http://]HOST[:PORT]`, HOST a name, `*.NAME`, an address or a network. Without `http://` only HTTPS; names lead to public addresses only, unless those they lead to are listed too. Nothing is allowed by default.";
}

/// A key by name.
pub(super) fn named(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The environment variable over a key.
pub fn variable(name: &str) -> String {
    format!("CAVIADA_{}", name.replace('.', "__").to_uppercase())
}

/// The key most like a word, if one is like it at all.
pub(super) fn nearest(word: &str) -> Option<&'static str> {
    let near = KEYS.iter().map(|key| (distance(word, key.name), key.name));
    let (far, name) = near.min()?;
    (far <= 2.max(word.len() / 3)).then_some(name)
}

/// How many letters must be put in, taken out or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = before + usize::from(x != *y);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        assert_eq!(nearest("listn"), Some("listen"));
        assert_eq!(nearest("tls.certficate"), Some("tls.certificate"));
        assert_eq!(nearest("colour_of_the_sky"), None);
    }

    #[test]
    fn a_key_has_one_variable() {
        assert_eq!(variable("tls.self_signed"), "CAVIADA_TLS__SELF_SIGNED");
    }
}
