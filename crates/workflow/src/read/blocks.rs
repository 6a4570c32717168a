//! The head of a definition, its events, who it is for and who owns it; and the whole put together.

use bedside_fact::yaml::Node;

use super::Reader;
use crate::definition::{
    AfterDone, Applies, Definition, IfUnknown, Repeat, Safety, SameFinding, Start, StartEvent,
    Stop, Trait, Who,
};

/// Events that the language has and this version does not start or stop on.
const LATER_EVENTS: [&str; 16] = [
    "patient admitted",
    "patient transferred",
    "patient discharged",
    "discharge cancelled",
    "admission cancelled",
    "medication ordered",
    "medication changed",
    "medication stopped",
    "medication dispensed",
    "allergy list changed",
    "document received",
    "home reading received",
    "appointment booked",
    "appointment missed",
    "clock",
    "source down",
];

const SAME_FINDING: &str = "update the open item, do not open another";
const AFTER_DONE: &str = "open again whenever a row applies to a newer specimen";

impl Reader<'_> {
    pub(crate) fn definition(&mut self, root: &Node) -> Option<Definition> {
        if root.map().is_none() {
            self.problem(
                root.at,
                "shape",
                "A workflow is a set of keys with values.",
                "",
            );
            return None;
        }
        // Every block is read before any is given up, so that one run shows all that is wrong.
        let needs = self.needs(root);
        let head = self.head(root);
        let starts = self.starts(root);
        let same_event = self.identifiers(root, "same_event", &["patient", "specimen", "test"]);
        let same_case = self.identifiers(root, "same_case", &["patient"]);
        let stops = self.stops(root);
        let applies_to = self.applies_to(root);
        let decide = self.decide(root);
        let who = self.who(root);
        let actions = self.actions(root);
        let closing = self.done_when(root);
        let repeat = self.repeat(root);
        let pool = who
            .as_ref()
            .and_then(|who| who.then.last().cloned())
            .unwrap_or_default();
        let (actions, record) = match actions {
            Some((mut actions, record)) => {
                self.escalate(root, &mut actions, &pool)?;
                (actions, record)
            }
            None => return None,
        };
        needs?;
        let (rows, otherwise) = decide?;
        let mut definition = head?;
        definition.starts = starts?;
        definition.same_event = same_event?;
        definition.same_case = same_case?;
        definition.stops = stops?;
        definition.applies_to = applies_to?;
        definition.needs.clone_from(&self.needs);
        definition.rows = rows;
        definition.otherwise = otherwise;
        definition.actions = actions;
        definition.record = record;
        definition.who = who?;
        definition.closing = closing?;
        definition.repeat = repeat?;
        Some(definition)
    }

    /// The head, with all blocks still empty.
    fn head(&mut self, root: &Node) -> Option<Definition> {
        let what = "The workflow";
        let name = self.text(root, "workflow", what);
        let title = self.text(root, "title", what);
        let purpose = self.text(root, "purpose", what);
        let version = self.text(root, "version", what);
        let owner = self.text(root, "clinical_owner", what);
        let safety = self.text(root, "safety", what);
        let review_by = self.text(root, "review_by", what);
        let sources = self.sources(root);
        let (name, at) = name?;
        let plain =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        if !name.chars().all(plain) {
            self.problem(
                at,
                "shape",
                format!("`{name}` is no name of a workflow."),
                "Use small letters, digits and hyphens.",
            );
        }
        let (version, at) = version?;
        let version = version.parse::<u32>().ok().filter(|version| *version > 0);
        if version.is_none() {
            self.problem(at, "shape", "The version is no number from 1.", "");
        }
        let (safety, at) = safety?;
        let safety = match safety {
            "routine" => Some(Safety::Routine),
            "important" => Some(Safety::Important),
            "urgent" => Some(Safety::Urgent),
            other => {
                self.problem(
                    at,
                    "shape",
                    format!("`{other}` is no safety class."),
                    "Write routine, important or urgent.",
                );
                None
            }
        };
        let (review_by, at) = review_by?;
        self.place(String::from("review_by"), at);
        let review_by = review_by.parse().ok();
        if review_by.is_none() {
            self.problem(
                at,
                "check_12",
                "The review date is no date.",
                "Write it as 2027-03-01.",
            );
        }
        Some(Definition {
            name: name.to_owned(),
            title: title?.0.to_owned(),
            purpose: purpose?.0.to_owned(),
            version: version?,
            clinical_owner: owner?.0.to_owned(),
            safety: safety?,
            review_by: review_by?,
            sources: sources?,
            starts: Vec::new(),
            same_event: Vec::new(),
            same_case: Vec::new(),
            stops: Vec::new(),
            applies_to: Applies {
                include: Vec::new(),
                exclude: Vec::new(),
                if_unknown: IfUnknown::Include,
            },
            needs: Vec::new(),
            rows: Vec::new(),
            otherwise: None,
            actions: Vec::new(),
            record: None,
            who: Who {
                inpatient: String::new(),
                outpatient: String::new(),
                then: Vec::new(),
                inform: Vec::new(),
                purpose: String::new(),
            },
            closing: crate::definition::Closing {
                later: Vec::new(),
                answers: Vec::new(),
                reasons: Vec::new(),
            },
            repeat: Repeat {
                same_finding: SameFinding::Update,
                after_done: AfterDone::NewerSpecimen,
            },
            hash: String::new(),
        })
    }

    /// Each is a sentence, or `local:` and a sentence.
    fn sources(&mut self, root: &Node) -> Option<Vec<String>> {
        let Some(node) = root.get("sources") else {
            self.problem(
                root.at,
                "check_12",
                "The workflow names no `sources`.",
                "Name the guideline and the local list that its numbers come from.",
            );
            return None;
        };
        self.place(String::from("sources"), node.at);
        let list = self.list(node, "sources")?;
        let mut sources = Vec::new();
        for item in list {
            let text = match item.get("local") {
                Some(local) => format!("local: {}", self.as_text(local, "local")?),
                None => self.as_text(item, "sources")?.to_owned(),
            };
            sources.push(text);
        }
        Some(sources)
    }

    fn starts(&mut self, root: &Node) -> Option<Vec<Start>> {
        let node = self.child(root, "starts", "The workflow")?;
        self.place(String::from("starts"), node.at);
        let mut starts: Vec<Start> = Vec::new();
        for item in self.list(node, "starts")? {
            self.keys(item, &["event", "where"], &[], "a start");
            let (event, at) = self.text(item, "event", "The start")?;
            let event = match event {
                "lab result finalised" => StartEvent::Finalised,
                "lab result corrected" => StartEvent::Corrected,
                other => {
                    self.event_problem(other, at);
                    return None;
                }
            };
            let (filter, at) = self.text(item, "where", "The start")?;
            let Some(fact) = filter.strip_prefix("test is ") else {
                self.problem(
                    at,
                    "starts",
                    format!("`{filter}` says of no test."),
                    "Write `where: test is potassium`.",
                );
                return None;
            };
            if !self
                .needs
                .iter()
                .any(|needed| needed.fact == fact && needed.skip == 0)
            {
                if !self.begins_unread(fact) {
                    self.problem(
                        at,
                        "check_1",
                        format!("`{fact}` starts the workflow and is not in `needs`."),
                        "",
                    );
                }
                return None;
            }
            if starts.iter().any(|start| start.fact != fact) {
                self.unsupported(at, "more than one test");
                return None;
            }
            starts.push(Start {
                event,
                fact: fact.to_owned(),
            });
        }
        Some(starts)
    }

    fn event_problem(&mut self, event: &str, at: bedside_fact::yaml::Mark) {
        if LATER_EVENTS.iter().any(|known| event.starts_with(known)) {
            self.unsupported(at, event);
        } else {
            self.problem(
                at,
                "starts",
                format!("There is no event `{event}`."),
                "A workflow starts on `lab result finalised` and `lab result corrected`.",
            );
        }
    }

    fn identifiers(&mut self, root: &Node, key: &str, wanted: &[&str]) -> Option<Vec<String>> {
        let hint = format!("Write `{key}: [ {} ]`.", wanted.join(", "));
        let Some(node) = root.get(key) else {
            self.problem(
                root.at,
                "check_6",
                format!("The workflow has no `{key}`: say what makes two of them one."),
                hint,
            );
            return None;
        };
        let mut named = Vec::new();
        for item in self.list(node, key)? {
            let text = self.as_text(item, key)?;
            if !wanted.contains(&text) {
                let message = if text.contains("message") || text.contains("event") {
                    format!(
                        "`{text}` changes whenever something is sent again: it makes nothing one."
                    )
                } else {
                    format!("`{text}` is not supported yet by this version in `{key}`.")
                };
                self.problem(item.at, "check_6", message, hint);
                return None;
            }
            named.push(text.to_owned());
        }
        if let Some(left_out) = wanted
            .iter()
            .find(|word| !named.iter().any(|name| name == *word))
        {
            self.problem(
                node.at,
                "check_6",
                format!(
                    "`{key}` leaves out `{left_out}`, which is not supported yet by this version."
                ),
                hint,
            );
            return None;
        }
        named.sort();
        Some(named)
    }

    fn stops(&mut self, root: &Node) -> Option<Vec<Stop>> {
        let node = self.child(root, "stops", "The workflow")?;
        self.place(String::from("stops"), node.at);
        let mut stops = Vec::new();
        for item in self.list(node, "stops")? {
            self.keys(item, &["event", "then"], &["where"], "a stop");
            let (event, at) = self.text(item, "event", "The stop")?;
            let (stop, wanted) = match event {
                "lab result withdrawn" => (Stop::Withdrawn, "withdraw"),
                "patient died" => (Stop::Died, "close as no longer applies"),
                "patients merged" => (Stop::Merged, "move to surviving patient"),
                other => {
                    self.event_problem(other, at);
                    return None;
                }
            };
            let (then, at) = self.text(item, "then", "The stop")?;
            if then != wanted {
                self.problem(
                    at,
                    "stops",
                    format!("`{then}` is not what follows when {event}."),
                    format!("Write `then: {wanted}`."),
                );
                return None;
            }
            stops.push(stop);
        }
        Some(stops)
    }

    fn applies_to(&mut self, root: &Node) -> Option<Applies> {
        let node = self.child(root, "applies_to", "The workflow")?;
        self.map(node, "applies_to")?;
        self.keys(
            node,
            &["include", "exclude", "if unknown"],
            &[],
            "`applies_to`",
        );
        let include = self.traits(node, "include")?;
        let exclude = self.traits(node, "exclude")?;
        let (text, at) = self.text(node, "if unknown", "`applies_to`")?;
        let if_unknown = match text {
            "include" => IfUnknown::Include,
            "exclude" => IfUnknown::Exclude,
            other => {
                self.problem(
                    at,
                    "applies_to",
                    format!("`{other}` does not say whether the patient belongs to it."),
                    "Write `include` or `exclude`.",
                );
                return None;
            }
        };
        Some(Applies {
            include,
            exclude,
            if_unknown,
        })
    }

    fn traits(&mut self, node: &Node, key: &str) -> Option<Vec<Trait>> {
        let Some(child) = node.get(key) else {
            return Some(Vec::new());
        };
        let mut traits = Vec::new();
        for item in self.list(child, key)? {
            let of = match self.as_text(item, key)? {
                "adult" => Trait::Adult,
                "child" => Trait::Child,
                "inpatient" => Trait::Inpatient,
                "outpatient" => Trait::Outpatient,
                other => {
                    self.unsupported(item.at, other);
                    return None;
                }
            };
            traits.push(of);
        }
        Some(traits)
    }

    fn who(&mut self, root: &Node) -> Option<Who> {
        let node = self.child(root, "who", "The workflow")?;
        self.map(node, "who")?;
        self.place(String::from("who"), node.at);
        self.keys(node, &["owner", "inform", "purpose"], &[], "`who`");
        let owner = self.child(node, "owner", "`who`")?;
        self.map(owner, "owner")?;
        self.keys(owner, &["inpatient", "outpatient", "then"], &[], "`owner`");
        let inpatient = self.text(owner, "inpatient", "`owner`")?;
        let outpatient = self.text(owner, "outpatient", "`owner`")?;
        let then = self.texts(owner, "then")?;
        self.place(String::from("owner"), owner.at);
        let (purpose, at) = self.text(node, "purpose", "`who`")?;
        if !["treatment", "operations", "payment"].contains(&purpose) {
            self.problem(
                at,
                "who",
                format!("`{purpose}` is no purpose of use."),
                "Write treatment, operations or payment.",
            );
            return None;
        }
        Some(Who {
            inpatient: inpatient.0.to_owned(),
            outpatient: outpatient.0.to_owned(),
            then,
            inform: self.texts(node, "inform")?,
            purpose: purpose.to_owned(),
        })
    }

    fn repeat(&mut self, root: &Node) -> Option<Repeat> {
        let node = self.child(root, "repeat", "The workflow")?;
        self.map(node, "repeat")?;
        let later = ["snooze", "snooze limit"];
        self.keys(node, &["same finding", "after done"], &later, "`repeat`");
        for (key, wanted) in [("same finding", SAME_FINDING), ("after done", AFTER_DONE)] {
            let (text, at) = self.text(node, key, "`repeat`")?;
            if text != wanted {
                self.problem(
                    at,
                    "check_15",
                    format!("`{text}` could hide a row that calls for action."),
                    format!("Write `{key}: {wanted}`."),
                );
                return None;
            }
        }
        Some(Repeat {
            same_finding: SameFinding::Update,
            after_done: AfterDone::NewerSpecimen,
        })
    }
}
