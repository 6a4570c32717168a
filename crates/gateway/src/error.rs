//! What can go wrong between the wire and the record.

use std::net::SocketAddr;

use bedside_core::error::Kind;

/// An error of the gateway. None carries patient data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] bedside_store::Error),
    /// A listener could not start.
    #[error("can't listen on {address}: {why}; free the port or choose another in bedside.toml")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The system's words.
        why: std::io::Error,
    },
    /// A listener off loopback without a waiver.
    #[error(
        "plain MLLP on {address} is refused: patient data would cross the network unencrypted; bind it to loopback"
    )]
    PlainOffLoopback {
        /// Where.
        address: SocketAddr,
    },
    /// A file or folder could not be read.
    #[error("can't read {path}: {why}")]
    Read {
        /// Which.
        path: String,
        /// The system's words.
        why: std::io::Error,
    },
    /// The settings of a FHIR connection are wrong.
    #[error(transparent)]
    Connection(#[from] crate::connection::Error),
    /// The gateway is stopping.
    #[error("the gateway is stopping; nothing was lost, start it again")]
    Stopping,
}

impl Error {
    /// The stable code; `docs/errors/` has a page for each.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "BED-GATE-001",
            Self::Listen { .. } => "BED-GATE-002",
            Self::PlainOffLoopback { .. } => "BED-GATE-003",
            Self::Read { .. } => "BED-GATE-004",
            Self::Connection(error) => error.code(),
            Self::Stopping => "BED-GATE-005",
        }
    }

    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Listen { .. } => Kind::Broken,
            Self::PlainOffLoopback { .. } => Kind::Invalid,
            Self::Read { .. } => Kind::Invalid,
            Self::Connection(error) => error.kind(),
            Self::Stopping => Kind::Busy,
        }
    }
}
