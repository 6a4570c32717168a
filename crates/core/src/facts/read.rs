//! `facts.yaml` to facts, with everything that is wrong in it.

use bedside_fact::known::Code;
use bedside_fact::quantity::Decimal;
use bedside_fact::unit::{self, Analyte};
use bedside_fact::yaml::{self, Mark, Node, Problem};

use super::catalogue::{Binding, EmptyMeans, FactDef, Kind, Route};
use super::sheet::{Problems, Sheet};

/// The keys of the file.
pub(super) const FILE_KEYS: [&str; 2] = ["version", "facts"];
/// The keys of a fact.
pub(super) const FACT_KEYS: [&str; 11] = [
    "fact",
    "kind",
    "unit",
    "molar_mass",
    "valence",
    "plausible",
    "codes",
    "members",
    "sources",
    "empty_means",
    "same_result_when",
];
/// The keys of a source.
pub(super) const SOURCE_KEYS: [&str; 4] = ["name", "message", "query", "category"];

/// Code systems by the short names that the file uses.
const SYSTEMS: [(&str, &str); 5] = [
    ("LOINC", "http://loinc.org"),
    ("SNOMED", "http://snomed.info/sct"),
    ("RxNorm", "http://www.nlm.nih.gov/research/umls/rxnorm"),
    ("ICD-10-CM", "http://hl7.org/fhir/sid/icd-10-cm"),
    ("CPT", "http://www.ama-assn.org/go/cpt"),
];

/// The types that the record can be asked for by a fact.
const TYPES: [&str; 7] = [
    "Observation",
    "MedicationRequest",
    "MedicationStatement",
    "AllergyIntolerance",
    "Condition",
    "Procedure",
    "Encounter",
];

/// Types whose empty answer never means that there is none (clinical rule: people forget to record).
const NEVER_NONE: [&str; 5] = [
    "MedicationRequest",
    "MedicationStatement",
    "AllergyIntolerance",
    "Condition",
    "Procedure",
];

/// Reads the file.
pub(super) fn facts(text: &str) -> Result<Vec<FactDef>, Vec<Problem>> {
    let root = yaml::parse(text).map_err(|problem| vec![problem])?;
    let mut problems = Problems::default();
    let mut found: Vec<(FactDef, Mark)> = Vec::new();
    if let Some(file) = Sheet::new(&root, "The file", &FILE_KEYS, &mut problems) {
        if let Some(version) = file.text("version", &mut problems)
            && version != "1"
        {
            problems.add(
                file.at(),
                "version",
                "This program reads version 1 of the file.",
                "Write `version: 1`.",
            );
        }
        if file.get("facts").is_none() {
            problems.add(file.at(), "missing", "The file needs `facts`.", "");
        }
        for node in file.list("facts", &mut problems) {
            if let Some(fact) = fact(node, &mut problems) {
                if found.iter().any(|(other, _)| other.name == fact.name) {
                    problems.add(
                        node.at,
                        "twice",
                        format!("The fact `{}` stands in the file a second time.", fact.name),
                        "",
                    );
                }
                found.push((fact, node.at));
            }
        }
    }
    members(&found, &mut problems);
    problems.or(found.into_iter().map(|(fact, _)| fact).collect())
}

fn fact(node: &Node, problems: &mut Problems) -> Option<FactDef> {
    let sheet = Sheet::new(node, "A fact", &FACT_KEYS, problems)?;
    let name = sheet.text("fact", problems)?.to_owned();
    let kind = sheet.word(
        "kind",
        &[
            ("quantity", Kind::Quantity),
            ("list", Kind::List),
            ("flag", Kind::Flag),
            ("statement", Kind::Statement),
        ],
        problems,
    );
    if sheet.get("kind").is_none() {
        problems.add(
            sheet.at(),
            "missing",
            "A fact needs `kind`.",
            "It is one of: quantity, list, flag, statement.",
        );
    }
    let kind = kind?;
    let codes = codes(&sheet, problems);
    let members: Vec<String> = sheet
        .texts("members", problems)
        .into_iter()
        .map(|(_, name)| name.to_owned())
        .collect();
    let sources = sources(&sheet, problems);
    let unit = canonical_unit(&sheet, kind, problems);
    let needs_codes = !matches!(kind, Kind::List);
    if codes.is_empty() && needs_codes {
        problems.add(
            sheet.at(),
            "missing",
            format!("`{name}` needs `codes`: without them nothing is this fact."),
            "",
        );
    }
    if sources.is_empty() && members.is_empty() {
        problems.add(
            sheet.at(),
            "missing",
            format!("`{name}` needs `sources` or `members`."),
            "",
        );
    }
    if !members.is_empty() && kind != Kind::List {
        problems.add(sheet.at(), "members", "Only a list has members.", "");
    }
    let fact = FactDef {
        empty_means: empty_means(&sheet, &members, &sources, problems),
        plausible: plausible(&sheet, problems),
        analyte: analyte(&sheet, problems),
        by_number: same_result(&sheet, problems),
        name,
        kind,
        unit,
        codes,
        members,
        sources,
    };
    Some(fact)
}

fn canonical_unit(sheet: &Sheet<'_>, kind: Kind, problems: &mut Problems) -> Option<String> {
    let said = sheet.text_if("unit", problems);
    let at = sheet.place("unit");
    match (kind, said) {
        (Kind::Quantity, Some(said)) => match unit::canonical(said) {
            Some(code) if code == said => Some(code.to_owned()),
            Some(code) => {
                problems.add(
                    at,
                    "unit",
                    format!("`{said}` is written `{code}` in UCUM."),
                    "",
                );
                None
            }
            None => {
                problems.add(at, "unit", format!("The unit `{said}` is not known."), "");
                None
            }
        },
        (Kind::Quantity, None) => {
            problems.add(
                sheet.at(),
                "missing",
                "A quantity needs `unit`.",
                "A number without one has the unit \"1\".",
            );
            None
        }
        (Kind::List | Kind::Flag | Kind::Statement, Some(_)) => {
            problems.add(at, "unit", "Only a quantity has a unit.", "");
            None
        }
        (Kind::List | Kind::Flag | Kind::Statement, None) => None,
    }
}

fn analyte(sheet: &Sheet<'_>, problems: &mut Problems) -> Analyte {
    let mut positive = |key: &str| {
        let said = sheet.text_if(key, problems)?;
        let number = Decimal::parse(said).filter(|number| number.approximate() > 0.0);
        if number.is_none() {
            let at = sheet.place(key);
            problems.add(at, "number", format!("`{key}` is a number above zero."), "");
        }
        number
    };
    let molar_mass = positive("molar_mass");
    let valence = positive("valence").and_then(|number| number.as_str().parse().ok());
    Analyte {
        molar_mass,
        valence,
    }
}

fn plausible(sheet: &Sheet<'_>, problems: &mut Problems) -> Option<(Decimal, Decimal)> {
    let at = sheet.get("plausible")?.at;
    let numbers: Vec<Decimal> = sheet
        .texts("plausible", problems)
        .iter()
        .filter_map(|(_, text)| Decimal::parse(text))
        .collect();
    match numbers.as_slice() {
        [low, high] if low.compare(high).is_lt() => Some((low.clone(), high.clone())),
        _ => {
            problems.add(
                at,
                "number",
                "`plausible` is two numbers, the lower one first.",
                "",
            );
            None
        }
    }
}

fn codes(sheet: &Sheet<'_>, problems: &mut Problems) -> Vec<Code> {
    let mut found: Vec<Code> = Vec::new();
    for (at, said) in sheet.texts("codes", problems) {
        let code = said.split_once(' ').and_then(|(system, code)| {
            let uri = SYSTEMS
                .iter()
                .find(|(short, _)| *short == system)
                .map(|(_, uri)| *uri)
                // A code system of the site's own is named by its URI.
                .or_else(|| system.contains(':').then_some(system))?;
            let code = code.trim();
            (!code.is_empty() && !code.contains(' ')).then(|| Code {
                system: uri.to_owned(),
                code: code.to_owned(),
            })
        });
        match code {
            Some(code) if found.contains(&code) => {
                problems.add(at, "twice", format!("The code `{said}` stands here a second time."), "");
            }
            Some(code) => found.push(code),
            None => problems.add(
                at,
                "code",
                format!("`{said}` is no code."),
                "Write the code system and the code: \"LOINC 2823-3\", or \"urn:of:the:system 123\".",
            ),
        }
    }
    found
}

fn sources(sheet: &Sheet<'_>, problems: &mut Problems) -> Vec<Binding> {
    let mut found: Vec<Binding> = Vec::new();
    for node in sheet.list("sources", problems) {
        let Some(source) = Sheet::new(node, "A source", &SOURCE_KEYS, problems) else {
            continue;
        };
        let Some(name) = source.text("name", problems) else {
            continue;
        };
        let route = match (source.text_if("message", problems), source.get("query")) {
            (Some(event), None) => {
                if source.get("category").is_some() {
                    problems.add(source.at(), "source", "A message has no category.", "");
                }
                Route::Message(event.to_owned())
            }
            (None, Some(_)) => {
                let types: Vec<String> = source
                    .texts("query", problems)
                    .into_iter()
                    .filter_map(|(at, of)| {
                        let known = TYPES.contains(&of);
                        if !known {
                            problems.add(
                                at,
                                "type_name",
                                format!("A fact can't come from `{of}`."),
                                format!("It comes from: {}.", TYPES.join(", ")),
                            );
                        }
                        known.then(|| of.to_owned())
                    })
                    .collect();
                Route::Query {
                    types,
                    category: source
                        .text_if("category", problems)
                        .unwrap_or_default()
                        .to_owned(),
                }
            }
            (Some(_), Some(_)) | (None, None) => {
                problems.add(
                    source.at(),
                    "source",
                    "A source has either `message` or `query`.",
                    "",
                );
                continue;
            }
        };
        if found.iter().any(|other| other.name == name) {
            problems.add(
                source.at(),
                "twice",
                format!("The source `{name}` stands here a second time."),
                "",
            );
        }
        found.push(Binding {
            name: name.to_owned(),
            route,
        });
    }
    found
}

fn empty_means(
    sheet: &Sheet<'_>,
    members: &[String],
    sources: &[Binding],
    problems: &mut Problems,
) -> EmptyMeans {
    let said = sheet.word(
        "empty_means",
        &[
            ("none", EmptyMeans::None),
            ("none recorded", EmptyMeans::NoneRecorded),
        ],
        problems,
    );
    if sheet.get("empty_means").is_none() && members.is_empty() {
        problems.add(
            sheet.at(),
            "missing",
            "A fact needs `empty_means`: what a complete and empty answer says.",
            "It is one of: none, none recorded.",
        );
    }
    let forgotten = sources.iter().find_map(|binding| match &binding.route {
        Route::Query { types, .. } => types.iter().find(|of| NEVER_NONE.contains(&of.as_str())),
        Route::Message(_) => None,
    });
    if let (Some(EmptyMeans::None), Some(of)) = (said, forgotten) {
        problems.add(
            sheet.place("empty_means"),
            "empty_means",
            format!("An empty list of {of} never means that there is none."),
            "Write `empty_means: none recorded`.",
        );
    }
    said.unwrap_or(EmptyMeans::NoneRecorded)
}

fn same_result(sheet: &Sheet<'_>, problems: &mut Problems) -> bool {
    let Some(node) = sheet.get("same_result_when") else {
        return true;
    };
    let said: Vec<&str> = sheet
        .texts("same_result_when", problems)
        .into_iter()
        .map(|(_, word)| word)
        .collect();
    for word in &said {
        if !["filler order number", "code", "taken_at"].contains(word) {
            problems.add(
                node.at,
                "word",
                format!("Results are not compared by `{word}`."),
                "They are by: filler order number, code, taken_at.",
            );
        }
    }
    // Numbers are given out again and codes name thousands of results: neither joins anything without the time.
    if !said.contains(&"code") || !said.contains(&"taken_at") {
        problems.add(
            node.at,
            "same_result_when",
            "Two results are never the same without the same `code` and `taken_at`.",
            "",
        );
    }
    said.contains(&"filler order number")
}

fn members(found: &[(FactDef, Mark)], problems: &mut Problems) {
    for (fact, at) in found {
        for name in &fact.members {
            let is_plain = found
                .iter()
                .any(|(other, _)| other.name == *name && other.members.is_empty());
            if !is_plain {
                problems.add(
                    *at,
                    "members",
                    format!("`{name}` is no fact of this file that can be a member."),
                    "",
                );
            }
        }
    }
}
