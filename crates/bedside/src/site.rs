//! What a site has written down beside its configuration: facts, workflows, code lists, profiles, keys of applications.
//!
//! Shipped files are used where the site has none of its own. What is wrong in a file is told by line and column and nothing of it is used.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use bedside_core::access::Grant;
use bedside_core::ctx::OpCtx;
use bedside_core::facts::{Catalogue, ROLES};
use bedside_core::profile::{self, Algorithm, Layer};
use bedside_core::scope::Scope;
use bedside_core::source::Source;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::SourceId;
use bedside_fact::yaml;
use bedside_gateway::connection::{ConnectionOptions, Pace, Roster};
use bedside_web::{Application, Jwks};
use bedside_workflow::{Definition, FactKind, Groups, Problem, Vocabulary};

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::boot::App;
use crate::config::{Config, FhirConfig};
use crate::fault::Fault;

/// The largest file that people write by hand, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The text of a file.
pub(crate) fn text(path: &Path) -> Result<String, Fault> {
    decoded(path)?.map_err(|problem| Fault::input(line(&problem)))
}

/// The text of a file, or where it is no text.
pub(crate) fn decoded(path: &Path) -> Result<Result<String, Problem>, Fault> {
    let failed =
        |error: std::io::Error| Fault::input(format!("can't read {}: {error}", path.display()));
    // A device or a pipe has no end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Fault::input(format!("{} is no file", path.display())));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() > usize::try_from(LARGEST).unwrap_or(usize::MAX) {
        return Err(Fault::input(format!(
            "{} is larger than 4 MiB",
            path.display()
        )));
    }
    Ok(String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before =
            String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default()).into_owned();
        Problem {
            file: path.display().to_string(),
            line: before.matches('\n').count() + 1,
            column: before
                .rsplit('\n')
                .next()
                .map_or(0, |last| last.chars().count())
                + 1,
            rule: String::from("encoding"),
            message: String::from("This is no UTF-8."),
            hint: String::from("Save the file as UTF-8."),
        }
    }))
}

/// The shipped binding of facts.
pub(crate) fn shipped_facts() -> Result<Catalogue, Fault> {
    Ok(Catalogue::shipped().clone())
}

/// The binding of facts in a file.
pub(crate) fn facts(path: &Path) -> Result<Result<Catalogue, Vec<Problem>>, Fault> {
    let name = path.display().to_string();
    Ok(Catalogue::read(&text(path)?).map_err(|found| {
        found
            .into_iter()
            .map(|problem| in_file(&name, problem))
            .collect()
    }))
}

fn in_file(name: &str, problem: yaml::Problem) -> Problem {
    Problem {
        file: name.to_owned(),
        line: problem.at.line,
        column: problem.at.column,
        rule: problem.rule,
        message: problem.message,
        hint: problem.hint,
    }
}

/// The code lists in a file.
pub(crate) fn groups(path: &Path) -> Result<Groups, Fault> {
    bedside_workflow::groups(&path.display().to_string(), &text(path)?)
        .map_err(|found| told(&found))
}

/// The shipped code lists.
pub(crate) fn shipped_groups() -> Result<Groups, Fault> {
    bedside_workflow::groups("groups.yaml", bedside_workflow::GROUPS).map_err(|found| told(&found))
}

/// What workflows may speak of.
pub(crate) fn vocabulary(catalogue: &Catalogue) -> Vocabulary {
    let kind = |kind: bedside_core::facts::Kind| match kind {
        bedside_core::facts::Kind::Quantity => FactKind::Quantity,
        bedside_core::facts::Kind::List => FactKind::List,
        bedside_core::facts::Kind::Flag => FactKind::Flag,
        bedside_core::facts::Kind::Statement => FactKind::Statement,
    };
    Vocabulary {
        facts: catalogue
            .facts()
            .map(|fact| (fact.name.clone(), kind(fact.kind), fact.unit.clone()))
            .collect(),
        connection_words: [
            "epic",
            "oracle",
            "cerner",
            "athena",
            "athenahealth",
            "meditech",
        ]
        .map(String::from)
        .to_vec(),
    }
}

/// Today in a zone, for review dates.
#[expect(
    clippy::disallowed_methods,
    reason = "a definition's review date is compared with the date on the wall"
)]
pub(crate) fn today(zone: TimeZone) -> jiff::civil::Date {
    Timestamp::now().to_zoned(zone).date()
}

/// What whoever runs a workflow has to know and that keeps it from nothing.
pub(crate) fn warnings(definition: &Definition, today: jiff::civil::Date) -> Vec<String> {
    let name = definition.name();
    let overdue = definition.is_overdue(today).then(|| {
        format!(
            "{name}: its review date, {}, has passed; it goes on, and each of its items says so",
            definition.review_by()
        )
    });
    let roles = definition.roles_without_source(&ROLES);
    let nobody = (!roles.is_empty()).then(|| {
        format!(
            "{name}: no source of a site supplies the {}; a pool is told in their place",
            roles.join(", the ")
        )
    });
    overdue.into_iter().chain(nobody).collect()
}

/// The site's facts, and the workflows that run.
pub(crate) struct Running {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) definitions: Vec<Arc<Definition>>,
    pub(crate) groups: Arc<Groups>,
}

/// Reads what the configuration names.
pub(crate) fn running(config: &Config) -> Result<Running, Fault> {
    let catalogue = match &config.workflow.facts {
        Some(path) => facts(&config.path(path))?.map_err(|found| told(&found))?,
        None => shipped_facts()?,
    };
    let groups = match &config.workflow.groups {
        Some(path) => groups(&config.path(path))?,
        None => shipped_groups()?,
    };
    let vocabulary = vocabulary(&catalogue);
    let today = today(config.zone());
    let mut definitions = Vec::new();
    for path in &config.workflow.files {
        let path = config.path(path);
        let read = bedside_workflow::load(
            &path.display().to_string(),
            &text(&path)?,
            &vocabulary,
            &groups,
        );
        let definition = read.map_err(|found| told(&found))?;
        for warning in warnings(&definition, today) {
            tracing::warn!("{warning}");
        }
        definitions.push(Arc::new(definition));
    }
    Ok(Running {
        catalogue: Arc::new(catalogue),
        definitions,
        groups: Arc::new(groups),
    })
}

/// Reads `scope.yaml` beside the configuration. `false` when there is none.
pub(crate) fn scope(config: &Config, running: &Running) -> Result<bool, Fault> {
    let path = config.path(Path::new("scope.yaml"));
    if !path.exists() {
        return Ok(false);
    }
    let name = path.display().to_string();
    Scope::read(&text(&path)?, &running.catalogue)
        .map(|_| true)
        .map_err(|found| {
            told(
                &found
                    .into_iter()
                    .map(|problem| in_file(&name, problem))
                    .collect::<Vec<_>>(),
            )
        })
}

/// The shipped workflow, for the demo.
pub(crate) fn critical_potassium() -> Result<Running, Fault> {
    let catalogue = shipped_facts()?;
    let groups = shipped_groups()?;
    let read = bedside_workflow::load(
        "critical-potassium.yaml",
        bedside_workflow::CRITICAL_POTASSIUM,
        &vocabulary(&catalogue),
        &groups,
    );
    let definition = read.map_err(|found| told(&found))?;
    Ok(Running {
        catalogue: Arc::new(catalogue),
        definitions: vec![Arc::new(definition)],
        groups: Arc::new(groups),
    })
}

/// A connection of the configuration, with its vendor's profile and what the site changes in it: a file, or the text of `overlay`.
pub(crate) fn connection(
    config: &Config,
    source: Source,
    fhir: &FhirConfig,
    overlay: Option<&str>,
) -> Result<ConnectionOptions, Fault> {
    let name = source.id.as_str().to_owned();
    let own = match (&fhir.profile, overlay) {
        (Some(path), _) => {
            let path = config.path(path);
            Some((path.display().to_string(), text(&path)?))
        }
        (None, Some(text)) => Some((String::from("the site's layer"), text.to_owned())),
        (None, None) => None,
    };
    let layer = own.as_ref().map(|(file, text)| Layer { file, text });
    let mut profile = profile::shipped(&source.vendor, layer)
        .map_err(|error| Fault::input(format!("source `{name}`: {error}")))?;
    match fhir.algorithm.as_deref() {
        Some("RS384") => profile.auth.algorithm = Algorithm::RS384,
        Some(_) => profile.auth.algorithm = Algorithm::ES384,
        None => {}
    }
    let seconds = |seconds: u32| SignedDuration::from_secs(i64::from(seconds));
    let seed = name.bytes().fold(1_u64, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    Ok(ConnectionOptions {
        source,
        base: fhir.base.clone(),
        token_url: fhir.token_url.clone(),
        client_id: fhir.client_id.clone(),
        scopes: fhir.scopes.clone(),
        profile: Arc::new(profile),
        roster: Roster::Group(fhir.group.clone()),
        pace: Pace {
            labs: seconds(fhir.labs_every),
            rest: seconds(fhir.rest_every),
            roster: seconds(fhir.rest_every),
        },
        jitter_seed: seed,
    })
}

/// The programs that may use `/fhir`, with their keys.
pub(crate) async fn applications(app: &App) -> Result<Vec<Application>, Fault> {
    let store = &app.store;
    let ctx = OpCtx::service(store.tenant().clone(), "boot", Arc::clone(store.clock()));
    let mut applications = Vec::new();
    for application in &app.config.application {
        let source = store.source(&ctx, &SourceId::new(&application.id)).await?;
        let jwks = match (&application.jwks, &application.jwks_url) {
            (Some(path), _) => {
                let path = app.config.path(path);
                let read = text(&path)?;
                Jwks::Set(serde_json::from_str(&read).map_err(|error| {
                    Fault::input(format!(
                        "{} is no JSON Web Key Set: {error}",
                        path.display()
                    ))
                })?)
            }
            (None, Some(url)) => Jwks::Url(url.clone()),
            (None, None) => continue,
        };
        applications.push(Application {
            id: application.id.clone(),
            jwks,
            scopes: Grant::parse(&application.scopes),
            source,
        });
    }
    Ok(applications)
}

fn told(problems: &[Problem]) -> Fault {
    let lines: Vec<String> = problems.iter().map(line).collect();
    Fault::input(lines.join("\n"))
}

/// A problem as a line for people.
pub(crate) fn line(problem: &Problem) -> String {
    let hint = if problem.hint.is_empty() {
        String::new()
    } else {
        format!(" {}", problem.hint)
    };
    format!(
        "{}:{}:{}: {}{hint} [{}]",
        problem.file, problem.line, problem.column, problem.message, problem.rule
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_past_its_review_date_keeps_no_site_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        let shipped = bedside_workflow::CRITICAL_POTASSIUM;
        let old = shipped.replace("review_by: 2027-09-01", "review_by: 2020-01-01");
        assert_ne!(old, shipped);
        std::fs::write(dir.path().join("w.yaml"), old).unwrap();
        let mut config = Config {
            folder: dir.path().to_owned(),
            ..Config::default()
        };
        config.workflow.files = vec!["w.yaml".into()];
        let running = running(&config).map_err(|fault| fault.message).unwrap();
        let [definition] = running.definitions.as_slice() else {
            panic!("one definition");
        };
        let warnings = warnings(definition, today(config.zone()));
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].contains("its review date, 2020-01-01, has passed"));
        assert!(warnings[1].contains("no source of a site supplies the covering clinician"));
    }
}
