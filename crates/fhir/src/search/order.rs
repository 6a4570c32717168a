//! In which order the answers stand (FHIR R4 §3.1.1.5.1). What lacks the element stands last, and ids decide between equals.

use std::cmp::Ordering;

use super::SpanOf;
use super::fold::fold;
use super::matching::{codes, elements, interval};
use super::query::Query;
use super::table::Kind;
use crate::json::Value;

/// What a resource is sorted by, one part for each rule.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Vec<Option<Part>>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Time(i64),
    Text(String),
}

impl Query {
    /// The key of a resource under this query's rules.
    #[must_use]
    pub fn key(&self, resource: &Value, span: SpanOf<'_>) -> Key {
        let part = |(parameter, down): &(&'static super::Parameter, bool)| -> Option<Part> {
            let found = elements(resource, parameter);
            let parts = found.iter().filter_map(|element| match parameter.kind {
                Kind::Date => {
                    interval(element, span).map(|(lo, hi)| Part::Time(if *down { hi } else { lo }))
                }
                Kind::Text => element.as_str().map(|text| Part::Text(fold(text))),
                Kind::Token | Kind::Reference | Kind::Quantity | Kind::Phone => codes(element)
                    .into_iter()
                    .map(|(_, code)| Part::Text(code.to_owned()))
                    .min(),
            });
            if *down { parts.max() } else { parts.min() }
        };
        Key(self.sort.iter().map(part).collect())
    }

    /// Which of two resources stands first, by their keys and ids.
    #[must_use]
    pub fn order(&self, one: (&Key, &str), other: (&Key, &str)) -> Ordering {
        for ((a, b), (_, down)) in one.0.0.iter().zip(&other.0.0).zip(&self.sort) {
            let order = match (a, b) {
                (Some(a), Some(b)) if *down => b.cmp(a),
                (Some(a), Some(b)) => a.cmp(b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        one.1.cmp(other.1)
    }
}
