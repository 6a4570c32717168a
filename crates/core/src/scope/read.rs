//! `scope.yaml` to a scope, with everything that is wrong in it.

use bedside_fact::yaml::{self, Mark, Node, Problem};
use jiff::civil::Date;

use super::boundary::{EVENTS, FACTS_NEVER_OUT, NEVER_OUT, speaks_of};
use super::{LeftOut, Out, Planned, Scope};
use crate::facts::Catalogue;
use crate::facts::sheet::{Problems, Sheet};

/// The keys of the file.
pub(super) const FILE_KEYS: [&str; 7] = [
    "version",
    "project",
    "started",
    "owner",
    "connections",
    "workflows",
    "out",
];
/// The keys of a workflow.
pub(super) const WORKFLOW_KEYS: [&str; 8] = [
    "workflow",
    "owner",
    "added",
    "wanted_by",
    "needs",
    "connections",
    "accepted_when",
    "traded_for",
];
/// The keys of what is left out.
pub(super) const OUT_KEYS: [&str; 8] = [
    "workflow",
    "fact",
    "event",
    "connection",
    "other",
    "since",
    "because",
    "refused",
];

impl Scope {
    /// Reads a scope; the facts that it names must be in the catalogue.
    ///
    /// # Errors
    /// All that is wrong in it, in the order of the file.
    pub fn read(text: &str, catalogue: &Catalogue) -> Result<Self, Vec<Problem>> {
        let root = yaml::parse(text).map_err(|problem| vec![problem])?;
        let mut problems = Problems::default();
        let scope = file(&root, catalogue, &mut problems);
        match scope {
            Some(scope) => problems.or(scope),
            None => Err(problems.0),
        }
    }
}

fn file(root: &Node, catalogue: &Catalogue, problems: &mut Problems) -> Option<Scope> {
    let sheet = Sheet::new(root, "The file", &FILE_KEYS, problems)?;
    if let Some(version) = sheet.text("version", problems)
        && version != "1"
    {
        problems.add(
            sheet.at(),
            "version",
            "This program reads version 1 of the file.",
            "Write `version: 1`.",
        );
    }
    let mut connections: Vec<String> = Vec::new();
    for (at, name) in sheet.texts("connections", problems) {
        if connections.iter().any(|known| known == name) {
            problems.add(
                at,
                "twice",
                format!("The connection `{name}` stands here a second time."),
                "",
            );
        }
        connections.push(name.to_owned());
    }
    let mut workflows: Vec<Planned> = Vec::new();
    for node in sheet.list("workflows", problems) {
        let Some(planned) = workflow(node, &connections, catalogue, problems) else {
            continue;
        };
        if workflows
            .iter()
            .any(|other| other.workflow == planned.workflow)
        {
            problems.add(
                node.at,
                "twice",
                format!(
                    "The workflow `{}` stands in the file a second time.",
                    planned.workflow
                ),
                "",
            );
        }
        workflows.push(planned);
    }
    let mut out = Vec::new();
    for node in sheet.list("out", problems) {
        if let Some(left) = left_out(node, catalogue, problems) {
            contradicts(&left.what, node.at, &workflows, &connections, problems);
            out.push(left);
        }
    }
    Some(Scope {
        project: sheet
            .text("project", problems)
            .unwrap_or_default()
            .to_owned(),
        started: date(&sheet, "started", problems),
        owner: sheet.text_if("owner", problems).map(str::to_owned),
        connections,
        workflows,
        out,
    })
}

fn workflow(
    node: &Node,
    connections: &[String],
    catalogue: &Catalogue,
    problems: &mut Problems,
) -> Option<Planned> {
    let sheet = Sheet::new(node, "A workflow", &WORKFLOW_KEYS, problems)?;
    let name = sheet.text("workflow", problems);
    // What has no owner is nobody's, and what has no example is never done.
    let owner = sheet.text("owner", problems);
    let accepted_when = sheet.text("accepted_when", problems);
    let added = needed_date(&sheet, "added", problems);
    let wanted_by = date(&sheet, "wanted_by", problems);
    if let (Some(added), Some(wanted)) = (added, wanted_by)
        && wanted < added
    {
        problems.add(sheet.at(), "date", "`wanted_by` lies before `added`.", "");
    }
    let mut needs = Vec::new();
    for (at, fact) in sheet.texts("needs", problems) {
        if catalogue.get(fact).is_none() {
            problems.add(
                at,
                "fact",
                format!("`{fact}` is no fact of facts.yaml."),
                known(catalogue),
            );
        }
        needs.push(fact.to_owned());
    }
    if sheet.get("needs").is_none() {
        problems.add(
            sheet.at(),
            "missing",
            "A workflow needs `needs`: the facts that it goes by.",
            known(catalogue),
        );
    }
    let mut used = Vec::new();
    for (at, connection) in sheet.texts("connections", problems) {
        if !connections.iter().any(|name| name == connection) {
            problems.add(
                at,
                "connection",
                format!(
                    "The connection `{connection}` is not among the `connections` of the file."
                ),
                "Add it there, or take it out here.",
            );
        }
        used.push(connection.to_owned());
    }
    Some(Planned {
        workflow: name?.to_owned(),
        owner: owner?.to_owned(),
        added: added?,
        wanted_by,
        needs,
        connections: used,
        accepted_when: accepted_when?.to_owned(),
        traded_for: sheet.text_if("traded_for", problems).map(str::to_owned),
    })
}

fn left_out(node: &Node, catalogue: &Catalogue, problems: &mut Problems) -> Option<LeftOut> {
    const WHATS: [&str; 5] = ["workflow", "fact", "event", "connection", "other"];
    let sheet = Sheet::new(node, "What is out", &OUT_KEYS, problems)?;
    let named: Vec<&str> = WHATS
        .into_iter()
        .filter(|key| sheet.get(key).is_some())
        .collect();
    let since = needed_date(&sheet, "since", problems);
    let because = sheet.text("because", problems);
    let mut refused = Vec::new();
    for (at, text) in sheet.texts("refused", problems) {
        match parse(text) {
            Some(date) => refused.push(date),
            None => not_a_date(at, "refused", text, problems),
        }
    }
    let [key] = named.as_slice() else {
        problems.add(
            sheet.at(),
            "out",
            "What is out is named by exactly one key.",
            format!("It is one of: {}.", WHATS.join(", ")),
        );
        return None;
    };
    let said = sheet.text(key, problems)?.to_owned();
    let at = sheet.place(key);
    let what = match *key {
        "workflow" => Out::Workflow(said),
        "fact" => {
            if catalogue.get(&said).is_none() {
                problems.add(
                    at,
                    "fact",
                    format!("`{said}` is no fact of facts.yaml."),
                    known(catalogue),
                );
            }
            if FACTS_NEVER_OUT.contains(&said.as_str()) {
                never(at, &said, problems);
            }
            Out::Fact(said)
        }
        "event" => {
            if NEVER_OUT.contains(&said.as_str()) {
                never(at, &said, problems);
            } else if !EVENTS.contains(&said.as_str()) {
                problems.add(
                    at,
                    "event",
                    format!("`{said}` is no event."),
                    format!("The events are: {}.", EVENTS.join(", ")),
                );
            }
            Out::Event(said)
        }
        "connection" => Out::Connection(said),
        _ => {
            if let Some(of) = speaks_of(&said) {
                never(at, of, problems);
            }
            Out::Other(said)
        }
    };
    Some(LeftOut {
        what,
        since: since?,
        because: because?.to_owned(),
        refused,
    })
}

/// What is in can't be out as well.
fn contradicts(
    what: &Out,
    at: Mark,
    workflows: &[Planned],
    connections: &[String],
    problems: &mut Problems,
) {
    let told = match what {
        Out::Workflow(name) => workflows
            .iter()
            .any(|planned| planned.workflow == *name)
            .then(|| format!("The workflow `{name}` is in scope and out of it.")),
        Out::Fact(name) => workflows
            .iter()
            .find(|planned| planned.needs.contains(name))
            .map(|planned| {
                format!(
                    "`{name}` is out, and the workflow `{}` needs it.",
                    planned.workflow
                )
            }),
        Out::Connection(name) => connections
            .contains(name)
            .then(|| format!("The connection `{name}` is in scope and out of it.")),
        Out::Event(_) | Out::Other(_) => None,
    };
    if let Some(told) = told {
        problems.add(at, "both", told, "Take it out of one of the two places.");
    }
}

fn never(at: Mark, what: &str, problems: &mut Problems) {
    problems.add(
        at,
        "never_out",
        format!("This would put {what} out of scope, and that can't be done: without it a screen shows what no longer holds."),
        "Leave merges, cancellations, corrections, withdrawals, deaths and allergies in; reduce something else.",
    );
}

fn needed_date(sheet: &Sheet<'_>, key: &str, problems: &mut Problems) -> Option<Date> {
    let text = sheet.text(key, problems)?;
    checked(sheet, key, text, problems)
}

fn date(sheet: &Sheet<'_>, key: &str, problems: &mut Problems) -> Option<Date> {
    let text = sheet.text_if(key, problems)?;
    checked(sheet, key, text, problems)
}

fn checked(sheet: &Sheet<'_>, key: &str, text: &str, problems: &mut Problems) -> Option<Date> {
    let date = parse(text);
    if date.is_none() {
        let at = sheet.place(key);
        not_a_date(at, key, text, problems);
    }
    date
}

fn parse(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok())?
}

fn not_a_date(at: Mark, key: &str, text: &str, problems: &mut Problems) {
    problems.add(
        at,
        "date",
        format!("`{key}` is a date, and `{text}` is none."),
        "Write it as 2027-03-01.",
    );
}

fn known(catalogue: &Catalogue) -> String {
    let names: Vec<&str> = catalogue.facts().map(|fact| fact.name.as_str()).collect();
    format!("The facts are: {}.", names.join(", "))
}
