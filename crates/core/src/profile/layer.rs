//! Layers of TOML, laid one over the other.

use toml::{Table, Value};

use super::shape::Profile;

/// The layers that the program brings along: their names and texts.
pub const SHIPPED: [(&str, &str); 4] = [
    ("generic", include_str!("../../profiles/generic.toml")),
    ("epic", include_str!("../../profiles/epic.toml")),
    ("oracle", include_str!("../../profiles/oracle.toml")),
    ("athena", include_str!("../../profiles/athena.toml")),
];

/// One layer: a file and its text.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// The file, for messages.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// What is wrong with a layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A member that nobody reads, or a value of the wrong kind.
    #[error("{file}:{line}:{column}: {why}")]
    Invalid {
        /// Which file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// The parser's words.
        why: String,
    },
    /// Layers that are right by themselves and not together.
    #[error("{file}: {why}")]
    Together {
        /// The last file.
        file: String,
        /// What does not fit.
        why: String,
    },
    /// No such profile is shipped.
    #[error("no profile is named so; there are generic, epic, oracle and athena")]
    Unknown,
}

impl Error {
    /// The stable code; `docs/errors/` has a page for each.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } | Self::Together { .. } => "BED-PROF-001",
            Self::Unknown => "BED-PROF-002",
        }
    }
}

/// The profile of a vendor as shipped, with a site's own layer over it.
///
/// # Errors
/// The vendor is not known, or the site's layer is wrong.
pub fn shipped(vendor: &str, site: Option<Layer<'_>>) -> Result<Profile, Error> {
    let text = |name: &str| {
        SHIPPED
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(file, text)| Layer { file, text })
            .ok_or(Error::Unknown)
    };
    let mut layers = vec![text("generic")?];
    if vendor != "generic" {
        layers.push(text(vendor)?);
    }
    layers.extend(site);
    read(&layers)
}

/// Lays `layers` over each other, the first at the bottom.
///
/// # Errors
/// What is wrong, and where.
pub fn read(layers: &[Layer<'_>]) -> Result<Profile, Error> {
    let mut whole = Table::new();
    let mut last = "";
    for layer in layers {
        let invalid = |error: &toml::de::Error| {
            let (line, column) = place(layer.text, error.span().map_or(0, |span| span.start));
            Error::Invalid {
                file: layer.file.to_owned(),
                line,
                column,
                why: error.message().to_owned(),
            }
        };
        // Read by itself first, so that a fault is shown where it stands.
        let _: Profile = toml::from_str(layer.text).map_err(|error| invalid(&error))?;
        let table: Table = toml::from_str(layer.text).map_err(|error| invalid(&error))?;
        lay(&mut whole, table);
        last = layer.file;
    }
    let together = |why: String| Error::Together {
        file: last.to_owned(),
        why,
    };
    let profile: Profile = Value::Table(whole)
        .try_into()
        .map_err(|error: toml::de::Error| together(error.message().to_owned()))?;
    check(&profile).map_err(|why| together(why.to_owned()))?;
    Ok(profile)
}

/// What must hold of a whole profile.
fn check(profile: &Profile) -> Result<(), &'static str> {
    let checks = [
        (!profile.vendor.is_empty(), "`vendor` is missing"),
        (
            (30..=240).contains(&profile.auth.assertion_seconds),
            "`auth.assertion_seconds` must be 30 to 240",
        ),
        (
            (10..=95).contains(&profile.auth.renew_percent),
            "`auth.renew_percent` must be 10 to 95",
        ),
        (
            (1..=10_000).contains(&profile.paging.max_pages),
            "`paging.max_pages` must be 1 to 10000",
        ),
        (
            profile.limits.per_minute > 0 && profile.limits.burst > 0,
            "`limits.per_minute` and `limits.burst` must be above 0",
        ),
        (
            (1..=32).contains(&profile.limits.concurrency),
            "`limits.concurrency` must be 1 to 32",
        ),
        (
            profile
                .crawl
                .iter()
                .all(|crawl| crate::map::types::is_resource_type(&crawl.resource_type)),
            "`crawl.type` must be a FHIR R4 resource type",
        ),
        (
            profile
                .crawl
                .iter()
                .all(|crawl| crawl.days.is_none_or(|days| (1..=36_500).contains(&days))),
            "`crawl.days` must be 1 to 36500",
        ),
    ];
    checks
        .into_iter()
        .find(|(holds, _)| !holds)
        .map_or(Ok(()), |(_, why)| Err(why))
}

fn lay(below: &mut Table, above: Table) {
    for (name, value) in above {
        match (below.get_mut(&name), value) {
            (Some(Value::Table(below)), Value::Table(above)) => lay(below, above),
            (_, value) => {
                below.insert(name, value);
            }
        }
    }
}

fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |start| start.chars().count())
        + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use bedside_fhir::page::Meaning;

    use super::*;

    #[test]
    fn every_shipped_profile_reads() {
        for (name, _) in SHIPPED {
            let profile = shipped(name, None).unwrap();
            assert_eq!(profile.vendor, name);
            assert!(!profile.crawl.is_empty(), "{name}");
        }
        assert_eq!(shipped("nobody", None), Err(Error::Unknown));
    }

    #[test]
    fn a_site_lays_its_own_members_over_the_vendors_and_keeps_the_others() {
        let site = Layer {
            file: "site.toml",
            text: "[auth]\naudience = 'https://inner/token'\n[outcome.codes]\n'4101' = 'incomplete'\n",
        };
        let profile = shipped("epic", Some(site)).unwrap();
        assert_eq!(
            profile.auth.audience.as_deref(),
            Some("https://inner/token")
        );
        assert_eq!(profile.auth.assertion_seconds, 240);
        assert_eq!(profile.outcome.codes["4101"], Meaning::Incomplete);
        assert_eq!(profile.outcome.codes["4113"], Meaning::Expired);
    }

    #[test]
    fn a_member_that_nobody_reads_is_an_error_with_its_line_and_column() {
        let site = |text| Layer {
            file: "site.toml",
            text,
        };
        let error = shipped("epic", Some(site("[auth]\n  audiense = 'x'\n"))).unwrap_err();
        assert!(
            matches!(
                &error,
                Error::Invalid {
                    line: 2,
                    column: 3,
                    ..
                }
            ),
            "{error}"
        );
        let error = shipped("epic", Some(site("\n[limits]\nburst = 'x'\n"))).unwrap_err();
        assert!(matches!(&error, Error::Invalid { line: 3, .. }), "{error}");
        let error = shipped("epic", Some(site("[outcome.codes]\n'1' = 'perhaps'\n"))).unwrap_err();
        assert!(matches!(&error, Error::Invalid { line: 2, .. }), "{error}");
        let error = shipped("epic", Some(site("[auth]\nassertion_seconds = 600\n"))).unwrap_err();
        assert!(matches!(&error, Error::Together { .. }), "{error}");
    }
}
