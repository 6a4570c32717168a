//! From links and decisions to persons.
//!
//! Computed from scratch each time: taking back a link, a merge or a record is leaving it out, so an un-merge gives exactly the
//! clusters of before. The answer depends on the set of nodes and ties, never on their order. The caller reads in only the nodes that
//! are connected to the change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A patient record to be put into a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The record's id.
    pub id: String,
    /// Its hashed link keys.
    pub keys: Vec<String>,
    /// The person it belongs to now.
    pub person: Option<String>,
    /// When it came, in any unit: the earliest decides whose person id stays.
    pub since: i64,
}

/// What a person decided about two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie<'a> {
    /// These two are one person.
    Merge(&'a str, &'a str),
    /// These two are not.
    Never(&'a str, &'a str),
}

/// Records that are one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The records' ids, earliest first.
    pub members: Vec<String>,
    /// The person id to use; `None` when a new one must be made.
    pub person: Option<String>,
}

/// The result of [`cluster`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clusters {
    /// All groups, the one with the earliest member first.
    pub groups: Vec<Group>,
    /// Pairs that a key or a merge would have joined, kept apart because somebody said "not the same" about two in their groups.
    pub doubts: Vec<(String, String)>,
}

/// Puts every node into exactly one group.
///
/// Merges come first, then keys in the order in which the records came, so that a new record never moves an old boundary. A join that
/// would bring a [`Tie::Never`] pair together is left out and reported. A group keeps the person id of its earliest member that has
/// one; when a person splits, the part with the earliest member keeps the id.
#[must_use]
pub fn cluster(nodes: &[Node], ties: &[Tie<'_>]) -> Clusters {
    let nodes = in_order(nodes);
    let places: HashMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .map(|(place, node)| (node.id.as_str(), place))
        .collect();
    let pair = |a: &str, b: &str| {
        let (a, b) = (*places.get(a)?, *places.get(b)?);
        (a != b).then_some((a.min(b), a.max(b)))
    };
    let mut merges = BTreeSet::new();
    let mut nevers = BTreeSet::new();
    for tie in ties {
        match *tie {
            Tie::Merge(a, b) => merges.extend(pair(a, b)),
            Tie::Never(a, b) => nevers.extend(pair(a, b)),
        }
    }
    let mut sets = Sets::new(nodes.len(), &nevers);
    let mut doubts = BTreeSet::new();
    for (a, b) in merges {
        if !sets.join(a, b) {
            doubts.insert((a, b));
        }
    }
    join_by_keys(&nodes, &mut sets, &mut doubts);
    let id = |place: usize| {
        nodes
            .get(place)
            .map(|node| node.id.clone())
            .unwrap_or_default()
    };
    Clusters {
        groups: groups(&nodes, &mut sets),
        doubts: doubts.into_iter().map(|(a, b)| (id(a), id(b))).collect(),
    }
}

/// By age, then id; the same id twice is one node with the keys of both.
fn in_order(nodes: &[Node]) -> Vec<Node> {
    let mut by_id: BTreeMap<&str, Node> = BTreeMap::new();
    for node in nodes {
        let kept = by_id.entry(&node.id).or_insert_with(|| node.clone());
        kept.keys.extend(node.keys.iter().cloned());
        kept.since = kept.since.min(node.since);
        // The smaller id, so that order does not matter here either.
        kept.person = [kept.person.take(), node.person.clone()]
            .into_iter()
            .flatten()
            .min();
    }
    let mut ordered: Vec<Node> = by_id.into_values().collect();
    for node in &mut ordered {
        node.keys.sort();
        node.keys.dedup();
    }
    ordered.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
    ordered
}

fn join_by_keys(nodes: &[Node], sets: &mut Sets, doubts: &mut BTreeSet<(usize, usize)>) {
    // For each key one node per set that holds it. There is more than one only where a join was refused, so this stays linear.
    let mut holders: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, node) in nodes.iter().enumerate() {
        let earlier: BTreeSet<usize> = node
            .keys
            .iter()
            .filter_map(|key| holders.get(key.as_str()))
            .flatten()
            .copied()
            .collect();
        for other in earlier {
            if !sets.join(other, place) {
                doubts.insert((other, place));
            }
        }
        for key in &node.keys {
            let list = holders.entry(key).or_default();
            if !list
                .iter()
                .any(|other| sets.find(*other) == sets.find(place))
            {
                list.push(place);
            }
        }
    }
}

fn groups(nodes: &[Node], sets: &mut Sets) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of_root: HashMap<usize, usize> = HashMap::new();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for (place, node) in nodes.iter().enumerate() {
        let at = *group_of_root.entry(sets.find(place)).or_insert_with(|| {
            groups.push(Group {
                members: Vec::new(),
                person: None,
            });
            groups.len() - 1
        });
        let Some(group) = groups.get_mut(at) else {
            continue;
        };
        group.members.push(node.id.clone());
        if let (None, Some(person)) = (&group.person, &node.person)
            && taken.insert(person)
        {
            group.person = Some(person.clone());
        }
    }
    groups
}

/// Disjoint sets that refuse to join where a pair must stay apart.
struct Sets {
    parent: Vec<usize>,
    /// For each root, its members that must stay apart from somebody, with whom.
    apart: HashMap<usize, Vec<usize>>,
}

impl Sets {
    fn new(count: usize, nevers: &BTreeSet<(usize, usize)>) -> Self {
        let mut apart: HashMap<usize, Vec<usize>> = HashMap::new();
        for (a, b) in nevers {
            apart.entry(*a).or_default().push(*b);
            apart.entry(*b).or_default().push(*a);
        }
        Self {
            parent: (0..count).collect(),
            apart,
        }
    }

    fn find(&mut self, place: usize) -> usize {
        let mut at = place;
        while let Some(&up) = self.parent.get(at) {
            if up == at {
                break;
            }
            let above = self.parent.get(up).copied().unwrap_or(up);
            if let Some(slot) = self.parent.get_mut(at) {
                *slot = above;
            }
            at = above;
        }
        at
    }

    /// Joins the sets of two places; `false` when somebody said that they are not the same.
    fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return true;
        }
        let forbidden = self.apart.get(&a).cloned().unwrap_or_default();
        if forbidden.iter().any(|other| self.find(*other) == b) {
            return false;
        }
        // The earlier root stays; path halving alone keeps this near linear.
        let (keep, give) = (a.min(b), a.max(b));
        if let Some(slot) = self.parent.get_mut(give) {
            *slot = keep;
        }
        if let Some(moved) = self.apart.remove(&give) {
            self.apart.entry(keep).or_default().extend(moved);
        }
        true
    }
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
