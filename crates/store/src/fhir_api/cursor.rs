//! Where a search goes on: sealed for the application that asked, so that nobody reads it, changes it or uses another's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bedside_core::ctx::OpCtx;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::store::Store;

/// The longest cursor: with the address before it a link stays below 2 kB.
const LONGEST: usize = 1_800;

/// The next page of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The type.
    #[serde(rename = "t")]
    pub resource_type: String,
    /// The parameters.
    #[serde(rename = "q")]
    pub used: Vec<(String, String)>,
    /// The position of the record that the first page read (design D7).
    #[serde(rename = "s")]
    pub seq: i64,
    /// Entries that were handed out.
    #[serde(rename = "o")]
    pub offset: usize,
}

impl Store {
    /// The text of a cursor; `None` when the question is too long to be carried in a link.
    ///
    /// # Errors
    /// When it can't be sealed.
    pub fn fhir_cursor(&self, ctx: &OpCtx, cursor: &Cursor) -> Result<Option<String>, Error> {
        let plain = serde_json::to_vec(cursor)
            .map_err(|_| Error::Corrupt(String::from("a cursor can't be written")))?;
        let sealed =
            self.sealer()
                .seal("data", "fhir_cursor", ctx.actor.as_str(), "sealed", &plain)?;
        let text = URL_SAFE_NO_PAD.encode(sealed);
        Ok((text.len() <= LONGEST).then_some(text))
    }

    /// Reads a cursor; `None` when it is not one of ours, or was made for another application.
    #[must_use]
    pub fn fhir_cursor_of(&self, ctx: &OpCtx, text: &str) -> Option<Cursor> {
        if text.len() > LONGEST {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = self
            .sealer()
            .open("data", "fhir_cursor", ctx.actor.as_str(), "sealed", &sealed)
            .ok()?;
        serde_json::from_slice(&plain).ok()
    }
}
