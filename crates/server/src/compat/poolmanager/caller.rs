//! Who asks. An own key speaks for itself, a user who has signed in for himself; without either the
//! configured principal is asked for, where it may be.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use caviada_core::access::{Relation, Verb, allows};
use caviada_core::command::By;
use caviada_core::key::{Key, Role};
use caviada_core::name::{Name, Owner};
use caviada_core::user::User;

use super::answer::No;
use super::guard::{guard, same_site};
use super::sign;
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
    /// Who has signed in; then the key is the principal's, too.
    pub user: Option<Arc<User>>,
    /// If a user: a page of this site had him call, not a link that a stranger gave him.
    pub proven: bool,
}

impl Caller {
    /// Of a request, within its rate, and whose session it shows.
    pub fn of(
        app: &App,
        door: Door,
        request: &Request,
        line: &Line,
        user: Option<Arc<User>>,
    ) -> Result<Self, No> {
        let headers = request.headers();
        let caller = if headers.contains_key(header::AUTHORIZATION) {
            let caller = Self::with_key(app, headers);
            if caller.is_err() {
                app.rates().failure(line.peer()).map_err(too_many)?;
            }
            caller?
        } else if let Some(user) = user {
            let proven = same_site(&app.options().names, request.uri(), headers)?;
            Self {
                key: principal(app)?,
                walks_in: false,
                user: Some(user),
                proven,
            }
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
            user: None,
            proven: true,
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
        Ok(Self {
            key: principal(app)?,
            walks_in: true,
            user: None,
            proven: true,
        })
    }

    /// May he do that with what is anybody's?
    pub fn may(&self, verb: Verb) -> bool {
        let role = self.user.as_ref().map_or(self.key.role, |u| u.spec.role);
        allows(role, verb, Relation::Foreign)
    }

    /// By whom he looks and releases: a user who operates sees what operators see.
    pub fn looks_by(&self) -> By {
        match &self.user {
            Some(user) if self.may(Verb::SeeLease) => By::User(user.id),
            _ => By::Key(self.key.id),
        }
    }

    /// Whose leases alone he sees, though the key he looks by sees more.
    pub fn only(&self) -> Option<&Owner> {
        let user = self.user.as_ref().filter(|_| !self.may(Verb::SeeLease));
        user.map(|u| &u.name)
    }

    /// A user asks for himself alone, unless he operates.
    pub fn speaks_for(&self, owner: &Owner) -> Result<(), No> {
        match self.only() {
            Some(only) if only != owner => Err(No::new(format!(
                "{only} is signed in and asks for himself alone, not for {owner}"
            ))),
            _ => Ok(()),
        }
    }

    /// By whom he acts on users: himself or his own key. Who shows neither never does, whatever the
    /// key may that is named for operators.
    pub fn acts_by(&self) -> Option<By> {
        match &self.user {
            Some(user) => Some(By::User(user.id)),
            None => (!self.walks_in).then_some(By::Key(self.key.id)),
        }
    }

    /// By whom he changes hosts and clusters: himself, his own key, or the one that is named for
    /// those who come without one.
    pub fn operator(&self, app: &App) -> Result<By, No> {
        if self.may(Verb::Manage) {
            let user = self.user.as_ref().map(|u| By::User(u.id));
            return Ok(user.unwrap_or(By::Key(self.key.id)));
        }
        match &app.options().operator {
            Some(name) if self.walks_in => {
                let key = named(app, name)?;
                if !allows(key.role, Verb::Manage, Relation::Foreign) {
                    return Err(No::new(format!("the key {name} must be an operator's")));
                }
                Ok(By::Key(key.id))
            }
            _ => Err(No::new("this needs the key of an operator")),
        }
    }
}

/// Who has signed in, if somebody has. A session that is over is none.
pub(super) async fn signed_in(
    app: &App,
    door: Door,
    headers: &HeaderMap,
) -> Result<Option<Arc<User>>, No> {
    let (Some(sessions), Some(session)) = (app.sessions(), sign::shown(headers)) else {
        return Ok(None);
    };
    if door == Door::Beside {
        return Ok(None);
    }
    Ok(sessions.user(app.ledger(), session).await?)
}

/// The key that speaks for whoever shows none.
fn principal(app: &App) -> Result<Arc<Key>, No> {
    let name = app.options().principal.as_ref().ok_or_else(|| {
        No::new(
            "nobody is named who speaks for callers without a key: compat.poolmanager.principal",
        )
    })?;
    let key = named(app, name)?;
    if key.role != Role::User || key.act_for.is_empty() {
        return Err(No::new(format!(
            "the key {name} must have the role user and name pools in act_for"
        )));
    }
    Ok(key)
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

pub(super) fn too_many(TooMany(wait): TooMany) -> No {
    let ms = wait.as_millis().max(1);
    No::new(format!("too many requests; come again in {ms} ms"))
}
