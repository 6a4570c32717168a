//! Systems and their sources (design D2): an EHR instance owns its feeds and its identifier authorities.

use bedside_fact::id::{SourceId, SystemId};
use serde::{Deserialize, Serialize};

/// A feed or an API of one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name, unique within the tenant.
    pub id: SourceId,
    /// The EHR instance that it belongs to.
    pub system: SystemId,
    /// Who made that EHR, in the words of the configuration: `epic`, `ward`, `generic`.
    pub vendor: String,
    /// The IANA zone of times that carry no offset.
    pub zone: String,
}
