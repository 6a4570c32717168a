//! `bedside.toml`: the only place that reads it. Unknown keys are errors; `${NAME}` takes a value from the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::fault::Fault;

/// The configuration, checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The site's name, shown in the console and part of the audit log's origin line.
    pub(crate) site: String,
    /// The site's IANA time zone.
    pub(crate) zone: String,
    /// Where things are kept.
    pub(crate) store: StoreConfig,
    /// The console.
    pub(crate) http: HttpConfig,
    /// Feeds and APIs.
    pub(crate) source: Vec<SourceConfig>,
    /// Who a patient is, across sources.
    pub(crate) identity: IdentityConfig,
    /// What runs on the facts.
    pub(crate) workflow: WorkflowConfig,
    /// Programs that use `/fhir`.
    pub(crate) application: Vec<ApplicationConfig>,
    /// Where the file was: relative paths in it are beside it.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IdentityConfig {
    /// Identifier systems (FHIR `system` URIs) that name exactly one person across the sources of this site.
    pub(crate) shared: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WorkflowConfig {
    /// The definitions that run.
    pub(crate) files: Vec<PathBuf>,
    /// The code lists that they name; the shipped ones when absent.
    pub(crate) groups: Option<PathBuf>,
    /// What the names of facts are bound to; the shipped binding when absent.
    pub(crate) facts: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicationConfig {
    /// Its client id.
    pub(crate) id: String,
    /// SMART scopes of a system client: `system/Observation.rs`.
    pub(crate) scopes: String,
    /// Its public keys, a JSON Web Key Set in a file.
    pub(crate) jwks: Option<PathBuf>,
    /// Where its public keys are fetched.
    pub(crate) jwks_url: Option<String>,
}

/// A connection to an EHR's FHIR API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FhirConfig {
    /// The base URL.
    pub(crate) base: String,
    /// Our client id there.
    pub(crate) client_id: String,
    /// The token endpoint, when discovery names another one than the right one.
    pub(crate) token_url: Option<String>,
    /// The scopes to ask for, instead of the profile's.
    pub(crate) scopes: Option<String>,
    /// The id of the Group that lists the patients, which the EHR's people give out of band.
    pub(crate) group: String,
    /// The signature's algorithm: ES384 or RS384; the profile's when absent.
    pub(crate) algorithm: Option<String>,
    /// A file that changes the vendor's profile for this site.
    pub(crate) profile: Option<PathBuf>,
    /// The EHR's own id of a patient whom nobody treats, for proving write routes.
    pub(crate) test_patient: Option<String>,
    /// Seconds between two looks for new results.
    #[serde(default = "labs_every")]
    pub(crate) labs_every: u32,
    /// Seconds between two looks at the rest.
    #[serde(default = "rest_every")]
    pub(crate) rest_every: u32,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoreConfig {
    /// The data directory; a relative one is beside the configuration.
    pub(crate) data: Option<PathBuf>,
    /// A PostgreSQL URL, for several nodes.
    pub(crate) postgres: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpConfig {
    /// Where the console listens.
    pub(crate) address: SocketAddr,
    /// Where people reach it, when a TLS proxy stands in front: `https://bedside.hospital.example`.
    pub(crate) public_url: Option<String>,
}

impl HttpConfig {
    /// What a link begins with, when `bound` is where the console listens.
    pub(crate) fn url(&self, bound: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{bound}"),
        }
    }

    /// Whether people reach it through TLS: then a cookie may travel no other way.
    pub(crate) fn secure(&self) -> bool {
        self.public_url
            .as_deref()
            .is_some_and(|url| url.starts_with("https://"))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceConfig {
    /// Unique name.
    pub(crate) name: String,
    /// Who made the EHR.
    #[serde(default = "generic")]
    pub(crate) vendor: String,
    /// The EHR instance; its own name when it has one source.
    pub(crate) system: Option<String>,
    /// The zone of its times without offset; the site's when absent.
    pub(crate) zone: Option<String>,
    /// Where its HL7 v2 messages arrive.
    pub(crate) mllp: Option<SocketAddr>,
    /// The longest message in bytes.
    #[serde(default = "max_message")]
    pub(crate) max_message: usize,
    /// Its FHIR API. A source is either a feed or an API: one EHR's two are two sources of one system.
    pub(crate) fhir: Option<FhirConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            site: String::from("Bedside"),
            zone: String::from("UTC"),
            store: StoreConfig::default(),
            http: HttpConfig::default(),
            source: Vec::new(),
            identity: IdentityConfig::default(),
            workflow: WorkflowConfig::default(),
            application: Vec::new(),
            folder: PathBuf::new(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
        }
    }
}

fn generic() -> String {
    String::from("generic")
}

const fn labs_every() -> u32 {
    300
}

const fn rest_every() -> u32 {
    4 * 60 * 60
}

const fn max_message() -> usize {
    16 * 1024 * 1024
}

impl Config {
    /// Reads and checks a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Fault> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Fault::input(format!(
                "can't read the configuration {}: {error}; `bedside init DIR` writes one",
                path.display()
            ))
        })?;
        let text = substitute(&text, path)?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            let place = error
                .span()
                .map(|span| place(&text, span.start))
                .unwrap_or_default();
            Fault::input(format!("{}{place}: {}", path.display(), error.message()))
        })?;
        config
            .check()
            .map_err(|what| Fault::input(format!("{}: {what}", path.display())))?;
        config.folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(config)
    }

    /// The site's zone.
    pub(crate) fn zone(&self) -> jiff::tz::TimeZone {
        // Checked when it was read; the default is UTC.
        jiff::tz::TimeZone::get(&self.zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    fn check(&self) -> Result<(), String> {
        let zone = |zone: &str| {
            jiff::tz::TimeZone::get(zone).map(drop).map_err(|_| {
                format!("`{zone}` is no IANA time zone; write it like America/Chicago")
            })
        };
        zone(&self.zone)?;
        if !self.http.address.ip().is_loopback() {
            return Err(format!(
                "http.address {} is not loopback: plain HTTP off this machine is refused; put a TLS proxy in front",
                self.http.address
            ));
        }
        let mut names = std::collections::BTreeSet::new();
        let mut ports = std::collections::BTreeSet::new();
        for source in &self.source {
            if source.name.trim().is_empty() {
                return Err(String::from("a source has no name"));
            }
            if !names.insert(&source.name) {
                return Err(format!("two sources are named `{}`", source.name));
            }
            if let Some(own) = &source.zone {
                zone(own)?;
            }
            if source.mllp.is_some() && source.fhir.is_some() {
                return Err(format!(
                    "source `{}` is a feed and an API at once: make two sources of it with the same `system`",
                    source.name
                ));
            }
            if let Some(fhir) = &source.fhir {
                fhir.check(&source.name)?;
            }
            if let Some(address) = source.mllp {
                if !address.ip().is_loopback() {
                    return Err(format!(
                        "source `{}`: plain MLLP on {address} would cross the network unencrypted; use loopback",
                        source.name
                    ));
                }
                if address.port() != 0 && !ports.insert(address) {
                    return Err(format!("two sources listen on {address}"));
                }
            }
        }
        let mut ids = std::collections::BTreeSet::new();
        for application in &self.application {
            if !ids.insert(&application.id) {
                return Err(format!("two applications are named `{}`", application.id));
            }
            if names.contains(&application.id) {
                return Err(format!(
                    "`{}` is a source and an application: what a program writes is a source of its own",
                    application.id
                ));
            }
            if application.jwks.is_some() == application.jwks_url.is_some() {
                return Err(format!(
                    "application `{}` needs its public keys: either `jwks` or `jwks_url`",
                    application.id
                ));
            }
        }
        Ok(())
    }

    /// A path that stands in the file.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

impl FhirConfig {
    fn check(&self, name: &str) -> Result<(), String> {
        if !(self.base.starts_with("https://") || self.base.starts_with("http://")) {
            return Err(format!("source `{name}`: fhir.base is no URL"));
        }
        if self.labs_every < 10 || self.rest_every < 10 {
            return Err(format!(
                "source `{name}`: asking more often than every 10 seconds would be a burden to the EHR"
            ));
        }
        match self.algorithm.as_deref() {
            None | Some("ES384" | "RS384") => Ok(()),
            Some(other) => Err(format!(
                "source `{name}`: fhir.algorithm `{other}` is neither ES384 nor RS384"
            )),
        }
    }
}

/// What `init` writes.
pub(crate) const TEMPLATE: &str = include_str!("bedside.toml");

/// Puts environment variables in. A variable that is not set is an error, not an empty text.
fn substitute(text: &str, path: &Path) -> Result<String, Fault> {
    let mut out = String::with_capacity(text.len());
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if line.trim_start().starts_with('#') {
            out.push_str(line);
            continue;
        }
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                return Err(Fault::input(format!(
                    "{}:{}: `${{` without `}}`",
                    path.display(),
                    number + 1
                )));
            };
            #[expect(
                clippy::disallowed_methods,
                reason = "the configuration is where the environment is read"
            )]
            let value = std::env::var(name).map_err(|_| {
                Fault::input(format!(
                    "{}:{}: the environment variable {name} is not set",
                    path.display(),
                    number + 1
                ))
            })?;
            // Inside a TOML string: what would end the string is escaped.
            out.push_str(&value.replace('\\', "\\\\").replace('"', "\\\""));
            rest = tail;
        }
        out.push_str(rest);
    }
    Ok(out)
}

fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!(":{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Config, String> {
        let folder = std::env::temp_dir().join(format!(
            "bedside-config-{}-{}",
            std::process::id(),
            text.len()
        ));
        std::fs::write(&folder, text).unwrap();
        let result = Config::read(&folder).map_err(|fault| {
            assert_eq!(fault.status, 3);
            fault.message.replace(&folder.display().to_string(), "FILE")
        });
        std::fs::remove_file(&folder).unwrap();
        result
    }

    #[test]
    fn the_template_is_a_valid_configuration_with_one_mllp_source() {
        let config = check(TEMPLATE).unwrap();
        assert_eq!(config.http.address.to_string(), "127.0.0.1:8080");
        assert_eq!(config.source.len(), 1);
        assert_eq!(config.source[0].mllp.unwrap().to_string(), "127.0.0.1:2575");
    }

    #[test]
    fn an_unknown_key_is_an_error_with_line_and_column() {
        let error = check("site = \"x\"\n[http]\nadress = \"127.0.0.1:1\"\n").unwrap_err();
        assert!(
            error.starts_with("FILE:3:1: unknown field `adress`"),
            "{error}"
        );
    }

    #[test]
    fn plain_connections_off_loopback_are_refused() {
        assert!(
            check("[http]\naddress = \"0.0.0.0:80\"\n")
                .unwrap_err()
                .contains("TLS proxy")
        );
        assert!(
            check("[[source]]\nname = \"a\"\nmllp = \"0.0.0.0:2575\"\n")
                .unwrap_err()
                .contains("unencrypted")
        );
    }

    #[test]
    fn a_missing_environment_variable_is_named() {
        let error = check("[store]\npostgres = \"${BEDSIDE_TEST_NOT_SET}\"\n").unwrap_err();
        assert!(
            error.contains("FILE:2: the environment variable BEDSIDE_TEST_NOT_SET is not set"),
            "{error}"
        );
    }
}
