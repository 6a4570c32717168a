//! One spelling for each value that is compared, and nothing at all for values that are defaults or can't be right.
//!
//! A default that got through would make strangers look like one person, so each function returns `None` rather than a doubtful value.
//! See also [`crate::proposal_keys`], which puts the pieces together.

use jiff::civil::Date;

pub(crate) use crate::fold::fold as name_letters;

/// A name for comparing: folded, without titles and suffix. See [`suffix`] for the latter.
#[must_use]
pub fn name(text: &str) -> String {
    let folded = name_letters(text);
    let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    while words.len() > 1 && words.first().is_some_and(|word| TITLES.contains(word)) {
        words.remove(0);
    }
    while words.len() > 1
        && words
            .last()
            .is_some_and(|word| spelled_suffix(word).is_some() || DEGREES.contains(word))
    {
        words.pop();
    }
    words.join(" ")
}

/// Only what is never a name itself: `Hon` or `Dame` may be one.
const TITLES: &[&str] = &["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev"];
const DEGREES: &[&str] = &["md", "phd", "rn", "esq", "dds"];

/// The generation a suffix names, in one spelling: `jr`, `sr`, `2` to `5`. `None` for degrees and anything else.
#[must_use]
pub fn suffix(text: &str) -> Option<&'static str> {
    let folded = name_letters(text);
    folded.split(' ').find_map(|word| match word {
        "v" | "5th" => Some("5"),
        other => spelled_suffix(other),
    })
}

/// The generation at the end of a name, as in `Smith Jr` sent whole in the family name.
pub(crate) fn trailing_suffix(text: &str) -> Option<&'static str> {
    let folded = name_letters(text);
    let (_, last) = folded.rsplit_once(' ')?;
    spelled_suffix(last)
}

/// "V" is left out: at the end of a name it is more often an initial.
fn spelled_suffix(word: &str) -> Option<&'static str> {
    match word {
        "jr" | "jnr" | "junior" => Some("jr"),
        "sr" | "snr" | "senior" => Some("sr"),
        "ii" | "2nd" => Some("2"),
        "iii" | "3rd" => Some("3"),
        "iv" | "4th" => Some("4"),
        _ => None,
    }
}

/// Whether a given name stands for "not named yet" or "not known": `Baby Girl`, `BB`, `Boy A`, `Unknown`.
#[must_use]
pub fn stand_in_given(text: &str) -> bool {
    let folded = name_letters(text);
    let mut words = folded.split(' ').filter(|word| !word.is_empty()).peekable();
    if words.peek().is_none() {
        return true;
    }
    words.any(|word| {
        STAND_INS.contains(&word)
            // "BoyA", "twin2", "BabyB": a stand-in with the child's letter or number attached.
            || word.char_indices().next_back().is_some_and(|(at, last)| {
                word.split_at_checked(at).is_some_and(|(stem, _)| {
                    NUMBERED.contains(&stem) && (last.is_ascii_digit() || matches!(last, 'a'..='c'))
                })
            })
    })
}

const STAND_INS: &[&str] = &[
    "baby",
    "babyboy",
    "babygirl",
    "bb",
    "bg",
    "bby",
    "boy",
    "girl",
    "newborn",
    "nb",
    "infant",
    "inf",
    "neonate",
    "twin",
    "triplet",
    "male",
    "female",
    "unknown",
    "unk",
    "unidentified",
    "fnu",
    "nfn",
    "none",
    "null",
    "anonymous",
    "patient",
    "stillborn",
    "fetus",
];
const NUMBERED: &[&str] = &[
    "baby", "babyboy", "babygirl", "bb", "bg", "boy", "girl", "newborn", "nb", "infant", "twin",
    "triplet",
];

/// Whether a family name stands for "not known".
#[must_use]
pub fn stand_in_family(text: &str) -> bool {
    let folded = name_letters(text);
    folded.is_empty()
        || folded.split(' ').any(|word| {
            matches!(
                word,
                "unknown" | "unk" | "unidentified" | "lnu" | "nln" | "none" | "null" | "anonymous"
            )
        })
}

/// The digits of a telephone number: extension and the North American country code gone. `None` for fewer than seven digits and for
/// numbers people type when they have none.
#[must_use]
pub fn phone(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    let lower = lower.strip_prefix("tel:").unwrap_or(&lower);
    let main = lower
        .split(['x', 'e', ';', ',', '#'])
        .next()
        .unwrap_or_default();
    let extra = |c: char| {
        matches!(
            c,
            '+' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '\u{2011}' | '\u{2013}'
        ) || c.is_whitespace()
    };
    if main.chars().any(|c| !c.is_ascii_digit() && !extra(c)) {
        return None;
    }
    let all: String = main.chars().filter(char::is_ascii_digit).collect();
    let all = all.strip_prefix("00").unwrap_or(&all);
    let digits = if all.len() == 11 {
        all.strip_prefix('1').unwrap_or(all)
    } else {
        all
    };
    if !(7..=15).contains(&digits.len()) {
        return None;
    }
    let local = digits
        .len()
        .checked_sub(7)
        .and_then(|at| digits.get(at..))
        .unwrap_or(digits);
    let default = all_same(local)
        || local == "5551212"
        || "01234567890123456789".contains(digits)
        || "98765432109876543210".contains(digits)
        || (digits.len() == 10 && digits.starts_with("000"));
    if default {
        None
    } else {
        Some(digits.to_owned())
    }
}

/// The nine digits of a US social security number. `None` for numbers never assigned (area 000, 666 or 9xx, group 00, serial 0000)
/// and for the ones known from advertisements and forms.
#[must_use]
pub fn ssn(text: &str) -> Option<String> {
    if text
        .chars()
        .any(|c| !c.is_ascii_digit() && c != '-' && !c.is_whitespace())
    {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() != 9 {
        return None;
    }
    let (area, rest) = digits.split_at_checked(3)?;
    let (group, serial) = rest.split_at_checked(2)?;
    let never = area == "000"
        || area == "666"
        || area.starts_with('9')
        || group == "00"
        || serial == "0000";
    let known = [
        "123456789",
        "012345678",
        "078051120",
        "219099999",
        "457555462",
        "123121234",
    ]
    .contains(&digits.as_str());
    if never || known || all_same(&digits) {
        None
    } else {
        Some(digits)
    }
}

/// A street line in postal abbreviations (USPS Publication 28, appendix C) with the first five digits of the ZIP code, or another
/// country's code as it is. `None` without a house or box number, and for "unknown", "homeless" and the like.
#[must_use]
pub fn street(line: &str, postal: Option<&str>) -> Option<String> {
    // The number sign parts a unit from its street; folding would lose it.
    let folded = name_letters(&line.replace('#', " unit "));
    let mut words: Vec<&str> = folded
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(abbreviate)
        .collect();
    // "apt unit 4" was "apt # 4".
    words.dedup_by(|next, last| *next == "unit" && *last == "unit");
    let has_number = words
        .iter()
        .any(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let has_name = words
        .iter()
        .any(|word| word.chars().any(char::is_alphabetic));
    let default = words.iter().any(|word| {
        matches!(
            *word,
            "unknown" | "homeless" | "undomiciled" | "none" | "na"
        )
    }) || words
        .windows(2)
        .any(|pair| matches!(pair, ["general", "delivery"]));
    let zeros = words
        .first()
        .is_some_and(|word| word.chars().all(|c| c == '0'));
    if !has_number || !has_name || default || zeros {
        return None;
    }
    Some(format!(
        "{}|{}",
        words.join(" "),
        postal.map(postal_code).unwrap_or_default()
    ))
}

fn postal_code(text: &str) -> String {
    let code: String = text
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    match code.get(..5) {
        Some(zip) if code.len() == 9 && code.bytes().all(|b| b.is_ascii_digit()) => zip.to_owned(),
        Some(_) | None => code,
    }
}

fn abbreviate(word: &str) -> &str {
    match word {
        "street" | "str" | "strt" => "st",
        "avenue" | "av" | "aven" | "avn" => "ave",
        "road" => "rd",
        "drive" | "drv" => "dr",
        "lane" => "ln",
        "court" | "crt" => "ct",
        "boulevard" | "boul" | "blv" => "blvd",
        "place" => "pl",
        "square" => "sq",
        "terrace" | "terr" => "ter",
        "parkway" | "pkway" | "pky" => "pkwy",
        "highway" | "hiway" | "hway" => "hwy",
        "circle" | "circ" | "crcle" => "cir",
        "trail" | "trails" => "trl",
        "crescent" | "cresent" => "cres",
        "heights" | "hts" => "hts",
        "turnpike" => "tpke",
        "expressway" => "expy",
        "alley" => "aly",
        "plaza" => "plz",
        "point" => "pt",
        "ridge" => "rdg",
        "route" => "rte",
        "mount" => "mt",
        "saint" => "st",
        "fort" => "ft",
        "north" => "n",
        "south" => "s",
        "east" => "e",
        "west" => "w",
        "northeast" => "ne",
        "northwest" => "nw",
        "southeast" => "se",
        "southwest" => "sw",
        "apartment" | "apt" | "apmt" | "suite" | "ste" | "room" | "rm" | "flat" | "no" => "unit",
        "building" => "bldg",
        "floor" => "fl",
        "first" => "1st",
        "second" => "2nd",
        "third" => "3rd",
        "fourth" => "4th",
        "fifth" => "5th",
        "sixth" => "6th",
        "seventh" => "7th",
        "eighth" => "8th",
        "ninth" => "9th",
        "tenth" => "10th",
        other => other,
    }
}

/// A full birth date, `YYYY-MM-DD`. `None` for parts of a date, days that don't exist, and dates that systems fill in by themselves.
#[must_use]
pub fn birth_date(text: &str) -> Option<String> {
    let date = full_date(text.trim())?;
    let default = matches!(
        text.trim(),
        "1900-01-01" | "1901-01-01" | "1899-12-30" | "1899-12-31" | "1911-11-11" | "9999-12-31"
    );
    // Nobody born before this is alive, and 1753-01-01 and 0001-01-01 are database defaults.
    if default || date.year() < 1850 || date.year() > 2200 {
        None
    } else {
        Some(date.to_string())
    }
}

/// Reads `YYYY-MM-DD` and no other spelling that the date library would take.
pub(crate) fn full_date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| {
            if at == 4 || at == 7 {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        });
    if shape { text.parse().ok() } else { None }
}

fn all_same(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| chars.all(|c| c == first))
}

#[cfg(test)]
#[path = "normalise_tests.rs"]
mod tests;
