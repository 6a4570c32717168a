//! How completely each source has answered about each patient: the page of gaps.

use std::collections::BTreeMap;

use bedside_core::access::Action;
use bedside_core::completeness::Coverage;
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, SourceId};

use crate::backend::Val;
use crate::completeness::coverage;
use crate::error::Error;
use crate::row;
use crate::source::moment;
use crate::store::Store;

/// The newest answer to one question. Public ids only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletenessRow {
    /// Who was asked.
    pub source: SourceId,
    /// About whom.
    pub patient: ResourceId,
    /// For which type.
    pub resource_type: String,
    /// For which category of it; empty for all.
    pub category: String,
    /// How it went.
    pub coverage: Coverage,
    /// When.
    pub asked_at: Timestamp,
}

impl Store {
    /// The newest answer for each source, patient, type and category; of one source, or of all.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn completeness_overview(
        &self,
        ctx: &OpCtx,
        source: Option<&SourceId>,
    ) -> Result<Vec<CompletenessRow>, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        self.looked(ctx, "completeness").await?;
        let (tenant, source) = (self.tenant().clone(), source.cloned());
        self.read(move |tx| {
            let key = Val::Text(tenant.as_str());
            let rows = match &source {
                Some(source) => tx.query(
                    "SELECT source, patient, resource_type, category, coverage, asked_at FROM completeness_now \
                     WHERE tenant = $1 AND source = $2",
                    &[key, Val::Text(source.as_str())],
                )?,
                None => tx.query(
                    "SELECT source, patient, resource_type, category, coverage, asked_at FROM completeness_now WHERE tenant = $1",
                    &[key],
                )?,
            };
            // Asked as several personas, the newest answer is shown.
            let mut newest: BTreeMap<[String; 4], (i64, CompletenessRow)> = BTreeMap::new();
            for found in &rows {
                let mut question = [const { String::new() }; 4];
                for (part, at) in question.iter_mut().zip(0..) {
                    row::text(found, at)?.clone_into(part);
                }
                let at = row::int(found, 5)?;
                if newest.get(&question).is_none_or(|(before, _)| *before < at) {
                    let line = CompletenessRow {
                        source: SourceId::new(row::text(found, 0)?),
                        patient: ResourceId::new(row::text(found, 1)?),
                        resource_type: row::text(found, 2)?.to_owned(),
                        category: row::text(found, 3)?.to_owned(),
                        coverage: coverage(row::text(found, 4)?)?,
                        asked_at: moment(at)?,
                    };
                    newest.insert(question, (at, line));
                }
            }
            Ok(newest.into_values().map(|(_, line)| line).collect())
        })
        .await
    }
}
