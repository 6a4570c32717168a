//! FHIR search: what is asked, and whether a resource answers it (FHIR R4 §3.1.1).
//!
//! Pure: a [`Query`] is read from the parameters of a request, and [`Query::matches`] looks at one parsed resource. Which resources are
//! looked at, who may see them and in which pages they are handed out is the store's business. What is not in [`parameters`] is not
//! offered, and the capability statement is written from the same table.

mod fold;
mod matching;
mod number;
mod order;
mod query;
mod table;
mod value;

pub use order::Key;
pub use query::{Criterion, Modifier, Query, Reading, Refused, name_for_log};
pub use table::{Kind, Parameter, TYPES, common, parameters, type_of};
pub use value::{Operand, Prefix};

/// The interval that a FHIR time covers, in microseconds since 1970: first and last instant. The caller knows the zone of times that
/// carry none.
pub type SpanOf<'a> = &'a dyn Fn(&str) -> Option<(i64, i64)>;

#[cfg(test)]
mod tests;
