//! Checkpoints: the signed statement that a log has so many entries and this root (C2SP tlog-checkpoint in a C2SP signed note, Ed25519).
//!
//! The text is exact, because what is signed is bytes: origin, size and root on three lines, an empty line, one signature line.
//! [`verify`] accepts that and nothing more: no extension lines, no second signature, no other spelling of the same number.
//! Where the notes go (outside the data directory) and when they are made is the store's affair; so is keeping the key.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;
use crate::tree::Hash;

/// The signature algorithm's byte in a note's key id: Ed25519 (C2SP signed-note, "Signature types").
const ED25519_TYPE: u8 = 1;

/// A log's size and root at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, also the signer's: see [`valid_origin`].
    pub origin: String,
    /// Leaves in the tree.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed, with its final newline.
    fn body(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            STANDARD.encode(self.root)
        )
    }
}

/// Whether a name can be a log's origin: not empty, no white space, no control character, no plus sign (C2SP signed-note).
#[must_use]
pub fn valid_origin(origin: &str) -> bool {
    !origin.is_empty()
        && !origin
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// Holds the log's private key.
pub struct Signer {
    pair: Ed25519KeyPair,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Signer {
    /// Makes a new key; the second value is its PKCS #8 form, for [`Signer::from_pkcs8`].
    ///
    /// # Errors
    ///
    /// [`Error::Key`] when the system gives no randomness.
    pub fn generate() -> Result<(Self, Vec<u8>), Error> {
        let document =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| Error::Key)?;
        let signer = Self::from_pkcs8(document.as_ref())?;
        Ok((signer, document.as_ref().to_vec()))
    }

    /// Takes up a stored key.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] when the bytes are not an Ed25519 key with its public half (PKCS #8 version 2).
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| Error::Key)?;
        Ok(Self { pair })
    }

    /// The 32 bytes a verifier needs.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// The four bytes that tell a verifier which key signed (C2SP signed-note).
    #[must_use]
    pub fn key_id(&self, name: &str) -> [u8; 4] {
        key_id(name, self.pair.public_key().as_ref())
    }

    /// The full note. An origin that [`valid_origin`] refuses gives a note that [`verify`] refuses.
    #[must_use]
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let body = checkpoint.body();
        let mut signature = self.key_id(&checkpoint.origin).to_vec();
        signature.extend_from_slice(self.pair.sign(body.as_bytes()).as_ref());
        format!(
            "{body}\n\u{2014} {} {}\n",
            checkpoint.origin,
            STANDARD.encode(signature)
        )
    }
}

/// Reads a note, checks that it is exactly a checkpoint of `origin` and that `public_key` signed it.
///
/// # Errors
///
/// [`Error::NoteMalformed`], [`Error::Origin`], [`Error::Key`] or [`Error::Signature`].
pub fn verify(note: &str, origin: &str, public_key: &[u8]) -> Result<Checkpoint, Error> {
    if public_key.len() != 32 {
        return Err(Error::Key);
    }
    let mut lines = note.split('\n');
    let mut line = |what| lines.next().ok_or(Error::NoteMalformed(what));
    let name = line("origin missing")?;
    let size = line("size missing")?;
    let root = line("root missing")?;
    let blank = line("no line between text and signature")?;
    let signature = line("signature missing")?;
    let end = line("no newline at the end")?;
    if lines.next().is_some() || !end.is_empty() {
        return Err(Error::NoteMalformed("text after the signature"));
    }
    if !blank.is_empty() {
        return Err(Error::NoteMalformed("a fourth line of text"));
    }
    if name != origin {
        return Err(Error::Origin);
    }
    if !valid_origin(name) {
        return Err(Error::NoteMalformed("origin is not a valid name"));
    }
    let checkpoint = Checkpoint {
        origin: name.to_owned(),
        size: read_size(size)?,
        root: read_root(root)?,
    };
    let (id, bytes) = read_signature(signature, origin)?;
    if id != key_id(origin, public_key) {
        return Err(Error::Signature);
    }
    UnparsedPublicKey::new(&ED25519, public_key)
        .verify(checkpoint.body().as_bytes(), &bytes)
        .map_err(|_| Error::Signature)?;
    Ok(checkpoint)
}

fn read_size(text: &str) -> Result<u64, Error> {
    let size: u64 = text
        .parse()
        .map_err(|_| Error::NoteMalformed("size is not a number"))?;
    // `parse` also takes "+5" and "005", which nobody signed.
    if size.to_string() == text {
        Ok(size)
    } else {
        Err(Error::NoteMalformed("size is not in its shortest form"))
    }
}

fn read_root(text: &str) -> Result<Hash, Error> {
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| Error::NoteMalformed("root is not base64"))?;
    Hash::try_from(bytes).map_err(|_| Error::NoteMalformed("root is not 32 bytes"))
}

fn read_signature(line: &str, origin: &str) -> Result<([u8; 4], Vec<u8>), Error> {
    let text = line
        .strip_prefix("\u{2014} ")
        .and_then(|rest| rest.strip_prefix(origin))
        .and_then(|rest| rest.strip_prefix(' '))
        .ok_or(Error::NoteMalformed("signature line is not this signer's"))?;
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| Error::NoteMalformed("signature is not base64"))?;
    match bytes.split_first_chunk::<4>() {
        Some((id, signature)) if signature.len() == 64 => Ok((*id, signature.to_vec())),
        Some(_) | None => Err(Error::NoteMalformed("signature is not 68 bytes")),
    }
}

fn key_id(name: &str, public_key: &[u8]) -> [u8; 4] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(name.as_bytes());
    context.update(&[b'\n', ED25519_TYPE]);
    context.update(public_key);
    let mut id = [0; 4];
    for (to, from) in id.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    id
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
