//! A search never leaves somebody out in silence.

use std::sync::Arc;

use bedside_fact::clock::{SharedClock, Timestamp, VirtualClock};
use bedside_identity::parse_query;

use super::*;
use crate::store::Options;

/// Gives patients `numbers` a token of a term.
async fn fit(store: &Store, term: &QueryTerm, numbers: std::ops::Range<usize>) {
    let tenant = store.tenant().clone();
    let token = search_token(store.sealer(), &term.alternatives[0]);
    store
        .write(move |tx| {
            for number in numbers.clone() {
                tx.execute(
                    "INSERT INTO key_token (tenant, kind, token, patient, from_seq) VALUES ($1, 'search', $2, $3, 1)",
                    &[
                        Val::Text(tenant.as_str()),
                        Val::Blob(&token.0),
                        Val::Text(&format!("{number:06}")),
                    ],
                )?;
            }
            Ok(())
        })
        .await
        .unwrap();
}

async fn found(store: &Store, terms: &[QueryTerm]) -> Result<Vec<String>, Error> {
    let (tenant, sealer) = (store.tenant().clone(), store.sealer().clone());
    let terms = terms.to_vec();
    store
        .read(move |tx| candidates(tx, &sealer, &tenant, &terms))
        .await
}

#[tokio::test]
async fn a_search_by_two_common_terms_finds_all_who_have_both_and_refuses_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let clock: SharedClock = Arc::new(VirtualClock::new(Timestamp::UNIX_EPOCH));
    let store = Store::open(Options::beside(&folder.path().join("data"), clock))
        .await
        .unwrap();
    let mut terms = parse_query("smith 1961");
    assert_eq!(terms.len(), 2);
    // More than the cap of each, and five who have both, among the last in the order of the index.
    fit(&store, &terms[0], 0..6_200).await;
    fit(&store, &terms[1], 6_195..12_200).await;
    let both: Vec<String> = (6_195..6_200)
        .map(|number| format!("{number:06}"))
        .collect();
    assert_eq!(found(&store, &terms).await.unwrap(), both);
    terms.reverse();
    assert_eq!(found(&store, &terms).await.unwrap(), both);
    assert!(matches!(
        found(&store, &terms[..1]).await,
        Err(Error::Invalid(said)) if said.starts_with("too many people fit: say more")
    ));
    assert!(
        found(&store, &parse_query("brandt"))
            .await
            .unwrap()
            .is_empty()
    );
    store.close().await.unwrap();
}
