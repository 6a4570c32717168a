//! The simulated region, served: what the world puts into the charts is found again through each vendor's searches.

use std::collections::BTreeSet;

use bedside_fact::clock::Clock as _;
use bedside_sim::ehr::Vendor;
use bedside_sim::region::{Options, Region, What};
use serde_json::Value;

use super::bench::{Bench, start};

const PRACTICE: &str = "&ah-practice=Organization/a-1.Practice-195900";

/// An EHR with its part of the region: the opening and `hours` of the day.
async fn lived(vendor: Vendor, hours: i64) -> (Bench, Region) {
    let mut bench = Bench::new(vendor).await;
    let mut region = Region::new(Options::new(7, start()));
    for charted in region.opening() {
        bench.ehr.apply(charted);
    }
    let end = start() + jiff::SignedDuration::from_hours(hours);
    loop {
        let event = region.next_event();
        if event.at > end {
            break;
        }
        if let What::Charted(charted) = event.what {
            bench.ehr.apply(charted);
        }
    }
    bench.clock.advance_to(end);
    bench.renew().await;
    (bench, region)
}

async fn members(bench: &Bench) -> Vec<String> {
    let id = bench.ehr.roster_id();
    let group = bench.get(&format!("/Group/{id}")).await.json();
    group["member"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["entity"]["reference"].as_str().unwrap().to_owned())
        .collect()
}

/// All pages of a search.
async fn all(bench: &Bench, query: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut reply = bench.get(query).await;
    loop {
        assert_eq!(reply.status, 200, "{query}: {}", reply.body);
        let bundle = reply.json();
        for entry in bundle["entry"].as_array().into_iter().flatten() {
            if entry["resource"]["resourceType"] != "OperationOutcome" {
                found.push(entry["resource"].clone());
            }
        }
        match reply.link("next") {
            Some(url) => reply = bench.follow(&url).await,
            None => return found,
        }
    }
}

fn queries(vendor: Vendor, patient: &str) -> Vec<String> {
    let plain = [
        "AllergyIntolerance?patient=P",
        "MedicationRequest?patient=P&intent=order,plan",
        "Encounter?patient=P",
        "Observation?patient=P&category=laboratory",
        "Observation?patient=P&category=vital-signs",
        "Condition?patient=P&category=problem-list-item",
    ];
    plain
        .into_iter()
        .map(|query| {
            let query = query.replace("patient=P", &format!("patient={patient}"));
            let tail = if vendor == Vendor::Athena {
                PRACTICE
            } else {
                ""
            };
            format!("/{query}{tail}")
        })
        .collect()
}

#[tokio::test]
async fn every_patient_of_the_roster_has_a_chart_that_the_searches_find_and_that_names_no_other_patient()
 {
    for vendor in Vendor::ALL {
        let (bench, region) = lived(vendor, 8).await;
        assert_eq!(bench.ehr.roster_id(), region.population(vendor));
        let members = members(&bench).await;
        assert!(members.len() >= 20, "{vendor:?}: {}", members.len());
        let mut kinds = BTreeSet::new();
        for member in &members {
            assert_eq!(
                bench.get(&format!("/{member}")).await.status,
                200,
                "{member}"
            );
            let id = member.strip_prefix("Patient/").unwrap();
            for query in queries(vendor, id) {
                for resource in all(&bench, &query).await {
                    kinds.insert(resource["resourceType"].as_str().unwrap().to_owned());
                    let subject = resource.get("subject").or_else(|| resource.get("patient"));
                    assert_eq!(subject.unwrap()["reference"], member.as_str(), "{query}");
                    assert_eq!(
                        resource.pointer("/meta/lastUpdated").is_some(),
                        vendor == Vendor::Oracle
                    );
                }
            }
        }
        assert_eq!(kinds.len(), 5, "{vendor:?}: {kinds:?}");
        assert!(bench.clock.now() >= start());
    }
}
