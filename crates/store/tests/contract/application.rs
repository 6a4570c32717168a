//! Access tokens of applications: once for each assertion, for as long as they say, and never readable in the database.

use bedside_core::access::Grant;
use bedside_core::ctx::Role;
use bedside_fact::clock::Clock as _;
use bedside_store::{Error, TokenWanted};

use crate::support::Place;

crate::contract![
    p02_an_assertion_gets_one_token_however_often_and_however_many_at_once,
    a_token_is_over_when_it_says,
    p09_no_token_is_made_that_is_not_in_the_log,
];

fn wanted(place: &Place, jti: &str) -> TokenWanted {
    TokenWanted {
        client: "device".into(),
        jti: jti.into(),
        jti_until: place.clock.now() + jiff::SignedDuration::from_secs(300),
        scopes: Grant::parse("system/Observation.crs"),
        seconds: 300,
    }
}

async fn p02_an_assertion_gets_one_token_however_often_and_however_many_at_once(place: Place) {
    let store = place.open().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (store, wanted) = (store.clone(), wanted(&place, "once"));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(store.application_token(wanted))
            })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        // Two at the same moment may be told to try again; neither gets a second token.
        match task.join().unwrap() {
            Ok(token) => made += usize::from(token.is_some()),
            Err(error) => assert_eq!(error, Error::Conflict),
        }
    }
    assert_eq!(made, 1);
    store.close().await.unwrap();
    let store = place.open().await;
    let again = store.application_token(wanted(&place, "once")).await;
    assert_eq!(again.unwrap(), None);
    let other = TokenWanted {
        client: "another".into(),
        ..wanted(&place, "once")
    };
    assert!(
        store.application_token(other).await.unwrap().is_some(),
        "the names of one client's assertions are its own"
    );
}

async fn a_token_is_over_when_it_says(place: Place) {
    let store = place.open().await;
    let token = store
        .application_token(wanted(&place, "a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(token.len(), 43);
    let ctx = store.application_session(&token).await.unwrap().unwrap();
    assert_eq!(ctx.actor.as_str(), "device");
    assert_eq!(ctx.role, Role::Application);
    assert_eq!(ctx.grant.unwrap().scopes(), "system/Observation.crs");
    for not in ["", "x", &token[1..], &token.to_uppercase()] {
        assert!(store.application_session(not).await.unwrap().is_none());
    }
    let kept = place
        .bytes("application_token", "token_hash", "client = 'device'")
        .await;
    assert_ne!(kept, token.as_bytes(), "the database holds no token");
    place.after_seconds(299);
    assert!(store.application_session(&token).await.unwrap().is_some());
    place.after_seconds(1);
    assert!(store.application_session(&token).await.unwrap().is_none());
    // What is over is not kept for ever.
    place.after_seconds(600);
    store.application_token(wanted(&place, "b")).await.unwrap();
    let again = store.application_token(wanted(&place, "a")).await.unwrap();
    assert!(
        again.is_some(),
        "its assertion had run out, so nobody could use it"
    );
}

async fn p09_no_token_is_made_that_is_not_in_the_log(place: Place) {
    let (store, faults) = place.open_with_faults().await;
    faults.fail_writes(true);
    assert!(store.application_token(wanted(&place, "a")).await.is_err());
    faults.fail_writes(false);
    assert!(
        store
            .application_token(wanted(&place, "a"))
            .await
            .unwrap()
            .is_some()
    );
}
