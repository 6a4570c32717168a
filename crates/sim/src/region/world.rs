//! The region itself: the ward and the EHRs in one order of time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::clinic::Clinic;
use super::event::{Change, Charted, Event, Options, What};
use super::hospital::Hospital;
use super::people::elsewhere;
use super::shape::{EPIC_ARC, roster, version};
use crate::vendor::Vendor;
use crate::ward::{self, Ward, WardEvent};

/// A region at one moment.
#[derive(Debug, Clone)]
pub struct Region {
    ward: Ward,
    hospital: Hospital,
    clinics: [Clinic; 2],
    /// The ward's next message; what it means for the EHR is in the list already.
    message: Option<WardEvent>,
    coming: BTreeMap<(Timestamp, u64), Charted>,
    entered: u64,
    /// How often Oracle Health has filed each resource.
    versions: BTreeMap<String, u32>,
    opening: Vec<Charted>,
}

impl Region {
    /// A region that opens at the start of its options.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "options are made for this one value, as everywhere in this crate"
    )]
    pub fn new(options: Options) -> Self {
        let start = options.start;
        let ward = Ward::new(ward::Options {
            patients: options.patients,
            arc: options.oids.then(|| EPIC_ARC.to_owned()),
            ..ward::Options::new(options.seed, start)
        });
        let today = ward.today();
        let (oracle, athena) = elsewhere(&options, &ward, today);
        let mut region = Self {
            hospital: Hospital::new(options.seed, &ward, start),
            clinics: [
                Clinic::new(Vendor::Oracle, options.seed, oracle, start),
                Clinic::new(Vendor::Athena, options.seed, athena, start),
            ],
            ward,
            message: None,
            coming: BTreeMap::new(),
            entered: 0,
            versions: BTreeMap::new(),
            opening: Vec::new(),
        };
        region.open();
        region
    }

    /// What the EHRs hold already at the start, the oldest first; empty when it was taken before.
    pub fn opening(&mut self) -> Vec<Charted> {
        std::mem::take(&mut self.opening)
    }

    /// The id of the `Group` that lists an EHR's patients, as its operator would tell it.
    #[must_use]
    pub fn population(&self, vendor: Vendor) -> String {
        roster(vendor)
    }

    /// The next thing that happens, in order of time. It never ends.
    pub fn next_event(&mut self) -> Event {
        loop {
            let message = match self.message.take() {
                Some(message) => message,
                None => self.listen(),
            };
            let charted = self.coming.keys().next().map(|(at, _)| *at);
            let busy = self
                .clinics
                .iter_mut()
                .min_by_key(|clinic| clinic.due().unwrap_or(Timestamp::MAX));
            if let Some(clinic) = busy
                && let Some(due) = clinic.due()
                && due <= message.at
                && charted.is_none_or(|at| due <= at)
            {
                let vendor = clinic.vendor;
                let filed = clinic.act();
                self.message = Some(message);
                for (at, change) in filed {
                    self.enter(vendor, at, change);
                }
                continue;
            }
            if charted.is_some_and(|at| at <= message.at)
                && let Some(((at, _), charted)) = self.coming.pop_first()
            {
                self.message = Some(message);
                return Event {
                    at,
                    what: What::Charted(charted),
                };
            }
            return Event {
                at: message.at,
                what: What::Message(message),
            };
        }
    }

    /// The ward's next message, with what the hospital's EHR makes of it on its way.
    fn listen(&mut self) -> WardEvent {
        let (message, note) = self.ward.next_noted();
        for (at, change) in self.hospital.told(&self.ward, message.at, &note) {
            self.enter(Vendor::Epic, at, change);
        }
        message
    }

    fn enter(&mut self, vendor: Vendor, at: Timestamp, change: Change) {
        let charted = self.charted(vendor, at, change);
        self.coming.insert((at, self.entered), charted);
        self.entered = self.entered.wrapping_add(1);
    }

    fn charted(&mut self, vendor: Vendor, at: Timestamp, change: Change) -> Charted {
        let change = match change {
            Change::Put(resource) => Change::Put(self.filed(vendor, at, resource)),
            other @ (Change::Remove { .. } | Change::Merge { .. }) => other,
        };
        Charted { vendor, at, change }
    }

    /// The resource with what the vendor says of its version.
    fn filed(&mut self, vendor: Vendor, at: Timestamp, mut resource: Value) -> Value {
        if vendor != Vendor::Oracle {
            return resource;
        }
        let part = |name: &str| {
            resource
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let name = format!("{}/{}", part("resourceType"), part("id"));
        let number = self.versions.entry(name).or_insert(0);
        *number = number.saturating_add(1);
        if let (Some(meta), Some(members)) =
            (version(vendor, *number, at), resource.as_object_mut())
        {
            members.insert("meta".to_owned(), meta);
        }
        resource
    }

    fn open(&mut self) {
        let mut all: Vec<(Vendor, Timestamp, Value)> = Vec::new();
        let charted = self.hospital.opening(&self.ward);
        all.extend(charted.into_iter().map(|(at, one)| (Vendor::Epic, at, one)));
        for clinic in &mut self.clinics {
            let vendor = clinic.vendor;
            all.extend(
                clinic
                    .opening()
                    .into_iter()
                    .map(|(at, one)| (vendor, at, one)),
            );
        }
        all.sort_by_key(|(_, at, _)| *at);
        let mut opening = Vec::with_capacity(all.len());
        for (vendor, at, resource) in all {
            opening.push(self.charted(vendor, at, Change::Put(resource)));
        }
        self.opening = opening;
    }
}
