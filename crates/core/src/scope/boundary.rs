//! What no scope can leave out: whatever tells that something known before no longer holds, and the allergies of the banner.
//!
//! A list that is not told of a merge, a cancellation, a correction, a withdrawal or a death stays on screen and is wrong. A project may
//! do less; it may not do that.

/// The clinical events that a scope can speak of.
pub const EVENTS: [&str; 12] = [
    "lab result finalised",
    "lab result corrected",
    "lab result withdrawn",
    "order placed",
    "order cancelled",
    "visit cancelled",
    "patient admitted",
    "patient transferred",
    "patient discharged",
    "patient died",
    "patients merged",
    "patient merge undone",
];

/// Those of them that can't be left out.
pub const NEVER_OUT: [&str; 7] = [
    "lab result corrected",
    "lab result withdrawn",
    "order cancelled",
    "visit cancelled",
    "patient died",
    "patients merged",
    "patient merge undone",
];

/// The facts that can't be left out.
pub(super) const FACTS_NEVER_OUT: [&str; 1] = ["allergies"];

/// Beginnings of words that speak of one of them, with what they speak of.
const SIGNS: [(&str, &str); 14] = [
    ("merge", "merges"),
    ("merging", "merges"),
    ("unmerge", "merges"),
    ("cancel", "cancellations"),
    ("correction", "corrections"),
    ("corrected", "corrections"),
    ("amended", "corrections"),
    ("withdraw", "withdrawals"),
    ("entered-in-error", "withdrawals"),
    ("death", "deaths"),
    ("died", "deaths"),
    ("deceased", "deaths"),
    ("allerg", "allergies"),
    ("a40", "merges"),
];

/// What words in free text speak of that can't be left out.
pub(super) fn speaks_of(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '.' | '/' | '(' | ')'))
        .find_map(|word| {
            SIGNS
                .iter()
                .find(|(sign, _)| word.starts_with(sign))
                .map(|(_, of)| *of)
        })
}
