//! A distinct type for each kind of id, so that mixing two up does not compile.
//!
//! Ids are case-sensitive. None of them is patient data: public ids are keyed hashes (design D4) and patients' own
//! numbers never become one of these types.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Whose data this is. A property of the source and of the principal, never of a URL (design D1).
    TenantId
);
text_id!(
    /// One EHR instance: it owns its feeds and its identifier authorities (design D2).
    SystemId
);
text_id!(
    /// One feed or one API of a system.
    SourceId
);
text_id!(
    /// A human, made of the patient records that are linked (design D11).
    PersonId
);
text_id!(
    /// The public id of a resource: keyed hash of source, type and the source's own id (design D4).
    ResourceId
);
text_id!(
    /// A local account or a machine client.
    ActorId
);

impl TenantId {
    /// The tenant that `init` makes.
    #[must_use]
    pub fn default_tenant() -> Self {
        Self::new("default")
    }
}

/// A position in a tenant's one sequence, in commit order (design D8). The first is 1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Seq(pub i64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A keyed hash of something that must be found again but not read: 16 bytes of an HMAC-SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub [u8; 16]);

impl Token {
    /// Lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(self) -> String {
        use fmt::Write as _;
        self.0
            .iter()
            .fold(String::with_capacity(32), |mut text, byte| {
                // Writing to a String can't fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}
