//! The driver of the played day: everything that is due at an instant is finished before the clock moves to the next one (design D13).

use std::time::Duration;

use bedside_fact::clock::{Clock, Timestamp};
use bedside_sim::hl7_sender::Sender;
use jiff::SignedDuration;

use super::clinicians::Clinicians;
use super::stage::Stage;
use crate::boot::App;
use crate::clock::DemoClock;
use crate::fault::Fault;

/// A part that waits for the clock itself, after a failure, does not hold the day up longer than this.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is due within so short a time is done at one instant.
const STEP: SignedDuration = SignedDuration::from_secs(60);

/// Plays until `until`. Yields how many HL7 v2 messages were sent.
pub(super) async fn play(
    app: &App,
    clock: &DemoClock,
    stage: &mut Stage,
    clinicians: &mut Clinicians,
    sender: &mut Sender,
    until: Timestamp,
) -> Result<u64, Fault> {
    let mut sent = 0;
    loop {
        quiet(app).await;
        clinicians.act(app).await?;
        quiet(app).await;
        let ours = app
            .gateway
            .next_due()
            .into_iter()
            .chain(clinicians.next_due());
        let next = ours.fold(stage.next_at(), Timestamp::min);
        if next >= until {
            clock.advance_to(until);
            quiet(app).await;
            return Ok(sent);
        }
        let now = clock.now();
        let soon = now.saturating_add(STEP).unwrap_or(next);
        clock.advance_to(next.max(soon).min(until));
        sent += stage.play(clock.now(), Some(&mut *sender)).await?;
    }
}

async fn quiet(app: &App) {
    // This is about the machine, so it is not on the simulated clock.
    if tokio::time::timeout(PATIENCE, app.gateway.quiet())
        .await
        .is_err()
    {
        let parts = app.gateway.unfinished().join(", ");
        tracing::warn!("the simulated day goes on although something is not finished: {parts}");
    }
}
