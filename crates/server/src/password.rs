//! Passwords: hashed and checked outside the ledger, on threads that may block, a few at once.
//! What a hash is and what it may cost is `core`'s to say.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, PasswordHash};
use caviada_core::limits;
use caviada_core::user::{Hashed, Password};
use tokio::sync::Semaphore;

/// Room to hash and check passwords in.
#[derive(Debug, Clone)]
pub struct Passwords {
    /// Whoever works.
    room: Arc<Semaphore>,
    /// Whoever works or waits.
    queue: Arc<Semaphore>,
}

/// A password was not hashed or checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unhashed {
    /// Too many wait for it.
    #[error("too many passwords are being checked; come again in a moment")]
    Busy,
    /// No randomness, no memory, or a bug.
    #[error("the password could not be hashed")]
    Failed,
}

/// What a password was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// Another one, or nobody's.
    Wrong,
    /// It; hashed anew where the hash was made elsewhere.
    Right(Option<Password>),
}

impl Default for Passwords {
    fn default() -> Self {
        let queue = limits::HASHES_AT_ONCE_MAX + limits::HASHES_WAITING_MAX;
        Self {
            room: Arc::new(Semaphore::new(limits::HASHES_AT_ONCE_MAX)),
            queue: Arc::new(Semaphore::new(queue)),
        }
    }
}

impl Passwords {
    /// Hashes a new password.
    ///
    /// # Errors
    /// When there is no room, or the system has no randomness.
    pub async fn hash(&self, password: String) -> Result<Password, Unhashed> {
        self.run(move || hash(&password)).await?
    }

    /// Compares a password with a hash; with that of nobody where there is none, so that whoever
    /// counts the time learns nothing of who there is.
    ///
    /// # Errors
    /// When there is no room, or the system has no randomness.
    pub async fn check(
        &self,
        hashed: Option<Password>,
        password: String,
    ) -> Result<Checked, Unhashed> {
        self.run(move || check(hashed.as_ref(), &password)).await?
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unhashed> {
        let queue = self.queue.clone().try_acquire_owned();
        let queue = queue.map_err(|_| Unhashed::Busy)?;
        let room = self.room.clone().acquire_owned().await;
        let room = room.map_err(|_| Unhashed::Failed)?;
        let work = move || {
            // Kept until the work is done, though nobody may wait for it any more.
            let _kept = (queue, room);
            work()
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| Unhashed::Failed)
    }
}

/// Why a text cannot be a new password.
///
/// # Errors
/// When it is too short or too long; the reason.
pub fn sound(password: &str) -> Result<(), String> {
    let (min, max) = (limits::PASSWORD_BYTES_MIN, limits::PASSWORD_BYTES_MAX);
    match (min..=max).contains(&password.len()) {
        true => Ok(()),
        false => Err(format!("must have {min} to {max} bytes")),
    }
}

fn hash(password: &str) -> Result<Password, Unhashed> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    let hash = hash.map_err(|_| Unhashed::Failed)?.to_string();
    Password::new(&hash).map_err(|_| Unhashed::Failed)
}

/// The hash of a password that nobody has.
static NOBODY: LazyLock<Option<Password>> = LazyLock::new(|| {
    let made = crate::http::auth::new_secret().ok()?;
    hash(&made).ok()
});

fn check(hashed: Option<&Password>, password: &str) -> Result<Checked, Unhashed> {
    let nobody = hashed.is_none();
    let hashed = hashed.or(NOBODY.as_ref()).ok_or(Unhashed::Failed)?;
    if password.len() > limits::PASSWORD_BYTES_MAX {
        return Ok(Checked::Wrong);
    }
    let old = hashed.hashed() == Hashed::Bcrypt;
    match (is_of(hashed, password) && !nobody, old) {
        (false, _) => Ok(Checked::Wrong),
        (true, false) => Ok(Checked::Right(None)),
        (true, true) => hash(password).map(|anew| Checked::Right(Some(anew))),
    }
}

/// Is it the hash of this password? That takes as long as the hash was made to take.
pub fn is_of(hashed: &Password, password: &str) -> bool {
    let text = hashed.reveal();
    match hashed.hashed() {
        Hashed::Argon2id => PasswordHash::new(text).is_ok_and(|hash| {
            let argon2 = Argon2::default();
            argon2.verify_password(password.as_bytes(), &hash).is_ok()
        }),
        Hashed::Bcrypt => bcrypt::verify(password, text).unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `U*U` of the test vectors that every bcrypt is checked against.
    const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_no_other_is() {
        let passwords = Passwords::default();
        let hashed = passwords.hash("correct horse".into()).await.unwrap();
        let check = async |text: &str| {
            let hashed = Some(hashed.clone());
            passwords.check(hashed, text.into()).await.unwrap()
        };
        assert_eq!(check("correct horse").await, Checked::Right(None));
        for wrong in ["", "correct hors", &"x".repeat(10_000)] {
            assert_eq!(check(wrong).await, Checked::Wrong);
        }
        let again = passwords.hash("correct horse".into()).await.unwrap();
        assert_ne!(again, hashed);
    }

    #[tokio::test]
    async fn a_hash_of_an_older_system_is_replaced_once_its_password_was_shown() {
        let passwords = Passwords::default();
        let old = Password::new(BCRYPT).unwrap();
        let wrong = passwords.check(Some(old.clone()), "U*V".into()).await;
        assert_eq!(wrong, Ok(Checked::Wrong));
        let right = passwords.check(Some(old), "U*U".into()).await.unwrap();
        let Checked::Right(Some(anew)) = right else {
            panic!("{right:?}");
        };
        assert_eq!(anew.hashed(), Hashed::Argon2id);
        let again = passwords.check(Some(anew), "U*U".into()).await;
        assert_eq!(again, Ok(Checked::Right(None)));
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        let wrong = Passwords::default().check(None, "hush".into()).await;
        assert_eq!(wrong, Ok(Checked::Wrong));
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_told_so() {
        let passwords = Passwords::default();
        let all = u32::try_from(limits::HASHES_AT_ONCE_MAX + limits::HASHES_WAITING_MAX).unwrap();
        let _all = passwords.queue.clone().try_acquire_many_owned(all).unwrap();
        let busy = passwords.hash("correct horse".into()).await;
        assert_eq!(busy, Err(Unhashed::Busy));
    }
}
