//! Sealing: what is stored can't be read, moved or swapped without the keys.
//!
//! Three floors of keys (design §3, D5): the key-encryption key in a file outside the data, the tenant's keys, and one
//! key per source patient; the last two are stored wrapped, in a database of their own, so that a backup of the data
//! does not undo the shredding of a key. A cell is bound to its place by associated data. What must be found again is
//! stored as a keyed token.
//!
//! This module does not decide what is sealed with which key: the modules that own the tables do.

mod file;
mod ids;
mod key;
mod sealer;
mod tenant;

pub use file::KeyFile;
pub use ids::Ids;
pub use key::{Place, SecretKey};
pub use sealer::Sealer;
