//! What a list of problems or medications says as a whole: entries against statements that there are none.

use super::absence::Absence;
use super::allergies::Statement;
use super::section::{Found, Kind, Verdict, empty, of_items};
use super::seen::Moment;
use super::view::Item;
use crate::record::PersonRecord;
use bedside_fact::known::Gap;

/// The verdict on the entries that `is_active` lets count, and on what was stated to be absent.
pub(super) fn verdict(
    kind: Kind,
    found: &Found,
    statements: &[Statement],
    is_active: fn(&str) -> bool,
    record: &PersonRecord,
    moment: &Moment<'_>,
) -> Verdict {
    let active = |item: &&Item| is_active(&item.status);
    let listed = of_items(kind, found.items.iter().filter(active));
    let none = Absence::All.words(kind);
    let stated = statements
        .iter()
        .filter(|one| one.absence == Absence::All)
        .max_by_key(|one| one.at);
    match (listed, stated) {
        (Some(listed), Some(stated)) => Verdict::conflict(format!(
            "{}, but also {none}, {}",
            listed.why, stated.stated
        )),
        (Some(listed), None) => listed,
        (None, Some(stated)) => {
            Verdict::none(Gap::StatedNone, format!("{none}, {}", stated.stated))
        }
        (None, None) => match statements.first() {
            Some(stated) => Verdict::unknown(
                Gap::NoneRecorded,
                format!("not known: no information, {}", stated.stated),
            ),
            None if !found.items.is_empty() => Verdict::unknown(
                Gap::NoneRecorded,
                format!(
                    "no active {} recorded, which is not the same as none; {} no longer active",
                    kind.noun().trim_end_matches('s'),
                    found.items.len()
                ),
            ),
            None => empty(kind, record, moment),
        },
    }
}
