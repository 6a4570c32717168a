//! Which EHR is played.

/// A simulated vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vendor {
    /// Epic.
    Epic,
    /// Oracle Health (Cerner Millennium).
    Oracle,
    /// athenahealth (athenaOne).
    Athena,
}

impl Vendor {
    /// All of them, in order of name.
    pub const ALL: [Self; 3] = [Self::Epic, Self::Oracle, Self::Athena];

    /// The word on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Epic => "epic",
            Self::Oracle => "oracle",
            Self::Athena => "athena",
        }
    }

    /// The vendor of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.as_str() == word)
    }
}
