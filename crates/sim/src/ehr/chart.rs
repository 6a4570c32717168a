//! The charts of one EHR: what is in them now, and what will be in them later.
//!
//! Changes wait until the clock reaches them. Rows keep their serialized text and stand in order already, by type and
//! by patient, so that a search neither sorts nor serializes. Who may see what is not decided here.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bedside_fact::clock::Timestamp;
use serde_json::{Value, json};

use super::index::{self, Entry};
use crate::vendor::Vendor;

/// What a client created.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// Its type.
    pub resource_type: String,
    /// The id that the EHR gave it.
    pub id: String,
    /// When it was filed.
    pub at: Timestamp,
    /// The client that sent it.
    pub client: String,
    /// What was sent.
    pub body: Value,
}

/// A resource as it is served.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) patient: Option<String>,
    pub(crate) text: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) version: u64,
    pub(crate) last_updated: Timestamp,
    order: Order,
}

/// What stands under an id.
#[derive(Clone)]
pub(crate) enum Found {
    Live(Arc<Row>),
    Deleted,
    /// A patient that was merged into another.
    Merged(String),
    Nothing,
}

/// Newest first, then by id.
type Order = (Reverse<Timestamp>, String);

type Rows = BTreeMap<Order, Arc<Row>>;

#[derive(Default)]
struct Table {
    by_id: HashMap<String, Arc<Row>>,
    all: Rows,
    by_patient: HashMap<String, Rows>,
    deleted: HashSet<String>,
    /// How often an id was filed, also when it is gone now.
    filed: HashMap<String, u64>,
}

enum Change {
    Put(Value),
    Remove(String, String),
    Merge(String, String),
}

/// All charts.
pub(crate) struct Chart {
    vendor: Vendor,
    waiting: BTreeMap<(Timestamp, u64), Change>,
    taken: u64,
    tables: HashMap<String, Table>,
    merged: HashMap<String, String>,
    created: Vec<Created>,
}

impl Chart {
    pub(crate) fn new(vendor: Vendor) -> Self {
        Self {
            vendor,
            waiting: BTreeMap::new(),
            taken: 0,
            tables: HashMap::new(),
            merged: HashMap::new(),
            created: Vec::new(),
        }
    }

    pub(crate) fn put(&mut self, at: Timestamp, resource: Value) {
        self.wait(at, Change::Put(resource));
    }

    pub(crate) fn remove(&mut self, at: Timestamp, resource_type: &str, id: &str) {
        self.wait(at, Change::Remove(resource_type.to_owned(), id.to_owned()));
    }

    pub(crate) fn merge(&mut self, at: Timestamp, gone: &str, survivor: &str) {
        self.wait(at, Change::Merge(gone.to_owned(), survivor.to_owned()));
    }

    /// When the next waiting change comes.
    pub(crate) fn next_change(&self) -> Option<Timestamp> {
        self.waiting.keys().next().map(|(at, _)| *at)
    }

    /// Whether a change is due.
    pub(crate) fn is_behind(&self, now: Timestamp) -> bool {
        self.next_change().is_some_and(|at| at <= now)
    }

    /// Carries out what is due by `now`.
    pub(crate) fn catch_up(&mut self, now: Timestamp) {
        while let Some(first) = self.waiting.first_entry() {
            if first.key().0 > now {
                break;
            }
            let ((at, _), change) = first.remove_entry();
            match change {
                Change::Put(resource) => self.file(at, resource),
                Change::Remove(resource_type, id) => {
                    let table = self.tables.entry(resource_type).or_default();
                    table.take(&id);
                    table.deleted.insert(id);
                }
                Change::Merge(gone, survivor) => self.join(at, &gone, &survivor),
            }
        }
    }

    pub(crate) fn find(&self, resource_type: &str, id: &str) -> Found {
        if resource_type == "Patient"
            && let Some(survivor) = self.merged.get(id)
        {
            return Found::Merged(self.survivor(survivor).to_owned());
        }
        let Some(table) = self.tables.get(resource_type) else {
            return Found::Nothing;
        };
        match table.by_id.get(id) {
            Some(row) => Found::Live(Arc::clone(row)),
            None if table.deleted.contains(id) => Found::Deleted,
            None => Found::Nothing,
        }
    }

    /// The rows of a type in one chart, newest first.
    pub(crate) fn of_patient(
        &self,
        resource_type: &str,
        patient: &str,
    ) -> impl Iterator<Item = &Arc<Row>> {
        self.tables
            .get(resource_type)
            .and_then(|table| table.by_patient.get(patient))
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// All rows of a type, newest first.
    pub(crate) fn all(&self, resource_type: &str) -> impl Iterator<Item = &Arc<Row>> {
        self.tables
            .get(resource_type)
            .into_iter()
            .flat_map(|table| table.all.values())
    }

    pub(crate) fn created(&self) -> &[Created] {
        &self.created
    }

    /// How many resources of that type a client created with equal content.
    pub(crate) fn copies(&self, resource_type: &str, body: &Value) -> usize {
        self.created
            .iter()
            .filter(|created| created.resource_type == resource_type && created.body == *body)
            .count()
    }

    /// Files what a client sent, when its time has come. `shown` is what the EHR makes of it.
    pub(crate) fn create(&mut self, created: Created, shown: Value, now: Timestamp) {
        let at = created.at;
        self.created.push(created);
        if at > now {
            self.put(at, shown);
        } else {
            self.file(at, shown);
        }
    }

    fn wait(&mut self, at: Timestamp, change: Change) {
        self.taken = self.taken.saturating_add(1);
        self.waiting.insert((at, self.taken), change);
    }

    fn file(&mut self, at: Timestamp, mut resource: Value) {
        let named = |name: &str| {
            resource
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let (Some(resource_type), Some(id)) = (named("resourceType"), named("id")) else {
            tracing::warn!("a resource without a type or an id was not filed");
            return;
        };
        if resource_type == "Patient" && self.merged.contains_key(&id) {
            return;
        }
        if let Some(patient) = index::patient(&resource)
            && self.merged.contains_key(&patient)
        {
            let survivor = self.survivor(&patient).to_owned();
            repoint(&mut resource, &patient, &survivor);
        }
        let table = self.tables.entry(resource_type.clone()).or_default();
        let version = table.filed.get(&id).copied().unwrap_or_default();
        table.filed.insert(id.clone(), version.saturating_add(1));
        let last_updated = last_updated(&resource).unwrap_or(at);
        if self.vendor == Vendor::Oracle {
            stamp(&mut resource, version, last_updated);
        }
        table.put(Row {
            order: (
                Reverse(index::order(&resource).unwrap_or(last_updated)),
                id.clone(),
            ),
            patient: index::patient(&resource),
            entries: index::entries(&resource_type, &resource),
            text: resource.to_string(),
            id,
            version,
            last_updated,
        });
    }

    /// Two patients become one: what was in the chart of the one that goes is filed in the other's.
    fn join(&mut self, at: Timestamp, gone: &str, survivor: &str) {
        if gone == self.survivor(survivor) {
            tracing::warn!("a patient can't be merged into itself");
            return;
        }
        self.merged.insert(gone.to_owned(), survivor.to_owned());
        if let Some(table) = self.tables.get_mut("Patient") {
            table.take(gone);
        }
        let moved: Vec<Arc<Row>> = self
            .tables
            .values()
            .filter_map(|table| table.by_patient.get(gone))
            .flat_map(BTreeMap::values)
            .map(Arc::clone)
            .collect();
        for row in moved {
            if let Ok(mut resource) = serde_json::from_str::<Value>(&row.text) {
                let target = self.survivor(survivor).to_owned();
                repoint(&mut resource, gone, &target);
                if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
                    meta.shift_remove("lastUpdated");
                }
                self.file(at, resource);
            }
        }
    }

    fn survivor<'a>(&'a self, patient: &'a str) -> &'a str {
        let mut current = patient;
        // Each step ends at another patient; a chain is never longer than the list of merges.
        for _ in 0..self.merged.len() {
            match self.merged.get(current) {
                Some(next) => current = next,
                None => break,
            }
        }
        current
    }
}

impl Table {
    fn put(&mut self, row: Row) {
        self.take(&row.id);
        self.deleted.remove(&row.id);
        let row = Arc::new(row);
        self.all.insert(row.order.clone(), Arc::clone(&row));
        if let Some(patient) = &row.patient {
            self.by_patient
                .entry(patient.clone())
                .or_default()
                .insert(row.order.clone(), Arc::clone(&row));
        }
        self.by_id.insert(row.id.clone(), row);
    }

    fn take(&mut self, id: &str) {
        let Some(row) = self.by_id.remove(id) else {
            return;
        };
        self.all.remove(&row.order);
        if let Some(rows) = row
            .patient
            .as_ref()
            .and_then(|patient| self.by_patient.get_mut(patient))
        {
            rows.remove(&row.order);
        }
    }
}

fn last_updated(resource: &Value) -> Option<Timestamp> {
    resource
        .pointer("/meta/lastUpdated")?
        .as_str()?
        .parse()
        .ok()
}

/// Oracle's version and time of change, in UTC with milliseconds (vendor catalogue CERN-17). The rest of `meta` stays.
fn stamp(resource: &mut Value, version: u64, last_updated: Timestamp) {
    let Some(object) = resource.as_object_mut() else {
        return;
    };
    let mut meta = object
        .get("meta")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    meta.insert("versionId".to_owned(), json!(version.to_string()));
    meta.insert(
        "lastUpdated".to_owned(),
        json!(last_updated.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
    );
    object.insert("meta".to_owned(), Value::Object(meta));
}

fn repoint(resource: &mut Value, gone: &str, survivor: &str) {
    let (old, new) = (format!("Patient/{gone}"), format!("Patient/{survivor}"));
    for name in ["subject", "patient"] {
        if let Some(reference) = resource
            .get_mut(name)
            .and_then(|element| element.get_mut("reference"))
            && reference.as_str() == Some(&old)
        {
            *reference = Value::String(new.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn observation(id: &str, patient: &str, time: &str) -> Value {
        json!({"resourceType": "Observation", "id": id, "subject": {"reference": format!("Patient/{patient}")}, "effectiveDateTime": time})
    }

    fn ids(chart: &Chart, patient: &str) -> Vec<String> {
        chart
            .of_patient("Observation", patient)
            .map(|row| row.id.clone())
            .collect()
    }

    #[test]
    fn a_change_is_seen_from_its_time_on_and_the_newest_stands_first() {
        let mut chart = Chart::new(Vendor::Epic);
        chart.put(at(200), observation("b", "p", "2026-11-22T09:00:00Z"));
        chart.put(at(100), observation("a", "p", "2026-11-22T08:00:00Z"));
        chart.catch_up(at(99));
        assert!(ids(&chart, "p").is_empty());
        assert_eq!(chart.next_change(), Some(at(100)));
        chart.catch_up(at(100));
        assert_eq!(ids(&chart, "p"), ["a"]);
        chart.catch_up(at(200));
        assert_eq!(ids(&chart, "p"), ["b", "a"]);
        chart.put(at(300), observation("a", "p", "2026-11-22T10:00:00Z"));
        chart.remove(at(300), "Observation", "b");
        chart.catch_up(at(300));
        assert_eq!(ids(&chart, "p"), ["a"]);
        assert!(matches!(chart.find("Observation", "b"), Found::Deleted));
    }

    #[test]
    fn a_merge_moves_the_chart_and_later_rows_follow_through_a_chain_of_merges() {
        let mut chart = Chart::new(Vendor::Epic);
        for id in ["p", "q", "r"] {
            chart.put(at(1), json!({"resourceType": "Patient", "id": id}));
        }
        chart.put(at(1), observation("a", "p", "2026-11-22T08:00:00Z"));
        chart.merge(at(2), "p", "q");
        chart.merge(at(3), "q", "r");
        chart.merge(at(3), "r", "p");
        chart.put(at(4), observation("b", "p", "2026-11-22T09:00:00Z"));
        chart.put(at(4), json!({"resourceType": "Patient", "id": "p"}));
        chart.catch_up(at(4));
        assert_eq!(ids(&chart, "r"), ["b", "a"]);
        assert!(ids(&chart, "p").is_empty() && ids(&chart, "q").is_empty());
        assert!(matches!(chart.find("Patient", "p"), Found::Merged(to) if to == "r"));
        assert_eq!(chart.all("Patient").count(), 1);
    }

    #[test]
    fn oracle_counts_versions_and_says_when_in_utc_with_milliseconds() {
        let mut chart = Chart::new(Vendor::Oracle);
        for second in [1_795_000_000, 1_795_000_060] {
            chart.put(
                at(second),
                json!({"resourceType": "Patient", "id": "1", "meta": {"security": []}}),
            );
        }
        chart.catch_up(at(1_795_000_060));
        let Found::Live(row) = chart.find("Patient", "1") else {
            unreachable!("it was put");
        };
        assert_eq!(row.version, 1);
        assert_eq!(
            row.text,
            r#"{"resourceType":"Patient","id":"1","meta":{"security":[],"versionId":"1","lastUpdated":"2026-11-18T11:07:40.000Z"}}"#
        );
    }
}
