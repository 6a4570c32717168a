//! Precision and recall of the proposal rule on public record-linkage sets with known truth, where they lie beside the repository.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "test helpers; the figures are the point"
)]

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use bedside_identity::{Demographics, PersonName, proposal_keys};

fn corpus(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/identity")
        .join(file);
    if path.is_file() {
        Some(path)
    } else {
        println!("corpus not present: skipped {file}");
        None
    }
}

type Row = HashMap<String, String>;

fn rows(file: &str) -> Option<Vec<Row>> {
    let mut reader = csv::Reader::from_path(corpus(file)?).unwrap();
    Some(reader.deserialize().map(|row| row.unwrap()).collect())
}

fn febrl(row: &Row) -> Demographics {
    let date = &row["date_of_birth"];
    let birth_date =
        (date.len() == 8).then(|| format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]));
    Demographics {
        names: vec![PersonName {
            family: row["surname"].clone(),
            given: vec![row["given_name"].clone()],
            suffix: None,
        }],
        birth_date,
        // Seven digits there; two in front make the American length.
        ssn: vec![format!("21{}", row["soc_sec_id"])],
        streets: vec![(
            format!("{} {}", row["street_number"], row["address_1"]),
            Some(row["postcode"].clone()),
        )],
        ..Demographics::default()
    }
}

fn splink(row: &Row) -> Demographics {
    Demographics {
        names: vec![PersonName {
            family: row["surname"].clone(),
            given: vec![row["first_name"].clone()],
            suffix: None,
        }],
        birth_date: Some(row["dob"].clone()),
        ..Demographics::default()
    }
}

/// Pairs of rows that share a key, and how many of them are one person.
fn measure(
    file: &str,
    rows: &[Row],
    truth: &str,
    read: fn(&Row) -> Demographics,
) -> (usize, usize) {
    let mut holders: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        for key in proposal_keys(&read(row)) {
            holders.entry(key.text).or_default().push(at);
        }
    }
    let mut pairs = HashSet::new();
    for list in holders.values() {
        for (n, a) in list.iter().enumerate() {
            pairs.extend(list[n + 1..].iter().map(|b| (*a, *b)));
        }
    }
    let right = pairs
        .iter()
        .filter(|(a, b)| rows[*a][truth] == rows[*b][truth])
        .count();
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        *sizes.entry(&row[truth]).or_default() += 1;
    }
    let possible: usize = sizes.values().map(|n| n * (n - 1) / 2).sum();
    println!(
        "{file}: {} pairs proposed, {right} right, {possible} true pairs in the file",
        pairs.len()
    );
    (pairs.len(), right)
}

fn precise((proposed, right): (usize, usize)) {
    assert!(proposed > 100, "the rule finds something");
    assert!(
        right * 100 >= proposed * 99,
        "precision below 0.99: {right} of {proposed}"
    );
}

#[test]
fn p05_proposals_are_right_99_times_in_100_on_febrl_3() {
    if let Some(rows) = rows("febrl3.csv") {
        precise(measure("febrl3", &rows, "person_id", febrl));
    }
}

#[test]
fn p05_proposals_are_right_99_times_in_100_on_febrl_4() {
    if let (Some(mut a), Some(b)) = (rows("febrl4a.csv"), rows("febrl4b.csv")) {
        a.extend(b);
        precise(measure("febrl4", &a, "person_id", febrl));
    }
}

#[test]
fn p05_name_and_birth_date_alone_propose_nothing() {
    if let Some(rows) = rows("splink_fake_1000.csv") {
        assert_eq!(measure("splink", &rows, "cluster", splink), (0, 0));
    }
}
