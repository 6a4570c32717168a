//! A search: within the compartments of patients in memory (design D6), across patients by the sealed index, always at one position.

use std::collections::BTreeSet;

use bedside_core::access::{Action, Operation, Predicate};
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_fact::id::TenantId;
use bedside_fact::time::span;
use bedside_fhir::search::{Key, Operand, Query, name_for_log};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::gaps::{self, Gap, gaps};
use super::read::{COLUMNS, FhirResource};
use super::{candidates, for_each, is_id, patients_meant, person};
use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::seal::Sealer;
use crate::sequence;
use crate::store::Store;
use crate::version;

/// Resources that one search may open. One patient's compartment is never too large, so this is for questions about many.
const OPENED: usize = 20_000;

/// Patients whose compartments one search may open.
const COMPARTMENTS: usize = 200;

/// A search, or a later page of one.
#[derive(Clone)]
pub struct FhirSearch {
    /// What is asked.
    pub query: Query,
    /// The zone of times that carry none.
    pub zone: TimeZone,
    /// The position of the record, and the entries handed out before; none for a first page.
    pub from: Option<(i64, usize)>,
}

/// One page.
#[derive(Clone)]
pub struct FhirFound {
    /// What answers, in order.
    pub matches: Vec<FhirResource>,
    /// What goes along.
    pub included: Vec<FhirResource>,
    /// Whether the patients were asked for and are not granted.
    pub include_denied: bool,
    /// How many answer in all.
    pub total: usize,
    /// The position that was read, and where the next page begins; none when this is the last.
    pub next: Option<usize>,
    /// The position that was read.
    pub seq: i64,
    /// What the answer may lack.
    pub gaps: Vec<Gap>,
}

/// What came of a search.
#[derive(Clone)]
pub enum Searched {
    /// This.
    Found(Box<FhirFound>),
    /// It would open too much; how to ask instead.
    TooCostly(&'static str),
}

/// What one read of the record yields: the page, and whom it touched.
struct Looked {
    searched: Searched,
    touched: BTreeSet<String>,
}

impl Store {
    /// Searches. The entry for each patient that was looked into or shown is in the log before this returns.
    ///
    /// # Errors
    /// [`Error::Denied`] before anything is looked up; [`Error::Unavailable`] when the log can't be written; or what the database said.
    pub async fn fhir_search(&self, ctx: &OpCtx, search: FhirSearch) -> Result<Searched, Error> {
        let kind = search.query.resource_type;
        let named: Vec<String> = search.query.patients.iter().flatten().cloned().collect();
        let with = names(&search.query);
        let is_left_out = wants_more(&search.query);
        let predicate = self
            .planned(
                ctx,
                Action::ReadResources,
                (kind, Operation::Search),
                &named,
                &with,
            )
            .await?;
        let (tenant, sealer) = (self.tenant().clone(), self.sealer().clone());
        let looked = self
            .read(move |tx| {
                let seq = match search.from {
                    // A position of the future can only come from another store's cursor.
                    Some((seq, _)) => seq.min(sequence::last(tx, &tenant)?),
                    None => sequence::last(tx, &tenant)?,
                };
                Look {
                    tx,
                    sealer: &sealer,
                    tenant: &tenant,
                    search: &search,
                    predicate: &predicate,
                    seq,
                }
                .run()
            })
            .await?;
        let (outcome, detail) = match &looked.searched {
            Searched::Found(found) => (
                AuditOutcome::Success,
                format!(
                    "search {kind} at {}: {} of {}",
                    found.seq,
                    found.matches.len(),
                    found.total
                ),
            ),
            Searched::TooCostly(_) => (
                AuditOutcome::Denied,
                format!("too costly: search {kind}{with}"),
            ),
        };
        let entry = |outcome, detail| {
            Entry::new(ctx, Action::ReadResources.as_str(), outcome).detail(detail)
        };
        let mut entries = for_each(&entry(outcome, detail), &looked.touched);
        if let Searched::Found(found) = &looked.searched {
            // What was wanted beside the answer and is not in it is an attempt of its own.
            let beside = [
                (found.include_denied, "role.not_granted _include of Patient"),
                (is_left_out, "not offered"),
            ];
            for (_, why) in beside.iter().filter(|(is_so, _)| *is_so) {
                let detail = format!("{why}: search {kind}{with}");
                entries.extend(for_each(
                    &entry(AuditOutcome::Denied, detail),
                    &looked.touched,
                ));
            }
        }
        self.audit_all(ctx, entries).await?;
        Ok(looked.searched)
    }
}

struct Look<'a> {
    tx: &'a mut dyn Tx,
    sealer: &'a Sealer,
    tenant: &'a TenantId,
    search: &'a FhirSearch,
    predicate: &'a Predicate,
    seq: i64,
}

impl Look<'_> {
    fn run(mut self) -> Result<Looked, Error> {
        if self.search.query.resource_type == "Patient" {
            self.patients()
        } else {
            self.compartments()
        }
    }

    /// A search for what is in patients' charts.
    fn compartments(&mut self) -> Result<Looked, Error> {
        let query = &self.search.query;
        let mut notes = Vec::new();
        let (resources, touched) = if query.patients.is_empty() {
            let Some(ids) = &query.ids else {
                return Ok(too_costly(
                    "say which patient (patient=), or which resources (_id=)",
                ));
            };
            if ids.len() > COMPARTMENTS {
                return Ok(too_costly("ask for at most 200 ids at a time"));
            }
            let mut resources = Vec::new();
            for id in ids {
                resources.extend(self.by_id(query.resource_type, id)?);
            }
            let touched: BTreeSet<String> = resources
                .iter()
                .flat_map(|resource| resource.patients.iter().cloned())
                .collect();
            (resources, touched)
        } else {
            let (patients, unknown) = self.meant()?;
            if patients.len() > COMPARTMENTS {
                return Ok(too_costly("ask for fewer patients at a time"));
            }
            if unknown {
                notes.push(Gap {
                    code: "not-found",
                    words: String::from("nothing is known here of a patient that was asked for"),
                });
            }
            let mut resources = Vec::new();
            for patient in &patients {
                resources.extend(self.compartment(query.resource_type, patient)?);
                if resources.len() > OPENED && patients.len() > 1 {
                    return Ok(too_costly("ask for fewer patients at a time"));
                }
            }
            let all: Vec<String> = patients.iter().cloned().collect();
            notes.extend(gaps(
                self.tx,
                self.sealer,
                self.tenant,
                query,
                &all,
                self.seq,
            )?);
            if let Some(ids) = &query.ids {
                resources.retain(|resource| ids.contains(&resource.id));
            }
            (resources, patients)
        };
        self.page(resources, touched, notes)
    }

    /// A search for patients. Whom it shows it touches; whom it looks at and passes over it does not.
    fn patients(&mut self) -> Result<Looked, Error> {
        let query = &self.search.query;
        let mut resources = Vec::new();
        if let Some(ids) = &query.ids {
            if ids.len() > COMPARTMENTS {
                return Ok(too_costly("ask for at most 200 ids at a time"));
            }
            for id in ids {
                let own = self.by_id("Patient", id)?;
                if own.is_none() && is_id(id) {
                    resources.extend(person::person(
                        self.tx,
                        self.sealer,
                        self.tenant,
                        id,
                        self.seq,
                    )?);
                }
                resources.extend(own);
            }
        } else if let Some(linked) = linked(query) {
            resources = self.persons_of(&linked)?;
        } else {
            let found = candidates::patients(
                self.tx,
                self.sealer,
                self.tenant,
                query,
                &self.search.zone,
                self.seq,
            )?;
            let Some(found) = found else {
                return Ok(too_costly(
                    "too many patients fit: say more, such as an identifier, the birth date or the whole name",
                ));
            };
            for patient in found {
                resources.extend(self.by_id("Patient", &patient)?);
            }
        }
        self.page(resources, BTreeSet::new(), Vec::new())
    }

    /// The persons that link to any of these patients.
    fn persons_of(&mut self, linked: &[String]) -> Result<Vec<FhirResource>, Error> {
        let mut persons = BTreeSet::new();
        for id in linked.iter().filter(|id| is_id(id)).take(COMPARTMENTS) {
            match crate::person::members(self.tx, self.tenant, id, self.seq) {
                Ok((person, _)) => {
                    persons.insert(person);
                }
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut resources = Vec::new();
        for id in &persons {
            resources.extend(person::person(
                self.tx,
                self.sealer,
                self.tenant,
                id,
                self.seq,
            )?);
        }
        Ok(resources)
    }

    /// The patients that the query names, and whether one of them is known to nobody.
    fn meant(&mut self) -> Result<(BTreeSet<String>, bool), Error> {
        let mut meant: Option<BTreeSet<String>> = None;
        let mut unknown = false;
        for any in &self.search.query.patients {
            let mut these = BTreeSet::new();
            unknown |= any.is_empty();
            for id in any {
                let patients = patients_meant(self.tx, self.tenant, id, self.seq)?;
                unknown |= patients.is_empty();
                these.extend(patients);
            }
            meant = Some(match meant {
                Some(before) => before.intersection(&these).cloned().collect(),
                None => these,
            });
        }
        Ok((meant.unwrap_or_default(), unknown))
    }

    /// The resources of one type in a compartment. A type that is not granted is never asked for (design D16).
    fn compartment(
        &mut self,
        resource_type: &str,
        patient: &str,
    ) -> Result<Vec<FhirResource>, Error> {
        if !self.predicate.types.contains(resource_type) {
            return Ok(Vec::new());
        }
        let rows = self.tx.query_built(
            &format!(
                "SELECT {COLUMNS} FROM version WHERE tenant = $1 AND patient = $2 AND resource_type = $3 \
                 AND from_seq <= $4 AND (to_seq IS NULL OR to_seq > $4)"
            ),
            &[
                Val::Text(self.tenant.as_str()),
                Val::Text(patient),
                Val::Text(resource_type),
                Val::Int(self.seq),
            ],
        )?;
        rows.iter()
            .map(|found| version::stored(self.sealer, found).map(FhirResource::from))
            .collect()
    }

    fn by_id(&mut self, resource_type: &str, id: &str) -> Result<Option<FhirResource>, Error> {
        if !is_id(id) || !self.predicate.types.contains(resource_type) {
            return Ok(None);
        }
        let rows = self.tx.query_built(
            &format!(
                "SELECT {COLUMNS} FROM version WHERE tenant = $1 AND resource_type = $2 AND id = $3 \
                 AND from_seq <= $4 AND (to_seq IS NULL OR to_seq > $4)"
            ),
            &[
                Val::Text(self.tenant.as_str()),
                Val::Text(resource_type),
                Val::Text(id),
                Val::Int(self.seq),
            ],
        )?;
        rows.first()
            .map(|found| version::stored(self.sealer, found).map(FhirResource::from))
            .transpose()
    }

    /// What answers, in order, cut to the page; then what goes along.
    fn page(
        &mut self,
        resources: Vec<FhirResource>,
        mut touched: BTreeSet<String>,
        mut gaps: Vec<Gap>,
    ) -> Result<Looked, Error> {
        let query = &self.search.query;
        let times = |text: &str| span(text, &self.search.zone).map(|span| (span.lo, span.hi));
        let mut matching: Vec<(Key, FhirResource)> = Vec::new();
        for resource in resources {
            // Stored bodies passed the pre-scan when they came in.
            let parsed: Value = serde_json::from_str(&resource.body)
                .map_err(|_| Error::Corrupt(String::from("a stored resource is not JSON")))?;
            if query.matches(&parsed, &times) {
                matching.push((query.key(&parsed, &times), resource));
            }
        }
        matching.sort_by(|(a, one), (b, other)| query.order((a, &one.id), (b, &other.id)));
        let total = matching.len();
        // Where a source was not asked, that is said already, and is more.
        if total == 0 && gaps.is_empty() {
            gaps.extend(gaps::nothing(query));
        }
        let offset = self.search.from.map_or(0, |(_, offset)| offset);
        let size = if query.count_only { 0 } else { query.count };
        let matches: Vec<FhirResource> = matching
            .into_iter()
            .skip(offset)
            .take(size)
            .map(|(_, resource)| resource.granted(self.predicate))
            .collect::<Result<_, _>>()?;
        let end = offset + matches.len();
        touched.extend(
            matches
                .iter()
                .flat_map(|resource| resource.patients.iter().cloned()),
        );
        let mut included = Vec::new();
        let include_denied = query.include_patient && !self.predicate.types.contains("Patient");
        if query.include_patient && !include_denied {
            let patients: BTreeSet<String> = matches
                .iter()
                .flat_map(|resource| resource.patients.iter().cloned())
                .collect();
            for patient in &patients {
                let own = self.by_id("Patient", patient)?;
                included.extend(
                    own.map(|resource| resource.granted(self.predicate))
                        .transpose()?,
                );
            }
        }
        Ok(Looked {
            searched: Searched::Found(Box::new(FhirFound {
                next: (end < total && !query.count_only).then_some(end),
                matches,
                included,
                include_denied,
                total,
                seq: self.seq,
                gaps,
            })),
            touched,
        })
    }
}

/// The names of the parameters, for the log.
fn names(query: &Query) -> String {
    let mut names: Vec<&str> = Vec::new();
    let used = query.used.iter().map(|(name, _)| name.as_str());
    for name in used.chain(query.ignored.iter().map(String::as_str)) {
        let name = name_for_log(name.split('=').next().unwrap_or_default());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        String::new()
    } else {
        format!(": {}", names.join(", "))
    }
}

/// Whether it wanted other resources to go along in a way that is not offered.
fn wants_more(query: &Query) -> bool {
    query
        .ignored
        .iter()
        .any(|name| name.starts_with("_include") || name.starts_with("_revinclude"))
}

/// The patients of `link=`, when that is what a search for patients asks.
fn linked(query: &Query) -> Option<Vec<String>> {
    let criterion = query
        .criteria
        .iter()
        .find(|criterion| criterion.parameter.name == "link")?;
    Some(
        criterion
            .values
            .iter()
            .filter_map(|value| match value {
                Operand::Reference(target) => {
                    Some(target.strip_prefix("Patient/").unwrap_or(target).to_owned())
                }
                Operand::Token { .. }
                | Operand::Date { .. }
                | Operand::Text(_)
                | Operand::Quantity { .. }
                | Operand::Phone(_) => None,
            })
            .collect(),
    )
}

fn too_costly(words: &'static str) -> Looked {
    Looked {
        searched: Searched::TooCostly(words),
        touched: BTreeSet::new(),
    }
}
