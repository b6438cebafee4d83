//! Signing in, registering, and signing out. Who does so need show no key.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use caviada_core::command::{Act, By};
use caviada_core::key::Role;
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::refusal::Refusal;
use caviada_core::user::User;
use caviada_ledger::{Failure, Noun};
use serde_json::Value;

use super::answer::{Answer, No};
use super::call::read;
use super::caller::too_many;
use super::cluster::long_id;
use super::guard::same_site;
use super::parameter::Parameters;
use super::record::Record;
use super::route::Does;
use super::user::account_of;
use super::{App, Door, Register};
use crate::line::Line;
use crate::password::sound;
use crate::session::{NotSignedIn, Sessions};

/// The session's cookie.
const COOKIE: &str = "caviada_poolmanager";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Login,
    Register,
    Logout,
}

impl What {
    /// If it is one of these.
    pub fn of(does: Does) -> Option<Self> {
        match does {
            Does::Login => Some(Self::Login),
            Does::Register => Some(Self::Register),
            Does::Logout => Some(Self::Logout),
            _ => None,
        }
    }
}

/// The session that a request shows.
pub(super) fn shown(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut cookies = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'));
    cookies.find_map(|cookie| {
        let (name, session) = cookie.trim().split_once('=')?;
        (name == COOKIE).then_some(session)
    })
}

/// A browser keeps it so long, shows it to no page of another site, and to no script.
fn cookie(sessions: &Sessions, session: &str, ms: u64) -> String {
    let secure = if sessions.secure { "; Secure" } else { "" };
    let seconds = ms / 1_000;
    format!("{COOKIE}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// Does it.
pub(super) async fn sign(
    app: &App,
    door: Door,
    line: &Line,
    what: What,
    request: Request,
) -> Result<Answer, No> {
    let sessions = app.sessions().filter(|_| door == Door::Listener);
    let sessions = sessions.ok_or_else(|| {
        No::new("one signs in at this API's own listener; here an API key is needed")
    })?;
    // A page of another site signs nobody in, nor out.
    same_site(&app.options().names, request.uri(), request.headers())?;
    if what == What::Logout {
        let answer = Box::new(Answer::Elsewhere("/".to_owned()));
        return Ok(Answer::Cookie(answer, cookie(sessions, "", 0)));
    }
    let asked = read(request).await?;
    let name = asked.text("username")?.unwrap_or_default();
    let name = Owner::new(name.trim());
    if let Err(wait) = app.rates().sign_in(name.as_ref().ok(), line.peer()) {
        let no = too_many(wait);
        return Ok(failed(StatusCode::UNAUTHORIZED, no.error()));
    }
    match what {
        What::Register => register(app, sessions, name.ok(), &asked).await,
        _ => login(app, sessions, name.ok(), &asked).await,
    }
}

/// What the old system writes where it wraps nothing.
pub(super) fn failed(status: StatusCode, error: &str) -> Answer {
    let mut record = Record::default();
    record.put("success", false).put("error", error);
    Answer::Plain(status, record)
}

/// 0 is an admin, 1 an operator, 2 a user.
pub(super) fn role(role: Role) -> u8 {
    match role {
        Role::Admin => 0,
        Role::Operator => 1,
        Role::User => 2,
    }
}

async fn login(
    app: &App,
    sessions: &Sessions,
    name: Option<Owner>,
    asked: &Parameters,
) -> Result<Answer, No> {
    let password = asked.text("password")?.unwrap_or_default();
    let page = asked.raw("page").is_some();
    let begun = sessions.begin(app.ledger(), name.as_ref(), password).await;
    let signed_in = match begun {
        Ok(signed_in) => signed_in,
        Err(NotSignedIn::Unknown | NotSignedIn::Wrong) if page => {
            return Ok(Answer::Elsewhere("/login".to_owned()));
        }
        Err(NotSignedIn::Unknown) if app.options().tell_users => {
            return Ok(failed(StatusCode::UNAUTHORIZED, "login failed"));
        }
        Err(NotSignedIn::Unknown | NotSignedIn::Wrong) => {
            let error = "Wrong username or password";
            return Ok(failed(StatusCode::UNAUTHORIZED, error));
        }
        Err(other) => return Err(No::new(other.to_string())),
    };
    let answer = match page {
        true => Answer::Elsewhere("/".to_owned()),
        false => Answer::Bare(welcome(&signed_in.user)),
    };
    let cookie = cookie(sessions, &signed_in.session, limits::SESSION_MS);
    Ok(Answer::Cookie(Box::new(answer), cookie))
}

fn welcome(user: &User) -> Record {
    let mut record = Record::default();
    record
        .put("success", true)
        .put("id", long_id(user.id.0))
        .put("role", role(user.spec.role))
        .put("next", "/")
        .put("error", Value::Null);
    record
}

/// Somebody enters himself, where people may.
async fn register(
    app: &App,
    sessions: &Sessions,
    name: Option<Owner>,
    asked: &Parameters,
) -> Result<Answer, No> {
    let refused = || failed(StatusCode::BAD_REQUEST, "register failed");
    let active = match app.options().register {
        Register::Active => true,
        Register::Inactive => false,
        Register::Off => {
            let error = "nobody registers here: compat.poolmanager.register is off";
            return Ok(failed(StatusCode::BAD_REQUEST, error));
        }
    };
    let password = asked.text("password")?.unwrap_or_default();
    let Some(name) = name else {
        return Ok(refused());
    };
    if let Err(why) = sound(&password) {
        let error = format!("register failed: the password {why}");
        return Ok(failed(StatusCode::BAD_REQUEST, &error));
    }
    let password = sessions.passwords().hash(password).await;
    let password = password.map_err(|e| No::new(e.to_string()))?;
    let act = Act::Register {
        name,
        password,
        active,
    };
    match app.submit(By::System, act).await {
        Ok(done) => match &done.noun {
            Noun::User(user) => Ok(Answer::Bare(account_of(user))),
            _ => Ok(refused()),
        },
        Err(Failure::Refused(Refusal::Conflict { .. })) => Ok(refused()),
        Err(failure) => Err(failure.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use caviada_ledger::seal::MasterKey;

    use super::*;
    use crate::password::Passwords;

    #[test]
    fn under_tls_a_session_is_shown_under_tls_alone() {
        let key = "A".repeat(43);
        let key = MasterKey::present(Some(&key), Path::new(".")).unwrap();
        let key = Arc::new(key.unwrap());
        let of = |secure| {
            let sessions = Sessions::new(key.clone(), Passwords::default(), "place", secure);
            cookie(&sessions, "x", 1_000)
        };
        assert!(of(true).ends_with("; Max-Age=1; HttpOnly; SameSite=Lax; Secure"));
        assert!(!of(false).contains("Secure"));
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let headers = |cookies: &[&str]| {
            let one = |c: &&str| (header::COOKIE, c.parse().unwrap());
            HeaderMap::from_iter(cookies.iter().map(one))
        };
        assert_eq!(
            shown(&headers(&["a=b; caviada_poolmanager=x; c"])),
            Some("x")
        );
        assert_eq!(shown(&headers(&["a=b"])), None);
        assert_eq!(shown(&headers(&["caviada_poolmanagers=x"])), None);
        assert_eq!(shown(&headers(&[])), None);
    }
}
