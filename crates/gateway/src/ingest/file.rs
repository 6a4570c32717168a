//! One file as a stream of inputs.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use aws_lc_rs::digest;
use bedside_core::admit::{self, UnitFor};
use bedside_core::journal::{InputKind, NewInput, UnitKey};
use bedside_core::source::Source;
use bedside_fact::phi::Phi;
use bedside_fhir::stream::{self, Reader, Sniff};
use bedside_hl7::batch::Splitter;
use flate2::bufread::MultiGzDecoder;

/// Bytes looked at to tell what a file is.
const SNIFF: usize = 512;

/// The longest unit that is taken, in bytes.
pub(super) const MAX_UNIT: usize = 64 * 1024 * 1024;

/// What an unrecognised file is kept as: its first bytes, so that a wrong file of any size costs little.
const KEEP: u64 = 1024 * 1024;

/// `urn:uuid:` of a Bundle entry → type and id of its resource.
pub(super) type References = HashMap<String, (String, String)>;

/// What is wrong with a whole file.
pub(super) enum FileError {
    /// Nothing in it.
    Empty,
    /// It could not be read.
    Read(io::Error),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// A file that was looked at once: what it is, its hash, and the references between its entries.
pub(super) struct Opened {
    kind: Sniff,
    gzip: bool,
    hash: [u8; 32],
    references: References,
}

impl Opened {
    /// First pass.
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        let (gzip, head) = head(path)?;
        if head.is_empty() {
            return Err(FileError::Empty);
        }
        let kind = stream::sniff(&head);
        let hash = hash(path)?;
        let mut references = References::new();
        if matches!(kind, Sniff::FhirJson | Sniff::Ndjson) {
            // A reference may point forward, so the targets are collected before the first entry is admitted. Only
            // entries of Bundles have a `urn:uuid:` name; anything else costs no memory here.
            for unit in
                Reader::new(content(path, gzip)?, stream::Limits { max_unit: MAX_UNIT }).flatten()
            {
                let Ok(text) = std::str::from_utf8(&unit.bytes) else {
                    continue;
                };
                if let Some(key) = stream::entry_key(text)
                    && let (Some(url), Some(id)) = (key.full_url, key.id)
                    && url.starts_with("urn:")
                {
                    references.insert(url, (key.resource_type, id));
                }
            }
        }
        Ok(Self {
            kind,
            gzip,
            hash,
            references,
        })
    }

    /// Second pass: every unit as an input.
    pub(super) fn each(
        &self,
        path: &Path,
        source: &Source,
        mut take: impl FnMut(NewInput) -> io::Result<()>,
    ) -> io::Result<()> {
        match self.kind {
            Sniff::Hl7 => self.messages(path, source, &mut take),
            Sniff::FhirJson | Sniff::Ndjson => self.resources(path, source, &mut take),
            Sniff::Gzip | Sniff::Empty | Sniff::Unknown => {
                let mut bytes = Vec::new();
                content(path, self.gzip)?
                    .take(KEEP)
                    .read_to_end(&mut bytes)?;
                take(self.unreadable(source, 0, bytes, "unrecognised"))
            }
        }
    }

    fn messages(
        &self,
        path: &Path,
        source: &Source,
        take: &mut impl FnMut(NewInput) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut reader = content(path, self.gzip)?;
        let mut splitter = Splitter::new(MAX_UNIT);
        let mut position = 0;
        let mut ended = false;
        while !ended {
            let chunk = reader.fill_buf()?;
            let length = chunk.len();
            if length == 0 {
                splitter.finish();
                ended = true;
            } else {
                splitter.push(chunk);
            }
            reader.consume(length);
            while let Some(next) = splitter.next_message() {
                let input = match next {
                    Ok((_, bytes)) => {
                        admit::hl7(
                            &bytes,
                            source,
                            UnitFor::File {
                                hash: self.hash,
                                position,
                            },
                        )
                        .0
                    }
                    Err(error) => {
                        let reason = format!("{} at byte {}", error.reason(), error.offset);
                        self.unreadable(source, position, error.kept, &reason)
                    }
                };
                take(input)?;
                position += 1;
            }
        }
        if position == 0 {
            take(self.unreadable(source, 0, Vec::new(), "no_message"))?;
        }
        Ok(())
    }

    fn resources(
        &self,
        path: &Path,
        source: &Source,
        take: &mut impl FnMut(NewInput) -> io::Result<()>,
    ) -> io::Result<()> {
        let units = Reader::new(
            content(path, self.gzip)?,
            stream::Limits { max_unit: MAX_UNIT },
        );
        for (position, unit) in (0..).zip(units) {
            let input = match unit {
                Ok(unit) => {
                    let mut input = admit::fhir(&unit.bytes, source, self.hash, position, &|url| {
                        self.references.get(url).cloned()
                    });
                    input.reject = input.reject.map(|reason| in_file(&reason, unit.offset));
                    input
                }
                Err(error) => {
                    let reason = format!("{} at byte {}", error.code, error.at);
                    self.unreadable(source, position, error.bytes_kept, &reason)
                }
            };
            take(input)?;
        }
        Ok(())
    }

    fn unreadable(&self, source: &Source, position: u64, bytes: Vec<u8>, reason: &str) -> NewInput {
        NewInput {
            source: source.id.clone(),
            system: source.system.clone(),
            kind: InputKind::Unrecognised,
            message_type: String::new(),
            control_id: String::new(),
            raw: Phi::new(bytes),
            context: Phi::default(),
            unit: UnitKey::File {
                hash: self.hash,
                position,
            },
            lanes: Vec::new(),
            reject: Some(reason.to_owned()),
            ack: None,
        }
    }
}

/// A place within a unit becomes a place within the file, where somebody can look for it.
fn in_file(reason: &str, unit: u64) -> String {
    reason
        .rsplit_once(" at byte ")
        .and_then(|(code, place)| Some((code, place.parse::<u64>().ok()?)))
        .map_or_else(
            || reason.to_owned(),
            |(code, place)| format!("{code} at byte {}", unit + place),
        )
}

fn head(path: &Path) -> io::Result<(bool, Vec<u8>)> {
    let first = read_up_to(File::open(path)?)?;
    if matches!(stream::sniff(&first), Sniff::Gzip) {
        return Ok((true, read_up_to(content(path, true)?)?));
    }
    Ok((false, first))
}

fn read_up_to(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader
        .take(u64::try_from(SNIFF).unwrap_or(0))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn content(path: &Path, gzip: bool) -> io::Result<Box<dyn BufRead>> {
    let file = BufReader::with_capacity(256 * 1024, File::open(path)?);
    Ok(if gzip {
        Box::new(BufReader::with_capacity(
            256 * 1024,
            MultiGzDecoder::new(file),
        ))
    } else {
        Box::new(file)
    })
}

fn hash(path: &Path) -> io::Result<[u8; 32]> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        context.update(buffer.get(..count).unwrap_or_default());
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Ok(hash)
}
