//! Messages in, resources out: what a clinician would see after them.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of tests are tests too"
)]

mod admission;
mod adt;
mod corpus;
mod fhir;
mod hostile;
mod oru;
mod ward;
