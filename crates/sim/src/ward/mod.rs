//! A synthetic hospital ward that lives: people come, are measured, treated, moved, mixed up and discharged.
//!
//! [`Ward`] is a pure value. The same options give the same bytes; it reads no clock and opens no socket. The
//! files: `hospital` (the ward and its loop), `plan` (what a day holds), `stays` (who lies where), `laboratory`
//! (what is measured), `messages` and `text` (how it is written down), `person`, `patient`, `physiology`,
//! `names`, `codes` and `analytes` (what it is made of).

mod agenda;
mod analytes;
mod codes;
mod hospital;
mod laboratory;
mod messages;
mod names;
mod patient;
mod person;
mod physiology;
mod plan;
mod stays;
#[cfg(test)]
mod tests;
mod text;

pub use hospital::{Options, Ward, WardEvent};
