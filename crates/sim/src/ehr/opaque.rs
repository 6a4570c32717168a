//! Ids, tokens and link sessions that mean nothing to whoever reads them.
//!
//! They come from the seed, so that two runs with one seed give the same bytes. They guard invented people only and
//! are no secrets.

use crate::rng::Rng;

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// An id as Epic makes them: case matters, with dots and dashes (vendor catalogue EPIC-36).
pub(crate) fn epic_id(seed: u64, what: &str) -> String {
    let mut rng = rng(seed, what);
    let mut id = String::from("e");
    for position in 0..23 {
        let mark = match position {
            7 => Some('.'),
            15 => Some('-'),
            _ => None,
        };
        id.push(mark.unwrap_or_else(|| letter(&mut rng)));
    }
    id
}

/// Digits only, as Oracle numbers what is filed.
pub(crate) fn number(seed: u64, what: &str) -> String {
    rng(seed, what)
        .between(100_000_000, 999_999_999)
        .to_string()
}

/// A UUID's shape.
pub(crate) fn guid(seed: u64, what: &str) -> String {
    let mut rng = rng(seed, what);
    let (high, low) = (rng.next_u64(), rng.next_u64());
    let text = format!("{high:016x}{low:016x}");
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default().to_owned();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0..8),
        part(8..12),
        part(13..16),
        part(17..20),
        part(20..32)
    )
}

/// A long run of letters and digits.
pub(crate) fn word(seed: u64, what: &str, length: usize) -> String {
    let mut rng = rng(seed, what);
    (0..length).map(|_| letter(&mut rng)).collect()
}

fn letter(rng: &mut Rng) -> char {
    LETTERS
        .get(rng.index(LETTERS.len()))
        .copied()
        .map_or('A', char::from)
}

fn rng(seed: u64, what: &str) -> Rng {
    // FNV-1a: spreads a short text over 64 bits, the same on every machine.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in what.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    Rng::new(hash ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_the_seed_and_the_thing_and_have_the_vendors_shape() {
        assert_eq!(epic_id(1, "a"), epic_id(1, "a"));
        assert_ne!(epic_id(1, "a"), epic_id(1, "b"));
        assert_ne!(epic_id(1, "a"), epic_id(2, "a"));
        let id = epic_id(1, "a");
        assert!(
            id.contains('.') && id.contains('-') && id.len() == 24,
            "{id}"
        );
        assert!(number(1, "a").bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(guid(1, "a").len(), 36);
    }
}
