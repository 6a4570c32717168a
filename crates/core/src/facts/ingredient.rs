//! Whether two entries of medication lists are the same medicine, and whether two sources contradict each other on it.
//!
//! Sources code a medicine at different depths: one names the ingredient, another the tablet. So the name counts too, up to its strength
//! and form. This finds contradictions to show to a person; it never decides what somebody takes.

use bedside_fact::clock::Timestamp;
use bedside_fact::known::Code;

/// Words that say in what form a medicine comes, not which one it is.
const FORMS: [&str; 22] = [
    "tablet",
    "tablets",
    "tab",
    "tabs",
    "capsule",
    "capsules",
    "cap",
    "caps",
    "oral",
    "solution",
    "suspension",
    "injection",
    "injectable",
    "inhaler",
    "cream",
    "patch",
    "mg",
    "mcg",
    "ml",
    "er",
    "xr",
    "sr",
];

/// What one source says of one medicine.
pub(crate) struct Stance<'a> {
    /// Source.
    pub(crate) source: &'a str,
    /// What it is coded as.
    pub(crate) codes: &'a [Code],
    /// What it is called.
    pub(crate) label: &'a str,
    /// When the order was written, or, of one that was stopped, when the source knew that.
    pub(crate) at: Option<Timestamp>,
}

/// Whether one source's stop speaks against another source's active entry.
pub(crate) fn contradicts(stopped: &Stance<'_>, active: &Stance<'_>) -> bool {
    let began_later = matches!((stopped.at, active.at), (Some(stop), Some(start)) if start > stop);
    stopped.source != active.source && is_same(stopped, active) && !began_later
}

/// Whether both are one medicine.
pub(crate) fn is_same(a: &Stance<'_>, b: &Stance<'_>) -> bool {
    let coded = a
        .codes
        .iter()
        .any(|code| !code.system.is_empty() && b.codes.contains(code));
    let (ours, theirs) = (name(a.label), name(b.label));
    coded || (!ours.is_empty() && ours == theirs)
}

/// The name without strength and form: `Lisinopril 10 MG Oral Tablet` is `lisinopril`.
fn name(label: &str) -> String {
    let words: Vec<String> = label
        .to_lowercase()
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .take_while(|word| {
            !word.starts_with(|c: char| c.is_ascii_digit()) && !FORMS.contains(&word.as_str())
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_medicine_is_known_by_its_name_without_strength_and_form() {
        assert_eq!(name("Lisinopril 10 MG Oral Tablet"), "lisinopril");
        assert_eq!(name("potassium chloride ER 20 mEq"), "potassium chloride");
        assert_eq!(name("Spironolactone tablet 25 mg"), "spironolactone");
        assert_eq!(name("10 mg"), "");
    }
}
