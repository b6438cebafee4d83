//! Who asks. An own key speaks for itself; without one the configured principal is asked for, where
//! it may be.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use caviada_core::access::{Relation, Verb, allows};
use caviada_core::key::{Key, Role};
use caviada_core::name::Name;

use super::answer::No;
use super::guard::guard;
use super::{App, Door};
use crate::line::Line;
use crate::listener::Origin;
use crate::rate::TooMany;
use crate::secret::{basic, bearer, hash};

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The key that is spoken by.
    pub key: Arc<Key>,
    /// Nobody showed a key: it is the principal's.
    pub walks_in: bool,
}

impl Caller {
    /// Of a request, within its rate.
    pub fn of(app: &App, door: Door, request: &Request, line: &Line) -> Result<Self, No> {
        let headers = request.headers();
        let caller = if headers.contains_key(header::AUTHORIZATION) {
            let caller = Self::with_key(app, headers);
            if caller.is_err() {
                app.rates().failure(line.peer).map_err(too_many)?;
            }
            caller?
        } else {
            Self::without(app, door, request)?
        };
        app.rates().request(caller.key.id).map_err(too_many)?;
        Ok(caller)
    }

    fn with_key(app: &App, headers: &HeaderMap) -> Result<Self, No> {
        let unknown = || No::new("this key is not known here, or it has expired");
        let password = basic(headers);
        let secret = password.as_deref().or_else(|| bearer(headers));
        let key = app.ledger().key_hashed(&hash(secret.ok_or_else(unknown)?));
        let key = key.filter(|key| lives(app, key)).ok_or_else(unknown)?;
        Ok(Self {
            key,
            walks_in: false,
        })
    }

    fn without(app: &App, door: Door, request: &Request) -> Result<Self, No> {
        let options = app.options();
        // Not whom failures are counted for: that may be a whole network.
        let origin = request.extensions().get::<Origin>();
        let allowed = origin.is_some_and(|o| options.allow_from.hold(o.peer().ip()));
        if door == Door::Beside || !allowed {
            return Err(No::new(
                "an API key is needed here: as `Authorization: Bearer KEY`, or as the password of Basic authentication",
            ));
        }
        guard(&options.names, request.uri(), request.headers())?;
        let name = options.principal.as_ref().ok_or_else(|| {
            No::new("nobody is named who speaks for callers without a key: compat.poolmanager.principal")
        })?;
        let key = named(app, name)?;
        if key.role != Role::User || key.act_for.is_empty() {
            return Err(No::new(format!(
                "the key {name} must have the role user and name pools in act_for"
            )));
        }
        Ok(Self {
            key,
            walks_in: true,
        })
    }

    /// May its key do that with what is anybody's?
    pub fn may(&self, verb: Verb) -> bool {
        allows(self.key.role, verb, Relation::Foreign)
    }

    /// The key by which it changes hosts and clusters: its own, or the one that is named for those
    /// who come without one.
    pub fn operator(&self, app: &App) -> Result<Arc<Key>, No> {
        if self.may(Verb::Manage) {
            return Ok(self.key.clone());
        }
        match &app.options().operator {
            Some(name) if self.walks_in => {
                let key = named(app, name)?;
                if !allows(key.role, Verb::Manage, Relation::Foreign) {
                    return Err(No::new(format!("the key {name} must be an operator's")));
                }
                Ok(key)
            }
            _ => Err(No::new("this needs the key of an operator")),
        }
    }
}

fn lives(app: &App, key: &Key) -> bool {
    key.expires_at.is_none_or(|at| at > app.ledger().now())
}

/// A key that the configuration names. It need not be there yet when the server starts.
fn named(app: &App, name: &Name) -> Result<Arc<Key>, No> {
    let keys = app.ledger().keys();
    let key = keys.named(name).filter(|key| lives(app, key));
    key.cloned()
        .ok_or_else(|| No::new(format!("there is no key {name}, or it has expired")))
}

fn too_many(TooMany(wait): TooMany) -> No {
    let ms = wait.as_millis().max(1);
    No::new(format!("too many requests; come again in {ms} ms"))
}
