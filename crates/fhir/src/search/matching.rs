//! Whether a resource answers a query. What an element says in another shape than expected is not there: it matches nothing.

use super::SpanOf;
use super::fold::fold;
use super::number::decimal;
use super::query::{Criterion, Modifier, Query};
use super::table::Parameter;
use super::value::{Operand, Prefix};
use crate::json::Value;

/// Digits of two telephone numbers that must agree: country and trunk codes are written or left out.
const NUMBER: usize = 10;

/// The fewest digits that may stand for a longer number.
const SHORTEST: usize = 7;

impl Query {
    /// Whether all criteria fit. Ids and patients are not looked at here: they say which resources are looked at.
    #[must_use]
    pub fn matches(&self, resource: &Value, span: SpanOf<'_>) -> bool {
        self.criteria
            .iter()
            .all(|criterion| criterion.fits(resource, span))
    }
}

impl Criterion {
    fn fits(&self, resource: &Value, span: SpanOf<'_>) -> bool {
        let found = elements(resource, self.parameter);
        let any = |fits: &dyn Fn(&Value, &Operand) -> bool| {
            found
                .iter()
                .any(|element| self.values.iter().any(|value| fits(element, value)))
        };
        match self.modifier {
            Modifier::Missing(missing) => found.is_empty() == missing,
            Modifier::Not => !any(&|element, value| has_token(self.parameter, element, value)),
            Modifier::Words => any(&|element, value| has_words(element, value)),
            Modifier::Exact => any(
                &|element, value| matches!(value, Operand::Text(text) if element.as_str() == Some(text)),
            ),
            Modifier::Contains => any(&|element, value| {
                text_fits(element, value, &|text, wanted| text.contains(wanted))
            }),
            Modifier::Plain => self.plain(&found, span),
        }
    }

    fn plain(&self, found: &[&Value], span: SpanOf<'_>) -> bool {
        self.values.iter().any(|value| match value {
            Operand::Token { .. } => found
                .iter()
                .any(|element| has_token(self.parameter, element, value)),
            Operand::Date { prefix, lo, hi } => found.iter().any(|element| {
                interval(element, span)
                    .is_some_and(|(from, to)| date_fits(*prefix, (*lo, *hi), (from, to)))
            }),
            Operand::Text(wanted) => starts(self.parameter, found, wanted),
            Operand::Reference(wanted) => found.iter().any(|element| refers(element, wanted)),
            Operand::Quantity { .. } => found.iter().any(|element| quantity_fits(element, value)),
            Operand::Phone(wanted) => found.iter().any(|element| is_number(element, wanted)),
        })
    }
}

/// The elements that a parameter looks at.
pub(super) fn elements<'a>(resource: &'a Value, parameter: &Parameter) -> Vec<&'a Value> {
    let mut found = Vec::new();
    for path in parameter.paths {
        let mut level = vec![resource];
        for name in path.split('.') {
            level = level
                .into_iter()
                .filter_map(|value| value.get(name))
                .flat_map(each)
                .collect();
        }
        found.extend(level);
    }
    found.retain(|value| !value.is_null());
    found
}

/// The interval that a time or a period covers.
pub(super) fn interval(element: &Value, span: SpanOf<'_>) -> Option<(i64, i64)> {
    if let Some(text) = element.as_str() {
        return span(text);
    }
    let part = |name: &str| element.get(name).and_then(Value::as_str).and_then(span);
    let (start, end) = (part("start"), part("end"));
    if start.is_none() && end.is_none() {
        return None;
    }
    // A period without an end goes on.
    Some((
        start.map_or(i64::MIN, |(lo, _)| lo),
        end.map_or(i64::MAX, |(_, hi)| hi),
    ))
}

/// The codes of an element, each with its system: of a concept, a coding, an identifier, a contact or a code.
pub(super) fn codes(element: &Value) -> Vec<(Option<&str>, &str)> {
    match element {
        Value::String(code) => vec![(None, code.as_str())],
        Value::Bool(true) => vec![(None, "true")],
        Value::Bool(false) => vec![(None, "false")],
        Value::Object(object) => {
            if let Some(coding) = object.get("coding").and_then(Value::as_array) {
                return coding.iter().flat_map(codes).collect();
            }
            let system = object.get("system").and_then(Value::as_str);
            ["code", "value"]
                .iter()
                .filter_map(|name| object.get(*name).and_then(Value::as_str))
                .map(|code| (system, code))
                .collect()
        }
        Value::Null | Value::Number(_) | Value::Array(_) => Vec::new(),
    }
}

fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            vec![value]
        }
    }
}

fn has_token(parameter: &Parameter, element: &Value, value: &Operand) -> bool {
    let Operand::Token { system, code } = value else {
        return false;
    };
    // Of all contacts only those of the kind that the parameter is named after.
    if parameter.name == "email" && element.get("system").and_then(Value::as_str) != Some("email") {
        return false;
    }
    let contact = parameter.name == "email";
    codes(element).into_iter().any(|(its_system, its_code)| {
        let system_fits = contact
            || match system.as_deref() {
                None => true,
                // A plain code has the system of its binding, which the resource does not say.
                Some(wanted) => its_system.unwrap_or_default() == wanted || element.is_string(),
            };
        let code_fits = code
            .as_deref()
            .is_none_or(|wanted| its_code == wanted || contact && fold(its_code) == fold(wanted));
        system_fits && code_fits
    })
}

fn has_words(element: &Value, value: &Operand) -> bool {
    let Operand::Text(wanted) = value else {
        return false;
    };
    let wanted = fold(wanted);
    let displays = element
        .get("coding")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .chain([element])
        .filter_map(|one| one.get("display"));
    displays
        .chain(element.get("text"))
        .filter_map(Value::as_str)
        .any(|text| fold(text).contains(&wanted))
}

fn text_fits(element: &Value, value: &Operand, fits: &dyn Fn(&str, &str) -> bool) -> bool {
    match (element.as_str(), value) {
        (Some(text), Operand::Text(wanted)) => fits(&fold(text), &fold(wanted)),
        _ => false,
    }
}

/// A text begins so. Of a whole name each word must begin some part of it.
fn starts(parameter: &Parameter, found: &[&Value], wanted: &str) -> bool {
    let texts: Vec<String> = found
        .iter()
        .filter_map(|one| one.as_str())
        .map(fold)
        .collect();
    let wanted = fold(wanted);
    let begins = |part: &str| {
        texts.iter().any(|text| {
            text.starts_with(part)
                || text
                    .split([' ', '-', '\''])
                    .any(|word| !word.is_empty() && word.starts_with(part))
        })
    };
    if begins(&wanted) {
        return true;
    }
    let mut words = wanted.split_whitespace().peekable();
    parameter.name == "name" && words.peek().is_some() && words.all(begins)
}

fn refers(element: &Value, wanted: &str) -> bool {
    let Some(reference) = element.get("reference").and_then(Value::as_str) else {
        return false;
    };
    let plain = reference
        .split_once("/_history/")
        .map_or(reference, |(plain, _)| plain);
    plain == wanted || !wanted.contains('/') && plain.rsplit('/').next() == Some(wanted)
}

fn date_fits(prefix: Prefix, (lo, hi): (i64, i64), (from, to): (i64, i64)) -> bool {
    let inside = lo <= from && to <= hi;
    match prefix {
        Prefix::Equal => inside,
        Prefix::NotEqual => !inside,
        Prefix::Greater => to > hi,
        Prefix::Less => from < lo,
        Prefix::GreaterOrEqual => to > hi || inside,
        Prefix::LessOrEqual => from < lo || inside,
        Prefix::StartsAfter => from > hi,
        Prefix::EndsBefore => to < lo,
    }
}

fn quantity_fits(element: &Value, value: &Operand) -> bool {
    let Operand::Quantity {
        prefix,
        value,
        half,
        system,
        unit,
    } = value
    else {
        return false;
    };
    let text = |name: &str| element.get(name).and_then(Value::as_str);
    if let Some(unit) = unit {
        // Without a system the unit may be the code or the words (FHIR R4 §3.1.1.4.11).
        let fits = match system {
            Some(system) => text("system") == Some(system) && text("code") == Some(unit),
            None => text("code") == Some(unit) || text("unit") == Some(unit),
        };
        if !fits {
            return false;
        }
    }
    let Some((there, _)) = element
        .get("value")
        .filter(|value| value.is_number())
        .and_then(|value| decimal(&value.to_string()))
    else {
        return false;
    };
    // The value may carry a comparator: `<5` is not known to be anything in particular but less.
    let near = there >= value - half && there < value + half || there == *value;
    match text("comparator") {
        None => match prefix {
            Prefix::Equal => near,
            Prefix::NotEqual => !near,
            Prefix::Greater | Prefix::StartsAfter => there > *value,
            Prefix::Less | Prefix::EndsBefore => there < *value,
            Prefix::GreaterOrEqual => there >= *value,
            Prefix::LessOrEqual => there <= *value,
        },
        Some(comparator) => match prefix {
            Prefix::Less | Prefix::LessOrEqual | Prefix::EndsBefore => {
                comparator.starts_with('<') && there <= *value
            }
            Prefix::Greater | Prefix::GreaterOrEqual | Prefix::StartsAfter => {
                comparator.starts_with('>') && there >= *value
            }
            Prefix::Equal => false,
            Prefix::NotEqual => true,
        },
    }
}

fn is_number(element: &Value, wanted: &str) -> bool {
    if element.get("system").and_then(Value::as_str) == Some("email") {
        return false;
    }
    let digits: String = element
        .get("value")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let tail = |text: &str| -> String {
        let skip = text.len().saturating_sub(NUMBER);
        text.chars().skip(skip).collect()
    };
    digits == wanted
        || wanted.len() >= SHORTEST && digits.len() >= SHORTEST && tail(&digits) == tail(wanted)
}
