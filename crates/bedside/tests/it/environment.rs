//! What is wrong around the program: exit status 4, or 3 for the configuration, and one sentence that says what to do.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::messages::{QUILL, adt};
use crate::support::site::{Ran, Site, bedside};
use crate::support::skipped;

/// One sentence, not a dump.
#[track_caller]
fn one_sentence(ran: &Ran) {
    let lines: Vec<&str> = ran
        .err
        .lines()
        .filter(|line| line.starts_with("bedside:"))
        .collect();
    assert_eq!(lines.len(), 1, "{}", ran.err);
    assert!(ran.out.is_empty(), "{}", ran.out);
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let site = Site::new();
    let original = fs::read_to_string(site.config()).unwrap();
    site.edit(|text| {
        text.replace(
            "address = \"127.0.0.1:0\"",
            &format!("address = \"{address}\""),
        )
    });
    one_sentence(
        &site
            .run(&["serve"])
            .expect(4)
            .says(&[&address, "free the port"]),
    );
    fs::write(site.config(), &original).unwrap();
    site.edit(|text| text.replace("mllp = \"127.0.0.1:0\"", &format!("mllp = \"{address}\"")));
    one_sentence(
        &site
            .run(&["serve"])
            .expect(4)
            .says(&[&address, "free the port"]),
    );
    // It left nothing locked.
    fs::write(site.config(), &original).unwrap();
    assert_eq!(site.serve().stop().0, Some(0));
}

#[test]
fn a_store_in_use_is_named_and_left_alone() {
    let site = Site::new();
    let serve = site.serve();
    one_sentence(
        &site
            .run(&["serve"])
            .expect(4)
            .says(&["in use", "bedside-data"]),
    );
    // The one that runs is not disturbed: other commands still go through it.
    site.run(&["journal", "list"]).expect(0);
    assert_eq!(serve.stop().0, Some(0));
}

#[test]
fn a_key_that_is_missing_wrong_or_readable_by_others_is_said_to_be() {
    let site = Site::new();
    let inputs = tempfile::tempdir().unwrap();
    fs::write(inputs.path().join("a.hl7"), adt("A01", "N1", &QUILL)).unwrap();
    site.ingest(inputs.path(), "s").expect(0);
    let key = fs::read(site.key()).unwrap();
    let list = || site.run(&["journal", "list"]);

    fs::set_permissions(site.key(), fs::Permissions::from_mode(0o644)).unwrap();
    one_sentence(&list().expect(4).says(&["bedside-data.key", "chmod 600"]));
    fs::remove_file(site.key()).unwrap();
    one_sentence(
        &list()
            .expect(4)
            .says(&["bedside-data.key", "missing", "put the key back"]),
    );
    assert!(!site.key().exists(), "no new key is made for old data");
    one_sentence(&site.run(&["init", "."]).expect(4));
    assert!(
        !site.key().exists(),
        "init makes no new key for old data either"
    );

    let other = Site::new();
    fs::copy(other.key(), site.key()).unwrap();
    one_sentence(
        &list()
            .expect(4)
            .says(&["bedside-data.key", "does not belong"]),
    );
    fs::write(site.key(), "hello\n").unwrap();
    one_sentence(&list().expect(4).says(&["bedside-data.key", "no key file"]));
    fs::write(site.key(), key).unwrap();
    assert_eq!(site.journal().len(), 1);
    site.verify().expect(0);
}

#[test]
fn a_wrong_configuration_is_named_by_line_and_column() {
    let site = Site::new();
    let good = fs::read_to_string(site.config()).unwrap();
    let line = good.lines().position(|line| line == "[http]").unwrap() + 2;
    fs::write(
        site.config(),
        good.replace("[http]", "[http]\nadress = \"127.0.0.1:1\""),
    )
    .unwrap();
    let place = format!("bedside.toml:{line}:1");
    for command in [
        vec!["config", "check"],
        vec!["serve"],
        vec!["journal", "list"],
    ] {
        one_sentence(&site.run(&command).expect(3).says(&[&place, "adress"]));
    }
    fs::write(site.config(), good.replace("[http]", "[http\n")).unwrap();
    one_sentence(
        &site
            .run(&["config", "check"])
            .expect(3)
            .says(&["bedside.toml:"]),
    );
    fs::write(site.config(), &good).unwrap();
    site.run(&["config", "check"]).expect(0);
    let nowhere = site.path().join("none.toml");
    one_sentence(
        &bedside(
            site.path(),
            &["--config", nowhere.to_str().unwrap(), "serve"],
        )
        .expect(3)
        .says(&["none.toml", "init"]),
    );
}

/// A file system of few megabytes, taken away when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        mount(at, &format!("size={size},mode=700")).then(|| Self(at.to_owned()))
    }

    fn grow(&self, size: &str) {
        assert!(mount(&self.0, &format!("remount,size={size}")));
    }
}

fn mount(at: &Path, options: &str) -> bool {
    let output = Command::new("mount")
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(at)
        .output();
    output.is_ok_and(|output| output.status.success())
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn p12_a_full_disk_stops_the_run_with_a_sentence_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), "3m") else {
        skipped("a full disk: mounting a small file system is not permitted here");
        return;
    };
    let mut bytes = Vec::new();
    for n in 0..400 {
        bytes.extend(adt("A08", &format!("P{n}"), &QUILL));
        bytes.extend(format!("NTE|1||{}\r", "rest and fluids ".repeat(1_000)).bytes());
    }
    let file = folder.path().join("large.hl7");
    fs::write(&file, bytes).unwrap();
    let ingest = || {
        bedside(
            folder.path(),
            &[
                "--data",
                "disk/data",
                "--json",
                "ingest",
                "large.hl7",
                "--source",
                "s",
            ],
        )
    };
    one_sentence(&ingest().expect(4).says(&["free some disk space"]));
    disk.grow("64m");
    let tally = ingest().expect(0).document();
    assert_eq!(tally["received"], 400);
    assert_eq!(tally["quarantined"], 0);
    let listed = bedside(
        folder.path(),
        &["--data", "disk/data", "--json", "journal", "list"],
    )
    .expect(0)
    .lines();
    assert_eq!(listed.len(), 400);
    bedside(folder.path(), &["--data", "disk/data", "audit", "verify"]).expect(0);
}
