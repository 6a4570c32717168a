//! The NM data type (HL7 v2 §2A.47) as it is sent, turned into a JSON number without losing a digit.

/// What a numeric field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// `<`, `<=`, `>=` or `>` before the number, which NM does not allow and laboratories send.
    pub comparator: Option<&'static str>,
    /// The number as valid JSON; `None` when the text is no number and has to stay a text.
    pub json: Option<String>,
}

/// Reads a numeric field. Leading zeros and `+` go, `.5` becomes `0.5`, thousands' commas go when they stand where they
/// belong; digits after the point stay all, because they tell the precision of the measurement.
pub fn parse(text: &str) -> Number {
    let text = text.trim();
    let comparators = [
        ("<=", "<="),
        (">=", ">="),
        ("=<", "<="),
        ("=>", ">="),
        ("<", "<"),
        (">", ">"),
    ];
    let found = comparators
        .iter()
        .find_map(|(sent, name)| text.strip_prefix(sent).map(|rest| (*name, rest)));
    match found {
        Some((name, rest)) => {
            let json = plain(rest.trim_start());
            Number {
                comparator: json.is_some().then_some(name),
                json,
            }
        }
        None => Number {
            comparator: None,
            json: plain(text),
        },
    }
}

fn plain(text: &str) -> Option<String> {
    let (sign, unsigned) = match text.split_at_checked(1) {
        Some(("-", rest)) => ("-", rest),
        Some(("+", rest)) => ("", rest),
        _ => ("", text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, Some(unsigned.get(at + 1..)?)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let whole = without_thousands(whole)?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = fraction.filter(|fraction| !fraction.is_empty());
    if !digits(&whole) || !fraction.is_none_or(digits) || (whole.is_empty() && fraction.is_none()) {
        return None;
    }
    let mut json = sign.to_owned();
    let significant = whole.trim_start_matches('0');
    json.push_str(if significant.is_empty() {
        "0"
    } else {
        significant
    });
    if let Some(fraction) = fraction {
        json.push('.');
        json.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if unsigned.is_empty() || !digits(unsigned) {
            return None;
        }
        json.push('e');
        json.push_str(exponent);
    }
    Some(json)
}

/// `1,234,567` but not `1,5`: a comma that is no thousands' separator could be a decimal one, and guessing would change the
/// value a thousandfold.
fn without_thousands(whole: &str) -> Option<String> {
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    if rest.is_empty() {
        return Some(first.to_owned());
    }
    let fits =
        (1..=3).contains(&first.len()) && first != "0" && rest.iter().all(|group| group.len() == 3);
    fits.then(|| format!("{first}{}", rest.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, comparator: Option<&str>, json: Option<&str>) {
        let number = parse(text);
        assert_eq!(
            (number.comparator, number.json.as_deref()),
            (comparator, json),
            "{text}"
        );
    }

    #[test]
    fn numbers_become_json_with_all_their_digits() {
        check("7", None, Some("7"));
        check("007.50", None, Some("7.50"));
        check("+3", None, Some("3"));
        check(".5", None, Some("0.5"));
        check("-.5", None, Some("-0.5"));
        check("5.", None, Some("5"));
        check("0", None, Some("0"));
        check("000", None, Some("0"));
        check("1,234.5", None, Some("1234.5"));
        check("12,345,678", None, Some("12345678"));
        check("1.20E+3", None, Some("1.20e+3"));
        check(
            " 12345678901234567890.123456789 ",
            None,
            Some("12345678901234567890.123456789"),
        );
    }

    #[test]
    fn comparators_are_told_from_the_number() {
        check(">100", Some(">"), Some("100"));
        check("<= 0.5", Some("<="), Some("0.5"));
        check("=>2", Some(">="), Some("2"));
    }

    #[test]
    fn anything_else_stays_a_text() {
        for text in [
            "", "see note", "1,5", "0,123", "1,23,456", "1.2.3", "--1", ".", "-", "1e", ">",
            "> high", "10^9", "١٢",
        ] {
            check(text, None, None);
        }
    }
}
