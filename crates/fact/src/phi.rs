//! A wrapper for patient data, so that it can't be logged by accident.
//!
//! `Phi` has no `Display` and no `Serialize`; its `Debug` prints the length alone. Whoever needs the value says so
//! with [`Phi::expose`], which is easy to search for.

use std::fmt;

/// A value that identifies or describes a patient.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the place that is allowed to show or store it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: AsRef<[u8]>> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phi({} bytes)", self.0.as_ref().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p10_debug_output_never_shows_the_value() {
        let name = Phi::new(String::from("Okonkwo"));
        assert_eq!(format!("{name:?}"), "Phi(7 bytes)");
    }
}
