//! The bytes of one audit entry as the tree commits to them: format version 1, frozen.
//!
//! What identifies a person is only here as a keyed token and inside the ciphertext, so that destroying a key leaves an entry that
//! still verifies and no longer names anybody. What the ciphertext holds, and under which key, is the store's affair.
//!
//! Layout, all numbers big-endian:
//!
//! ```text
//! version    1 byte, 0x01
//! index      8 bytes, position in the tree
//! sequence   8 bytes, the tenant's sequence
//! at         8 bytes, signed, microseconds since 1970-01-01 UTC
//! actor      2-byte length, UTF-8
//! patient    1 byte: 0x00 none, 0x01 followed by a 16-byte keyed token
//! key id     2-byte length, UTF-8
//! ciphertext 2-byte length, bytes
//! ```

use crate::Error;

/// The format's only version.
const VERSION: u8 = 1;

/// The most bytes a leaf may take: what C2SP tlog-tiles entry bundles can say with their 16-bit lengths.
pub const MAX_LEAF: usize = 65_535;

/// One audit entry, the part that never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Position in the tree, from 0.
    pub index: u64,
    /// The tenant's sequence number when it was written.
    pub sequence: u64,
    /// When, in microseconds since 1970-01-01 UTC. Order is by sequence, never by this.
    pub at_micros: i64,
    /// Who: an account, application or source id.
    pub actor: String,
    /// The patient concerned, as a keyed token.
    pub patient: Option<[u8; 16]>,
    /// Which key seals the ciphertext.
    pub key_id: String,
    /// The sealed rest of the entry.
    pub ciphertext: Vec<u8>,
}

impl Leaf {
    /// The leaf's bytes.
    ///
    /// # Errors
    ///
    /// [`Error::LeafTooLarge`] when they would be more than 65,535.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let size = 1
            + 8
            + 8
            + 8
            + 2
            + self.actor.len()
            + 1
            + self.patient.map_or(0, |token| token.len())
            + 2
            + self.key_id.len()
            + 2
            + self.ciphertext.len();
        if size > MAX_LEAF {
            return Err(Error::LeafTooLarge { bytes: size });
        }
        let mut bytes = Vec::with_capacity(size);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.index.to_be_bytes());
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.at_micros.to_be_bytes());
        put(&mut bytes, self.actor.as_bytes())?;
        match &self.patient {
            None => bytes.push(0),
            Some(token) => {
                bytes.push(1);
                bytes.extend_from_slice(token);
            }
        }
        put(&mut bytes, self.key_id.as_bytes())?;
        put(&mut bytes, &self.ciphertext)?;
        Ok(bytes)
    }

    /// Reads exactly what [`Leaf::encode`] writes; one byte more or less is an error.
    ///
    /// # Errors
    ///
    /// [`Error::LeafVersion`], [`Error::LeafTooLarge`] or [`Error::LeafMalformed`] with the offset.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_LEAF {
            return Err(Error::LeafTooLarge { bytes: bytes.len() });
        }
        let mut reader = Reader { bytes, at: 0 };
        let [version] = reader.array()?;
        if version != VERSION {
            return Err(Error::LeafVersion(version));
        }
        let index = u64::from_be_bytes(reader.array()?);
        let sequence = u64::from_be_bytes(reader.array()?);
        let at_micros = i64::from_be_bytes(reader.array()?);
        let actor = reader.text()?;
        let patient = match reader.array()? {
            [0] => None,
            [1] => Some(reader.array()?),
            [_] => {
                return Err(Error::LeafMalformed {
                    at: reader.at - 1,
                    what: "patient mark is neither 0 nor 1",
                });
            }
        };
        let key_id = reader.text()?;
        let ciphertext = reader.counted()?.to_vec();
        if reader.at != bytes.len() {
            return Err(Error::LeafMalformed {
                at: reader.at,
                what: "bytes after the end",
            });
        }
        Ok(Self {
            index,
            sequence,
            at_micros,
            actor,
            patient,
            key_id,
            ciphertext,
        })
    }
}

fn put(bytes: &mut Vec<u8>, field: &[u8]) -> Result<(), Error> {
    let length =
        u16::try_from(field.len()).map_err(|_| Error::LeafTooLarge { bytes: field.len() })?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(field);
    Ok(())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let end = self.at.saturating_add(count);
        let part = self.bytes.get(self.at..end).ok_or(Error::LeafMalformed {
            at: self.bytes.len(),
            what: "ends too early",
        })?;
        self.at = end;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn counted(&mut self) -> Result<&'a [u8], Error> {
        let length = u16::from_be_bytes(self.array()?);
        self.take(usize::from(length))
    }

    fn text(&mut self) -> Result<String, Error> {
        let at = self.at;
        let bytes = self.counted()?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(Error::LeafMalformed {
                at,
                what: "text is not UTF-8",
            }),
        }
    }
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
