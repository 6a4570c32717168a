//! What a simulated EHR is started with.

use bedside_fact::clock::SharedClock;
use jiff::SignedDuration;

use super::fault::Faults;
use crate::vendor::Vendor;

/// How long a page link stays usable when nothing else is said. No vendor publishes its own figure.
const PAGE_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// The settings of one simulated EHR. Make them with [`Options::new`] and change what differs.
#[derive(Clone)]
pub struct Options {
    /// Whose habits it has.
    pub vendor: Vendor,
    /// What it takes for the present: when resources become visible, tokens end and page links expire.
    pub clock: SharedClock,
    /// Who may sign in. An EHR without clients refuses everybody.
    pub clients: Vec<Client>,
    /// What goes wrong. Keep a clone to switch faults while it runs.
    pub faults: Faults,
    /// From this its ids, tokens and page links are made, so that equal runs give equal bytes.
    pub seed: u64,
    /// How long a page link can be followed.
    pub page_life: SignedDuration,
    /// Entries on a page when the client does not say; none for the vendor's own figures.
    pub page_size: Option<usize>,
    /// Types with a category that the clients have no licence for, such as `("Observation", "vital-signs")`. Only Epic
    /// sells its types in parts.
    pub unlicensed: Vec<(String, String)>,
}

impl Options {
    /// An EHR of that vendor without clients and faults.
    #[must_use]
    pub fn new(vendor: Vendor, clock: SharedClock) -> Self {
        Self {
            vendor,
            clock,
            clients: Vec::new(),
            faults: Faults::default(),
            seed: 1,
            page_life: PAGE_LIFE,
            page_size: None,
            unlicensed: Vec::new(),
        }
    }
}

/// A registered SMART Backend Services client.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its client id.
    pub id: String,
    /// Its public keys.
    pub keys: Keys,
}

/// Where a client's public keys are.
#[derive(Clone, Debug)]
pub enum Keys {
    /// A JSON Web Key Set that was handed in at registration. Epic takes RSA keys only this way (vendor catalogue
    /// EPIC-02).
    Set(serde_json::Value),
    /// Where the key set is published: plain HTTP on loopback.
    Url(String),
}
