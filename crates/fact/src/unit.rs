//! Units of measure, as far as the facts of a site are measured in them: spellings to UCUM, and one unit to another.
//!
//! Arithmetic is exact in decimals; only a quotient that never ends is rounded, at twelve digits. What can't be read yields `None`, which
//! the caller turns into *unknown*: a number whose unit is a guess is worse than no number. Nothing here knows which analyte it
//! converts; between mass and amount of substance it needs an [`Analyte`]. Which facts there are stands in `core::facts`.

mod ratio;
mod table;

use self::ratio::Ratio;
use self::table::{Dimension, find};
use crate::quantity::Decimal;

/// What of an analyte is needed to convert its mass or its charge into an amount of substance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analyte {
    /// Grams in a mole.
    pub molar_mass: Option<Decimal>,
    /// Charges of an ion: 1 for potassium, 2 for calcium.
    pub valence: Option<u32>,
}

/// The UCUM code of a unit as somebody wrote it; `None` when it can't be read.
#[must_use]
pub fn canonical(text: &str) -> Option<&'static str> {
    find(text).map(|unit| unit.ucum)
}

/// Whether both texts name the same unit.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a == b || canonical(a).is_some_and(|code| canonical(b) == Some(code))
}

/// A number in `from` as a number in `to`; the digits stay as sent when it is the same unit.
///
/// `None` when a unit can't be read, when the two measure different things, or when the analyte that would join them is not known.
#[must_use]
pub fn convert(
    value: &Decimal,
    from: &str,
    to: &str,
    analyte: Option<&Analyte>,
) -> Option<Decimal> {
    let (from, to) = (find(from)?, find(to)?);
    if from.ucum == to.ucum {
        return Some(value.clone());
    }
    let value = Ratio::of(value)?;
    if (from.dimension, to.dimension) == (Dimension::Temperature, Dimension::Temperature) {
        return temperature(&value, from.ucum, to.ucum)?.decimal();
    }
    let base = value.times(from.size)?;
    let joined = if from.dimension == to.dimension {
        base
    } else {
        across(base, from.dimension, to.dimension, analyte?)?
    };
    joined.times((to.size.1, to.size.0))?.decimal()
}

/// From the base unit of one dimension to that of another.
fn across(value: Ratio, from: Dimension, to: Dimension, analyte: &Analyte) -> Option<Ratio> {
    let in_substance = match from {
        Dimension::Substance => value,
        Dimension::Charge => value.times((1, charges(analyte)?))?,
        Dimension::MassConcentration => value.over(&mole(analyte)?)?,
        Dimension::Number
        | Dimension::Rate
        | Dimension::Pressure
        | Dimension::Mass
        | Dimension::Length
        | Dimension::Temperature
        | Dimension::Cells
        | Dimension::Activity
        | Dimension::Time
        | Dimension::Volume
        | Dimension::Flow
        | Dimension::Filtration => return None,
    };
    match to {
        Dimension::Substance => Some(in_substance),
        Dimension::Charge => in_substance.times((charges(analyte)?, 1)),
        Dimension::MassConcentration => {
            let mole = mole(analyte)?;
            in_substance.times((mole.top, mole.bottom))
        }
        Dimension::Number
        | Dimension::Rate
        | Dimension::Pressure
        | Dimension::Mass
        | Dimension::Length
        | Dimension::Temperature
        | Dimension::Cells
        | Dimension::Activity
        | Dimension::Time
        | Dimension::Volume
        | Dimension::Flow
        | Dimension::Filtration => None,
    }
}

fn charges(analyte: &Analyte) -> Option<i128> {
    analyte.valence.filter(|count| *count > 0).map(i128::from)
}

/// A mole in grams, which is a millimole in milligrams.
fn mole(analyte: &Analyte) -> Option<Ratio> {
    Ratio::of(analyte.molar_mass.as_ref()?).filter(|mass| mass.top > 0)
}

/// Degrees are not proportional: each scale begins elsewhere.
fn temperature(value: &Ratio, from: &str, to: &str) -> Option<Ratio> {
    // In Celsius: [degF] is (F - 32) × 5/9, K is K - 273.15.
    let celsius = match from {
        "[degF]" => value.plus(-32, 1)?.times((5, 9))?,
        "K" => value.plus(-27_315, 100)?,
        _ => value.clone(),
    };
    match to {
        "[degF]" => celsius.times((9, 5))?.plus(32, 1),
        "K" => celsius.plus(27_315, 100),
        _ => Some(celsius),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::table::{UNITS, fold};
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    fn potassium() -> Analyte {
        Analyte {
            molar_mass: Some(decimal("39.0983")),
            valence: Some(1),
        }
    }

    fn creatinine() -> Analyte {
        Analyte {
            molar_mass: Some(decimal("113.12")),
            valence: None,
        }
    }

    #[track_caller]
    fn check(value: &str, from: &str, to: &str, analyte: Option<&Analyte>, expected: Option<&str>) {
        let found = convert(&decimal(value), from, to, analyte);
        assert_eq!(
            found.as_ref().map(Decimal::as_str),
            expected,
            "{value} {from} in {to}"
        );
    }

    #[test]
    fn p06_a_unit_that_cannot_be_read_gives_no_number() {
        for unit in [
            "",
            "mmol",
            "mmol/kg",
            "?",
            "mmol/L!",
            "mol",
            "units",
            "Mmol / dL",
            "--",
        ] {
            check("5.1", unit, "mmol/L", Some(&potassium()), None);
            check("5.1", "mmol/L", unit, Some(&potassium()), None);
        }
    }

    #[test]
    fn p06_what_measures_something_else_is_not_converted() {
        check("5.1", "mg/dL", "mmol/L", None, None);
        check("5.1", "meq/L", "mmol/L", None, None);
        check("5.1", "meq/L", "mmol/L", Some(&creatinine()), None);
        check("5.1", "%", "mmol/L", Some(&potassium()), None);
        check("5.1", "kg", "cm", Some(&potassium()), None);
        check("37", "Cel", "/min", None, None);
        let nothing = Analyte {
            molar_mass: Some(decimal("0")),
            valence: Some(0),
        };
        check("5.1", "mg/dL", "mmol/L", Some(&nothing), None);
        check("5.1", "meq/L", "mmol/L", Some(&nothing), None);
    }

    #[test]
    fn digits_stay_as_sent_in_the_same_unit_however_it_is_written() {
        check("5.10", "mmol/L", "mmol/L", None, Some("5.10"));
        check("5.10", "MMOL/L", "mmol/L", None, Some("5.10"));
        check("120", "mmHg", "mm[Hg]", None, Some("120"));
        check("120", "mm Hg", "mm[Hg]", None, Some("120"));
        check("72", "BPM", "/min", None, Some("72"));
        check("37.0", "°C", "Cel", None, Some("37.0"));
        check("88", "µmol/L", "umol/L", None, Some("88"));
        check("88", "μmol/l", "umol/L", None, Some("88"));
        check("8", "mcg/L", "ug/L", None, Some("8"));
        check("2.4", "{INR}", "1", None, Some("2.4"));
    }

    #[test]
    fn a_milliequivalent_of_potassium_is_a_millimole() {
        check("6.7", "mEq/L", "mmol/L", Some(&potassium()), Some("6.7"));
        let calcium = Analyte {
            molar_mass: None,
            valence: Some(2),
        };
        check("5", "meq/l", "mmol/L", Some(&calcium), Some("2.5"));
    }

    #[test]
    fn mass_becomes_substance_by_the_molar_mass() {
        check(
            "2.1",
            "mg/dL",
            "umol/L",
            Some(&creatinine()),
            Some("185.643564356"),
        );
        check(
            "113.12",
            "umol/L",
            "mg/dL",
            Some(&creatinine()),
            Some("1.27961344"),
        );
        check("14", "g/dL", "g/L", None, Some("140"));
        check("140", "g/L", "g/dL", None, Some("14"));
        check("98", "%", "1", None, Some("0.98"));
    }

    #[test]
    fn temperatures_and_weights() {
        check("98.6", "[degF]", "Cel", None, Some("37"));
        check("-40", "degF", "Cel", None, Some("-40"));
        check("310.15", "K", "Cel", None, Some("37"));
        check("37", "Cel", "[degF]", None, Some("98.6"));
        check("150", "lb", "kg", None, Some("68.0388555"));
        check("70", "in", "cm", None, Some("177.8"));
    }

    #[test]
    fn a_number_that_is_too_long_to_be_kept_exact_is_refused_rather_than_bent() {
        let long = "9".repeat(60);
        check(&long, "g/dL", "g/L", None, None);
        check("1e60", "g/dL", "g/L", None, None);
    }

    #[test]
    fn no_spelling_means_two_units() {
        let mut seen = std::collections::HashSet::new();
        for unit in UNITS {
            for spelling in unit.spellings {
                assert_eq!(fold(spelling), *spelling, "{spelling} is folded");
                assert!(seen.insert(*spelling), "{spelling} stands twice");
            }
            assert_eq!(canonical(unit.ucum), Some(unit.ucum));
        }
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same_within_the_last_digit(n in -1_000_000i64..1_000_000, a in 0..UNITS.len(), b in 0..UNITS.len()) {
            let (a, b) = (&UNITS[a], &UNITS[b]);
            let analyte = potassium();
            let value = decimal(&format!("{}{}.{:03}", if n < 0 { "-" } else { "" }, n.abs() / 1000, n.abs() % 1000));
            let there = convert(&value, a.ucum, b.ucum, Some(&analyte));
            let possible = convert(&decimal("1"), a.ucum, b.ucum, Some(&analyte)).is_some();
            prop_assert_eq!(there.is_some(), possible);
            if let Some(there) = there {
                let back = convert(&there, b.ucum, a.ucum, Some(&analyte)).unwrap().approximate();
                let (value, size) = (value.approximate(), value.approximate().abs().max(1.0));
                prop_assert!((back - value).abs() <= size * 1e-8, "{} {} is {} {}", value, a.ucum, back, b.ucum);
            }
        }

        #[test]
        fn order_is_kept(x in 1i64..100_000, y in 1i64..100_000, a in 0..UNITS.len(), b in 0..UNITS.len()) {
            let (a, b) = (&UNITS[a], &UNITS[b]);
            let analyte = potassium();
            let (x, y) = (decimal(&x.to_string()), decimal(&y.to_string()));
            if let (Some(cx), Some(cy)) = (convert(&x, a.ucum, b.ucum, Some(&analyte)), convert(&y, a.ucum, b.ucum, Some(&analyte))) {
                prop_assert_eq!(cx.compare(&cy), x.compare(&y));
            }
        }

        #[test]
        fn no_text_makes_it_stop(text in ".{0,12}", n in -1_000i64..1_000) {
            let _ = convert(&decimal(&n.to_string()), &text, "mmol/L", Some(&potassium()));
            let _ = canonical(&text);
        }
    }
}
