//! Passwords: `Argon2id` with the crate's defaults (19 MiB, two passes), as OWASP recommends.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, PasswordHash};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::Error;

/// The shortest password that is taken (NIST SP 800-63B: at least 8 characters).
const SHORTEST: usize = 8;

/// The longest, so that hashing one can't be made expensive.
const LONGEST: usize = 1_024;

/// Hashing takes 19 MiB each: at most two at once in this process, further ones wait their turn.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// The stored form of a new password.
///
/// # Errors
/// [`Error::Invalid`] when it is too short or too long.
pub(super) async fn hash(password: &str) -> Result<String, Error> {
    let length = password.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) {
        return Err(Error::Invalid(format!(
            "a password has {SHORTEST} to {LONGEST} characters"
        )));
    }
    let password = Zeroizing::new(password.to_owned());
    blocking(move || {
        let hash: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
        hash.map(|hash| hash.to_string())
            .map_err(|error| Error::Corrupt(format!("a password can't be hashed: {error}")))
    })
    .await?
}

/// Whether the password is that of the stored form. Takes as long when there is no stored form, so that the time does not tell
/// which accounts exist.
///
/// # Errors
/// When the process shuts down.
pub(super) async fn verify(password: &str, stored: Option<String>) -> Result<bool, Error> {
    let password = Zeroizing::new(password.chars().take(LONGEST + 1).collect::<String>());
    blocking(move || match stored {
        Some(stored) => PasswordHash::new(&stored).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        }),
        None => {
            let mut out = [0_u8; 32];
            // The result does not matter, the time does.
            let _ = Argon2::default().hash_password_into(
                password.as_bytes(),
                b"nobody's salt 16",
                &mut out,
            );
            false
        }
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let _turn = AT_ONCE.acquire().await.map_err(|_| Error::Unavailable)?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Unavailable)
}
