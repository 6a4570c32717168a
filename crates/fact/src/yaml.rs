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
                Err(Problem::new(
                    at,
                    "yaml",
                    format!("This is no YAML: {}.", error.info()),
                    "",
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
                other => root = Some(self.node(other, at, 0)?),
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
