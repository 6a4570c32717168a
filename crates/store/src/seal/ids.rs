//! Public ids (design D4): HMAC-SHA-256 under a key that is never rotated, so that a reference resolves before its target arrives.

use aws_lc_rs::hmac;
use bedside_core::record::PublicIds;
use bedside_fact::id::{ResourceId, SourceId};

/// 26 characters of base32 carry 130 bits.
const LENGTH: usize = 26;

/// Makes public ids.
#[derive(Clone)]
pub struct Ids {
    key: hmac::Key,
}

impl Ids {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// The id of something that these parts name.
    pub(crate) fn id(&self, parts: &[&str]) -> String {
        base32(digest(&self.key, parts).as_ref())
    }
}

impl PublicIds for Ids {
    fn public_id(&self, source: &SourceId, resource_type: &str, source_id: &str) -> ResourceId {
        ResourceId::new(self.id(&[source.as_str(), resource_type, source_id]))
    }
}

/// Each part with its length in front, so that no two lists give the same bytes.
pub(super) fn digest(key: &hmac::Key, parts: &[impl AsRef<[u8]>]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        let part = part.as_ref();
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    context.sign()
}

/// Lower-case RFC 4648 base32 without padding, cut at 26 characters. FHIR ids allow it (`[A-Za-z0-9\-\.]{1,64}`).
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(LENGTH);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let at = usize::try_from((held >> bits) & 31).unwrap_or_default();
            text.push(char::from(ALPHABET.get(at).copied().unwrap_or(b'a')));
        }
        held &= (1 << bits) - 1;
    }
    text.truncate(LENGTH);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_id_is_the_same_each_time_and_never_the_same_for_two_things() {
        let ids = Ids::new(&[1; 32]);
        let id = |source: &str, kind, own| ids.public_id(&SourceId::new(source), kind, own);
        let one = id("ward", "Patient", "4711");
        assert_eq!(one, id("ward", "Patient", "4711"));
        assert_eq!(one.as_str().len(), 26);
        assert!(
            one.as_str()
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte))
        );
        for other in [
            id("ward", "Patient", "4712"),
            id("ward", "Encounter", "4711"),
            id("lab", "Patient", "4711"),
        ] {
            assert_ne!(one, other);
        }
        assert_ne!(id("a", "bc", "d"), id("ab", "c", "d"));
        assert_ne!(Ids::new(&[2; 32]).id(&["x"]), ids.id(&["x"]));
    }

    #[test]
    fn base32_is_that_of_the_standard() {
        // RFC 4648 §10, lower case and without padding.
        assert_eq!(base32(b"fooba"), "mzxw6ytb");
    }
}
