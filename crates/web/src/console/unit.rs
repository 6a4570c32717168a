//! Units as people write them. Sources send UCUM codes (`mm[Hg]`, `Cel`, `10*3/uL`), which are made for machines. What is stored and what
//! `/fhir` gives out stays as it was sent.

/// UCUM case-sensitive codes and their usual way of writing. A unit that is not here is shown as it was sent.
const USUAL: [(&str, &str); 26] = [
    ("%{Saturation}", "%"),
    ("10*12/L", "×10¹²/L"),
    ("10*3/uL", "×10³/µL"),
    ("10*6/uL", "×10⁶/µL"),
    ("10*9/L", "×10⁹/L"),
    ("Cel", "°C"),
    ("[degF]", "°F"),
    ("[in_i]", "in"),
    ("[lb_av]", "lb"),
    ("cm[H2O]", "cmH₂O"),
    ("kg/m2", "kg/m²"),
    ("mL/min/{1.73_m2}", "mL/min/1.73 m²"),
    ("mm[Hg]", "mmHg"),
    ("mosm/kg", "mOsm/kg"),
    ("u[IU]/mL", "µIU/mL"),
    ("m[IU]/L", "mIU/L"),
    ("[IU]/L", "IU/L"),
    ("ug", "µg"),
    ("ug/L", "µg/L"),
    ("ug/dL", "µg/dL"),
    ("ug/mL", "µg/mL"),
    ("umol/L", "µmol/L"),
    ("{INR}", "(INR)"),
    ("{ratio}", "(ratio)"),
    ("{score}", "(score)"),
    ("1", ""),
];

/// A unit.
pub(crate) fn words(unit: &str) -> &str {
    USUAL
        .iter()
        .find(|(code, _)| *code == unit)
        .map_or(unit, |(_, usual)| usual)
}

/// A sentence in which a unit follows its number: `Body temperature 36.7 Cel`.
pub(crate) fn in_text(text: &str) -> String {
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let mut before = "";
    let mut parts = Vec::new();
    for word in text.split(' ') {
        // Only behind a number: `1` and `ug` may be part of a name elsewhere. What closes a sentence stays.
        let (unit, rest) = match word.find([',', ';', ')']) {
            Some(end) if is_number(before) => word.split_at(end),
            Some(_) | None => (word, ""),
        };
        let said = words(unit);
        if is_number(before) && !said.is_empty() {
            parts.push(format!("{said}{rest}"));
        } else {
            parts.push(word.to_owned());
        }
        before = word;
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_written_as_people_do_and_an_unknown_one_stays_as_it_was_sent() {
        assert_eq!(words("mm[Hg]"), "mmHg");
        assert_eq!(words("mmol/L"), "mmol/L");
        assert_eq!(words("furlong"), "furlong");
    }

    #[test]
    fn in_a_sentence_only_what_follows_a_number_is_a_unit() {
        assert_eq!(
            in_text("Body temperature 36.7 Cel"),
            "Body temperature 36.7 °C"
        );
        assert_eq!(
            in_text("Blood pressure 117 mm[Hg], 24 10*3/uL"),
            "Blood pressure 117 mmHg, 24 ×10³/µL"
        );
        assert_eq!(in_text("85/61 mm[Hg]"), "85/61 mmHg");
        assert_eq!(in_text("Cel therapy 2 ug"), "Cel therapy 2 µg");
        assert_eq!(
            in_text("3.5-5.1 mmol/L (up 2.3 in 6 h)"),
            "3.5-5.1 mmol/L (up 2.3 in 6 h)"
        );
        assert_eq!(in_text("1 1 1"), "1 1 1");
        assert_eq!(in_text(""), "");
    }
}
