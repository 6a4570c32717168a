//! One secret key: AES-256-GCM with a random nonce, bound to a place.
//!
//! Format of a sealed cell: version byte 1, nonce of 12 bytes, ciphertext, tag of 16 bytes.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::error::Error;

const VERSION: u8 = 1;
const TAG: usize = 16;

/// Where a sealed cell belongs: opened anywhere else it fails.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Whose data.
    pub tenant: &'a str,
    /// Table.
    pub table: &'static str,
    /// What tells the row from all others of its table.
    pub row: &'a str,
    /// Column.
    pub column: &'static str,
}

/// A key in memory. Wiped when it is dropped; never shown.
pub struct SecretKey {
    id: String,
    bytes: Zeroizing<[u8; 32]>,
    aead: LessSafeKey,
}

impl SecretKey {
    /// A new random key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate(id: impl Into<String>) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        rand::fill(bytes.as_mut_slice())
            .map_err(|_| Error::Corrupt(String::from("no random bytes")))?;
        Self::new(id, bytes)
    }

    /// A key of these bytes.
    ///
    /// # Errors
    /// When the cipher does not take them.
    pub fn new(id: impl Into<String>, bytes: Zeroizing<[u8; 32]>) -> Result<Self, Error> {
        let key = UnboundKey::new(&AES_256_GCM, bytes.as_slice())
            .map_err(|_| Error::Corrupt(String::from("a key has the wrong length")))?;
        Ok(Self {
            id: id.into(),
            bytes,
            aead: LessSafeKey::new(key),
        })
    }

    /// Its name, which is part of what a cell is bound to.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Seals `plain` for `place`.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0_u8; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| Error::Corrupt(String::from("no random bytes")))?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + plain.len() + TAG);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let (_, body) = sealed.split_at_mut(1 + NONCE_LEN);
        let tag = self
            .aead
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.associated(place)),
                body,
            )
            .map_err(|_| Error::Corrupt(format!("{} too large to seal", place.table)))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it was changed, moved or sealed with another key.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let damaged = || Error::Corrupt(format!("{}.{} does not open", place.table, place.column));
        let (head, body) = sealed.split_at_checked(1 + NONCE_LEN).ok_or_else(damaged)?;
        let (version, nonce) = head.split_first().ok_or_else(damaged)?;
        if *version != VERSION {
            return Err(damaged());
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut plain = Zeroizing::new(body.to_vec());
        let length = self
            .aead
            .open_in_place(nonce, Aad::from(self.associated(place)), &mut plain)
            .map_err(|_| damaged())?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Seals another key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn wrap(&self, place: Place<'_>, other: &Self) -> Result<Vec<u8>, Error> {
        self.seal(place, other.bytes())
    }

    /// Opens a sealed key, which gets the name `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not open.
    pub fn unwrap_key(&self, place: Place<'_>, id: &str, wrapped: &[u8]) -> Result<Self, Error> {
        let plain = self.open(place, wrapped)?;
        let mut bytes = Zeroizing::new([0_u8; 32]);
        if plain.len() != bytes.len() {
            return Err(Error::Corrupt(format!("{} holds no key", place.table)));
        }
        bytes.copy_from_slice(&plain);
        Self::new(id, bytes)
    }

    /// Each part with its length in front, so that no two places give the same bytes.
    fn associated(&self, place: Place<'_>) -> Vec<u8> {
        let parts = [
            place.tenant,
            place.table,
            place.row,
            place.column,
            self.id.as_str(),
        ];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            // A length always fits: usize is at most 64 bits on every target.
            bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place {
        tenant: "default",
        table: "version",
        row: "Patient/abc/1",
        column: "sealed",
    };

    #[test]
    fn p10_a_sealed_cell_opens_only_at_its_place_and_with_its_key() {
        let key = SecretKey::generate("data/1").unwrap();
        let sealed = key.seal(PLACE, b"Okonkwo").unwrap();
        assert_eq!(key.open(PLACE, &sealed).unwrap().as_slice(), b"Okonkwo");
        for elsewhere in [
            Place {
                row: "Patient/abc/2",
                ..PLACE
            },
            Place {
                tenant: "other",
                ..PLACE
            },
            Place {
                column: "source_id",
                ..PLACE
            },
            Place {
                table: "journal_raw",
                ..PLACE
            },
        ] {
            assert!(matches!(
                key.open(elsewhere, &sealed),
                Err(Error::Corrupt(_))
            ));
        }
        assert!(
            SecretKey::generate("data/1")
                .unwrap()
                .open(PLACE, &sealed)
                .is_err()
        );
        let renamed =
            SecretKey::new("data/2", Zeroizing::new(key.bytes().try_into().unwrap())).unwrap();
        assert!(renamed.open(PLACE, &sealed).is_err());
    }

    #[test]
    fn p10_two_swapped_cells_do_not_open() {
        let key = SecretKey::generate("data/1").unwrap();
        let other_place = Place {
            row: "Patient/xyz/1",
            ..PLACE
        };
        let (one, other) = (
            key.seal(PLACE, b"one").unwrap(),
            key.seal(other_place, b"other").unwrap(),
        );
        assert!(key.open(PLACE, &other).is_err());
        assert!(key.open(other_place, &one).is_err());
    }

    #[test]
    fn p10_each_changed_byte_is_noticed() {
        let key = SecretKey::generate("data/1").unwrap();
        let sealed = key.seal(PLACE, b"one").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open(PLACE, &changed).is_err(), "byte {at}");
        }
        for length in 0..sealed.len() {
            assert!(key.open(PLACE, &sealed[..length]).is_err());
        }
    }

    #[test]
    fn p10_a_key_is_never_shown() {
        let key = SecretKey::new("data/1", Zeroizing::new([7; 32])).unwrap();
        assert_eq!(format!("{key:?}"), "SecretKey(data/1)");
    }

    #[test]
    fn a_wrapped_key_comes_back_the_same() {
        let tenant = SecretKey::generate("data/1").unwrap();
        let patient = SecretKey::generate("patient/abc").unwrap();
        let wrapped = tenant.wrap(PLACE, &patient).unwrap();
        let back = tenant.unwrap_key(PLACE, "patient/abc", &wrapped).unwrap();
        assert_eq!(back.bytes(), patient.bytes());
    }
}
