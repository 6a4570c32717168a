//! Bookkeeping of the envelope segments: how many messages were announced, and whether that is true.

use crate::message::Problem;

/// What the envelope segments said so far, against what was seen.
#[derive(Default)]
pub(crate) struct Envelope {
    pub(crate) batches: usize,
    pub(crate) declared: Option<u64>,
    pub(crate) problems: Vec<Problem>,
    messages: usize,
    file_open: bool,
    batch_open: bool,
    in_batch: u64,
    batches_in_file: u64,
}

impl Envelope {
    pub(crate) fn message(&mut self) {
        self.messages += 1;
        self.in_batch += 1;
    }

    pub(crate) fn outside(&mut self) {
        self.problem(
            "bytes-outside-message",
            "text belongs to no message and no batch",
        );
    }

    /// One envelope segment, from its name on.
    pub(crate) fn segment(&mut self, bytes: &[u8]) {
        let from = bytes.iter().position(u8::is_ascii_alphabetic).unwrap_or(0);
        let segment = bytes.get(from..).unwrap_or_default();
        let name = segment.get(..3).unwrap_or_default().to_ascii_uppercase();
        match name.as_slice() {
            b"FHS" => {
                self.close_batch();
                self.file_open = true;
                self.batches_in_file = 0;
            }
            b"BHS" => {
                self.close_batch();
                self.batch_open = true;
                self.in_batch = 0;
                self.batches += 1;
                self.batches_in_file += 1;
            }
            b"BTS" => {
                if !self.batch_open {
                    self.problem("batch-header-missing", "a batch ends that did not begin");
                }
                if let Some(declared) = first_field(segment) {
                    self.declared = Some(self.declared.unwrap_or(0).saturating_add(declared));
                    if declared != self.in_batch {
                        self.problem(
                            "batch-count",
                            "BTS-1 declares another number of messages than the batch holds",
                        );
                    }
                }
                self.batch_open = false;
                self.in_batch = 0;
            }
            _ => {
                self.close_batch();
                if first_field(segment).is_some_and(|declared| declared != self.batches_in_file) {
                    self.problem(
                        "file-count",
                        "FTS-1 declares another number of batches than the file holds",
                    );
                }
                self.file_open = false;
            }
        }
    }

    pub(crate) fn finish(&mut self) {
        self.close_batch();
        if self.file_open {
            self.file_open = false;
            self.problem("file-trailer-missing", "the file ends without FTS");
        }
    }

    fn close_batch(&mut self) {
        if self.batch_open {
            self.batch_open = false;
            self.problem("batch-trailer-missing", "a batch ends without BTS");
        }
    }

    /// A long file of broken batches must not fill the memory with the same sentence.
    fn problem(&mut self, kind: &'static str, text: &str) {
        if self.problems.len() < 200 {
            self.problems.push(Problem {
                kind,
                segment: self.messages,
                field: 0,
                text: text.to_owned(),
            });
        }
    }
}

/// BTS-1 or FTS-1 as a number. The separator is whatever follows the name.
fn first_field(segment: &[u8]) -> Option<u64> {
    let separator = *segment.get(3)?;
    let field = segment
        .get(4..)?
        .split(|&byte| byte == separator || byte <= b' ')
        .next()?;
    std::str::from_utf8(field).ok()?.parse().ok()
}
