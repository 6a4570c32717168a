//! Accounts are made, given a password, and shut, while the program runs and while it does not.

use crate::support::http::{get, request, sign_in};
use crate::support::site::{Serve, Site};

/// Signs in by password; the cookie when it was right.
fn with_password(serve: &Serve, name: &str, password: &str) -> Option<String> {
    let form = format!("name={name}&password={password}");
    let answer = request(serve.http, "POST", "/signin", "", &form);
    assert!(
        [303, 401].contains(&answer.status),
        "{}: {}",
        answer.status,
        answer.body
    );
    answer.cookie().filter(|_| answer.status == 303)
}

#[test]
fn a_password_is_one_line_of_standard_input_and_never_an_argument() {
    let site = Site::new();
    site.run(&["account", "add", "lee", "--role", "clinician"])
        .expect(0);
    // Without a running serve.
    site.type_in(&["account", "password", "lee"], "first-secret\n")
        .expect(0);
    let serve = site.serve();
    let cookie = with_password(&serve, "lee", "first-secret").unwrap();
    assert_eq!(get(serve.http, "/patients", &cookie).status, 200);
    // Through a running one. Sessions of before end.
    let ran = site
        .type_in(
            &["--json", "account", "password", "lee"],
            "second-secret\r\nnot read\n",
        )
        .expect(0);
    assert_eq!(ran.document()["name"], "lee");
    assert_ne!(get(serve.http, "/patients", &cookie).status, 200);
    assert_eq!(with_password(&serve, "lee", "first-secret"), None);
    assert!(with_password(&serve, "lee", "second-secret").is_some());

    site.type_in(&["account", "password", "lee"], "")
        .expect(3)
        .says(&["standard input"]);
    site.type_in(&["account", "password", "lee"], "short\n")
        .expect(3)
        .says(&["8 to 1024"]);
    site.type_in(&["account", "password", "nobody"], "long enough\n")
        .expect(3)
        .says(&["nobody", "account list"]);
    site.run(&["account", "password", "lee", "an-argument"])
        .expect(2);
    let log = site
        .json(&["audit", "search", "--limit", "1000"])
        .expect(0)
        .out;
    assert!(!log.contains("-secret"), "a password is in the log");
}

#[test]
fn a_disabled_account_is_out_at_once_and_stays_out_until_it_is_added_again() {
    let site = Site::new();
    let serve = site.serve();
    site.run(&["account", "add", "lee", "--role", "clinician"])
        .expect(0);
    site.type_in(&["account", "password", "lee"], "first-secret\n")
        .expect(0);
    let cookie = sign_in(&site, &serve, "lee");
    site.run(&["account", "disable", "lee"]).expect(0);
    assert_ne!(get(serve.http, "/patients", &cookie).status, 200);
    assert_eq!(with_password(&serve, "lee", "first-secret"), None);
    site.type_in(&["account", "password", "lee"], "other-secret\n")
        .expect(3)
        .says(&["disabled", "account add"]);
    let lines = site.json(&["account", "list"]).expect(0).lines();
    assert!(
        lines
            .iter()
            .any(|line| line["name"] == "lee" && line["disabled"] == true)
    );
    site.run(&["account", "disable", "nobody"])
        .expect(3)
        .says(&["nobody"]);
    site.run(&["account", "add", "lee", "--role", "engineer"])
        .expect(0);
    assert!(with_password(&serve, "lee", "first-secret").is_some());
}

#[test]
fn changes_of_accounts_answer_in_json_and_are_in_the_log_with_the_operators_role() {
    let site = Site::new();
    let added = site
        .json(&["account", "add", "lee", "--role", "clinician"])
        .expect(0)
        .document();
    assert_eq!(
        (&added["name"], &added["roles"][0]),
        (&"lee".into(), &"clinician".into())
    );
    let link = site.json(&["account", "link", "lee"]).expect(0).document();
    assert_eq!(link["role"], "clinician");
    assert!(
        link["url"].as_str().unwrap().contains("/signin/link/"),
        "{link}"
    );
    let disabled = site
        .json(&["account", "disable", "lee"])
        .expect(0)
        .document();
    assert_eq!(disabled["disabled"], true);
    let commands = site
        .json(&["audit", "search", "--action", "account"])
        .expect(0)
        .lines();
    let changed = |what: &str| {
        commands.iter().any(|row| {
            row["entry"]["role"] == "engineer"
                && row["entry"]["via"] == "command"
                && row["entry"]["action"].as_str().unwrap().contains(what)
        })
    };
    for what in ["put", "disable", "link"] {
        assert!(changed(what), "{what}: {commands:?}");
    }
}
