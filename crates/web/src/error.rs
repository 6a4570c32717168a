//! Why the console could not start or go on. What goes wrong within one request is `failure`'s.

use std::io;

use bedside_core::error::Kind;

/// The listener failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of the listener could not be read or it stopped taking connections.
    #[error("the HTTP listener failed: {0}; check that the address is free and may be used")]
    Listener(#[from] io::Error),
}

impl Error {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Listener(_) => "BED-WEB-001",
        }
    }

    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Listener(_) => Kind::Broken,
        }
    }
}
