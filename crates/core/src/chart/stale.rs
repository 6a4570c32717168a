//! How old a value may be before it is shown as old.
//!
//! These are thresholds for reading a page, wide enough for a ward. A workflow states its own maximum age for each fact that it uses.

use bedside_fact::clock::Timestamp;

use super::section::Kind;

/// The largest age in hours at which a value of this kind still counts as current; none where age does not make it doubtful.
pub(super) const fn max_age_hours(kind: Kind) -> Option<i64> {
    match kind {
        // Three days: what was drawn before the weekend is not today's potassium.
        Kind::Labs => Some(72),
        // Vital signs are taken each shift; a day without any is a gap.
        Kind::Vitals => Some(24),
        // Counted from the last word of the source about this patient, not from the order: an order stands until it is stopped.
        Kind::Medications => Some(24),
        // An allergy or a diagnosis holds until it is taken back, and an encounter until it ends.
        Kind::Allergies | Kind::Problems | Kind::Encounters => None,
    }
}

/// The largest age in hours at which "we asked and there was nothing" still counts.
pub(super) const MAX_AGE_OF_NONE_HOURS: i64 = 24;

/// Whether something of `then` is older than so many hours.
pub(super) fn is_older(then: Timestamp, now: Timestamp, hours: i64) -> bool {
    now.as_second() - then.as_second() > hours * 3_600
}
