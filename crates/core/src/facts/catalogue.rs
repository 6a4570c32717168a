//! The names of facts and what each is bound to.
//!
//! The shipped catalogue is embedded; a site may give its own file. What is wrong in one is told with line and column (`read.rs`).

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use bedside_fact::known::Code;
use bedside_fact::quantity::Decimal;
use bedside_fact::unit::Analyte;
use bedside_fact::yaml::Problem;
use bedside_fhir::resource::CodeableConcept;

use super::read;

/// The catalogue that is shipped, as text.
pub const SHIPPED: &str = include_str!("../../facts.yaml");

/// What kind of answer a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A measured amount that changes: a potassium.
    Quantity,
    /// Several entries at once: medications. Or the newest of several facts: vital signs.
    List,
    /// Something that is so, or not known to be so: on dialysis.
    Flag,
    /// An answer in words or a code: the newest counts.
    Statement,
}

/// What a complete and empty answer of the sources says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmptyMeans {
    /// That there is none: results and encounters.
    None,
    /// That none was recorded, which leaves it unknown: where people forget to record.
    NoneRecorded,
}

/// How a source supplies a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// It sends messages by itself, of this trigger event.
    Message(String),
    /// It is asked for resources of these types.
    Query {
        /// FHIR types.
        types: Vec<String>,
        /// Category within the type; empty for all of it.
        category: String,
    },
}

/// One way by which a fact gets here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// What the site calls it.
    pub name: String,
    /// How.
    pub route: Route,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactDef {
    /// The name that workflows use.
    pub name: String,
    /// What kind of answer it is.
    pub kind: Kind,
    /// The canonical unit, in UCUM; of quantities only.
    pub unit: Option<String>,
    /// What is needed to convert a mass or a charge.
    pub analyte: Analyte,
    /// The least and the largest value that a living patient can have: beyond it a value is unverified.
    pub plausible: Option<(Decimal, Decimal)>,
    /// What it is coded as. A list without codes takes every entry.
    pub codes: Vec<Code>,
    /// The facts whose newest values make up this one.
    pub members: Vec<String>,
    /// Where it comes from.
    pub sources: Vec<Binding>,
    /// What an empty answer says.
    pub empty_means: EmptyMeans,
    /// Whether two routes join by the filler's number too, and not by the value alone.
    pub by_number: bool,
}

impl FactDef {
    /// Whether a concept is coded as this fact.
    #[must_use]
    pub fn is_coded(&self, concept: &CodeableConcept) -> bool {
        self.codes
            .iter()
            .any(|code| concept.has(&code.system, &code.code))
    }

    /// The types of resources that say it, and the category in which they are asked for.
    #[must_use]
    pub fn asked_for(&self) -> (Vec<&str>, &str) {
        let mut names: Vec<&str> = Vec::new();
        let mut of = "";
        for binding in &self.sources {
            if let Route::Query { types, category } = &binding.route {
                for name in types {
                    if !names.contains(&name.as_str()) {
                        names.push(name);
                    }
                }
                if of.is_empty() {
                    of = category;
                }
            }
        }
        (names, of)
    }
}

/// All facts of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    facts: Vec<FactDef>,
    /// System and code to the places in `facts`.
    by_code: HashMap<(String, String), Vec<usize>>,
    /// Which EHR instance each source belongs to, where that is known.
    systems: BTreeMap<String, String>,
}

impl Catalogue {
    /// The catalogue that is shipped.
    #[must_use]
    pub fn shipped() -> &'static Self {
        // A constant of the program, read once. A test proves that it reads.
        static CATALOGUE: LazyLock<Catalogue> =
            LazyLock::new(|| Catalogue::read(SHIPPED).unwrap_or_default());
        &CATALOGUE
    }

    /// Reads a catalogue.
    ///
    /// # Errors
    /// All that is wrong in it, in the order of the file.
    pub fn read(text: &str) -> Result<Self, Vec<Problem>> {
        read::facts(text).map(Self::of)
    }

    /// Notes which system each source belongs to. A feed can't be asked; it is as complete as the last answer of a source of the
    /// same system that can (design D2). Without this a feed that was never asked forbids *none*.
    #[must_use]
    pub fn with_systems(mut self, systems: impl IntoIterator<Item = (String, String)>) -> Self {
        self.systems.extend(systems);
        self
    }

    /// The facts, in the order of the file.
    pub fn facts(&self) -> impl Iterator<Item = &FactDef> {
        self.facts.iter()
    }

    /// The fact of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&FactDef> {
        self.facts.iter().find(|fact| fact.name == name)
    }

    /// The facts that a concept is coded as.
    pub fn coded(&self, concept: &CodeableConcept) -> impl Iterator<Item = &FactDef> {
        let mut places: Vec<usize> = concept
            .codings
            .iter()
            .filter_map(|coding| {
                let key = (coding.system.clone()?, coding.code.clone()?);
                self.by_code.get(&key)
            })
            .flatten()
            .copied()
            .collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.facts.get(place))
    }

    /// The system of a source, where it is known.
    pub(crate) fn system(&self, source: &str) -> Option<&str> {
        self.systems.get(source).map(String::as_str)
    }

    fn of(facts: Vec<FactDef>) -> Self {
        let mut by_code: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for (place, fact) in facts.iter().enumerate() {
            for code in &fact.codes {
                by_code
                    .entry((code.system.clone(), code.code.clone()))
                    .or_default()
                    .push(place);
            }
        }
        Self {
            facts,
            by_code,
            systems: BTreeMap::new(),
        }
    }
}
