//! One broken file for each rule, with the sentence and the place that its author is shown.

use super::{BLOCKS, LATER, REPEAT};
use crate::testing::{TODAY, at, definition, groups, inputs, minutes, noon, potassium, vocabulary};
use crate::{CRITICAL_POTASSIUM, Problem, evaluate, load, review};

/// The shipped file with one thing changed.
fn changed(from: &str, to: &str) -> String {
    assert!(CRITICAL_POTASSIUM.contains(from), "{from}");
    CRITICAL_POTASSIUM.replacen(from, to, 1)
}

fn problems(text: &str) -> Vec<Problem> {
    review("w.yaml", text, &vocabulary(), &groups(), TODAY).expect_err("a problem")
}

/// The shipped file with one thing changed has exactly this problem, and it stands where `at` stands in the changed text.
#[track_caller]
fn refused(from: &str, to: &str, at: &str, rule: &str, message: &str) {
    let text = changed(from, to);
    let found = problems(&text);
    let offset = text.find(at).unwrap();
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let column = before
        .chars()
        .rev()
        .take_while(|letter| *letter != '\n')
        .count()
        + 1;
    let found: Vec<(&str, usize, usize, &str, &str)> = found
        .iter()
        .map(|problem| {
            (
                problem.file.as_str(),
                problem.line,
                problem.column,
                problem.rule.as_str(),
                problem.message.as_str(),
            )
        })
        .collect();
    assert_eq!(found, [("w.yaml", line, column, rule, message)]);
}

#[test]
fn the_shipped_workflow_passes_every_check() {
    let definition = definition();
    assert_eq!(definition.name(), "critical-potassium");
    assert_eq!(definition.levels(), ["emergency", "urgent"]);
    assert_eq!(definition.trigger_facts(), ["potassium"]);
    assert_eq!(definition.answers().len(), 4);
    assert_eq!(definition.close_reasons().len(), 3);
    assert_eq!(definition.write_back(), Some("record"));
    assert_eq!(definition.hash().len(), 64);
}

#[test]
fn comments_and_layout_do_not_change_the_hash_and_meaning_does() {
    let hash = |text: &str| {
        review("w.yaml", text, &vocabulary(), &groups(), TODAY)
            .unwrap()
            .hash()
            .to_owned()
    };
    let shipped = hash(CRITICAL_POTASSIUM);
    let loose = CRITICAL_POTASSIUM
        .replace("\n\n", "\n\n# A remark.\n\n")
        .replace("include: [ adult ]", "include:\n    - \"adult\"")
        .replace("[ patient, specimen, test ]", "[test,   specimen, patient]");
    assert_eq!(hash(&loose), shipped);
    for (from, to) in [
        ("at or above 6.5 mmol/L", "at or above 6.4 mmol/L"),
        ("15 minutes: covering", "14 minutes: covering"),
        ("Kidney function not known.", "Kidney function unknown."),
        ("version: 1", "version: 2"),
    ] {
        assert_ne!(hash(&changed(from, to)), shipped, "{to}");
    }
}

#[test]
fn what_to_ask_for_follows_the_patients_circumstances() {
    let definition = definition();
    let mut situation = crate::testing::situation();
    let age = |situation: &_, name: &str| {
        let needs = definition.needs(situation);
        let (_, need) = needs.into_iter().find(|(known, _)| known == name).unwrap();
        need
    };
    assert_eq!(age(&situation, "potassium").max_age, Some(6 * 3_600));
    assert_eq!(age(&situation, "potassium").window, Some(7 * 86_400));
    assert_eq!(age(&situation, "earlier potassium").fact, "potassium");
    assert_eq!(age(&situation, "earlier potassium").skip, 1);
    assert_eq!(age(&situation, "creatinine").latest, 2);
    assert_eq!(age(&situation, "active medications").latest, 0);
    situation.inpatient = Some(false);
    assert_eq!(age(&situation, "potassium").max_age, Some(48 * 3_600));
    // Nobody says where the patient is: the stricter age, which says too much rather than too little.
    situation.inpatient = None;
    assert_eq!(age(&situation, "potassium").max_age, Some(6 * 3_600));
}

#[test]
fn check_1_a_missing_what_if_is_a_sentence_with_its_place() {
    refused(
        "    if stale: continue and say \"Kidney function last checked {age} ago.\"\n",
        "",
        "creatinine:\n",
        "check_1",
        "`creatinine` has no `if stale`: say what happens when the newest value is older than `max_age`.",
    );
    refused(
        "    if conflict: use safest (farthest from 4.5 mmol/L)\n",
        "",
        "potassium:\n    latest: 1\n",
        "check_1",
        "`potassium` has no `if conflict`: say what happens when two sources disagree.",
    );
}

#[test]
fn check_1_a_fact_that_is_read_is_declared() {
    refused(
        "    when: potassium at or above 6.0 mmol/L",
        "    when: sodium at or above 6.0 mmol/L",
        "sodium at or",
        "check_1",
        "`sodium` is read here and is not in `needs`.",
    );
    refused(
        "        - vital signs\n",
        "        - sodium\n",
        "sodium",
        "check_1",
        "`sodium` is shown and is not in `needs`.",
    );
    refused(
        "({trend})",
        "({sodium})",
        "\"Potassium {potassium} ({sodium})",
        "check_1",
        "`{sodium}` is neither a fact of `needs` nor one of trend and caveats.",
    );
}

#[test]
fn check_2_decide_ends_in_otherwise_and_every_row_is_reached() {
    refused(
        "  - otherwise: nothing\n",
        "",
        "- row: emergency",
        "check_2",
        "`decide` does not end in `otherwise`: say what happens when no row applies.",
    );
    refused(
        "    when: potassium at or above 6.0 mmol/L",
        "    when: potassium at or above 6.6 mmol/L",
        "high\n",
        "check_2",
        "The row `high` is never reached: the rows before it take all that it would.",
    );
}

#[test]
fn check_2_gaps_and_crossings_are_told_as_intervals() {
    refused(
        "    when: potassium at or above 6.0 mmol/L",
        "    when: potassium between 6.0 and 6.4 mmol/L",
        "nothing\n\ndo:",
        "check_2",
        "No row says anything of potassium between 6.4 and 6.5 mmol/L.",
    );
    refused(
        "  - row: high\n    when: potassium at or above 6.0 mmol/L\n    then: urgent\n",
        "  - row: a\n    when: potassium between 5.6 and 6.1 mmol/L\n    then: urgent\n  - row: high\n    when: potassium between 6.0 and 6.5 mmol/L\n    then: emergency\n",
        "high\n",
        "check_2",
        "The rows `a` and `high` both take potassium from 6.0 to 6.1 mmol/L.",
    );
}

#[test]
fn check_3_every_action_exists_is_reached_and_has_an_owner() {
    refused(
        "    when: potassium at or above 6.0 mmol/L\n    then: urgent",
        "    when: potassium at or above 6.0 mmol/L\n    then: soon",
        "soon",
        "check_3",
        "`soon` is no action of `do`.",
    );
    refused(
        "[ covering clinician, critical results pool ]",
        "[ covering clinician, critical results desk ]",
        "inpatient: responsible",
        "check_3",
        "The chain of owners does not end in a pool: an item could be nobody's.",
    );
}

#[test]
fn check_4_a_ladder_goes_up_and_tells_nobody_twice() {
    refused(
        "60 minutes: administrator on call ]",
        "30 minutes: administrator on call ]",
        "30 minutes: administrator",
        "check_4",
        "`30 minutes` is not later than the rung before it.",
    );
    refused(
        "15 minutes: covering clinician",
        "15 minutes: responsible clinician",
        "15 minutes: responsible",
        "check_4",
        "`responsible clinician` holds the item or was told already.",
    );
    refused(
        "    if not done: [ 4 hours: covering clinician, 24 hours: pool ]\n",
        "",
        "urgent:\n    item",
        "check_4",
        "`urgent` has no ladder `if not done`: an item could wait for ever.",
    );
}

#[test]
fn check_5_an_item_can_be_ended() {
    refused(
        "    - owner records one of [ treated, transferred, patient reached and plan made, comfort care ]\n",
        "",
        "any:\n    - a later",
        "check_5",
        "The owner has no answer that ends an item.",
    );
}

#[test]
fn check_6_two_events_are_one_by_what_stays_the_same() {
    refused(
        "[ patient, specimen, test ]",
        "[ patient, message id ]",
        "message id",
        "check_6",
        "`message id` changes whenever something is sent again: it makes nothing one.",
    );
}

#[test]
fn check_7_what_can_be_withdrawn_there_can_be_withdrawn_here() {
    refused(
        "  - event: lab result withdrawn\n    then: withdraw\n",
        "",
        "- event: patient died",
        "check_7",
        "A result can be withdrawn, and nothing here stops on it.",
    );
    refused(
        "  - event: lab result corrected\n    where: test is potassium\n",
        "",
        "- event: lab result finalised",
        "check_7",
        "A result is finalised and can be corrected: the workflow has to start on both.",
    );
}

#[test]
fn check_8_a_write_back_is_confirmed() {
    refused(
        "    confirm: by owner\n",
        "",
        "when: acknowledged",
        "check_8",
        "`record` writes into the EHR and has no `confirm`.",
    );
}

#[test]
fn p11_check_10_a_workflow_knows_no_vendor_and_no_wire() {
    for (word, bad) in [
        ("Epic", "Ask Epic for it"),
        ("OBX-5", "Read OBX-5"),
        ("PV1", "See PV1"),
        ("Observation.value", "Read Observation.value"),
        ("https://example.org/x", "See https://example.org/x"),
    ] {
        refused(
            "Kidney function not known.",
            bad,
            &format!("continue and say \"{bad}"),
            "check_10",
            &format!("`{word}` belongs to the connection layer."),
        );
    }
    refused(
        "clinical_owner: Director of hospital medicine",
        "clinical_owner: Dr. Weiss",
        "Dr. Weiss",
        "check_10",
        "This names a person.",
    );
}

#[test]
fn check_11_amounts_have_the_unit_of_their_fact() {
    refused(
        "potassium at or above 6.0 mmol/L",
        "potassium at or above 6.0",
        "potassium at or above 6.0",
        "check_11",
        "`6.0` has no unit: `potassium` is measured in mmol/L.",
    );
    refused(
        "potassium at or above 6.0 mmol/L",
        "potassium at or above 6.0 mg/dL",
        "potassium at or above 6.0 mg",
        "check_11",
        "`potassium` is measured in mmol/L here, not in mg/dL.",
    );
}

#[test]
fn a_workflow_past_its_review_date_goes_on_and_each_item_says_so() {
    let text = changed("review_by: 2027-09-01", "review_by: 2026-11-22");
    let definition = load("w.yaml", &text, &vocabulary(), &groups()).unwrap();
    assert!(definition.is_overdue(TODAY));
    let inputs = inputs(vec![potassium("6.7 mmol/L", "k1", noon() - minutes(5))]);
    // 22 November begins later in the west than in the east.
    for (zone, said) in [("Asia/Tokyo", true), ("Pacific/Honolulu", false)] {
        let now = at("2026-11-22T02:00:00Z");
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        let evaluation = evaluate(&definition, &inputs, &groups(), now, &zone);
        let caveat = String::from("This workflow was due for review on 22-Nov-2026.");
        assert_eq!(evaluation.caveats.contains(&caveat), said);
    }
}

#[test]
fn check_12_sources_are_named_and_the_review_lies_ahead() {
    refused(
        "review_by: 2027-09-01",
        "review_by: 2026-11-22",
        "2026-11-22",
        "check_12",
        "The review date has passed.",
    );
    let start = CRITICAL_POTASSIUM.find("sources:\n").unwrap();
    let end = CRITICAL_POTASSIUM.find("starts:\n").unwrap();
    refused(
        &CRITICAL_POTASSIUM[start..end],
        "sources: []\n",
        "[]\n",
        "check_12",
        "The workflow names no source.",
    );
}

#[test]
fn check_13_what_closes_an_item_opens_none() {
    refused(
        "is between 3.5 and 5.4 mmol/L",
        "is between 3.5 and 6.0 mmol/L",
        "a later potassium is between",
        "check_13",
        "A value of 6.0 closes an item here and opens one by the row `high`.",
    );
}

#[test]
fn check_15_nothing_hides_a_row_that_calls_for_action() {
    refused(
        "after done: open again whenever a row applies to a newer specimen",
        "after done: never again",
        "never again",
        "check_15",
        "`never again` could hide a row that calls for action.",
    );
}

#[test]
fn p06_a_row_that_can_be_unknown_and_says_nothing_of_it_does_not_load() {
    refused(
        "    if unknown: urgent                      # when the list can't be had, take it that it matters\n",
        "",
        "low with digoxin\n",
        "unknown_branch",
        "The row `low with digoxin` can be unknown (it goes on without `active medications`) and has no `if unknown`.",
    );
    refused(
        "    if unknown: next                        # that there is nothing to compare with is no reason to stop\n",
        "",
        "rising fast\n",
        "unknown_branch",
        "The row `rising fast` can be unknown (there may be no earlier `potassium`) and has no `if unknown`.",
    );
    // Showing both sides of a conflict decides nothing.
    let text = changed("use safest (farthest from 4.5 mmol/L)", "show both");
    let found = problems(&text);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found.iter().all(|problem| problem.rule == "unknown_branch"));
}

#[test]
fn what_the_language_has_and_this_version_has_not_is_refused_by_name() {
    let last = "repeat:\n";
    for block in LATER {
        refused(
            last,
            &format!("{block}:\n  a: b\n{last}"),
            &format!("{block}:\n"),
            "not_supported",
            &format!("`{block}` is not supported yet by this version."),
        );
    }
    for (condition, name) in [
        (
            "average of potassium over 3 days at or above 5 mmol/L",
            "average of",
        ),
        ("count of potassium in 3 days at least 2", "count of"),
        (
            "potassium rose to at least 1.5 times its lowest in 7 days",
            "rose to at least",
        ),
        ("no potassium for 3 days", "no"),
        ("potassium before creatinine by 2 hours", "before"),
    ] {
        refused(
            "potassium at or above 6.0 mmol/L",
            condition,
            condition,
            "not_supported",
            &format!("`{name}` is not supported yet by this version."),
        );
    }
    for (verb, name) in [
        ("fetch then stop and ask", "fetch"),
        ("wait 2 hours then stop and ask", "wait"),
        ("treat as 4.0 mmol/L because \"it is usual\"", "treat as"),
    ] {
        refused(
            "if missing: stop and ask",
            &format!("if missing: {verb}"),
            verb,
            "not_supported",
            &format!("`{name}` is not supported yet by this version."),
        );
    }
    refused(
        "    message: page owner",
        "    card: { hooks: [ patient-view ] }",
        "card:",
        "not_supported",
        "`card` is not supported yet by this version.",
    );
    refused(
        "  after done:",
        "  snooze: { urgent: 30 minutes }\n  after done:",
        "snooze:",
        "not_supported",
        "`snooze` is not supported yet by this version.",
    );
}

#[test]
fn unknown_words_are_refused_and_never_passed_over() {
    refused(
        "purpose: Make",
        "porpose: x\npurpose: Make",
        "porpose",
        "unknown_key",
        "`porpose` is no key of a workflow.",
    );
    refused(
        "potassium at or above 6.0 mmol/L",
        "potassium is rather high",
        "potassium is rather",
        "condition",
        "`potassium is rather high` is no condition that can be read.",
    );
    refused(
        "Kidney function not known.",
        "Unknown for {how long}.",
        "continue and say \"Unknown for",
        "blank",
        "`{how long}` can't be filled in here.",
    );
    refused(
        "include group digoxin",
        "include group glycosides",
        "active medications include group glycosides",
        "group",
        "There is no group `glycosides`.",
    );
}

#[test]
fn yaml_that_two_readers_understand_differently_is_refused() {
    for (from, to, says) in [
        ("inform: [ bedside nurse ]", "inform: [ on ]", "boolean"),
        (
            "same_case: [ patient ]",
            "same_case: &a [ patient ]",
            "Anchors",
        ),
        ("version: 1", "version: 1\nversion: 2", "second time"),
    ] {
        let found = problems(&changed(from, to));
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains(says), "{found:?}");
    }
    for text in ["", "a", "[]", "workflow: x", "\u{0}", "a: [", "- - - -"] {
        assert!(!problems(text).is_empty(), "{text}");
    }
}

#[test]
fn every_problem_of_a_file_is_told_at_once() {
    let text = changed("    confirm: by owner\n", "")
        .replace("review_by: 2027-09-01", "review_by: soon")
        .replace("    if missing: stop and ask\n", "");
    let rules: Vec<String> = problems(&text)
        .into_iter()
        .map(|problem| problem.rule)
        .collect();
    assert_eq!(rules, ["check_12", "check_1", "check_8"]);
}

#[test]
fn the_schema_names_the_blocks_that_the_reader_knows() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../schemas/workflow.schema.json")).unwrap();
    let mut named: Vec<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut known = BLOCKS.to_vec();
    known.push(REPEAT);
    assert_eq!(schema["additionalProperties"], false);
    let mut required: Vec<&str> = schema["required"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    known.sort_unstable();
    named.sort_unstable();
    required.sort_unstable();
    assert_eq!(named, known);
    assert_eq!(required, known);
}

proptest::proptest! {
    #[test]
    fn a_file_with_anything_changed_is_read_or_refused_and_never_more(
        line in 0usize..170,
        what in "[ -~]{0,40}",
        keep in 0usize..60,
    ) {
        let mut lines: Vec<String> = CRITICAL_POTASSIUM.lines().map(str::to_owned).collect();
        if let Some(line) = lines.get_mut(line) {
            line.truncate(keep);
            line.push_str(&what);
        }
        if let Err(problems) = review("w.yaml", &lines.join("\n"), &vocabulary(), &groups(), TODAY) {
            proptest::prop_assert!(!problems.is_empty());
            proptest::prop_assert!(problems.iter().all(|problem| !problem.message.starts_with("This can't")));
            for problem in problems {
                proptest::prop_assert!(problem.line >= 1 && problem.column >= 1);
                proptest::prop_assert!(problem.message.ends_with(['.', '?']) && !problem.rule.is_empty(), "{:?}", problem);
            }
        }
    }
}
