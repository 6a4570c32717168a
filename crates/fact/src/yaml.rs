//! A strict subset of YAML 1.2 with line and column: what people may write in `facts.yaml`, `scope.yaml` and `workflows/*.yaml`.
//!
//! No anchors, no aliases, no tags, no duplicate keys, one document, and no bare word that older YAML reads as a boolean (`on`, `off`,
//! `yes`, `no`, `y`, `n`): a file that two readers understand differently is worse than one that is refused. Whoever reads a
//! [`Node`] decides what the text means; nothing here turns `1.10` into a number.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde::Serialize;

/// A place in a file, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Mark {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// Something that is wrong in a file, for a person to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where.
    #[serde(flatten)]
    pub at: Mark,
    /// Which rule, as a stable word: `yaml`, `unknown_key`, `check_1`.
    pub rule: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do about it; empty when the sentence says it.
    pub hint: String,
}

impl Problem {
    /// A problem.
    #[must_use]
    pub fn new(at: Mark, rule: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            at,
            rule: rule.to_owned(),
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its first character.
    pub at: Mark,
    /// What it is.
    pub kind: Kind,
}

/// The four kinds of value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A key without a value.
    Empty,
    /// Text, quoted or not.
    Text {
        /// The characters.
        text: String,
        /// Whether it stood in quotes.
        quoted: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// Keys with values, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its first character.
    pub at: Mark,
    /// The text.
    pub text: String,
}

/// As deep as a file may nest.
const DEPTH: usize = 20;

/// As large as a file may be, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Words that older YAML reads as true or false.
const BOOLEANS: [&str; 8] = ["on", "off", "yes", "no", "y", "n", "true", "false"];

impl Node {
    /// The text, when it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text { text, .. } => Some(text),
            Kind::Empty | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The elements, when it is a list.
    #[must_use]
    pub fn list(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::List(nodes) => Some(nodes),
            Kind::Empty | Kind::Text { .. } | Kind::Map(_) => None,
        }
    }

    /// The members, when it is a map.
    #[must_use]
    pub fn map(&self) -> Option<&[(Key, Self)]> {
        match &self.kind {
            Kind::Map(members) => Some(members),
            Kind::Empty | Kind::Text { .. } | Kind::List(_) => None,
        }
    }

    /// The member of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.map()?
            .iter()
            .find(|(key, _)| key.text == name)
            .map(|(_, node)| node)
    }
}

/// Reads a file.
///
/// # Errors
/// What is wrong first. A file that is no YAML of this subset has no value.
pub fn parse(text: &str) -> Result<Node, Problem> {
    let start = Mark { line: 1, column: 1 };
    if text.len() > LARGEST {
        return Err(Problem::new(
            start,
            "yaml",
            "The file is larger than 1 MiB.",
            "Split it.",
        ));
    }
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
    };
    reader.document()
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Mark), Problem> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let at = Mark {
                    line: span.start.line(),
                    column: span.start.col() + 1,
                };
                Ok((event, at))
            }
            Some(Err(error)) => {
                let at = Mark {
                    line: error.marker().line(),
                    column: error.marker().col() + 1,
                };
                // The one that people who write sentences run into.
                let hint = if error.info().contains("mapping values") {
                    "A text that holds a colon and a space stands in quotes as a whole."
                } else {
                    ""
                };
                Err(Problem::new(
                    at,
                    "yaml",
                    format!("This is no YAML: {}.", error.info()),
                    hint,
                ))
            }
            None => Err(Problem::new(
                Mark { line: 1, column: 1 },
                "yaml",
                "The file ends too early.",
                "",
            )),
        }
    }

    fn document(&mut self) -> Result<Node, Problem> {
        let mut root = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(Problem::new(
                        at,
                        "yaml",
                        "A second document begins here.",
                        "Put it into a file of its own.",
                    ));
                }
                Event::DocumentStart(_) => {}
                Event::StreamEnd => {
                    return root.ok_or_else(|| {
                        Problem::new(
                            Mark { line: 1, column: 1 },
                            "yaml",
                            "The file is empty.",
                            "",
                        )
                    });
                }
                other @ (Event::Alias(_)
                | Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::SequenceEnd
                | Event::MappingStart(..)
                | Event::MappingEnd) => root = Some(self.node(other, at, 0)?),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, at: Mark, depth: usize) -> Result<Node, Problem> {
        let refuse = |what: &str, hint: &str| Err(Problem::new(at, "yaml", what, hint));
        if depth > DEPTH {
            return refuse("This is nested too deeply.", "");
        }
        match event {
            Event::Alias(_) => refuse("Aliases are not allowed.", "Write the value out."),
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag)
                if anchor != 0 || tag.is_some() =>
            {
                refuse("Anchors and tags are not allowed.", "Write the value out.")
            }
            Event::Scalar(text, style, _, _) => {
                let quoted = style != ScalarStyle::Plain;
                if !quoted && BOOLEANS.contains(&text.to_ascii_lowercase().as_str()) {
                    return Err(Problem::new(
                        at,
                        "yaml",
                        format!(
                            "`{text}` is read as a boolean by some programs and as a word by others."
                        ),
                        "Put it into quotes or use another word.",
                    ));
                }
                let kind = if !quoted && (text.is_empty() || text == "~" || text == "null") {
                    Kind::Empty
                } else {
                    Kind::Text {
                        text: text.into_owned(),
                        quoted,
                    }
                };
                Ok(Node { at, kind })
            }
            Event::SequenceStart(..) => {
                let mut nodes = Vec::new();
                loop {
                    let (event, at) = self.next()?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    nodes.push(self.node(event, at, depth + 1)?);
                }
                Ok(Node {
                    at,
                    kind: Kind::List(nodes),
                })
            }
            Event::MappingStart(..) => {
                let mut members: Vec<(Key, Node)> = Vec::new();
                loop {
                    let (event, at) = self.next()?;
                    if event == Event::MappingEnd {
                        break;
                    }
                    let key = self.node(event, at, depth + 1)?;
                    let Some(name) = key.text() else {
                        return Err(Problem::new(at, "yaml", "A key must be a word.", ""));
                    };
                    if members.iter().any(|(known, _)| known.text == name) {
                        return Err(Problem::new(
                            at,
                            "yaml",
                            format!("The key `{name}` stands here a second time."),
                            "",
                        ));
                    }
                    let key = Key {
                        at,
                        text: name.to_owned(),
                    };
                    let (event, at) = self.next()?;
                    members.push((key, self.node(event, at, depth + 1)?));
                }
                Ok(Node {
                    at,
                    kind: Kind::Map(members),
                })
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => refuse("A value is missing here.", ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (usize, usize, String) {
        let problem = parse(text).expect_err("a problem");
        assert_eq!(problem.rule, "yaml");
        (problem.at.line, problem.at.column, problem.message)
    }

    #[test]
    fn values_keep_their_text_and_their_place() {
        let root = parse("a: 1.10\nb:\n  - x\n  - 'y z'\nc: { d: \"on\" }\ne:\n").unwrap();
        assert_eq!(root.get("a").and_then(Node::text), Some("1.10"));
        let list = root.get("b").and_then(Node::list).unwrap();
        assert_eq!(list[1].text(), Some("y z"));
        assert_eq!(list[1].at, Mark { line: 4, column: 5 });
        let inner = root.get("c").unwrap();
        assert_eq!(inner.get("d").and_then(Node::text), Some("on"));
        assert_eq!(root.get("e").map(|node| &node.kind), Some(&Kind::Empty));
        assert_eq!(root.get("f"), None);
        let keys: Vec<&str> = root
            .map()
            .unwrap()
            .iter()
            .map(|(key, _)| key.text.as_str())
            .collect();
        assert_eq!(keys, ["a", "b", "c", "e"]);
    }

    #[test]
    fn a_flow_list_of_pairs_is_a_list_of_maps() {
        let root = parse("a: [ 15 minutes: covering clinician, 1 hour: pool ]").unwrap();
        let list = root.get("a").and_then(Node::list).unwrap();
        assert_eq!(
            list[0].get("15 minutes").and_then(Node::text),
            Some("covering clinician")
        );
        assert_eq!(
            list[1].map().unwrap()[0].0.at,
            Mark {
                line: 1,
                column: 38
            }
        );
    }

    #[test]
    fn what_two_readers_understand_differently_is_refused() {
        for (text, line, column, says) in [
            ("a: on", 1, 4, "`on` is read as a boolean"),
            ("a:\n  - Yes", 2, 5, "`Yes` is read as a boolean"),
            ("no: 1", 1, 1, "`no` is read as a boolean"),
            ("a: &x 1", 1, 4, "Anchors and tags"),
            ("a: !!str 1", 1, 4, "Anchors and tags"),
            ("a: 1\nb: 2\na: 3", 3, 1, "`a` stands here a second time"),
            ("a: 1\n---\nb: 2", 2, 1, "A second document"),
            ("? [a, b]\n: 1", 1, 3, "A key must be a word"),
        ] {
            let (at, to, message) = refused(text);
            assert!(message.contains(says), "{text}: {message}");
            assert_eq!((at, to), (line, column), "{text}");
        }
        assert!(refused("a: *x").2.contains("no YAML"));
        assert!(refused("").2.contains("empty"));
    }

    #[test]
    fn depth_and_size_are_limited() {
        let flow = refused(&"[".repeat(100_000)).2;
        assert!(
            flow.contains("recursion") || flow.contains("nested"),
            "{flow}"
        );
        let block: String = (0..30).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        assert!(refused(&block).2.contains("nested too deeply"));
        assert!(
            refused(&format!("{}a", " ".repeat(LARGEST)))
                .2
                .contains("larger")
        );
    }

    #[test]
    fn a_sentence_with_a_colon_gets_a_hint() {
        let problem = parse("a: continue and say \"x: y\"").expect_err("a problem");
        assert!(problem.hint.contains("stands in quotes"), "{problem:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_never_more(text in "[ -~\\n\\t]{0,200}") {
            let _ = parse(&text);
        }
    }
}
