//! A search for many secrets in many bytes at once, each in every dress in which it could lie around.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The shortest text that is searched for: anything shorter turns up in sealed bytes by chance.
const SHORTEST: usize = 5;

/// What is searched for.
#[derive(Default)]
pub(crate) struct Needles {
    by_head: HashMap<[u8; 4], Vec<usize>>,
    /// A set of the first two bytes, so that most positions cost one look.
    first: Vec<bool>,
    all: Vec<(Vec<u8>, String)>,
}

impl Needles {
    /// Of these texts. Those that are too short to mean anything are left out.
    pub(crate) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles = Self {
            first: vec![false; 65_536],
            ..Self::default()
        };
        for text in texts
            .into_iter()
            .filter(|text| text.chars().count() >= SHORTEST)
        {
            let mut cases = vec![text.to_owned(), text.to_uppercase(), text.to_lowercase()];
            cases.dedup();
            for case in cases {
                needles.dressed(&case);
            }
        }
        needles
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Raw, UTF-16 of both orders, hexadecimal of both cases, base64 at each of its three alignments.
    fn dressed(&mut self, text: &str) {
        let raw = text.as_bytes();
        self.add(raw.to_vec(), text, "raw");
        self.add(
            text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            text,
            "UTF-16LE",
        );
        self.add(
            text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            text,
            "UTF-16BE",
        );
        let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        self.add(hex.to_uppercase().into_bytes(), text, "HEX");
        self.add(hex.into_bytes(), text, "hex");
        for lead in 0..3_usize {
            let mut padded = vec![0; lead];
            padded.extend_from_slice(raw);
            // Characters that also hold bits of the neighbours differ with the neighbours.
            let from = (lead * 8).div_ceil(6);
            let to = padded.len() * 8 / 6;
            for code in [STANDARD.encode(&padded), URL_SAFE.encode(&padded)] {
                self.add(code.as_bytes()[from..to].to_vec(), text, "base64");
            }
        }
    }

    fn add(&mut self, bytes: Vec<u8>, text: &str, dress: &str) {
        if self.all.iter().any(|(known, _)| *known == bytes) {
            return;
        }
        let head = [bytes[0], bytes[1], bytes[2], bytes[3]];
        self.first[usize::from(bytes[0]) << 8 | usize::from(bytes[1])] = true;
        self.by_head.entry(head).or_default().push(self.all.len());
        self.all.push((bytes, format!("{text} as {dress}")));
    }

    /// What is found in `bytes`, and where.
    pub(crate) fn found(&self, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for (at, four) in bytes.windows(4).enumerate() {
            if !self.first[usize::from(four[0]) << 8 | usize::from(four[1])] {
                continue;
            }
            let Some(candidates) = self.by_head.get(four) else {
                continue;
            };
            for &n in candidates {
                let (needle, name) = &self.all[n];
                if bytes[at..].starts_with(needle) {
                    found.push(format!("{name} at byte {at}"));
                }
            }
        }
        found
    }

    /// What is found in any file below `folder`, and how many bytes were looked at.
    pub(crate) fn found_below(&self, folder: &Path) -> (Vec<String>, u64) {
        let (mut found, mut size) = (Vec::new(), 0);
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let name = self.found(entry.file_name().as_encoded_bytes());
            found.extend(
                name.into_iter()
                    .map(|what| format!("name of {}: {what}", entry.path().display())),
            );
            if kind.is_dir() {
                let (more, bytes) = self.found_below(&entry.path());
                found.extend(more);
                size += bytes;
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).unwrap();
                size += u64::try_from(bytes.len()).unwrap();
                found.extend(
                    self.found(&bytes)
                        .into_iter()
                        .map(|what| format!("{}: {what}", entry.path().display())),
                );
            }
        }
        (found, size)
    }
}

#[test]
fn the_search_finds_a_secret_in_every_dress_and_alignment() {
    let needles = Needles::of(["Quillfeather", "Li"]);
    assert!(
        needles
            .found(b"nothing of Li to see: quill, feather")
            .is_empty()
    );
    let hidden = [
        b"..QUILLFEATHER..".to_vec(),
        "quillfeather"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect(),
        b"5175696c6c66656174686572".to_vec(),
        STANDARD.encode("Quillfeather").into_bytes(),
        STANDARD.encode("x,Quillfeather,y").into_bytes(),
        STANDARD.encode("x Quillfeather").into_bytes(),
        STANDARD.encode("xyzQuillfeather^").into_bytes(),
    ];
    for bytes in hidden {
        assert_eq!(
            needles.found(&bytes).len(),
            1,
            "{}",
            String::from_utf8_lossy(&bytes)
        );
    }
}
