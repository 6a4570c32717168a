//! What the loop does when the work itself fails: nothing is lost, and only its own patient waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bedside_core::admit::{self, UnitFor};
use bedside_core::ctx::OpCtx;
use bedside_core::journal::{Admitted, InputState};
use bedside_core::source::Source;
use bedside_fact::clock::{SharedClock, Timestamp, VirtualClock};
use bedside_fact::id::{Seq, TenantId};
use bedside_store::{JournalFilter, Options, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::work::{self, End};
use super::{Lanes, handle::Shared};
use crate::Error;
use crate::normalise::Rules;

struct Place {
    store: Store,
    ctx: OpCtx,
    source: Source,
    _folder: tempfile::TempDir,
}

async fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let clock: SharedClock = Arc::new(VirtualClock::new(
        "2026-03-01T08:00:00Z".parse::<Timestamp>().unwrap(),
    ));
    let store = Store::open(Options::beside(
        &folder.path().join("data"),
        Arc::clone(&clock),
    ))
    .await
    .unwrap();
    let ctx = OpCtx::service(TenantId::default_tenant(), "lanes", clock);
    let source = store
        .ensure_source(&ctx, "ward", "generic", None, "UTC")
        .await
        .unwrap();
    Place {
        store,
        ctx,
        source,
        _folder: folder,
    }
}

impl Place {
    async fn take(&self, control: &str, number: &str) -> Seq {
        let message = format!(
            "MSH|^~\\&|WARD|HOSP|BED|SIDE|20260301080000||ADT^A08^ADT_A01|{control}|P|2.5.1\rEVN||20260301080000\r\
             PID|1||{number}^^^HOSP^MR||Rossi^Anna||19700101|F\r"
        );
        let (input, _) = admit::hl7(message.as_bytes(), &self.source, UnitFor::Feed);
        match self.store.append(&self.ctx, input).await.unwrap() {
            Admitted::Taken(seq) | Admitted::Again(seq) => seq,
        }
    }

    async fn states(&self) -> Vec<(InputState, String)> {
        let filter = JournalFilter {
            after: Some(Seq(0)),
            ..JournalFilter::default()
        };
        let rows = self.store.journal(&self.ctx, filter).await.unwrap();
        rows.into_iter()
            .map(|row| (row.state, row.reason))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p03_an_input_whose_work_panics_each_time_is_parked_and_others_go_on() {
    let place = place().await;
    let bad = place.take("1", "100").await;
    place.take("2", "100").await;
    place.take("3", "200").await;
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let work = move |shared: Arc<Shared>, seq: Seq| {
        let tries = Arc::clone(&counted);
        async move {
            if seq == bad {
                tries.fetch_add(1, Ordering::SeqCst);
                panic!("as a defect would");
            }
            work::work(shared, seq).await
        }
    };
    let stop = CancellationToken::new();
    let (lanes, run) = Lanes::start_with(
        place.store.clone(),
        place.ctx.clone(),
        Rules::default(),
        stop.clone(),
        work,
    );
    let tracker = TaskTracker::new();
    tracker.spawn(run);
    tracker.close();
    lanes.settled().await.unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    assert_eq!(
        place.states().await,
        [
            (InputState::Parked, String::from("stopped unexpectedly")),
            (InputState::Held, format!("behind {bad}")),
            (InputState::Applied, String::new()),
        ]
    );
    stop.cancel();
    tracker.wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_that_fails_for_its_own_reason_is_parked_with_the_code() {
    let place = place().await;
    place.take("1", "100").await;
    let work = |_: Arc<Shared>, _: Seq| async {
        End::Failed(String::from("could not be applied (BED-STORE-016)"))
    };
    let stop = CancellationToken::new();
    let (lanes, run) = Lanes::start_with(
        place.store.clone(),
        place.ctx.clone(),
        Rules::default(),
        stop.clone(),
        work,
    );
    let tracker = TaskTracker::new();
    tracker.spawn(run);
    tracker.close();
    lanes.settled().await.unwrap();
    assert_eq!(
        place.states().await,
        [(
            InputState::Parked,
            String::from("could not be applied (BED-STORE-016)")
        )]
    );
    stop.cancel();
    tracker.wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_lanes_that_stop_is_told() {
    let place = place().await;
    let stop = CancellationToken::new();
    stop.cancel();
    place.take("1", "100").await;
    let (lanes, run) = Lanes::start(
        place.store.clone(),
        place.ctx.clone(),
        Rules::default(),
        stop,
    );
    run.await;
    assert!(matches!(lanes.settled().await, Err(Error::Stopping)));
    assert_eq!(place.states().await, [(InputState::Pending, String::new())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_own_inputs_does_not_wait_for_those_that_come_behind() {
    let place = place().await;
    let own = place.take("1", "100").await;
    let endless = place.take("2", "200").await;
    let work = move |shared: Arc<Shared>, seq: Seq| async move {
        if seq == endless {
            std::future::pending::<()>().await;
        }
        work::work(shared, seq).await
    };
    let (lanes, run) = Lanes::start_with(
        place.store.clone(),
        place.ctx.clone(),
        Rules::default(),
        CancellationToken::new(),
        work,
    );
    let tracker = TaskTracker::new();
    let running = tracker.spawn(run);
    lanes.settled_for(&[]).await.unwrap();
    lanes.settled_for(&[own]).await.unwrap();
    // After a replay or an undo as well.
    lanes.reload();
    lanes.settled_for(&[own]).await.unwrap();
    assert_eq!(lanes.depth().first_open, Some(endless));
    assert_eq!(
        place.states().await,
        [
            (InputState::Applied, String::new()),
            (InputState::Pending, String::new())
        ]
    );
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_are_counted_for_the_inputs_that_are_asked_about_and_no_others() {
    let place = place().await;
    let stop = CancellationToken::new();
    let (lanes, run) = Lanes::start(
        place.store.clone(),
        place.ctx.clone(),
        Rules::default(),
        stop.clone(),
    );
    let written = lanes.written(&place.source.id);
    let (own, other) = (place.take("1", "100").await, place.take("2", "200").await);
    let tracker = TaskTracker::new();
    tracker.spawn(run);
    tracker.close();
    lanes.settled().await.unwrap();
    assert_eq!(
        (written.of(&[own]), written.of(&[other]), written.of(&[])),
        (1, 1, 0)
    );
    assert_eq!(written.of(&[own, other]), 2);
    stop.cancel();
    tracker.wait().await;
}
