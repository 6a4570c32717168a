//! Patients: the roster, and what a merge looks like at each vendor.

use bedside_sim::ehr::Vendor;
use serde_json::json;

use super::bench::{Bench, patient, potassium, start};

async fn merged(vendor: Vendor) -> Bench {
    let bench = Bench::new(vendor).await;
    bench.fill([
        patient("gone"),
        patient("kept"),
        potassium("o1", "gone", 100, "final"),
    ]);
    bench.ehr.merge(start(), "gone", "kept");
    bench
}

#[tokio::test]
async fn a_merged_patient_is_a_redirect_with_an_error_at_epic() {
    let bench = merged(Vendor::Epic).await;
    let reply = bench.get("/Patient/gone").await;
    assert_eq!((reply.status, reply.epic_code().as_str()), (302, "4107"));
    let target = format!("{}/Patient/kept", bench.ehr.base(bench.address));
    assert_eq!(reply.header("location"), Some(target.as_str()));
    let search = bench.get("/Observation?patient=gone&code=2823-3").await;
    assert_eq!((search.status, search.epic_code().as_str()), (400, "4107"));
    let moved = bench.get("/Observation?patient=kept&code=2823-3").await;
    assert_eq!(
        moved.json()["entry"][0]["resource"]["subject"]["reference"],
        "Patient/kept"
    );
}

#[tokio::test]
async fn a_merged_patient_is_an_inactive_shell_at_oracle_and_in_no_search() {
    let bench = merged(Vendor::Oracle).await;
    let reply = bench.get("/Patient/gone").await;
    assert_eq!(reply.status, 200);
    let shell = reply.json();
    assert_eq!(shell["active"], false);
    assert_eq!(
        shell["link"],
        json!([{"other": {"reference": "Patient/kept"}, "type": "replaced-by"}])
    );
    assert!(shell.get("birthDate").is_none() && shell["name"][0].get("family").is_none());
    assert_eq!(
        bench.get("/Patient?family=Mu%C3%B1oz").await.ids(),
        ["kept"]
    );
    // Filed again under the survivor: a new version, changed now.
    let moved = bench
        .get("/Observation?patient=kept&_lastUpdated=ge2026-11-22T14:30:00Z")
        .await;
    assert_eq!(
        moved.json()["entry"][0]["resource"]["meta"]["versionId"],
        "1"
    );
}

#[tokio::test]
async fn a_merged_patient_is_just_not_there_at_athena() {
    let bench = merged(Vendor::Athena).await;
    assert_eq!(bench.get("/Patient/gone").await.status, 404);
    let query = "&ah-practice=Organization/a-1.Practice-195900";
    let reply = bench
        .get(&format!("/Observation?patient=gone{query}"))
        .await;
    assert!(reply.ids().is_empty());
    let reply = bench
        .get(&format!("/Observation?patient=kept{query}"))
        .await;
    assert_eq!(reply.ids(), ["o1"]);
}

#[tokio::test]
async fn the_roster_lists_who_is_a_patient_now_under_an_id_that_no_search_finds() {
    for vendor in Vendor::ALL {
        let bench = merged(vendor).await;
        let id = bench.ehr.roster_id();
        let group = bench.get(&format!("/Group/{id}")).await.json();
        assert_eq!(
            group["member"],
            json!([{"entity": {"reference": "Patient/kept"}}])
        );
        assert_eq!(bench.get("/Group?_id=1").await.status, 405);
        bench.fill([
            json!({"resourceType": "Group", "id": "wards", "type": "person", "actual": true}),
        ]);
        assert_eq!(bench.ehr.roster_id(), "wards");
        assert_eq!(bench.get("/Group/wards").await.status, 200);
    }
}
