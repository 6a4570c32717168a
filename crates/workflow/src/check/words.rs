//! The words of a file: none of the connection layer (promise P11), and no person's name.

use bedside_fact::yaml::{Kind, Mark, Node};

use crate::problem::Problems;
use crate::vocabulary::Vocabulary;

/// Segments and messages of the wire.
const WIRE: [&str; 18] = [
    "MSH", "PID", "PV1", "PV2", "OBX", "OBR", "ORC", "NK1", "AL1", "IAM", "MRG", "SPM", "ORU",
    "ADT", "RDE", "MDM", "SIU", "EVN",
];

/// What stands before a person's name.
const TITLES: [&str; 8] = ["Dr", "Dr.", "Mr", "Mr.", "Mrs", "Mrs.", "Ms", "Ms."];

pub(super) fn check(node: &Node, vocabulary: &Vocabulary, problems: &mut Problems) {
    match &node.kind {
        Kind::Empty => {}
        Kind::Text { text, .. } => one(text, node.at, vocabulary, problems),
        Kind::List(nodes) => {
            for node in nodes {
                check(node, vocabulary, problems);
            }
        }
        Kind::Map(members) => {
            for (key, node) in members {
                one(&key.text, key.at, vocabulary, problems);
                check(node, vocabulary, problems);
            }
        }
    }
}

fn one(text: &str, at: Mark, vocabulary: &Vocabulary, problems: &mut Problems) {
    if let Some(word) = connection_word(text, vocabulary) {
        problems.add(
            at,
            "check_10",
            format!("`{word}` belongs to the connection layer."),
            "A workflow speaks of facts and events; where they come from stands in facts.yaml.",
        );
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let named = words.windows(2).any(|pair| match pair {
        [title, name] => {
            TITLES.contains(title) && name.chars().next().is_some_and(char::is_uppercase)
        }
        _ => false,
    });
    if named {
        problems.add(
            at,
            "check_10",
            "This names a person.",
            "Name a role: people change.",
        );
    }
}

fn connection_word(text: &str, vocabulary: &Vocabulary) -> Option<String> {
    let trim = |word: &str| {
        word.trim_matches(|letter: char| !letter.is_alphanumeric())
            .to_owned()
    };
    for word in text.split_whitespace() {
        if word.contains("://") || word.starts_with("www.") {
            return Some(trim(word));
        }
        let plain = trim(word);
        let segment = plain.split(['-', '^', '.']).next().unwrap_or_default();
        if WIRE.contains(&segment) || is_path(&plain) {
            return Some(plain);
        }
    }
    let lower = text.to_lowercase();
    let edge = |side: Option<char>| side.is_none_or(|letter| !letter.is_alphanumeric());
    vocabulary.connection_words.iter().find_map(|word| {
        let sought = word.to_lowercase();
        let found = !sought.is_empty()
            && lower.match_indices(&sought).any(|(at, _)| {
                let before = lower.get(..at).and_then(|part| part.chars().next_back());
                let after = lower
                    .get(at + sought.len()..)
                    .and_then(|part| part.chars().next());
                edge(before) && edge(after)
            });
        found.then(|| word.clone())
    })
}

/// `Observation.value`: a capital word, a point and a small letter, with nothing between.
fn is_path(word: &str) -> bool {
    word.split_once('.').is_some_and(|(head, tail)| {
        let named = head.len() > 2
            && head.chars().next().is_some_and(char::is_uppercase)
            && head.chars().all(char::is_alphabetic);
        named && tail.chars().next().is_some_and(char::is_lowercase)
    })
}
