//! Who is signed in. A session is kept by whoever began it, sealed: it names the user, where his
//! sessions begin, and when it is over. So it outlives a restart, and ends with the user's password,
//! with his rights, and with him.

use std::sync::Arc;

use caviada_core::command::{Act, By, Command};
use caviada_core::event::Number;
use caviada_core::id::UserId;
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::time::Time;
use caviada_core::user::User;
use caviada_ledger::seal::MasterKey;
use caviada_ledger::{Failure, Handle, Noun};
use serde::{Deserialize, Serialize};

use crate::password::{Checked, Passwords, Unhashed};

/// Where users sign in.
#[derive(Debug, Clone)]
pub struct Sessions {
    key: Arc<MasterKey>,
    passwords: Passwords,
    /// What a session is sealed for: one of another entrance does not open here.
    place: &'static str,
    /// It is spoken under TLS, and a browser shows it nowhere else.
    pub secure: bool,
}

/// What is sealed.
#[derive(Debug, Serialize, Deserialize)]
struct Session {
    user: UserId,
    sessions: Number,
    until: Time,
}

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum NotSignedIn {
    /// Nobody of that name may sign in.
    #[error("nobody of this name may sign in")]
    Unknown,
    /// The password is another one.
    #[error("the password is another one")]
    Wrong,
    /// It could not be checked.
    #[error(transparent)]
    Unhashed(#[from] Unhashed),
    /// The ledger did not take it.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub user: Arc<User>,
    /// What he shows from now on.
    pub session: String,
}

impl Sessions {
    /// Of one entrance; the key seals them.
    pub fn new(
        key: Arc<MasterKey>,
        passwords: Passwords,
        place: &'static str,
        secure: bool,
    ) -> Self {
        Self {
            key,
            passwords,
            place,
            secure,
        }
    }

    /// Where passwords are hashed.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Signs somebody in who shows his password.
    ///
    /// # Errors
    /// When it is not his, or cannot be checked now.
    pub async fn begin(
        &self,
        ledger: &Handle,
        name: Option<&Owner>,
        password: String,
    ) -> Result<SignedIn, NotSignedIn> {
        let state = ledger.snapshot().await?;
        let user = name.and_then(|name| state.user_named(name));
        let user = user.filter(|u| u.spec.active && u.password.is_some());
        let hashed = user.and_then(|u| u.password.clone());
        // Of nobody, too: the time it takes is the same.
        let checked = self.passwords.check(hashed, password).await?;
        let user = user.ok_or(NotSignedIn::Unknown)?;
        let Checked::Right(anew) = checked else {
            return Err(NotSignedIn::Wrong);
        };
        let act = Act::SignIn {
            user: user.id,
            sessions: user.sessions,
            anew,
        };
        let command = Command {
            by: By::System,
            idempotency: None,
            act,
        };
        let user = match ledger.submit(command).await {
            Ok(done) => match done.noun {
                Noun::User(user) => user,
                _ => return Err(NotSignedIn::Unknown),
            },
            // His password or his rights changed meanwhile.
            Err(Failure::Refused(_)) => return Err(NotSignedIn::Wrong),
            Err(failure) => return Err(failure.into()),
        };
        let session = self.seal(&user, ledger.now())?;
        Ok(SignedIn { user, session })
    }

    fn seal(&self, user: &User, now: Time) -> Result<String, Unhashed> {
        let session = Session {
            user: user.id,
            sessions: user.sessions,
            until: now.plus_ms(limits::SESSION_MS),
        };
        let text = serde_json::to_vec(&session).map_err(|_| Unhashed::Failed)?;
        let sealed = self.key.seal(self.place, &text);
        sealed.map_err(|_| Unhashed::Failed)
    }

    /// Whose session it is, if it is one, and not over. What nobody sealed here costs the ledger
    /// nothing.
    ///
    /// # Errors
    /// `Unavailable` when the ledger has ended.
    pub async fn user(&self, ledger: &Handle, shown: &str) -> Result<Option<Arc<User>>, Failure> {
        let Some(session) = self.open(shown).filter(|s| ledger.now() < s.until) else {
            return Ok(None);
        };
        let state = ledger.snapshot().await?;
        let user = state.users.get(&session.user);
        let user = user.filter(|u| u.spec.active && u.sessions == session.sessions);
        Ok(user.cloned())
    }

    fn open(&self, shown: &str) -> Option<Session> {
        let text = Some(shown).filter(|s| s.len() <= limits::server::SESSION_BYTES_MAX)?;
        let text = self.key.open(self.place, text).ok()?;
        serde_json::from_slice(&text).ok()
    }
}
