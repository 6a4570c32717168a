//! Why a connection can't be started.

use bedside_core::error::Kind;
use bedside_fhir::page::BaseError;

/// An error of a connection's settings. None carries patient data or a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address is none.
    #[error("connection {name}: {what} is {why}; correct it in bedside.toml")]
    Address {
        /// Which connection.
        name: String,
        /// Which setting.
        what: &'static str,
        /// What is wrong with it.
        why: BaseError,
    },
    /// Plain HTTP to another machine.
    #[error(
        "connection {name}: {what} is plain HTTP to another machine, which is refused; use https"
    )]
    Plain {
        /// Which connection.
        name: String,
        /// Which setting.
        what: &'static str,
    },
    /// The HTTP client could not be made.
    #[error(
        "connection {name}: no HTTP client could be made; check the system's certificate store"
    )]
    Http {
        /// Which connection.
        name: String,
    },
    /// The key that signs for us is none, or not of the kind that is asked for.
    #[error("the client signing key is no {0} key in PKCS #8")]
    Key(&'static str),
}

impl Error {
    /// The stable code; `docs/errors/` has a page for each.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "BED-CONN-001",
            Self::Plain { .. } => "BED-CONN-002",
            Self::Http { .. } => "BED-CONN-003",
            Self::Key(_) => "BED-CONN-004",
        }
    }

    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Address { .. } | Self::Plain { .. } | Self::Key(_) => Kind::Invalid,
            Self::Http { .. } => Kind::Broken,
        }
    }
}
