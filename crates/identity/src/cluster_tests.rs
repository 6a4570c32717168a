use proptest::prelude::*;

use super::*;

fn node(id: &str, keys: &[&str], person: Option<&str>, since: i64) -> Node {
    Node {
        id: id.to_owned(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        person: person.map(str::to_owned),
        since,
    }
}

fn shape(clusters: &Clusters) -> Vec<(Vec<&str>, Option<&str>)> {
    clusters
        .groups
        .iter()
        .map(|group| {
            (
                group.members.iter().map(String::as_str).collect(),
                group.person.as_deref(),
            )
        })
        .collect()
}

#[test]
fn a_shared_key_makes_one_person_and_a_chain_does_too() {
    let nodes = [
        node("a", &["1"], None, 1),
        node("b", &["1", "2"], None, 2),
        node("c", &["2"], None, 3),
        node("d", &["3"], None, 4),
    ];
    let result = cluster(&nodes, &[]);
    assert_eq!(
        shape(&result),
        [(vec!["a", "b", "c"], None), (vec!["d"], None)]
    );
    assert!(result.doubts.is_empty());
}

#[test]
fn nobody_is_joined_without_a_key() {
    let nodes = [node("a", &[], None, 1), node("b", &[], None, 2)];
    assert_eq!(cluster(&nodes, &[]).groups.len(), 2);
    assert!(cluster(&[], &[]).groups.is_empty());
}

#[test]
fn a_merged_person_keeps_the_id_of_the_earliest_member() {
    let nodes = [
        node("a", &["1"], Some("P1"), 1),
        node("b", &["2"], Some("P2"), 2),
        node("c", &["1", "2"], None, 3),
    ];
    assert_eq!(
        shape(&cluster(&nodes, &[])),
        [(vec!["a", "b", "c"], Some("P1"))]
    );
}

#[test]
fn when_a_person_splits_the_part_with_the_earliest_member_keeps_the_id() {
    let nodes = [
        node("a", &["1"], Some("P"), 1),
        node("b", &["2"], Some("P"), 2),
        node("c", &["2"], Some("P"), 3),
    ];
    assert_eq!(
        shape(&cluster(&nodes, &[])),
        [(vec!["a"], Some("P")), (vec!["b", "c"], None)]
    );
}

#[test]
fn a_merge_joins_what_no_key_joins() {
    let nodes = [
        node("a", &["1"], Some("P1"), 1),
        node("b", &["2"], Some("P2"), 2),
    ];
    assert_eq!(
        shape(&cluster(&nodes, &[Tie::Merge("b", "a")])),
        [(vec!["a", "b"], Some("P1"))]
    );
    assert_eq!(
        cluster(&nodes, &[Tie::Merge("a", "nobody"), Tie::Never("a", "a")])
            .groups
            .len(),
        2,
        "unknown ids are nothing"
    );
}

#[test]
fn p05_a_pair_that_a_person_kept_apart_stays_apart_along_any_chain() {
    let nodes = [
        node("a", &["1"], None, 1),
        node("b", &["1", "2"], None, 2),
        node("c", &["2"], None, 3),
    ];
    let result = cluster(&nodes, &[Tie::Never("c", "a")]);
    assert_eq!(shape(&result), [(vec!["a", "b"], None), (vec!["c"], None)]);
    assert_eq!(result.doubts, [("b".to_owned(), "c".to_owned())]);
    let direct = cluster(&nodes, &[Tie::Never("a", "b")]);
    assert_eq!(shape(&direct), [(vec!["a"], None), (vec!["b", "c"], None)]);
    assert_eq!(direct.doubts, [("a".to_owned(), "b".to_owned())]);
}

#[test]
fn p05_not_the_same_wins_over_a_merge() {
    let nodes = [node("a", &[], None, 1), node("b", &[], None, 2)];
    let result = cluster(&nodes, &[Tie::Merge("a", "b"), Tie::Never("a", "b")]);
    assert_eq!(result.groups.len(), 2);
    assert_eq!(result.doubts, [("a".to_owned(), "b".to_owned())]);
}

#[test]
fn one_key_held_by_a_hundred_thousand_records_is_no_trouble() {
    let nodes: Vec<Node> = (0..100_000)
        .map(|n| node(&format!("n{n}"), &["same"], None, n))
        .collect();
    assert_eq!(cluster(&nodes, &[]).groups.len(), 1);
}

#[derive(Debug, Clone)]
struct World {
    nodes: Vec<Node>,
    merges: Vec<(String, String)>,
    nevers: Vec<(String, String)>,
}

impl World {
    fn ties(&self) -> Vec<Tie<'_>> {
        let merges = self.merges.iter().map(|(a, b)| Tie::Merge(a, b));
        merges
            .chain(self.nevers.iter().map(|(a, b)| Tie::Never(a, b)))
            .collect()
    }
}

prop_compose! {
    fn any_world()(
        raw in prop::collection::vec((prop::collection::vec(0_u8..12, 0..3), prop::option::of(0_u8..6), 0_i64..5), 1..14),
        merges in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..3),
        nevers in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..4),
    ) -> World {
        let nodes: Vec<Node> = (0..).zip(&raw).map(|(n, (keys, person, since)): (u32, _)| Node {
            id: format!("n{n}"),
            keys: keys.iter().map(u8::to_string).collect(),
            person: person.map(|p| format!("P{p}")),
            since: *since,
        }).collect();
        let pairs = |list: Vec<(prop::sample::Index, prop::sample::Index)>| {
            list.into_iter().map(|(a, b)| (a.get(&nodes).id.clone(), b.get(&nodes).id.clone())).filter(|(a, b)| a != b).collect()
        };
        World { merges: pairs(merges), nevers: pairs(nevers), nodes }
    }
}

proptest! {
    #[test]
    fn order_of_nodes_and_ties_never_matters(world in any_world(), seed in any::<u64>()) {
        let expected = cluster(&world.nodes, &world.ties());
        let mut nodes = world.nodes.clone();
        let turn = usize::try_from(seed % 14).unwrap() % nodes.len();
        nodes.rotate_left(turn);
        if seed & 64 == 0 {
            nodes.reverse();
        }
        let mut ties = world.ties();
        ties.reverse();
        prop_assert_eq!(cluster(&nodes, &ties), expected);
    }

    #[test]
    fn every_record_is_in_exactly_one_group_and_no_person_in_two(world in any_world()) {
        let result = cluster(&world.nodes, &world.ties());
        let mut members: Vec<&String> = result.groups.iter().flat_map(|group| &group.members).collect();
        members.sort();
        let mut ids: Vec<&String> = world.nodes.iter().map(|node| &node.id).collect();
        ids.sort();
        prop_assert_eq!(members, ids);
        let mut persons: Vec<&String> = result.groups.iter().filter_map(|group| group.person.as_ref()).collect();
        let count = persons.len();
        persons.sort();
        persons.dedup();
        prop_assert_eq!(persons.len(), count);
    }

    #[test]
    fn p05_pairs_kept_apart_are_never_in_one_group(world in any_world()) {
        for group in cluster(&world.nodes, &world.ties()).groups {
            for (a, b) in &world.nevers {
                prop_assert!(!(group.members.contains(a) && group.members.contains(b)));
            }
        }
    }

    #[test]
    fn p05_every_shared_key_is_honoured_or_reported(world in any_world()) {
        let result = cluster(&world.nodes, &world.ties());
        let at = |id: &String| result.groups.iter().position(|group| group.members.contains(id));
        for a in &world.nodes {
            for b in &world.nodes {
                if at(&a.id) != at(&b.id) && a.keys.iter().any(|key| b.keys.contains(key)) {
                    prop_assert!(!result.doubts.is_empty());
                    let between = result.doubts.iter().any(|(x, y)| {
                        let doubt = (at(x), at(y));
                        doubt == (at(&a.id), at(&b.id)) || doubt == (at(&b.id), at(&a.id))
                    });
                    prop_assert!(between, "two groups share a key and nobody was told");
                }
            }
        }
    }

    #[test]
    fn p05_taking_a_merge_back_gives_exactly_the_clusters_of_before(world in any_world(), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let before = cluster(&world.nodes, &world.ties());
        let mut merged = world.clone();
        merged.merges.push((a.get(&world.nodes).id.clone(), b.get(&world.nodes).id.clone()));
        let during = cluster(&merged.nodes, &merged.ties());
        // The store has written the persons of the merged state; then the merge is undone.
        let mut after_nodes = world.nodes.clone();
        for node in &mut after_nodes {
            let group = during.groups.iter().find(|group| group.members.contains(&node.id)).unwrap();
            node.person = group.person.clone();
        }
        let after = cluster(&after_nodes, &world.ties());
        let members = |clusters: &Clusters| clusters.groups.iter().map(|group| group.members.clone()).collect::<Vec<_>>();
        prop_assert_eq!(members(&before), members(&after));
        prop_assert_eq!(before.doubts, after.doubts);
    }

    #[test]
    fn a_new_record_with_new_keys_moves_nobody(world in any_world()) {
        let before = cluster(&world.nodes, &world.ties());
        let mut more = world.clone();
        more.nodes.push(node("zz", &["new"], None, 99));
        let after = cluster(&more.nodes, &more.ties());
        prop_assert_eq!(&after.groups[..before.groups.len()], &before.groups[..]);
    }
}
