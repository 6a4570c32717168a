use proptest::prelude::*;

use super::*;
use crate::tree::{Frontier, inclusion_proof, leaf_hash, verify_inclusion};

fn example() -> Leaf {
    Leaf {
        index: 7,
        sequence: 0x0102_0304,
        at_micros: 1_700_000_000_123_456,
        actor: "app/näh".to_owned(),
        patient: Some([0xab; 16]),
        key_id: "k1".to_owned(),
        ciphertext: vec![0xde, 0xad, 0xbe, 0xef],
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Written by hand from the layout in the module's comment. When this fails, the format has drifted and every log out there is broken.
#[test]
fn the_bytes_of_version_1_are_frozen() {
    let expected = concat!(
        "01",
        "0000000000000007",
        "0000000001020304",
        "00060a2418202240",
        "0008",
        "6170702f6ec3a468",
        "01",
        "abababababababababababababababab",
        "0002",
        "6b31",
        "0004",
        "deadbeef",
    );
    assert_eq!(hex(&example().encode().unwrap()), expected);
    let nobody = Leaf {
        index: 0,
        sequence: 0,
        at_micros: -1,
        actor: String::new(),
        patient: None,
        key_id: String::new(),
        ciphertext: vec![],
    };
    assert_eq!(
        hex(&nobody.encode().unwrap()),
        "0100000000000000000000000000000000ffffffffffffffff00000000000000"
    );
    assert_eq!(
        hex(&leaf_hash(&example().encode().unwrap())),
        "d89ea2ebbcdac1eef946a81bd5a4571ed025f8ef3b17e7277220eeaa92f3300e"
    );
}

#[test]
fn the_largest_leaf_is_65535_bytes() {
    let mut leaf = example();
    let rest = leaf.encode().unwrap().len() - leaf.ciphertext.len();
    leaf.ciphertext = vec![1; MAX_LEAF - rest];
    let bytes = leaf.encode().unwrap();
    assert_eq!(bytes.len(), 65_535);
    assert_eq!(Leaf::decode(&bytes), Ok(leaf.clone()));
    leaf.ciphertext.push(1);
    assert_eq!(leaf.encode(), Err(Error::LeafTooLarge { bytes: 65_536 }));
    assert_eq!(
        Leaf::decode(&[1; 65_536]),
        Err(Error::LeafTooLarge { bytes: 65_536 })
    );
}

#[test]
fn wrong_bytes_are_refused_with_their_place() {
    let bytes = example().encode().unwrap();
    for end in 0..bytes.len() {
        assert_eq!(
            Leaf::decode(&bytes[..end]),
            Err(Error::LeafMalformed {
                at: end,
                what: "ends too early"
            }),
            "{end}"
        );
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(
        Leaf::decode(&longer),
        Err(Error::LeafMalformed {
            at: bytes.len(),
            what: "bytes after the end"
        })
    );
    let mut other = bytes.clone();
    other[0] = 2;
    assert_eq!(Leaf::decode(&other), Err(Error::LeafVersion(2)));
    let mut mark = bytes.clone();
    mark[35] = 2;
    assert_eq!(
        Leaf::decode(&mark),
        Err(Error::LeafMalformed {
            at: 35,
            what: "patient mark is neither 0 nor 1"
        })
    );
    let mut text = bytes;
    text[31] = 0xff;
    assert_eq!(
        Leaf::decode(&text),
        Err(Error::LeafMalformed {
            at: 25,
            what: "text is not UTF-8"
        })
    );
}

prop_compose! {
    fn any_leaf()(
        index in any::<u64>(), sequence in any::<u64>(), at_micros in any::<i64>(), actor in ".{0,40}",
        patient in any::<Option<[u8; 16]>>(), key_id in ".{0,20}", ciphertext in prop::collection::vec(any::<u8>(), 0..300),
    ) -> Leaf {
        Leaf { index, sequence, at_micros, actor, patient, key_id, ciphertext }
    }
}

proptest! {
    #[test]
    fn decoding_gives_back_what_was_encoded(leaf in any_leaf()) {
        prop_assert_eq!(Leaf::decode(&leaf.encode().unwrap()), Ok(leaf));
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let bytes = [&[1][..], &bytes].concat();
        if let Ok(leaf) = Leaf::decode(&bytes) {
            prop_assert_eq!(leaf.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn one_changed_byte_in_a_leaf_is_caught(leaf in any_leaf(), place in any::<prop::sample::Index>(), flip in 1_u8.., before in 0_u64..20, after in 0_u64..20) {
        let mut frontier = Frontier::new();
        let mut nodes = std::collections::HashMap::new();
        let bytes = leaf.encode().unwrap();
        for index in 0..=before + after {
            let hash = if index == before { leaf_hash(&bytes) } else { leaf_hash(&index.to_be_bytes()) };
            nodes.insert((0, index), hash);
            nodes.extend(frontier.append(hash).into_iter().map(|node| ((node.level, node.index), node.hash)));
        }
        let proof = inclusion_proof(before, frontier.size(), &mut |level, index| nodes.get(&(level, index)).copied()).unwrap();
        prop_assert!(verify_inclusion(&leaf_hash(&bytes), before, frontier.size(), &proof, &frontier.root()));
        let mut changed = bytes.clone();
        changed[place.index(bytes.len())] ^= flip;
        prop_assert!(!verify_inclusion(&leaf_hash(&changed), before, frontier.size(), &proof, &frontier.root()));
        prop_assert_ne!(Leaf::decode(&changed), Ok(leaf));
    }
}
