//! Items of a route that leads nowhere any more: its connection was taken out, or its vendor takes no such write now. None of them is sent, and
//! those who wait for one hear that.

use std::collections::BTreeSet;
use std::sync::Arc;

use bedside_core::ctx::OpCtx;
use bedside_store::{Error, OutboxFilter, Settlement};
use bedside_workflow::case::WriteState;

use super::sender::{CLAIM, Options};

/// Items that are looked at in one go.
const BATCH: usize = 500;

const WORDS: &str =
    "not written to the EHR: no connection of this site takes it any more; tell it by hand";

const LOST: &str = "nobody knows whether the EHR has it, and no connection of this site leads there any more; look there, then `bedside outbox resolve`";

/// Ends what stands in the outbox for a route that has no outlet. It is done once, at the start: new items can't come, since none is owed
/// where there is no route.
pub(super) async fn tell(options: &Options) {
    let store = &options.store;
    let ctx = OpCtx::service(store.tenant().clone(), "outbox", Arc::clone(store.clock()));
    if let Err(error) = end(options, &ctx).await {
        tracing::warn!(
            code = error.code(),
            "what no connection takes any more could not be ended: {error}"
        );
    }
}

async fn end(options: &Options, ctx: &OpCtx) -> Result<(), Error> {
    let (store, engine, owner) = (&options.store, &options.engine, &options.owner);
    let filter = OutboxFilter {
        open_only: true,
        limit: BATCH,
        ..OutboxFilter::default()
    };
    let open = store.outbox(ctx, &filter).await?;
    let lost: BTreeSet<String> = open
        .into_iter()
        .map(|row| row.route)
        .filter(|route| !options.outlets.iter().any(|outlet| outlet.route == *route))
        .collect();
    for route in lost {
        tracing::warn!(
            route,
            "no connection takes what is owed on this route; it is not sent"
        );
        for item in store.outbox_claim(ctx, &route, owner, BATCH, CLAIM).await? {
            let settlement = Settlement::Refused(String::from(WORDS));
            store.outbox_settle(ctx, &item, settlement).await?;
            if let Some(case) = &item.case {
                engine
                    .written(case, &item.key, WriteState::Blocked, WORDS)
                    .await;
            }
        }
        for item in store
            .outbox_claim_unknown(ctx, &route, owner, BATCH, CLAIM)
            .await?
        {
            let settlement = Settlement::Unknown {
                reason: String::from(LOST),
                check_at: None,
            };
            store.outbox_settle(ctx, &item, settlement).await?;
            if let Some(case) = &item.case {
                engine
                    .written(case, &item.key, WriteState::Unknown, LOST)
                    .await;
            }
        }
    }
    Ok(())
}
