//! Pages: links that expire, pages that are short or empty, totals that mean nothing.

use bedside_sim::ehr::Vendor;

use super::bench::{Bench, Reply, patient, potassium};

const PRACTICE: &str = "ah-practice=Organization/a-1.Practice-195900";

async fn filled(vendor: Vendor) -> (Bench, &'static str) {
    let bench = Bench::new(vendor).await;
    bench.fill([patient("p1")]);
    bench.fill((0..7).map(|minute| potassium(&format!("o{minute}"), "p1", minute, "final")));
    let query = match vendor {
        Vendor::Epic => "/Observation?patient=p1&category=laboratory&_count=3",
        Vendor::Oracle => "/Observation?patient=p1&_count=3",
        Vendor::Athena => {
            "/Observation?patient=p1&_count=3&ah-practice=Organization/a-1.Practice-195900"
        }
    };
    (bench, query)
}

async fn follow_all(bench: &Bench, first: Reply) -> Vec<Vec<String>> {
    let mut pages = vec![first.ids()];
    let mut next = first.link("next");
    while let Some(url) = next {
        let reply = bench.follow(&url).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        pages.push(reply.ids());
        next = reply.link("next");
    }
    pages
}

#[tokio::test]
async fn every_page_is_reached_by_its_link_and_results_filed_meanwhile_do_not_shift_it() {
    for vendor in Vendor::ALL {
        let (bench, query) = filled(vendor).await;
        let first = bench.get(query).await;
        let url = first.link("next").unwrap();
        assert!(url.starts_with(&bench.ehr.base(bench.address)), "{url}");
        let mark = match vendor {
            Vendor::Epic => "?sessionID=",
            Vendor::Oracle => "&pageContext=",
            Vendor::Athena => "&cursor=",
        };
        assert!(url.contains(mark), "{url}");
        bench.fill([potassium("new", "p1", 900, "final")]);
        assert_eq!(
            follow_all(&bench, first).await,
            [vec!["o6", "o5", "o4"], vec!["o3", "o2", "o1"], vec!["o0"]]
        );
    }
}

#[tokio::test]
async fn a_page_link_expires_and_each_vendor_says_it_differently() {
    for vendor in Vendor::ALL {
        let (bench, query) = filled(vendor).await;
        let url = bench.get(query).await.link("next").unwrap();
        bench.later(299);
        assert_eq!(bench.follow(&url).await.status, 200);
        bench.later(1);
        let reply = bench.follow(&url).await;
        assert_eq!(reply.status, 400);
        if vendor == Vendor::Epic {
            assert_eq!(reply.epic_code(), "4113");
            assert_eq!(reply.json()["issue"][0]["severity"], "fatal");
        }
        let other = url.replace("/Observation?", "/Condition?");
        assert_eq!(bench.follow(&other).await.status, 400);
    }
}

#[tokio::test]
async fn epic_filters_a_page_after_cutting_it_so_pages_are_short_or_empty_with_a_next_link() {
    let (bench, query) = filled(Vendor::Epic).await;
    for minute in [1, 2, 3] {
        bench.fill([potassium(&format!("o{minute}"), "p1", minute, "amended")]);
    }
    let first = bench.get(&format!("{query}&status=final")).await;
    assert_eq!(first.json()["total"], 3, "of this page only");
    let second = bench.follow(&first.link("next").unwrap()).await;
    assert!(second.json().get("entry").is_none());
    assert_eq!(second.json()["total"], 0);
    assert!(
        second.outcomes().is_empty(),
        "an empty page is not an empty result"
    );
    let third = bench.follow(&second.link("next").unwrap()).await;
    assert_eq!(third.ids(), ["o0"]);
    let none = bench.get(&format!("{query}&status=cancelled")).await;
    assert!(none.link("next").is_some() && none.outcomes().is_empty());
    let mut last = none;
    while let Some(url) = last.link("next") {
        last = bench.follow(&url).await;
    }
    assert_eq!(last.outcomes()[0]["details"]["coding"][0]["code"], "4101");
}

#[tokio::test]
async fn oracle_links_both_ways_and_gives_no_total() {
    let (bench, query) = filled(Vendor::Oracle).await;
    let first = bench.get(query).await;
    assert!(first.link("previous").is_none());
    let second = bench.follow(&first.link("next").unwrap()).await;
    assert!(second.json().get("total").is_none());
    let back = bench.follow(&second.link("previous").unwrap()).await;
    assert_eq!(back.ids(), first.ids());
    let third = bench.follow(&second.link("next").unwrap()).await;
    assert!(third.link("next").is_none() && third.link("previous").is_some());
}

#[tokio::test]
async fn pages_have_the_vendors_size_and_more_than_the_maximum_is_cut_without_a_word() {
    for (vendor, query, usual, most) in [
        (
            Vendor::Epic,
            "/Observation?patient=p1&code=2823-3".to_owned(),
            50,
            230,
        ),
        (
            Vendor::Oracle,
            "/Observation?patient=p1".to_owned(),
            50,
            200,
        ),
        (
            Vendor::Athena,
            format!("/Observation?patient=p1&{PRACTICE}"),
            50,
            230,
        ),
    ] {
        let bench = Bench::new(vendor).await;
        bench.fill([patient("p1")]);
        bench.fill((0..230).map(|minute| potassium(&format!("o{minute}"), "p1", minute, "final")));
        assert_eq!(bench.get(&query).await.ids().len(), usual, "{vendor:?}");
        let large = bench.get(&format!("{query}&_count=100000")).await;
        assert_eq!(large.ids().len(), most, "{vendor:?}");
        assert_eq!(bench.get(&format!("{query}&_count=0")).await.status, 400);
    }
}

#[tokio::test]
async fn more_patients_than_epic_gives_out_is_an_error_and_no_page() {
    let bench = Bench::new(Vendor::Epic).await;
    bench.fill((0..101).map(|number| patient(&format!("p{number}"))));
    let reply = bench
        .get("/Patient?family=mu%C3%B1oz&given=ana&birthdate=1961-04-02")
        .await;
    assert_eq!(reply.epic_code(), "4127");
    let one = bench.get("/Patient?identifier=EXTERNAL%7CR-p7").await;
    assert_eq!(one.ids(), ["p7"]);
}
