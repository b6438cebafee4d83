//! The API of PoolManager 1 and 2 and of its successor Hyperledger Cello 0.6 to 0.9.
//!
//! | its word | ours |
//! |---|---|
//! | cluster, chain, network | a whole resource with the attribute `consensus_plugin`, in a pool the caller acts for |
//! | cluster id | resource, generation and uses in 24 hexadecimal digits: another one after each release |
//! | `user_id` | the lease's owner; `""` is free, `__SYSTEM__CREATING` and the like is being worked on |
//! | apply | acquire with `reuse: matching`, or `never` with `allow_multiple`; never waits |
//! | release | release |
//! | consensus plugin, mode, size | the attributes `consensus_plugin`, `consensus_mode`, `size` |
//! | fabric version, network type | the attributes `fabric_version`, `network_type` |
//! | host, worker, Docker node | host |
//! | `daemon_url`, `worker_api` | the host's address; told to operators only |
//! | `service_url`, `mapped_ports`, `api_url` | the resource's endpoints |
//! | `create_ts`, `apply_ts` | when the generation came up, when the lease was granted |
//! | health OK, FAIL | seen well, seen ill |
//! | fillup, autofill | the host's `autofill` |
//! | watchdog | reconciler |
//! | user, apikey | user, his id in 24 hexadecimal digits; what he holds is the owner's of his name |
//! | role 0, 1, 2 | the roles admin, operator, user |
//! | session cookie | a sealed session |
//!
//! What was open there is closed here unless a switch opens it:
//!
//! | hole | closed by | opened by |
//! |---|---|---|
//! | anybody may call from anywhere | callers without a key only from `allow_from`, loopback by default | `compat.poolmanager.allow_from` |
//! | a page anywhere calls through its reader's browser | without a key `Host` must be an address or a known name, `Origin` and `Referer` the same | `compat.poolmanager.names` |
//! | a proxy lends everybody its address | who comes through one needs a key | – |
//! | whoever calls names any user | a key speaks for its owner; only one with `act_for` names others | the principal's `act_for` |
//! | anybody changes hosts and clusters | the key of an operator | `compat.poolmanager.operator` |
//! | anybody registers | nobody | `compat.poolmanager.register` |
//! | accounts and profiles are everybody's | one's own; all are an admin's | `compat.poolmanager.profiles`, to read them |
//! | roles are stored and never asked for | users are entered and changed by admins, hosts and clusters by operators | – |
//! | a sign-in tells who there is | one answer to a wrong name and a wrong password | `compat.poolmanager.tell_users` |
//! | engines listen without TLS | such a host is not added | `compat.poolmanager.plain_tcp` |
//! | holders are told the engine's address | `daemon_url` and `worker_api` are empty for users | – |
//! | filters reach the database | fields of the answer alone, equality alone | – |
//! | a late release takes the next holder's chain away | the id is another one after each release | – |

mod answer;
mod apply;
mod call;
mod caller;
mod cluster;
mod edge;
mod guard;
mod host;
mod page;
mod parameter;
mod patience;
mod profile;
mod record;
mod release;
mod route;
mod sign;
mod stat;
mod user;
mod version;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use caviada_core::command::{Act, By, Command};
use caviada_core::limits;
use caviada_core::name::Name;
use caviada_ledger::history::History;
use caviada_ledger::{Accepted, Failure, Handle};

use crate::host::check::HostChecks;
use crate::meter::Meter;
use crate::peer::Peers;
use crate::rate::Rates;
use crate::session::Sessions;

pub use route::calls;
pub use version::Version;

/// Where it listens, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Addresses, each with the version spoken there.
    pub listeners: Vec<(Version, SocketAddr)>,
    /// How it behaves at each.
    pub options: Options,
}

impl Settings {
    /// The version spoken beside HTTP v1: that of the first listener.
    pub fn version(&self) -> Version {
        self.listeners
            .first()
            .map_or(Version::default(), |(version, _)| *version)
    }
}

/// How the API behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Name of the key that callers without one speak by, and whose pools these are.
    pub principal: Option<Name>,
    /// Name of the key by which callers without one change hosts and clusters.
    pub operator: Option<Name>,
    /// Where callers without a key may come from.
    pub allow_from: Peers,
    /// Names by which callers without a key may call this server, beside `localhost` and addresses.
    pub names: Vec<String>,
    /// Hosts are added though whoever reaches their engine's port owns them.
    pub plain_tcp: bool,
    /// May people register?
    pub register: Register,
    /// Everybody who may call reads every user's account and profile.
    pub profiles: bool,
    /// Who signs in with a name that nobody has is told so.
    pub tell_users: bool,
    /// Hosts are added though their engine does not answer.
    pub unreached: bool,
    /// A request that takes longer is given up.
    pub answer_within: Duration,
}

/// May people register?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Register {
    /// No.
    Off,
    /// And sign in at once.
    Active,
    /// And sign in once an admin has made them active.
    Inactive,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            principal: None,
            operator: None,
            allow_from: "127.0.0.0/8,::1".parse().unwrap_or_default(),
            names: Vec::new(),
            plain_tcp: false,
            register: Register::Off,
            profiles: false,
            tell_users: false,
            unreached: false,
            answer_within: Duration::from_millis(limits::server::ANSWER_MS_DEFAULT),
        }
    }
}

/// What every request can reach.
#[derive(Debug, Clone)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ledger: Handle,
    history: History,
    rates: Arc<Rates>,
    meter: Meter,
    sessions: Option<Sessions>,
    options: Options,
    checks: Option<Arc<HostChecks>>,
}

/// Who may come without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// An own listener: whoever comes from `allow_from`.
    Listener,
    /// Beside another API: nobody.
    Beside,
}

impl Door {
    /// What stands before every path here.
    fn path(self) -> &'static str {
        match self {
            Self::Listener => "",
            Self::Beside => PATH,
        }
    }
}

impl App {
    /// The API of this ledger; keys have the same rates as at other entrances. Without sessions
    /// nobody signs in. With `checks` an engine has to answer before it is added.
    pub fn new(
        ledger: Handle,
        history: History,
        rates: Arc<Rates>,
        sessions: Option<Sessions>,
        options: Options,
        checks: Option<Arc<HostChecks>>,
    ) -> Self {
        Self(Arc::new(Inner {
            ledger,
            history,
            rates,
            // What fails shows in its status, whatever the call.
            meter: Meter::new("any", PATH),
            sessions,
            options,
            checks,
        }))
    }

    fn ledger(&self) -> &Handle {
        &self.0.ledger
    }

    fn history(&self) -> &History {
        &self.0.history
    }

    fn rates(&self) -> &Rates {
        &self.0.rates
    }

    fn meter(&self) -> &Meter {
        &self.0.meter
    }

    fn options(&self) -> &Options {
        &self.0.options
    }

    fn sessions(&self) -> Option<&Sessions> {
        self.0.sessions.as_ref()
    }

    /// Looks at hosts before they are added, unless they are added as they are.
    fn checks(&self) -> Option<&HostChecks> {
        self.0
            .checks
            .as_deref()
            .filter(|_| !self.0.options.unreached)
    }

    /// One act by somebody.
    async fn submit(&self, by: By, act: Act) -> Result<Accepted, Failure> {
        let command = Command {
            by,
            idempotency: None,
            act,
        };
        self.ledger().submit(command).await
    }
}

/// Where it is beside HTTP v1.
pub const PATH: &str = "/compat/poolmanager";
/// What sessions of this entrance are sealed for.
pub const SESSIONS: &str = "poolmanager/session";

/// Every path of a version; what it does not know is refused in its own words, too.
pub fn router(app: App, version: Version, door: Door) -> Router {
    Router::new().fallback(move |request| edge::edge(app.clone(), version, door, request))
}
