//! A synthetic hospital ward that lives: people come, are measured, treated, moved, mixed up and discharged.
//!
//! [`Ward`] is a pure value. The same options give the same bytes; it reads no clock and opens no socket. The
//! files: `hospital` (the ward and its loop), `plan` (what a day holds), `stays` (who lies where), `laboratory`
//! (what is measured), `messages` and `text` (how it is written down), `person`, `patient`, `physiology`,
//! `names`, `codes` and `analytes` (what it is made of), `note` (the same told to the rest of the simulation).

mod agenda;
pub(crate) mod analytes;
pub(crate) mod codes;
mod hospital;
mod laboratory;
pub(crate) mod messages;
pub(crate) mod names;
pub(crate) mod note;
pub(crate) mod patient;
pub(crate) mod person;
pub(crate) mod physiology;
mod plan;
mod stays;
#[cfg(test)]
mod tests;
mod text;

pub use hospital::{Options, Ward, WardEvent};
