//! What a command ends with when it can't do its work: a sentence and an exit status.

use bedside_core::error::Kind;

/// Why a command stopped.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) status: u8,
    pub(crate) message: String,
}

impl Fault {
    /// Ran and found something wrong: exit status 1.
    pub(crate) fn found(message: impl Into<String>) -> Self {
        Self {
            status: 1,
            message: message.into(),
        }
    }

    /// Bad input or configuration: exit status 3.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self {
            status: 3,
            message: message.into(),
        }
    }

    /// Environment: exit status 4.
    pub(crate) fn environment(message: impl Into<String>) -> Self {
        Self {
            status: 4,
            message: message.into(),
        }
    }

    /// Refused: exit status 5.
    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self {
            status: 5,
            message: message.into(),
        }
    }

    fn of(kind: Kind, code: &str, message: &str) -> Self {
        Self {
            status: kind.exit_status(),
            message: format!("{message} [{code}]"),
        }
    }
}

impl From<bedside_store::Error> for Fault {
    fn from(error: bedside_store::Error) -> Self {
        Self::of(error.kind(), error.code(), &error.to_string())
    }
}

impl From<bedside_gateway::Error> for Fault {
    fn from(error: bedside_gateway::Error) -> Self {
        Self::of(error.kind(), error.code(), &error.to_string())
    }
}
