//! A registered program of the customer's.

use bedside_core::access::Grant;
use bedside_core::source::Source;
use serde_json::Value;

/// Where an application's public keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Jwks {
    /// In the configuration: a JSON Web Key Set.
    Set(Value),
    /// At this address: `https`, or `http` on loopback.
    Url(String),
}

/// A registered program.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its client id.
    pub id: String,
    /// Its public keys.
    pub jwks: Jwks,
    /// The most that it may ask for.
    pub scopes: Grant,
    /// Where its writes go: a source of its own, whose vendor is [`bedside_core::map::fhir::APPLICATION`].
    pub source: Source,
}
