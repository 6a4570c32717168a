//! What a vendor's and a site's server is like, as data: no code asks who the vendor is.
//!
//! A profile is laid in layers: the generic one, the vendor's, and a file of the site's, each over the one before. Tables are laid
//! member by member, lists and values are replaced. A member that nobody reads is an error with its line, because a misspelt one would
//! otherwise be silence. What a profile means for a query is in [`plan`]; the protocol itself is `bedside_fhir`'s.

mod layer;
mod plan;
mod shape;

pub use layer::{Error, Layer, SHIPPED, read, shipped};
pub use plan::{Planned, plan};
pub use shape::{
    Algorithm, Auth, Crawl, DateForm, DateRule, Endpoints, IdentifierRule, Limits, Location, Pace,
    Paging, Profile, Request, Search, WriteRule,
};
