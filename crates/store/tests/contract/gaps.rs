//! The ledger of completeness: what a chart reads of it, now and as of a moment, and the page of gaps.

use bedside_core::completeness::Coverage;
use bedside_core::ctx::Role;
use bedside_fact::clock::{Clock as _, Timestamp};
use bedside_fact::id::SourceId;

use crate::connection::{asked, lease, polled};
use crate::feed::{Somebody, admit};
use crate::support::{Place, service, somebody};

crate::contract![
    p06_a_chart_reads_the_newest_answer_and_the_newest_complete_one,
    p06_answers_of_one_position_are_told_apart_by_their_order,
    what_is_missing_of_whom_is_one_line_for_each_question,
];

async fn p06_a_chart_reads_the_newest_answer_and_the_newest_complete_one(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let held = lease(&store, "one", 600_000).await;
    let mut moments = Vec::new();
    for coverage in [
        Coverage::Complete,
        Coverage::Failed,
        Coverage::Complete,
        Coverage::Denied,
        Coverage::Failed,
    ] {
        place.after_seconds(60);
        let now = place.clock.now();
        let mut other = asked(&ann, Coverage::Truncated, now);
        other.resource_type = "Observation".into();
        let lines = vec![asked(&ann, coverage, now), other];
        store
            .polled(&ctx, polled(&held, "a", now, lines))
            .await
            .unwrap();
        moments.push(now);
    }
    let cleo = somebody(&store, "cleo", Role::Clinician);
    let read = |as_of: Option<Timestamp>| {
        let (store, cleo, ann) = (store.clone(), cleo.clone(), ann.clone());
        async move {
            let record = store.person(&cleo, ann.as_str(), as_of).await.unwrap();
            record
                .completeness
                .into_iter()
                .filter(|line| line.resource_type == "AllergyIntolerance")
                .map(|line| (line.coverage, line.asked_at))
                .collect::<Vec<_>>()
        }
    };
    let at = |n: usize| moments[n].as_microsecond();
    assert_eq!(
        read(None).await,
        [(Coverage::Complete, at(2)), (Coverage::Failed, at(4))]
    );
    assert_eq!(
        read(Some(moments[1])).await,
        [(Coverage::Complete, at(0)), (Coverage::Failed, at(1))],
        "as it was known then"
    );
    assert_eq!(
        read(Some(moments[2])).await,
        [(Coverage::Complete, at(2))],
        "the newest is the newest complete one"
    );
    let all = store.facts_of(&ctx, &ann).await.unwrap().completeness;
    assert_eq!(all.len(), 3, "never complete is one line");
}

async fn p06_answers_of_one_position_are_told_apart_by_their_order(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let held = lease(&store, "one", 600).await;
    let now = place.clock.now();
    // Asked twice within one transaction: the second answer is the newer one.
    let first = polled(&held, "a", now, vec![asked(&ann, Coverage::Complete, now)]);
    let second = polled(&held, "a", now, vec![asked(&ann, Coverage::Failed, now)]);
    store.polled_many(&ctx, vec![first, second]).await.unwrap();
    let lines: Vec<Coverage> = store
        .facts_of(&ctx, &ann)
        .await
        .unwrap()
        .completeness
        .into_iter()
        .map(|line| line.coverage)
        .collect();
    assert_eq!(lines, [Coverage::Complete, Coverage::Failed]);
    let overview = store.completeness_overview(&ctx, None).await.unwrap();
    assert_eq!(overview.len(), 1);
    assert_eq!(overview[0].coverage, Coverage::Failed);
}

async fn what_is_missing_of_whom_is_one_line_for_each_question(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let held = lease(&store, "one", 600).await;
    let mut lines = Vec::new();
    let now = place.clock.now();
    for (source, category, persona, coverage, later) in [
        ("epic", "", "", Coverage::Complete, 0),
        ("epic", "laboratory", "", Coverage::Denied, 0),
        ("epic", "laboratory", "nurse", Coverage::Complete, 5),
        ("athena", "", "", Coverage::Failed, 0),
    ] {
        let mut line = asked(&ann, coverage, now + jiff::SignedDuration::from_secs(later));
        line.source = source.into();
        line.category = category.into();
        line.persona = persona.into();
        lines.push(line);
    }
    store
        .polled(&ctx, polled(&held, "a", now, lines))
        .await
        .unwrap();
    let read = |source: Option<SourceId>| {
        let (store, ctx) = (store.clone(), ctx.clone());
        async move {
            store
                .completeness_overview(&ctx, source.as_ref())
                .await
                .unwrap()
                .into_iter()
                .map(|row| (row.source.as_str().to_owned(), row.category, row.coverage))
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(
        read(None).await,
        [
            ("athena".into(), String::new(), Coverage::Failed),
            ("epic".into(), String::new(), Coverage::Complete),
            ("epic".into(), "laboratory".into(), Coverage::Complete),
        ]
    );
    assert_eq!(read(Some(SourceId::new("athena"))).await.len(), 1);
}
