//! What callers do about an error: five kinds, whatever crate it comes from.

/// What a caller can do about an error. At the edges it becomes an HTTP status, an HL7 acknowledgement code, a retry or
/// an exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The input is wrong and will be wrong next time.
    Invalid,
    /// The actor may not.
    Denied,
    /// Somebody else was first, or the thing is not there; reading again helps.
    Conflict,
    /// Try again later.
    Busy,
    /// The environment or the program is broken; a person must look.
    Broken,
}

impl Kind {
    /// The exit status of a command that ends with this kind.
    #[must_use]
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::Invalid => 3,
            Self::Denied => 5,
            Self::Conflict => 1,
            Self::Busy | Self::Broken => 4,
        }
    }
}
