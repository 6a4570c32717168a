//! The parameters of a request as a [`Query`], or the reason why they are none.
//!
//! A parameter that is not known is left out and named, or refused when the client wants it strictly (FHIR R4 §3.1.1.3). A known one with
//! a value or a modifier that can't be understood is always refused: leaving it out would answer another question.

use super::SpanOf;
use super::table::{self, Kind, Parameter};
use super::value::{Operand, operand, reference, split, unescape};

/// Entries of a page, when the client does not say.
const PAGE: usize = 50;

/// The most entries of a page.
const LARGEST_PAGE: usize = 500;

/// Parameters of one request; more is no question that anybody asks.
const MOST: usize = 100;

/// Values of one parameter.
const MOST_VALUES: usize = 200;

/// What changes how a parameter is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// None.
    Plain,
    /// `:not`: no code of the element is one of these.
    Not,
    /// `:missing`: the element is not there; `false` for `:missing=false`.
    Missing(bool),
    /// `:exact`: the whole text, with case and accents.
    Exact,
    /// `:contains`: anywhere in the text.
    Contains,
    /// `:text`: in the words that go with a code.
    Words,
}

/// One condition: one of the values must fit.
#[derive(Clone)]
pub struct Criterion {
    /// The parameter.
    pub parameter: &'static Parameter,
    /// How it is compared.
    pub modifier: Modifier,
    /// One of these.
    pub values: Vec<Operand>,
}

/// How a request is to be read.
pub struct Reading<'a> {
    /// Our own address, without a slash at the end: references may begin with it.
    pub base: &'a str,
    /// Whether a parameter that is not known is an error (`Prefer: handling=strict`).
    pub strict: bool,
    /// Reads times.
    pub span: SpanOf<'a>,
}

/// What is asked.
#[derive(Clone)]
pub struct Query {
    /// Of which type.
    pub resource_type: &'static str,
    /// `_id`: one of these.
    pub ids: Option<Vec<String>>,
    /// `patient` and `subject`: one of each list. Ids without the type.
    pub patients: Vec<Vec<String>>,
    /// All of these.
    pub criteria: Vec<Criterion>,
    /// By what it is sorted, `true` for downwards.
    pub sort: Vec<(&'static Parameter, bool)>,
    /// Entries of a page.
    pub count: usize,
    /// Only how many there are.
    pub count_only: bool,
    /// `_elements`: only these members; empty for all.
    pub elements: Vec<String>,
    /// Whether the patients go along.
    pub include_patient: bool,
    /// What was understood, as it was sent: for the self link and for the pages.
    pub used: Vec<(String, String)>,
    /// Names of parameters that were left out.
    pub ignored: Vec<String>,
}

/// Why a request can't be answered. No value of the request is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Refused {
    /// FHIR's issue type.
    pub code: &'static str,
    /// A sentence.
    pub words: String,
}

impl Query {
    /// Reads the parameters of a search for `resource_type`.
    ///
    /// # Errors
    /// What can't be understood, or, strictly read, is not known.
    pub fn parse(
        resource_type: &'static str,
        pairs: &[(String, String)],
        reading: &Reading<'_>,
    ) -> Result<Self, Refused> {
        if pairs.len() > MOST {
            return Err(refused("too-costly", format!("at most {MOST} parameters")));
        }
        let mut query = Self {
            resource_type,
            ids: None,
            patients: Vec::new(),
            criteria: Vec::new(),
            sort: Vec::new(),
            count: PAGE,
            count_only: false,
            elements: Vec::new(),
            include_patient: false,
            used: Vec::new(),
            ignored: Vec::new(),
        };
        for (name, value) in pairs {
            // An empty value is a field that a form left out.
            if value.is_empty() {
                continue;
            }
            if query.read(name, value, reading)? {
                query.used.push((name.clone(), value.clone()));
            } else if reading.strict {
                return Err(refused(
                    "not-supported",
                    format!("the parameter {} is not known here", shown(name)),
                ));
            } else {
                query.ignored.push(shown(name));
            }
        }
        Ok(query)
    }

    /// The first instant that a search by `date` wants to know of; none when it wants all.
    #[must_use]
    pub fn since(&self) -> Option<i64> {
        use super::value::Prefix;
        self.criteria
            .iter()
            .filter(|criterion| {
                criterion.parameter.kind == Kind::Date
                    && criterion.parameter.name != "_lastUpdated"
                    && criterion.modifier == Modifier::Plain
            })
            .filter_map(|criterion| {
                let lows = criterion.values.iter().map(|value| match value {
                    Operand::Date {
                        prefix:
                            Prefix::Equal
                            | Prefix::Greater
                            | Prefix::GreaterOrEqual
                            | Prefix::StartsAfter,
                        lo,
                        ..
                    } => *lo,
                    Operand::Date { .. }
                    | Operand::Token { .. }
                    | Operand::Text(_)
                    | Operand::Reference(_)
                    | Operand::Quantity { .. }
                    | Operand::Phone(_) => i64::MIN,
                });
                lows.min()
            })
            .max()
            .filter(|low| *low > i64::MIN)
    }

    /// The codes that `category` must be one of; empty when any will do.
    #[must_use]
    pub fn categories(&self) -> Vec<&str> {
        self.criteria
            .iter()
            .filter(|criterion| {
                criterion.parameter.name == "category" && criterion.modifier == Modifier::Plain
            })
            .flat_map(|criterion| &criterion.values)
            .filter_map(|value| match value {
                Operand::Token { code, .. } => code.as_deref(),
                Operand::Date { .. }
                | Operand::Text(_)
                | Operand::Reference(_)
                | Operand::Quantity { .. }
                | Operand::Phone(_) => None,
            })
            .collect()
    }

    /// Takes one parameter in; `false` when it is not known.
    fn read(&mut self, name: &str, value: &str, reading: &Reading<'_>) -> Result<bool, Refused> {
        match name {
            "_count" => {
                let count: usize = value
                    .parse()
                    .map_err(|_| refused("value", "_count is a whole number".to_owned()))?;
                // FHIR R4 §3.1.1.5.3: zero asks for the total alone.
                self.count_only |= count == 0;
                self.count = count.clamp(1, LARGEST_PAGE);
                return Ok(true);
            }
            "_summary" => {
                self.count_only |= value == "count";
                return Ok(matches!(value, "count" | "false"));
            }
            "_total" => return total(value),
            "_sort" => return self.read_sort(value, reading),
            "_elements" => {
                self.elements.extend(value.split(',').map(str::to_owned));
                return Ok(true);
            }
            "_include" => return Ok(self.read_include(value)),
            // How the answer is written is not part of the question.
            "_format" | "_pretty" => return Ok(true),
            _ => {}
        }
        if name == "_has" || name.starts_with("_has:") || name.contains('.') {
            // Leaving a chain out would answer for everybody.
            return Err(refused(
                "not-supported",
                "chained and reverse chained parameters are not offered".to_owned(),
            ));
        }
        let (name, modifier) = name
            .split_once(':')
            .map_or((name, None), |(name, modifier)| (name, Some(modifier)));
        let Some(parameter) = table::find(self.resource_type, name) else {
            return Ok(false);
        };
        if parameter.name == "_id" && modifier.is_none() {
            self.read_ids(value);
            return Ok(true);
        }
        if matches!(parameter.name, "patient" | "subject")
            && matches!(modifier, None | Some("Patient"))
        {
            return self.read_patients(value, reading).map(|()| true);
        }
        self.read_criterion(parameter, modifier, value, reading)
            .map(|()| true)
    }

    fn read_ids(&mut self, value: &str) {
        let these: Vec<String> = split(value, ',')
            .iter()
            .map(|id| unescape(id))
            .filter(|id| !id.is_empty())
            .collect();
        self.ids = Some(match self.ids.take() {
            Some(before) => before.into_iter().filter(|id| these.contains(id)).collect(),
            None => these,
        });
    }

    fn read_patients(&mut self, value: &str, reading: &Reading<'_>) -> Result<(), Refused> {
        let mut any = Vec::new();
        for one in split(value, ',') {
            let Some(target) = reference(&unescape(&one), reading.base) else {
                continue;
            };
            match target.split_once('/') {
                None => any.push(target),
                Some(("Patient", id)) if !id.is_empty() && !id.contains('/') => {
                    any.push(id.to_owned());
                }
                // Another type's, or another server's: nobody here.
                Some(_) => {}
            }
        }
        if any.len() > MOST_VALUES {
            return Err(too_many());
        }
        self.patients.push(any);
        Ok(())
    }

    fn read_criterion(
        &mut self,
        parameter: &'static Parameter,
        modifier: Option<&str>,
        value: &str,
        reading: &Reading<'_>,
    ) -> Result<(), Refused> {
        let modifier = match (modifier, parameter.kind) {
            (None, _) => Modifier::Plain,
            (Some("missing"), _) => match value {
                "true" => Modifier::Missing(true),
                "false" => Modifier::Missing(false),
                _ => {
                    return Err(refused(
                        "value",
                        format!("{}:missing is true or false", parameter.name),
                    ));
                }
            },
            (Some("not"), Kind::Token) => Modifier::Not,
            (Some("text"), Kind::Token) => Modifier::Words,
            (Some("exact"), Kind::Text) => Modifier::Exact,
            (Some("contains"), Kind::Text) => Modifier::Contains,
            (Some(_), _) => {
                return Err(refused(
                    "not-supported",
                    format!("{} does not take this modifier", parameter.name),
                ));
            }
        };
        let mut values = Vec::new();
        if !matches!(modifier, Modifier::Missing(_)) {
            let kind = if modifier == Modifier::Words {
                Kind::Text
            } else {
                parameter.kind
            };
            for one in split(value, ',') {
                let Some(read) = operand(kind, &one, reading.base, reading.span) else {
                    return Err(refused(
                        "value",
                        format!("a value of {} can't be understood", parameter.name),
                    ));
                };
                values.push(read);
            }
            if values.len() > MOST_VALUES {
                return Err(too_many());
            }
        }
        self.criteria.push(Criterion {
            parameter,
            modifier,
            values,
        });
        Ok(())
    }

    fn read_sort(&mut self, value: &str, reading: &Reading<'_>) -> Result<bool, Refused> {
        for rule in value.split(',') {
            let (name, down) = match rule.strip_prefix('-') {
                Some(name) => (name, true),
                None => (rule, false),
            };
            match table::find(self.resource_type, name).filter(|found| sortable(found.kind)) {
                Some(parameter) => self.sort.push((parameter, down)),
                None if reading.strict => {
                    return Err(refused(
                        "not-supported",
                        format!("can't be sorted by {}", shown(name)),
                    ));
                }
                None => self.ignored.push(format!("_sort={}", shown(name))),
            }
        }
        Ok(true)
    }

    fn read_include(&mut self, value: &str) -> bool {
        let offered = matches!(
            value.strip_prefix(self.resource_type),
            Some(":patient" | ":patient:Patient")
        ) || (self.resource_type != "AllergyIntolerance"
            && matches!(
                value.strip_prefix(self.resource_type),
                Some(":subject" | ":subject:Patient")
            ));
        let offered = offered && self.resource_type != "Patient";
        self.include_patient |= offered;
        offered
    }
}

/// A parameter's name as it may stand in the audit log. FHIR's have no digits; what has may be a number or a birth date of somebody.
#[must_use]
pub fn name_for_log(name: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | ':' | '.');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(plain) {
        name
    } else {
        "(unreadable name)"
    }
}

/// A name as it may stand in a message: a client's text is cut, and what is no name is not repeated.
fn shown(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(plain) {
        name.to_owned()
    } else {
        String::from("(unreadable name)")
    }
}

fn total(value: &str) -> Result<bool, Refused> {
    // It is counted exactly whatever is asked: the whole answer is known before the first page.
    match value {
        "none" | "estimate" | "accurate" => Ok(true),
        _ => Err(refused(
            "value",
            "_total is none, estimate or accurate".to_owned(),
        )),
    }
}

const fn sortable(kind: Kind) -> bool {
    match kind {
        Kind::Token | Kind::Date | Kind::Text => true,
        Kind::Reference | Kind::Quantity | Kind::Phone => false,
    }
}

fn too_many() -> Refused {
    refused(
        "too-costly",
        format!("at most {MOST_VALUES} values of one parameter"),
    )
}

fn refused(code: &'static str, words: String) -> Refused {
    Refused { code, words }
}
