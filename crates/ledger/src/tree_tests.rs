//! Held against the published certificate-transparency roots and against a second, recursive implementation written from the
//! definitions in RFC 6962 §2.1 without a look at the first.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// Leaves and roots that the certificate-transparency implementations share as test vectors.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// A log as the store keeps it: leaf hashes, complete nodes, frontier.
#[derive(Default)]
struct Log {
    nodes: HashMap<(u8, u64), Hash>,
    leaves: Vec<Hash>,
    roots: Vec<Hash>,
    frontier: Frontier,
}

impl Log {
    fn of(count: u64) -> Self {
        let mut log = Self {
            roots: vec![empty_root()],
            ..Self::default()
        };
        for index in 0..count {
            log.append(leaf_hash(&index.to_be_bytes()));
        }
        log
    }

    fn append(&mut self, leaf: Hash) {
        assert!(self.nodes.insert((0, self.frontier.size()), leaf).is_none());
        for node in self.frontier.append(leaf) {
            assert!(
                self.nodes
                    .insert((node.level, node.index), node.hash)
                    .is_none(),
                "a complete node is made once"
            );
        }
        self.leaves.push(leaf);
        self.roots.push(self.frontier.root());
    }

    fn get(&self) -> impl FnMut(u8, u64) -> Option<Hash> + '_ {
        |level, index| self.nodes.get(&(level, index)).copied()
    }

    fn root(&self, size: u64) -> Hash {
        self.roots[usize::try_from(size).unwrap()]
    }
}

mod recursive {
    //! RFC 6962 §2.1, word for word.
    use super::{Hash, empty_root, node_hash};

    fn largest_power_below(n: usize) -> usize {
        let mut k = 1;
        while k * 2 < n {
            k *= 2;
        }
        k
    }

    pub(super) fn mth(d: &[Hash]) -> Hash {
        match d {
            [] => empty_root(),
            [one] => *one,
            _ => {
                let k = largest_power_below(d.len());
                node_hash(&mth(&d[..k]), &mth(&d[k..]))
            }
        }
    }

    pub(super) fn path(m: usize, d: &[Hash]) -> Vec<Hash> {
        if d.len() == 1 {
            return vec![];
        }
        let k = largest_power_below(d.len());
        if m < k {
            let mut p = path(m, &d[..k]);
            p.push(mth(&d[k..]));
            p
        } else {
            let mut p = path(m - k, &d[k..]);
            p.push(mth(&d[..k]));
            p
        }
    }

    pub(super) fn subproof(m: usize, d: &[Hash], whole: bool) -> Vec<Hash> {
        if m == d.len() {
            return if whole { vec![] } else { vec![mth(d)] };
        }
        let k = largest_power_below(d.len());
        if m <= k {
            let mut p = subproof(m, &d[..k], whole);
            p.push(mth(&d[k..]));
            p
        } else {
            let mut p = subproof(m - k, &d[k..], false);
            p.push(mth(&d[..k]));
            p
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_empty_tree_has_the_hash_of_nothing() {
    assert_eq!(
        hex(&empty_root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(Frontier::new().root(), empty_root());
    assert_eq!(root_at(0, &mut |_, _| None), Ok(empty_root()));
}

#[test]
fn the_published_roots_come_out() {
    let mut log = Log::of(0);
    for (leaf, root) in LEAVES.iter().zip(ROOTS) {
        log.append(leaf_hash(leaf));
        assert_eq!(hex(&log.frontier.root()), root);
        assert_eq!(
            hex(&root_at(log.frontier.size(), &mut log.get()).unwrap()),
            root
        );
    }
}

#[test]
fn all_inclusion_proofs_up_to_130_leaves_equal_the_recursive_ones_and_verify() {
    let log = Log::of(130);
    for size in 1..=130_u64 {
        let leaves = &log.leaves[..usize::try_from(size).unwrap()];
        let root = log.root(size);
        assert_eq!(root, recursive::mth(leaves));
        assert_eq!(root_at(size, &mut log.get()), Ok(root));
        for (index, leaf) in (0_u64..).zip(leaves) {
            let proof = inclusion_proof(index, size, &mut log.get()).unwrap();
            assert_eq!(
                proof,
                recursive::path(usize::try_from(index).unwrap(), leaves),
                "{index} of {size}"
            );
            assert!(verify_inclusion(leaf, index, size, &proof, &root));
            assert!(!verify_inclusion(leaf, (index + 1) % size, size, &proof, &root) || size == 1);
            assert!(
                !verify_inclusion(leaf, size, size, &proof, &root),
                "an index outside the tree"
            );
        }
    }
}

#[test]
fn all_consistency_proofs_up_to_130_leaves_equal_the_recursive_ones_and_verify() {
    let log = Log::of(130);
    for new in 0..=130_u64 {
        let leaves = &log.leaves[..usize::try_from(new).unwrap()];
        for old in 0..=new {
            let proof = consistency_proof(old, new, &mut log.get()).unwrap();
            if old > 0 {
                assert_eq!(
                    proof,
                    recursive::subproof(usize::try_from(old).unwrap(), leaves, true),
                    "{old} in {new}"
                );
            }
            let (old_root, new_root) = (log.root(old), log.root(new));
            assert!(
                verify_consistency(old, new, &old_root, &new_root, &proof),
                "{old} in {new}"
            );
            let mut longer = proof.clone();
            longer.push([7; 32]);
            assert!(
                !verify_consistency(old, new, &old_root, &new_root, &longer),
                "a step too many"
            );
            if let Some((_, shorter)) = proof.split_last() {
                assert!(
                    !verify_consistency(old, new, &old_root, &new_root, shorter),
                    "a step too few"
                );
            }
            if old != new {
                assert!(
                    !verify_consistency(new, old, &new_root, &old_root, &proof),
                    "a log that shrank"
                );
                assert!(
                    old == 0 || !verify_consistency(old, new, &new_root, &old_root, &proof),
                    "roots exchanged"
                );
            }
        }
    }
}

#[test]
fn a_fork_is_not_consistent() {
    let log = Log::of(100);
    for forked in 0..60_u64 {
        let mut other = Log::of(forked);
        other.append(leaf_hash(b"rewritten"));
        while other.frontier.size() < 60 {
            other.append(leaf_hash(&other.frontier.size().to_be_bytes()));
        }
        let proof = consistency_proof(60, 100, &mut log.get()).unwrap();
        assert!(!verify_consistency(
            60,
            100,
            &other.root(60),
            &log.root(100),
            &proof
        ));
    }
}

#[test]
fn a_frontier_taken_up_again_goes_on_alike() {
    let whole = Log::of(77);
    for stop in 0..=77_u64 {
        let first = Log::of(stop).frontier;
        let mut frontier = Frontier::from_parts(stop, first.peaks().to_vec()).unwrap();
        for leaf in &whole.leaves[usize::try_from(stop).unwrap()..] {
            frontier.append(*leaf);
        }
        assert_eq!(frontier, whole.frontier);
    }
    assert_eq!(
        Frontier::from_parts(3, vec![[0; 32]]),
        Err(Error::Frontier { size: 3, peaks: 1 })
    );
    assert!(Frontier::from_parts(u64::MAX, vec![[0; 32]; 64]).is_err());
}

#[test]
fn what_is_outside_or_missing_is_an_error_and_no_proof() {
    let log = Log::of(10);
    assert_eq!(
        inclusion_proof(10, 10, &mut log.get()),
        Err(Error::OutOfRange {
            position: 10,
            size: 10
        })
    );
    assert_eq!(
        inclusion_proof(0, 0, &mut log.get()),
        Err(Error::OutOfRange {
            position: 0,
            size: 0
        })
    );
    assert_eq!(
        consistency_proof(11, 10, &mut log.get()),
        Err(Error::OutOfRange {
            position: 11,
            size: 10
        })
    );
    assert_eq!(
        root_at(10, &mut |_, _| None),
        Err(Error::MissingNode { level: 3, index: 0 })
    );
    assert!(
        inclusion_proof(5, 40, &mut log.get()).is_err(),
        "more leaves claimed than stored"
    );
    assert!(
        root_at(u64::MAX, &mut |_, _| Some([0; 32])).is_ok(),
        "the largest size does not overflow"
    );
    assert!(inclusion_proof(u64::MAX - 1, u64::MAX, &mut |_, _| Some([0; 32])).is_ok());
    assert!(consistency_proof(u64::MAX - 1, u64::MAX, &mut |_, _| Some([0; 32])).is_ok());
}

#[test]
fn a_leaf_can_not_pass_for_a_node() {
    let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
    assert_ne!(leaf_hash(&[left, right].concat()), node_hash(&left, &right));
}

proptest! {
    #[test]
    fn one_changed_byte_in_leaf_proof_or_root_is_caught(
        size in 1_u64..300, at in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let log = Log::of(size);
        let index = u64::try_from(at.index(usize::try_from(size).unwrap())).unwrap();
        let (leaf, root) = (log.leaves[usize::try_from(index).unwrap()], log.root(size));
        let proof = inclusion_proof(index, size, &mut log.get()).unwrap();
        let mut everything = [&[leaf, root][..], &proof].concat().concat();
        let place = place.index(everything.len());
        everything[place] ^= flip;
        let hashes: Vec<Hash> = everything.chunks(32).map(|hash| hash.try_into().unwrap()).collect();
        prop_assert!(verify_inclusion(&leaf, index, size, &proof, &root));
        prop_assert!(!verify_inclusion(&hashes[0], index, size, &hashes[2..], &hashes[1]));
    }

    #[test]
    fn one_changed_byte_in_a_consistency_proof_or_its_roots_is_caught(
        new in 2_u64..300, at in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let log = Log::of(new);
        let old = 1 + u64::try_from(at.index(usize::try_from(new - 1).unwrap())).unwrap();
        let proof = consistency_proof(old, new, &mut log.get()).unwrap();
        let mut everything = [&[log.root(old), log.root(new)][..], &proof].concat().concat();
        let place = place.index(everything.len());
        everything[place] ^= flip;
        let hashes: Vec<Hash> = everything.chunks(32).map(|hash| hash.try_into().unwrap()).collect();
        prop_assert!(!verify_consistency(old, new, &hashes[0], &hashes[1], &hashes[2..]));
    }

    #[test]
    fn a_proof_for_another_index_or_size_does_not_verify(size in 2_u64..200, a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let log = Log::of(size);
        let pick = |index: prop::sample::Index| u64::try_from(index.index(usize::try_from(size).unwrap())).unwrap();
        let (a, b) = (pick(a), pick(b));
        prop_assume!(a != b);
        let proof = inclusion_proof(a, size, &mut log.get()).unwrap();
        let leaf = log.leaves[usize::try_from(a).unwrap()];
        prop_assert!(!verify_inclusion(&leaf, b, size, &proof, &log.root(size)));
        prop_assert!(!verify_inclusion(&leaf, a, size + 200, &proof, &log.root(size)));
    }
}
