//! Secret tokens: 32 random bytes. Only their hash is stored, so that a copy of the database signs nobody in.

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Error;

/// A new token, safe in a URL and a cookie.
pub(crate) fn make() -> Result<String, Error> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|_| Error::Corrupt("no random bytes".into()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a token.
pub(crate) fn hash(token: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, token.as_bytes())
        .as_ref()
        .to_vec()
}

/// The CSRF token of a session: whoever knows it knew the session's own token, so it needs no storing.
pub(super) fn csrf(session: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"csrf\0");
    context.update(session.as_bytes());
    URL_SAFE_NO_PAD.encode(context.finish())
}
