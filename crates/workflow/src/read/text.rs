//! Durations and amounts as people write them.

use bedside_fact::quantity::Decimal;
use bedside_fact::yaml::Mark;

use super::Reader;
use crate::definition::{Amount, Needed};
use crate::vocabulary::FactKind;

/// `15 minutes`, `6 hours`, `7 days` in seconds.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (count, unit) = text.trim().split_once(' ')?;
    let count: i64 = count.parse().ok().filter(|count| *count > 0)?;
    let each = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3_600,
        "day" | "days" => 86_400,
        "week" | "weeks" => 604_800,
        _ => return None,
    };
    // A hundred years is beyond any deadline and far inside what an instant can hold.
    count
        .checked_mul(each)
        .filter(|seconds| *seconds <= 3_155_760_000)
}

impl Reader<'_> {
    pub(super) fn duration(&mut self, text: &str, at: Mark) -> Option<i64> {
        if text.contains("business") {
            self.unsupported(at, "business hours");
            return None;
        }
        let seconds = seconds(text);
        if seconds.is_none() {
            self.problem(
                at,
                "duration",
                format!("`{text}` is no length of time."),
                "Write it as `15 minutes`, `6 hours` or `7 days`.",
            );
        }
        seconds
    }

    /// An amount in the unit of a need.
    pub(super) fn amount(&mut self, text: &str, needed: &Needed, at: Mark) -> Option<Amount> {
        if needed.kind != FactKind::Quantity {
            self.problem(
                at,
                "condition",
                format!(
                    "`{}` is {} and has no amount.",
                    needed.name,
                    needed.kind.words()
                ),
                "",
            );
            return None;
        }
        let text = text.trim();
        let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
        let Some(value) = Decimal::parse(number) else {
            self.problem(
                at,
                "condition",
                format!("`{text}` is no amount."),
                "Write a number and its unit, such as `6.5 mmol/L`.",
            );
            return None;
        };
        let canonical = needed.unit.as_deref().unwrap_or("1");
        let unit = unit.trim();
        if unit.is_empty() && canonical != "1" {
            self.problem(
                at,
                "check_11",
                format!(
                    "`{text}` has no unit: `{}` is measured in {canonical}.",
                    needed.name
                ),
                format!("Write `{number} {canonical}`."),
            );
            return None;
        }
        if !unit.is_empty() && unit != canonical {
            self.problem(
                at,
                "check_11",
                format!(
                    "`{}` is measured in {canonical} here, not in {unit}.",
                    needed.name
                ),
                format!("Give the amount in {canonical}."),
            );
            return None;
        }
        Some(Amount {
            value,
            unit: canonical.to_owned(),
        })
    }
}
