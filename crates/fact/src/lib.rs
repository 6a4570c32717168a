//! What every floor speaks of: names, six states, three-valued logic, quantities, times, ids and the clock.
//!
//! Floor 0: no input or output, no async runtime, no wall clock. A value of this crate means the same to the
//! connection layer and to the workflow layer, which do not know each other and meet only here.
//!
//! Start with [`state`] (what is known of a fact) and [`clock`] (how time reaches everything else).

pub mod clock;
pub mod id;
pub mod known;
pub mod logic;
pub mod phi;
pub mod quantity;
pub mod state;
pub mod time;
pub mod unit;
pub mod yaml;
