//! What a clinician sees, case by case. The cases that hurt come first.

mod absence;
pub(crate) mod fixture;
mod held;
mod hostile;
mod identity;
mod output;
mod results;
mod treatment;
