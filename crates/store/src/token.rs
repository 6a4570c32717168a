//! What patients are found and compared by, as tokens: nothing of it can be read, all of it can be asked for.

use std::collections::BTreeSet;

use bedside_fact::id::{SourceId, SystemId, TenantId, Token};
use bedside_identity::{Demographics, SearchTerm, link_keys, proposal_keys, search_terms};

use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::row;
use crate::seal::Sealer;

/// Equality links.
pub(crate) const LINK: &str = "link";

/// Equality proposes; what follows is the reason.
pub(crate) const POSSIBLE: &str = "possible:";

/// Found by.
pub(crate) const SEARCH: &str = "search";

/// The tokens of a patient's current version.
pub(crate) struct Tokens {
    pub(crate) patient: String,
    all: BTreeSet<(String, Token)>,
    digest: Token,
}

impl Tokens {
    pub(crate) fn new(sealer: &Sealer, patient: &str, demographics: &Demographics) -> Self {
        let mut all = BTreeSet::new();
        for text in link_keys(demographics) {
            all.insert((LINK.to_owned(), sealer.token(LINK, text.as_bytes())));
        }
        for key in proposal_keys(demographics) {
            all.insert((
                format!("{POSSIBLE}{}", key.reason),
                sealer.token(POSSIBLE, key.text.as_bytes()),
            ));
        }
        for term in search_terms(demographics) {
            all.insert((SEARCH.to_owned(), search_token(sealer, &term)));
        }
        let parts: Vec<&[u8]> = all
            .iter()
            .flat_map(|(kind, token)| [kind.as_bytes(), token.0.as_slice()])
            .collect();
        let digest = sealer.token_of(&parts);
        Self {
            patient: patient.to_owned(),
            all,
            digest,
        }
    }

    /// Makes the index say what this version says. `false` when it said so already.
    pub(crate) fn write(
        &self,
        tx: &mut dyn Tx,
        tenant: &TenantId,
        seq: i64,
    ) -> Result<bool, Error> {
        let (tenant, patient) = (Val::Text(tenant.as_str()), Val::Text(&self.patient));
        let rows = tx.query(
            "SELECT tokens FROM patient WHERE tenant = $1 AND id = $2",
            &[tenant, patient],
        )?;
        if row::blob(row::only(&rows)?, 0)? == self.digest.0 {
            return Ok(false);
        }
        let rows = tx.query(
            "SELECT kind, token FROM key_token WHERE tenant = $1 AND patient = $2 AND to_seq IS NULL",
            &[tenant, patient],
        )?;
        let mut there = BTreeSet::new();
        for found in &rows {
            let token = Token(
                row::blob(found, 1)?
                    .try_into()
                    .map_err(|_| Error::Corrupt(String::from("key_token.token")))?,
            );
            there.insert((row::text(found, 0)?.to_owned(), token));
        }
        for (kind, token) in there.difference(&self.all) {
            tx.execute(
                "UPDATE key_token SET to_seq = $5 WHERE tenant = $1 AND kind = $2 AND token = $3 AND patient = $4 AND to_seq IS NULL",
                &[tenant, Val::Text(kind), Val::Blob(&token.0), patient, Val::Int(seq)],
            )?;
        }
        for (kind, token) in self.all.difference(&there) {
            tx.execute(
                "INSERT INTO key_token (tenant, kind, token, patient, from_seq) VALUES ($1, $2, $3, $4, $5)",
                &[tenant, Val::Text(kind), Val::Blob(&token.0), patient, Val::Int(seq)],
            )?;
        }
        tx.execute(
            "UPDATE patient SET tokens = $3 WHERE tenant = $1 AND id = $2",
            &[tenant, patient, Val::Blob(&self.digest.0)],
        )?;
        Ok(true)
    }
}

/// The token of a search term.
pub(crate) fn search_token(sealer: &Sealer, term: &SearchTerm) -> Token {
    sealer.token_of(&[
        SEARCH.as_bytes(),
        term.field.as_bytes(),
        term.text.as_bytes(),
    ])
}

/// Notes that a patient exists. `true` when it is new.
pub(crate) fn ensure_patient(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    patient: &str,
    source: &SourceId,
    system: &SystemId,
    seq: i64,
) -> Result<bool, Error> {
    let made = tx.execute(
        "INSERT INTO patient (tenant, id, source, system, since_seq, tokens) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (tenant, id) DO NOTHING",
        &[
            Val::Text(tenant.as_str()),
            Val::Text(patient),
            Val::Text(source.as_str()),
            Val::Text(system.as_str()),
            Val::Int(seq),
            Val::Blob(&[]),
        ],
    )?;
    Ok(made == 1)
}
