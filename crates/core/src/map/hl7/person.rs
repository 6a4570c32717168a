//! Names, addresses, telephone numbers and staff: XPN, XAD, XTN, XCN (v2-to-FHIR `XPN[HumanName]`, `XAD[Address]`,
//! `XTN[ContactPoint]`, `XCN[Practitioner]`).

use bedside_hl7::message::Rep;
use serde_json::Value;

use super::identifier::system;
use super::json::{clean, list, object, text, word};
use crate::source::Source;

/// XPN as a `HumanName`.
pub(super) fn human_name(rep: &Rep<'_>) -> Option<Value> {
    let part = |n: usize| text(rep.component(n).text());
    let many = |numbers: [usize; 2]| list(numbers.into_iter().filter_map(part).collect());
    let name = object([
        ("family", part(1)),
        ("given", many([2, 3])),
        ("prefix", list(part(5).into_iter().collect())),
        ("suffix", many([4, 6])),
    ])?;
    let kind = rep.component(7).text().unwrap_or_default();
    let Value::Object(mut name) = name else {
        return None;
    };
    if let Some(use_word) = name_use(kind.trim()) {
        name.shift_insert(0, String::from("use"), Value::from(use_word));
    }
    Some(Value::Object(name))
}

/// XAD as an Address.
pub(super) fn address(rep: &Rep<'_>) -> Option<Value> {
    let part = |n: usize| text(rep.component(n).text());
    let lines = list([1, 2].into_iter().filter_map(part).collect());
    let body = object([
        ("line", lines),
        ("city", part(3)),
        ("district", part(9)),
        ("state", part(4)),
        ("postalCode", part(5)),
        ("country", part(6)),
    ])?;
    let Value::Object(mut body) = body else {
        return None;
    };
    let (use_word, kind) = match rep.component(7).text().unwrap_or_default().trim() {
        "BA" => (Some("old"), None),
        "BI" => (Some("billing"), None),
        "C" => (Some("temp"), None),
        "B" | "O" => (Some("work"), None),
        "H" => (Some("home"), None),
        "M" | "SH" => (None, Some("postal")),
        _ => (None, None),
    };
    if let Some(kind) = kind {
        body.shift_insert(0, String::from("type"), Value::from(kind));
    }
    if let Some(use_word) = use_word {
        body.shift_insert(0, String::from("use"), Value::from(use_word));
    }
    Some(Value::Object(body))
}

/// XTN as a `ContactPoint`. `home` or `work` is the meaning of the field, which the use code refines.
pub(super) fn contact(rep: &Rep<'_>, work: bool) -> Option<Value> {
    let part = |n: usize| rep.component(n).text().and_then(clean);
    let equipment = part(3).unwrap_or_default().to_uppercase();
    let use_code = part(2).unwrap_or_default().to_uppercase();
    let email =
        part(4).filter(|_| matches!(equipment.as_str(), "INTERNET" | "X.400") || use_code == "NET");
    let system = match equipment.as_str() {
        "INTERNET" | "X.400" => "email",
        "FX" => "fax",
        "BP" => "pager",
        "MD" | "SAT" | "TDD" | "TTY" => "other",
        _ if use_code == "NET" => "email",
        _ if use_code == "BPN" => "pager",
        _ => "phone",
    };
    let value = email
        .or_else(|| part(12))
        .or_else(|| part(1))
        .or_else(|| assembled(rep))?;
    let use_word = if work {
        "work"
    } else if equipment == "CP" || use_code == "PRS" {
        "mobile"
    } else if use_code == "WPN" {
        // PID-13 is the home number; a number marked as the work number stays what its sender calls it.
        "work"
    } else {
        "home"
    };
    object([
        ("system", word(system)),
        ("value", text(Some(value))),
        ("use", word(use_word)),
    ])
}

/// XCN as a reference by identifier and name: staff are not patients and get no record of their own here.
pub(super) fn staff(rep: &Rep<'_>, source: &Source) -> Option<Value> {
    let part = |n: usize| rep.component(n).text().and_then(clean);
    let words = [part(6), part(3), part(2), part(5)];
    let name = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let identifier = part(1).and_then(|id| {
        object([
            ("system", word(&system(&rep.component(9), source))),
            ("value", text(Some(id))),
        ])
    });
    object([("identifier", identifier), ("display", text(Some(name)))])
}

fn name_use(kind: &str) -> Option<&'static str> {
    match kind {
        "L" | "R" => Some("official"),
        "D" => Some("usual"),
        "M" => Some("maiden"),
        "N" => Some("nickname"),
        "BAD" => Some("old"),
        "MSK" => Some("anonymous"),
        "NAV" | "TEMP" => Some("temp"),
        _ => None,
    }
}

fn assembled(rep: &Rep<'_>) -> Option<String> {
    let part = |n: usize| rep.component(n).text().and_then(clean);
    let number = part(7)?;
    let mut words = Vec::new();
    words.extend(part(5).map(|country| format!("+{}", country.trim_start_matches('+'))));
    words.extend(part(6));
    words.push(number);
    words.extend(part(8).map(|extension| format!("ext. {extension}")));
    Some(words.join(" "))
}
