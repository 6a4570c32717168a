//! Named code lists that conditions and context speak of: "medicines that raise potassium".
//!
//! Each has a version, an owner and a day by which it has to be looked at again; past that day every item that it decides says so.

use bedside_fact::known::Datum;
use bedside_fact::logic::Truth;
use bedside_fact::yaml::{self, Node};
use jiff::civil::Date;
use serde::Serialize;

use crate::problem::{Problem, Problems};

/// The code lists of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Groups {
    list: Vec<Group>,
    /// Substances that are in no group: an entry that names one of them is known for what it is.
    others: Vec<Substance>,
}

/// A substance, by its name and by its code where the list has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Substance {
    name: String,
    code: Option<(String, String)>,
}

/// A code list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) owner: String,
    pub(crate) review_by: Date,
    /// The code system as people call it, and the code.
    pub(crate) codes: Vec<(String, String)>,
    /// Names as they stand in a label, for entries whose code is of a product rather than of the substance.
    pub(crate) names: Vec<String>,
}

/// Code systems as people call them, and as sources write them.
const SYSTEMS: [(&str, &[&str]); 5] = [
    (
        "RxNorm",
        &[
            "http://www.nlm.nih.gov/research/umls/rxnorm",
            "rxnorm",
            "rxn",
        ],
    ),
    (
        "SNOMED",
        &[
            "http://snomed.info/sct",
            "snomed",
            "snomed ct",
            "snomed-ct",
            "sct",
        ],
    ),
    (
        "ICD-10-CM",
        &[
            "http://hl7.org/fhir/sid/icd-10-cm",
            "icd-10-cm",
            "i10c",
            "i10",
        ],
    ),
    ("ATC", &["http://www.whocc.no/atc", "atc"]),
    ("LOINC", &["http://loinc.org", "loinc", "ln"]),
];

const KEYS: [&str; 6] = ["group", "version", "owner", "review_by", "codes", "names"];

/// Reads `groups.yaml`.
///
/// # Errors
/// Everything that is wrong in it.
pub fn groups(file: &str, text: &str) -> Result<Groups, Vec<Problem>> {
    let mut problems = Problems::new(file);
    let root = match yaml::parse(text) {
        Ok(root) => root,
        Err(problem) => {
            problems.take(problem);
            return Err(problems.sorted());
        }
    };
    let mut list: Vec<Group> = Vec::new();
    for (key, _) in root.map().unwrap_or_default() {
        if !["groups", "other substances"].contains(&key.text.as_str()) {
            problems.add(
                key.at,
                "unknown_key",
                format!("`{}` is no key of this file.", key.text),
                "The file has the keys `groups` and `other substances`.",
            );
        }
    }
    let others = others(&root, &mut problems);
    match root.get("groups").and_then(Node::list) {
        Some(nodes) => {
            for node in nodes {
                let Some(group) = read(node, &mut problems) else {
                    continue;
                };
                if list.iter().any(|known| known.name == group.name) {
                    problems.add(
                        node.at,
                        "group",
                        format!("The group `{}` stands here a second time.", group.name),
                        "",
                    );
                }
                list.push(group);
            }
        }
        None => problems.add(
            root.at,
            "missing_key",
            "The file has no list `groups`.",
            "Begin it with `groups:`.",
        ),
    }
    if problems.is_empty() {
        Ok(Groups { list, others })
    } else {
        Err(problems.sorted())
    }
}

impl Groups {
    pub(crate) fn get(&self, name: &str) -> Option<&Group> {
        self.list.iter().find(|group| group.name == name)
    }

    /// The names of all groups.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.list.iter().map(|group| group.name.as_str()).collect()
    }
}

impl Groups {
    /// Whether an entry belongs to a group. That it bears none of the group's codes and names says nothing: a product has a code and a brand
    /// of its own. It is not of the group when it is known as something else.
    pub(crate) fn holds(&self, group: &Group, datum: &Datum) -> Truth {
        if datum.forbidden {
            Truth::False
        } else if group.bears(datum) {
            Truth::True
        } else if self.is_known(datum) {
            Truth::False
        } else {
            Truth::Unknown
        }
    }

    /// Whether it is known which substance an entry is of.
    fn is_known(&self, datum: &Datum) -> bool {
        let listed = self.list.iter().any(|group| group.bears(datum));
        listed
            || self.others.iter().any(|other| {
                let coded = other.code.iter().any(|code| bears(datum, code));
                coded || has_word(&datum.label, &other.name)
            })
    }
}

impl Group {
    /// Whether an entry bears one of the codes or names.
    fn bears(&self, datum: &Datum) -> bool {
        self.codes.iter().any(|code| bears(datum, code))
            || self.names.iter().any(|name| has_word(&datum.label, name))
    }
}

fn bears(datum: &Datum, (system, code): &(String, String)) -> bool {
    datum
        .codes
        .iter()
        .any(|other| is_system(system, &other.system) && other.code == *code)
}

fn is_system(called: &str, written: &str) -> bool {
    let written = written.to_ascii_lowercase();
    SYSTEMS
        .iter()
        .any(|(name, spellings)| *name == called && spellings.contains(&written.as_str()))
}

/// Whether a text contains a name as whole words, whatever the letter case.
fn has_word(text: &str, name: &str) -> bool {
    let text = text.to_lowercase();
    let name = name.to_lowercase();
    let edge = |side: Option<char>| side.is_none_or(|letter| !letter.is_alphanumeric());
    text.match_indices(&name).any(|(at, _)| {
        let before = text.get(..at).and_then(|part| part.chars().next_back());
        let after = text
            .get(at + name.len()..)
            .and_then(|part| part.chars().next());
        edge(before) && edge(after)
    })
}

/// `other substances`: names, each with its code before it where the list has one: `RxNorm 6918 metoprolol`.
fn others(root: &Node, problems: &mut Problems) -> Vec<Substance> {
    let Some(node) = root.get("other substances") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in node.list().unwrap_or_default() {
        let text = item.text().unwrap_or_default().trim();
        let coded = text
            .split_once(' ')
            .filter(|(system, _)| SYSTEMS.iter().any(|(name, _)| name == system));
        let substance = match coded {
            None => Some((text, None)),
            Some((system, rest)) => rest
                .split_once(' ')
                .map(|(code, name)| (name.trim(), Some((system.to_owned(), code.to_owned())))),
        };
        match substance.filter(|(name, _)| !name.is_empty()) {
            Some((name, code)) => found.push(Substance {
                name: name.to_owned(),
                code,
            }),
            None => problems.add(
                item.at,
                "group",
                "A substance is a name, or a code and a name: `RxNorm 6918 metoprolol`.",
                "",
            ),
        }
    }
    if found.is_empty() {
        problems.add(
            node.at,
            "group",
            "`other substances` is a list of names.",
            "Leave it out when there are none.",
        );
    }
    found
}

fn read(node: &Node, problems: &mut Problems) -> Option<Group> {
    let Some(members) = node.map() else {
        problems.add(node.at, "group", "A group is a set of keys.", "");
        return None;
    };
    for (key, _) in members {
        if !KEYS.contains(&key.text.as_str()) {
            problems.add(
                key.at,
                "unknown_key",
                format!("`{}` is no key of a group.", key.text),
                format!("The keys are {}.", KEYS.join(", ")),
            );
        }
    }
    let mut text = |key: &str| {
        let found = node
            .get(key)
            .and_then(Node::text)
            .filter(|text| !text.trim().is_empty());
        if found.is_none() {
            problems.add(
                node.get(key).map_or(node.at, |node| node.at),
                "missing_key",
                format!("The group has no `{key}`."),
                "Each group has a name, a version, an owner and a review date.",
            );
        }
        found.map(str::to_owned)
    };
    let name = text("group");
    let version = text("version");
    let owner = text("owner");
    let review_by = text("review_by");
    let number = |key: &str| node.get(key).map_or(node.at, |node| node.at);
    let version = version.and_then(|text| {
        let version = text.parse().ok();
        if version.is_none() {
            problems.add(number("version"), "group", "The version is no number.", "");
        }
        version
    });
    let review_by = review_by.and_then(|text| {
        let date = text.parse().ok();
        if date.is_none() {
            problems.add(
                number("review_by"),
                "group",
                "The review date is no date.",
                "Write it as 2027-03-01.",
            );
        }
        date
    });
    let mut codes = Vec::new();
    for item in node.get("codes").and_then(Node::list).unwrap_or_default() {
        let code = item.text().and_then(|text| text.rsplit_once(' '));
        match code {
            Some((system, code)) if SYSTEMS.iter().any(|(name, _)| *name == system) => {
                codes.push((system.to_owned(), code.to_owned()));
            }
            Some(_) | None => problems.add(
                item.at,
                "group",
                "A code is the name of a code system and a code, such as `RxNorm 3407`.",
                format!(
                    "The code systems are {}.",
                    SYSTEMS.map(|(name, _)| name).join(", ")
                ),
            ),
        }
    }
    let names: Vec<String> = node
        .get("names")
        .and_then(Node::list)
        .unwrap_or_default()
        .iter()
        .filter_map(|item| item.text().filter(|text| !text.trim().is_empty()))
        .map(str::to_owned)
        .collect();
    let listed = |key: &str| {
        node.get(key)
            .and_then(Node::list)
            .is_some_and(|list| !list.is_empty())
    };
    if !listed("codes") && !listed("names") {
        problems.add(
            node.at,
            "group",
            "The group has neither codes nor names.",
            "An empty group never applies, and nobody would notice.",
        );
    }
    Some(Group {
        name: name?,
        version: version?,
        owner: owner?,
        review_by: review_by?,
        codes,
        names,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::entry;

    fn refused(text: &str) -> Vec<(usize, usize, String)> {
        let found = groups("groups.yaml", text).expect_err("a problem");
        found
            .into_iter()
            .map(|problem| (problem.line, problem.column, problem.message))
            .collect()
    }

    const ONE: &str = "groups:\n  - group: a\n    version: 1\n    owner: Pharmacist\n    review_by: 2027-01-01\n    codes: [ \"RxNorm 3407\" ]\n";

    #[test]
    fn a_broken_list_is_refused_with_its_place() {
        assert!(groups("groups.yaml", ONE).is_ok());
        let missing = refused(&ONE.replace("    owner: Pharmacist\n", ""));
        assert_eq!(missing, [(2, 5, String::from("The group has no `owner`."))]);
        let date = refused(&ONE.replace("2027-01-01", "soon"));
        assert_eq!(date, [(5, 16, String::from("The review date is no date."))]);
        let code = refused(&ONE.replace("RxNorm 3407", "3407"));
        assert_eq!((code[0].0, code[0].1), (6, 14));
        let empty = refused(&ONE.replace("    codes: [ \"RxNorm 3407\" ]\n", ""));
        assert_eq!(empty[0].2, "The group has neither codes nor names.");
        let unknown = refused(&ONE.replace("    codes:", "    kodes: x\n    codes:"));
        assert_eq!(
            unknown,
            [(6, 5, String::from("`kodes` is no key of a group."))]
        );
        let twice = format!("{ONE}{}", ONE.strip_prefix("groups:\n").unwrap());
        assert_eq!(
            refused(&twice)[0].2,
            "The group `a` stands here a second time."
        );
        for text in ["", "a", "[]", "groups: x", "groups: [ x ]"] {
            assert!(groups("groups.yaml", text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_whole_words_in_any_letter_case() {
        let text = ONE.replace("codes: [ \"RxNorm 3407\" ]", "names: [ digoxin ]");
        let groups = groups("groups.yaml", &text).unwrap();
        let group = groups.get("a").unwrap();
        let holds = |label| groups.holds(group, &entry(label, "", ""));
        assert_eq!(holds("Digoxin 125 micrograms"), Truth::True);
        assert_eq!(holds("DIGOXIN"), Truth::True);
        assert_eq!(holds("methyldigoxine"), Truth::Unknown);
    }

    #[test]
    fn codes_count_in_their_own_system_only() {
        let groups = groups("groups.yaml", ONE).unwrap();
        let group = groups.get("a").unwrap();
        let holds = |system, code| groups.holds(group, &entry("x", system, code));
        for system in [
            "RXN",
            "http://www.nlm.nih.gov/research/umls/rxnorm",
            "RxNorm",
        ] {
            assert_eq!(holds(system, "3407"), Truth::True, "{system}");
            assert_eq!(holds(system, "9"), Truth::Unknown, "{system}");
        }
        assert_eq!(holds("http://snomed.info/sct", "3407"), Truth::Unknown);
        assert_eq!(holds("", "3407"), Truth::Unknown);
    }

    #[test]
    fn p06_a_product_is_not_known_to_be_outside_a_group_by_its_code_alone() {
        const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
        let groups = crate::testing::groups();
        let digoxin = groups.get("digoxin").unwrap();
        let raising = groups.get("raising potassium").unwrap();
        let cases = [
            // Products, by brand and by the words of the code system.
            ("Digitek 0.125 mg", "197604", Truth::True, Truth::False),
            ("Zestril 10 mg", "104377", Truth::False, Truth::True),
            ("Entresto 24-26 mg", "1656340", Truth::False, Truth::True),
            (
                "metoprolol tartrate 25 MG Oral Tablet",
                "866924",
                Truth::False,
                Truth::False,
            ),
            // A substance by its code, whatever it is called here.
            ("Tbl. XY", "6918", Truth::False, Truth::False),
            // A product of which nothing is known, and one that nobody named.
            ("Novumed 5", "999999", Truth::Unknown, Truth::Unknown),
            (
                "not named by the source",
                "999998",
                Truth::Unknown,
                Truth::Unknown,
            ),
        ];
        for (label, code, is_digoxin, is_raising) in cases {
            let datum = entry(label, RXNORM, code);
            assert_eq!(groups.holds(digoxin, &datum), is_digoxin, "{label}");
            assert_eq!(groups.holds(raising, &datum), is_raising, "{label}");
        }
    }

    #[test]
    fn an_order_not_to_give_something_is_not_of_its_group() {
        let groups = crate::testing::groups();
        let digoxin = groups.get("digoxin").unwrap();
        let forbidden = Datum {
            forbidden: true,
            ..entry("DO NOT GIVE: digoxin", "RxNorm", "3407")
        };
        assert_eq!(groups.holds(digoxin, &forbidden), Truth::False);
    }

    #[test]
    fn other_substances_are_names_or_codes_with_names() {
        let with = |list: &str| format!("{ONE}other substances: [ {list} ]\n");
        assert!(groups("g", &with("metoprolol, \"RxNorm 6918 metoprolol\"")).is_ok());
        assert_eq!(
            refused(&with("\"RxNorm 6918\"")),
            [
                (
                    7,
                    19,
                    String::from("`other substances` is a list of names.")
                ),
                (
                    7,
                    21,
                    String::from(
                        "A substance is a name, or a code and a name: `RxNorm 6918 metoprolol`."
                    )
                ),
            ]
        );
        assert!(groups("g", &format!("{ONE}other substances: x\n")).is_err());
    }
}
