//! What a search could not see: for each source that was not asked completely, which and why (promise P6).
//!
//! An answer without entries means *none* only when nothing stands here. Words and dates, no values.

use bedside_core::completeness::Coverage;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::TenantId;
use bedside_fhir::search::Query;

use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::row;
use crate::seal::Sealer;
use crate::waiting;

/// FHIR's issue type of an answer that lacks something.
const INCOMPLETE: &str = "incomplete";

/// The types in which nothing recorded does not mean that there is none.
const NONE_RECORDED: [&str; 3] = ["AllergyIntolerance", "Condition", "MedicationRequest"];

/// What is said when there is no match in what was asked completely: for some types that is not *none*.
pub(super) fn nothing(query: &Query) -> Option<Gap> {
    NONE_RECORDED.contains(&query.resource_type).then(|| Gap {
        code: "informational",
        words: format!(
            "no {} that fits is recorded, which is not a statement that there is none",
            query.resource_type
        ),
    })
}

/// Something that an answer may lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// FHIR's issue type: `incomplete`, `informational` for a doubt about who this is, or `not-found` for a patient that nobody has heard of.
    pub code: &'static str,
    /// A sentence that names the source and the reason.
    pub words: String,
}

/// The newest line of the ledger for one category of one source.
struct Line {
    category: String,
    coverage: Coverage,
    asked_at: i64,
    window_lo: Option<i64>,
}

/// What a search for `query` in the compartments of these patients may lack.
pub(super) fn gaps(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    query: &Query,
    patients: &[String],
    seq: i64,
) -> Result<Vec<Gap>, Error> {
    let mut found: Vec<Gap> = Vec::new();
    let mut add = |code: &'static str, words: String| {
        let gap = Gap { code, words };
        if !found.contains(&gap) {
            found.push(gap);
        }
    };
    let mut known = Vec::new();
    for patient in patients {
        known.extend(sources(tx, tenant, query.resource_type, patient, seq)?);
    }
    for one in &known {
        // A feed can't be asked: the API of the same system answers for it (design D2).
        let answered = one.lines.is_empty()
            && known
                .iter()
                .any(|other| other.system == one.system && !other.lines.is_empty());
        if answered {
            continue;
        }
        if let Some(words) = verdict(query, &one.source, &one.lines) {
            add(INCOMPLETE, words);
        }
    }
    if is_doubtful(tx, tenant, patients)? {
        add(
            "informational",
            String::from(
                "another record may be of the same person and nobody has decided yet; what it says is not in this answer",
            ),
        );
    }
    let waits = waiting::waits(tx, sealer, tenant, patients, seq, None)?.count;
    if waits > 0 {
        add(
            INCOMPLETE,
            format!(
                "{waits} inputs about this patient were received and are not applied, because one of them could not be; what they say is not in this answer"
            ),
        );
    }
    Ok(found)
}

/// Whether a proposal stands that one of these patients is another (promise P5: doubt is visible where the data is used).
fn is_doubtful(tx: &mut dyn Tx, tenant: &TenantId, patients: &[String]) -> Result<bool, Error> {
    for patient in patients {
        let params = [Val::Text(tenant.as_str()), Val::Text(patient)];
        let one = tx.query(
            "SELECT b FROM link WHERE tenant = $1 AND a = $2 AND kind = 'possible' AND to_seq IS NULL",
            &params,
        )?;
        let other = tx.query(
            "SELECT a FROM link WHERE tenant = $1 AND b = $2 AND kind = 'possible' AND to_seq IS NULL",
            &params,
        )?;
        for found in one.iter().chain(&other) {
            if !patients
                .iter()
                .any(|known| row::text(found, 0) == Ok(known))
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A source that knows of a patient, with what it was asked for this type.
struct Known {
    source: String,
    system: String,
    lines: Vec<Line>,
}

/// The sources that know of a patient, each with what it was asked for this type.
fn sources(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    resource_type: &str,
    patient: &str,
    seq: i64,
) -> Result<Vec<Known>, Error> {
    let (key, who) = (Val::Text(tenant.as_str()), Val::Text(patient));
    let mut known: Vec<Known> = Vec::new();
    for found in &tx.query(
        "SELECT source, system FROM patient WHERE tenant = $1 AND id = $2",
        &[key, who],
    )? {
        known.push(Known {
            source: row::text(found, 0)?.to_owned(),
            system: row::text(found, 1)?.to_owned(),
            lines: Vec::new(),
        });
    }
    // Newest first, so the first line of a category is the one that counts.
    let rows = tx.query(
        "SELECT source, category, coverage, asked_at, window_lo FROM completeness \
         WHERE tenant = $1 AND patient = $2 AND resource_type = $3 AND seq <= $4 ORDER BY seq DESC, n DESC",
        &[key, who, Val::Text(resource_type), Val::Int(seq)],
    )?;
    for found in &rows {
        let source = row::text(found, 0)?;
        let category = row::text(found, 1)?;
        let at = match known.iter().position(|one| one.source == source) {
            Some(at) => at,
            None => {
                known.push(Known {
                    source: source.to_owned(),
                    system: system_of(tx, tenant, source)?,
                    lines: Vec::new(),
                });
                known.len() - 1
            }
        };
        let Some(Known { lines, .. }) = known.get_mut(at) else {
            continue;
        };
        if lines.iter().any(|line| line.category == category) {
            continue;
        }
        lines.push(Line {
            category: category.to_owned(),
            coverage: Coverage::parse(row::text(found, 2)?).unwrap_or(Coverage::Failed),
            asked_at: row::int(found, 3)?,
            window_lo: row::int_or_null(found, 4)?,
        });
    }
    Ok(known)
}

fn system_of(tx: &mut dyn Tx, tenant: &TenantId, source: &str) -> Result<String, Error> {
    let rows = tx.query(
        "SELECT system FROM source WHERE tenant = $1 AND id = $2",
        &[Val::Text(tenant.as_str()), Val::Text(source)],
    )?;
    rows.first().map_or_else(
        || Ok(String::new()),
        |found| row::text(found, 0).map(str::to_owned),
    )
}

/// The sentence for one source; `None` when it was asked for all that the query wants.
fn verdict(query: &Query, source: &str, lines: &[Line]) -> Option<String> {
    let what = query.resource_type;
    let wanted = query.categories();
    let all = lines.iter().find(|line| line.category.is_empty());
    if let Some(line) = all
        && wanted.is_empty()
    {
        return line_verdict(query, source, what, line);
    }
    if wanted.is_empty() {
        if lines.is_empty() {
            return Some(format!("{source} was never asked for {what}"));
        }
        let bad: Vec<String> = lines
            .iter()
            .filter_map(|line| {
                line_verdict(query, source, &format!("{what} ({})", line.category), line)
            })
            .collect();
        let mut names: Vec<&str> = lines.iter().map(|line| line.category.as_str()).collect();
        names.sort_unstable();
        let only = format!(
            "{source} was asked for {what} only in the categories {}",
            names.join(", ")
        );
        return Some(bad.into_iter().chain([only]).collect::<Vec<_>>().join("; "));
    }
    let sentences: Vec<String> = wanted
        .iter()
        .filter_map(|category| {
            let what = format!("{what} ({})", plain(category));
            match lines.iter().find(|line| line.category == *category).or(all) {
                Some(line) => line_verdict(query, source, &what, line),
                None => Some(format!("{source} was never asked for {what}")),
            }
        })
        .collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

fn line_verdict(query: &Query, source: &str, what: &str, line: &Line) -> Option<String> {
    let at = moment(line.asked_at);
    let words = match line.coverage {
        Coverage::Complete => {
            let lo = line.window_lo?;
            if query.since().is_some_and(|since| since >= lo) {
                return None;
            }
            format!(
                "{source} was asked for {what} from {} on; what is older is unknown",
                moment(lo)
            )
        }
        Coverage::Truncated => format!("{source} answered only a part of {what} at {at}"),
        Coverage::Denied => format!("{source} refused {what} at {at}"),
        Coverage::Unlicensed => format!("{source} does not offer {what} at this site"),
        Coverage::Failed => format!("asking {source} for {what} failed at {at}"),
        Coverage::NeverAsked => format!("{source} was never asked for {what}"),
    };
    Some(words)
}

/// A category as a client wrote it is repeated only when it is a code.
fn plain(category: &str) -> &str {
    let code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if category.len() <= 64 && category.chars().all(code) {
        category
    } else {
        "the category asked for"
    }
}

fn moment(at: i64) -> String {
    Timestamp::from_microsecond(at).map_or_else(
        |_| String::from("an unknown time"),
        |at| at.round(jiff::Unit::Second).unwrap_or(at).to_string(),
    )
}
