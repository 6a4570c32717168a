//! Who gets in, for how long, and who does not.

use bedside_core::audit::AuditOutcome;
use bedside_core::ctx::{Role, Via};
use bedside_store::{AuditFilter, Error, Store};

use crate::contract;
use crate::support::{Place, service, somebody};

contract!(
    the_right_password_begins_a_session_and_a_wrong_one_does_not,
    wrong_passwords_lock_an_account_longer_each_time,
    a_session_ends_when_it_is_idle_old_or_ended,
    a_sign_in_link_works_once_and_not_after_its_time,
    a_session_keeps_its_reason_sealed_and_loses_it_with_the_role,
    the_first_operator_becomes_the_first_account,
    only_bedside_itself_makes_accounts,
    a_disabled_account_is_out_at_once,
);

const PASSWORD: &str = "correct horse battery";

async fn with_nora(place: &Place) -> Store {
    let store = place.open().await;
    store
        .put_account(
            &service(&store),
            "nora",
            &[Role::Clinician, Role::Engineer],
            Some(PASSWORD),
        )
        .await
        .unwrap();
    store
}

async fn outcomes(store: &Store, actor: &str) -> Vec<(String, AuditOutcome)> {
    let officer = somebody(store, "olga", Role::Compliance);
    let filter = AuditFilter {
        actor: Some(actor.into()),
        ..AuditFilter::default()
    };
    let rows = store.audit_search(&officer, filter).await.unwrap();
    rows.into_iter()
        .rev()
        .map(|row| (row.entry.action, row.entry.outcome))
        .collect()
}

async fn the_right_password_begins_a_session_and_a_wrong_one_does_not(place: Place) {
    let store = with_nora(&place).await;
    assert_eq!(
        store
            .sign_in("nora", "wrong", Via::Console)
            .await
            .unwrap_err(),
        Error::SignIn
    );
    assert_eq!(
        store
            .sign_in("nobody", PASSWORD, Via::Console)
            .await
            .unwrap_err(),
        Error::SignIn
    );
    let begun = store.sign_in("nora", PASSWORD, Via::Console).await.unwrap();
    assert_eq!(
        (begun.account.as_str(), begun.role),
        ("nora", Role::Clinician)
    );
    let session = store.session(&begun.token).await.unwrap().unwrap();
    assert_eq!(session.account, "nora");
    assert_eq!(session.roles, [Role::Clinician, Role::Engineer]);
    assert_eq!(session.csrf, begun.csrf);
    assert_ne!(session.csrf, begun.token);
    assert!(store.session("made up").await.unwrap().is_none());
    let said = format!("{begun:?}");
    assert!(
        !said.contains(&begun.token) && !said.contains(&begun.csrf),
        "{said}"
    );

    let start = "session.start".to_owned();
    assert_eq!(
        outcomes(&store, "nora").await,
        [
            (start.clone(), AuditOutcome::Denied),
            (start.clone(), AuditOutcome::Success)
        ]
    );
    // A password typed as a name must not end up in the log.
    assert_eq!(
        outcomes(&store, "unknown").await,
        [(start, AuditOutcome::Denied)]
    );
    assert!(outcomes(&store, "nobody").await.is_empty());
    store.close().await.unwrap();
}

async fn wrong_passwords_lock_an_account_longer_each_time(place: Place) {
    let store = with_nora(&place).await;
    let wrong = async || {
        store
            .sign_in("nora", "wrong", Via::Console)
            .await
            .unwrap_err()
    };
    for _ in 0..5 {
        assert_eq!(wrong().await, Error::SignIn);
    }
    // The right one does not help either, and is not looked at.
    assert!(matches!(
        store.sign_in("nora", PASSWORD, Via::Console).await,
        Err(Error::LockedOut { seconds: 1..=31 })
    ));
    place.after_seconds(31);
    assert_eq!(wrong().await, Error::SignIn);
    assert!(matches!(
        wrong().await,
        Error::LockedOut { seconds: 32..=61 }
    ));
    place.after_seconds(61);
    store.sign_in("nora", PASSWORD, Via::Console).await.unwrap();
    // The count is back at nothing.
    assert_eq!(wrong().await, Error::SignIn);
    store.sign_in("nora", PASSWORD, Via::Console).await.unwrap();
    store.close().await.unwrap();
}

async fn a_session_ends_when_it_is_idle_old_or_ended(place: Place) {
    let store = with_nora(&place).await;
    let idle = store.sign_in("nora", PASSWORD, Via::Console).await.unwrap();
    place.after_seconds(29 * 60);
    assert!(
        store.session(&idle.token).await.unwrap().is_some(),
        "seen again"
    );
    place.after_seconds(29 * 60);
    assert!(store.session(&idle.token).await.unwrap().is_some());
    place.after_seconds(30 * 60);
    assert!(store.session(&idle.token).await.unwrap().is_none(), "idle");

    let long = store.sign_in("nora", PASSWORD, Via::Console).await.unwrap();
    for _ in 0..35 {
        place.after_seconds(20 * 60);
        assert!(store.session(&long.token).await.unwrap().is_some());
    }
    place.after_seconds(20 * 60);
    assert!(
        store.session(&long.token).await.unwrap().is_none(),
        "twelve hours"
    );

    let ended = store.sign_in("nora", PASSWORD, Via::Console).await.unwrap();
    store.end_session(&ended.token).await.unwrap();
    assert!(store.session(&ended.token).await.unwrap().is_none());
    store.end_session(&ended.token).await.unwrap();
    store.close().await.unwrap();
    let store = place.open().await;
    assert!(store.session(&ended.token).await.unwrap().is_none());
    store.close().await.unwrap();
}

async fn a_sign_in_link_works_once_and_not_after_its_time(place: Place) {
    let store = with_nora(&place).await;
    let bedside = service(&store);
    let link = store
        .signin_link(&bedside, "nora", Role::Engineer, 600)
        .await
        .unwrap();
    let begun = store.redeem(&link).await.unwrap();
    assert_eq!(begun.role, Role::Engineer);
    assert_eq!(store.redeem(&link).await.unwrap_err(), Error::SignIn);
    assert!(
        store.session(&begun.token).await.unwrap().is_some(),
        "the session of the first use goes on"
    );

    let late = store
        .signin_link(&bedside, "nora", Role::Clinician, 600)
        .await
        .unwrap();
    place.after_seconds(601);
    assert_eq!(store.redeem(&late).await.unwrap_err(), Error::SignIn);
    assert_eq!(store.redeem("made up").await.unwrap_err(), Error::SignIn);
    assert!(matches!(
        store
            .signin_link(&bedside, "nora", Role::Compliance, 600)
            .await,
        Err(Error::Invalid(_))
    ));
    assert!(matches!(
        store
            .signin_link(&bedside, "nobody", Role::Clinician, 600)
            .await,
        Err(Error::NotFound(_))
    ));
    assert_eq!(
        outcomes(&store, "unknown").await.len(),
        3,
        "each refused link is in the log"
    );
    store.close().await.unwrap();
}

async fn a_session_keeps_its_reason_sealed_and_loses_it_with_the_role(place: Place) {
    let store = with_nora(&place).await;
    let token = store
        .sign_in("nora", PASSWORD, Via::Console)
        .await
        .unwrap()
        .token;
    store.switch_role(&token, Role::Engineer).await.unwrap();
    assert!(matches!(
        store.set_reason(&token, "  ").await,
        Err(Error::Invalid(_))
    ));
    store
        .set_reason(&token, " wrong allergy of Mrs Okonkwo ")
        .await
        .unwrap();
    let session = store.session(&token).await.unwrap().unwrap();
    assert_eq!(
        (session.role, session.reason.as_deref()),
        (Role::Engineer, Some("wrong allergy of Mrs Okonkwo"))
    );
    let stored = place.bytes("session", "reason", "account = 'nora'").await;
    assert!(!String::from_utf8_lossy(&stored).contains("Okonkwo"));

    store.switch_role(&token, Role::Clinician).await.unwrap();
    assert_eq!(store.session(&token).await.unwrap().unwrap().reason, None);
    assert!(matches!(
        store.switch_role(&token, Role::Compliance).await,
        Err(Error::Denied(_))
    ));
    assert!(matches!(
        store.set_reason("made up", "why").await,
        Err(Error::NotFound(_))
    ));
    let actions: Vec<String> = outcomes(&store, "nora")
        .await
        .into_iter()
        .map(|(action, _)| action)
        .collect();
    assert_eq!(
        actions,
        [
            "session.start",
            "session.role",
            "session.reason",
            "session.role",
            "session.role"
        ]
    );
    store.close().await.unwrap();
}

async fn the_first_operator_becomes_the_first_account(place: Place) {
    let store = place.open().await;
    let first = store.operator_account("alex").await.unwrap();
    assert_eq!(
        first.roles,
        [Role::Clinician, Role::Engineer, Role::Compliance]
    );
    assert_eq!(store.operator_account("alex").await.unwrap(), first);
    assert!(matches!(
        store.operator_account("mallory").await,
        Err(Error::Denied(_))
    ));
    assert!(matches!(
        store.operator_account("no such\nname").await,
        Err(Error::Invalid(_))
    ));
    // There is no password to guess yet.
    assert_eq!(
        store.sign_in("alex", "", Via::Console).await.unwrap_err(),
        Error::SignIn
    );
    store.close().await.unwrap();
}

async fn only_bedside_itself_makes_accounts(place: Place) {
    let store = with_nora(&place).await;
    for role in [
        Role::Clinician,
        Role::Engineer,
        Role::Compliance,
        Role::Application,
        Role::Anonymous,
    ] {
        let ctx = somebody(&store, "mallory", role);
        assert!(matches!(store.accounts(&ctx).await, Err(Error::Denied(_))));
        assert!(matches!(
            store
                .put_account(&ctx, "mallory", &[Role::Clinician], None)
                .await,
            Err(Error::Denied(_))
        ));
        assert!(matches!(
            store.signin_link(&ctx, "nora", Role::Clinician, 60).await,
            Err(Error::Denied(_))
        ));
    }
    let bedside = service(&store);
    for roles in [&[][..], &[Role::Service][..], &[Role::Anonymous][..]] {
        assert!(matches!(
            store.put_account(&bedside, "x", roles, None).await,
            Err(Error::Invalid(_))
        ));
    }
    assert!(matches!(
        store
            .put_account(&bedside, "x", &[Role::Clinician], Some("short"))
            .await,
        Err(Error::Invalid(_))
    ));
    let names: Vec<String> = store
        .accounts(&bedside)
        .await
        .unwrap()
        .into_iter()
        .map(|account| account.name)
        .collect();
    assert_eq!(names, ["nora"]);
    store.close().await.unwrap();
}

async fn a_disabled_account_is_out_at_once(place: Place) {
    let store = with_nora(&place).await;
    let token = store
        .sign_in("nora", PASSWORD, Via::Console)
        .await
        .unwrap()
        .token;
    let bedside = service(&store);
    store.disable_account(&bedside, "nora").await.unwrap();
    assert!(store.session(&token).await.unwrap().is_none());
    assert_eq!(
        store
            .sign_in("nora", PASSWORD, Via::Console)
            .await
            .unwrap_err(),
        Error::SignIn
    );
    assert!(store.accounts(&bedside).await.unwrap()[0].disabled);

    // With another role set the account is back, and a session that was in a role it lost is over.
    store
        .put_account(&bedside, "nora", &[Role::Clinician], None)
        .await
        .unwrap();
    let token = store
        .sign_in("nora", PASSWORD, Via::Console)
        .await
        .unwrap()
        .token;
    store
        .put_account(&bedside, "nora", &[Role::Compliance], None)
        .await
        .unwrap();
    assert!(store.session(&token).await.unwrap().is_none());
    store.close().await.unwrap();
}
