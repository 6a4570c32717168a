//! A place with a store and a gateway, a sender of HL7 v2, and messages.

use std::net::SocketAddr;
use std::sync::Arc;

use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_core::journal::{InputState, JournalRow};
use bedside_core::source::Source;
use bedside_fact::clock::{Clock as _, SharedClock, Timestamp, VirtualClock};
use bedside_fact::id::{ActorId, Seq, SourceId, TenantId};
use bedside_gateway::mllp::ListenerOptions;
use bedside_gateway::normalise::Rules;
use bedside_gateway::{Gateway, Handle, Options};
use bedside_hl7::ack::{self, Code};
use bedside_hl7::frame::{self, Decoder, Limits};
use bedside_store::fault::Faults;
use bedside_store::{JournalFilter, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest frame that the listeners of these tests take.
pub(crate) const MAX_FRAME: usize = 4_096;

/// A store in a folder of its own.
pub(crate) struct Place {
    pub(crate) clock: VirtualClock,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) ctx: OpCtx,
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = VirtualClock::new("2026-03-01T08:00:00Z".parse::<Timestamp>().unwrap());
        let shared: SharedClock = Arc::new(clock.clone());
        let faults = Faults::new();
        let switches = faults.clone();
        let options =
            bedside_store::Options::beside(&folder.path().join("data"), Arc::clone(&shared));
        let store = Store::open_wrapped(options, Box::new(move |backend| switches.wrap(backend)))
            .await
            .unwrap();
        let ctx = OpCtx::service(TenantId::default_tenant(), "test", shared);
        Self {
            clock,
            store,
            faults,
            ctx,
            folder,
        }
    }

    /// Somebody in a role.
    pub(crate) fn somebody(&self, name: &str, role: Role) -> OpCtx {
        OpCtx {
            actor: ActorId::new(name),
            role,
            purpose: if role == Role::Clinician {
                Purpose::Treatment
            } else {
                Purpose::Operations
            },
            via: Via::Console,
            ..self.ctx.clone()
        }
    }

    pub(crate) async fn source(&self, name: &str) -> Source {
        self.store
            .ensure_source(&self.ctx, name, "generic", Some("hospital"), "Europe/Rome")
            .await
            .unwrap()
    }

    /// A gateway with a listener for each source.
    pub(crate) async fn gateway(&self, sources: &[&str]) -> Handle {
        let mut listeners = Vec::new();
        for name in sources {
            listeners.push(ListenerOptions {
                source: self.source(name).await,
                address: "127.0.0.1:0".parse().unwrap(),
                max_frame: MAX_FRAME,
            });
        }
        Gateway::start(Options {
            listeners,
            ..Options::lanes(self.store.clone(), Rules::default())
        })
        .await
        .unwrap()
    }

    /// Every line of the journal, in order.
    pub(crate) async fn journal(&self) -> Vec<JournalRow> {
        let filter = JournalFilter {
            after: Some(Seq(0)),
            limit: 100_000,
            ..JournalFilter::default()
        };
        self.store.journal(&self.ctx, filter).await.unwrap()
    }

    /// Control id, state and reason of every line of the journal.
    pub(crate) async fn states(&self) -> Vec<(String, InputState, String)> {
        let rows = self.journal().await;
        rows.into_iter()
            .map(|row| (row.control_id, row.state, row.reason))
            .collect()
    }

    /// The current record of a number's patient: version and JSON.
    pub(crate) async fn patient(&self, number: &str) -> Option<(i64, String)> {
        let source = self
            .store
            .source(&self.ctx, &SourceId::new("ward"))
            .await
            .unwrap();
        let id = self
            .store
            .patient_of(&self.ctx, &source.system, "HOSP", number)
            .await
            .unwrap()?;
        let found = self
            .store
            .current(&self.ctx, &[(String::from("Patient"), id)])
            .await
            .unwrap();
        found
            .into_iter()
            .next()
            .flatten()
            .map(|current| (current.version, current.body))
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn after_seconds(&self, seconds: i64) {
        self.clock
            .advance_to(self.clock.now() + jiff::SignedDuration::from_secs(seconds));
    }

    /// Lets others go on while the time passes, for a thousand years: long enough for whatever waits.
    pub(crate) async fn minutes_pass(&self) {
        for _ in 0..500_000_000 {
            self.after_seconds(61);
            tokio::task::yield_now().await;
        }
    }

    /// Lets others go on until somebody waits for a time.
    pub(crate) async fn somebody_waits(&self) {
        while self
            .clock
            .next_due()
            .is_none_or(|due| due <= self.clock.now())
        {
            tokio::task::yield_now().await;
        }
    }
}

/// A sender.
pub(crate) struct Sender {
    stream: TcpStream,
    decoder: Decoder,
}

impl Sender {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            decoder: Decoder::new(Limits::default()),
        }
    }

    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn message(&mut self, message: &str) {
        self.bytes(&frame::encode(message.as_bytes())).await;
    }

    /// The next answer as it came, or `None` when the connection ended.
    pub(crate) async fn raw_answer(&mut self) -> Option<Vec<u8>> {
        let mut buffer = [0; 4_096];
        loop {
            if let Some(next) = self.decoder.next_frame() {
                return Some(next.unwrap());
            }
            match self.stream.read(&mut buffer).await {
                Ok(count) if count > 0 => self.decoder.push(&buffer[..count]),
                Ok(_) | Err(_) => return None,
            }
        }
    }

    /// Code and control id of the next answer.
    pub(crate) async fn answer(&mut self) -> Option<(Code, String)> {
        Some(ack::read(&self.raw_answer().await?).unwrap())
    }

    /// Sends, and yields the code of the answer to it.
    pub(crate) async fn exchange(&mut self, message: &str) -> Code {
        self.message(message).await;
        self.answer().await.unwrap().0
    }

    /// Half of an answer has arrived.
    pub(crate) fn is_inside_an_answer(&self) -> bool {
        self.decoder.is_open()
    }

    /// Ends our side and waits until the other has ended its own.
    pub(crate) async fn hang_up(mut self) {
        self.stream.shutdown().await.unwrap();
        while self.raw_answer().await.is_some() {}
    }
}

/// A message with a header of our choice behind MSH-10.
pub(crate) fn with_header(kind: &str, control: &str, rest: &str, body: &str) -> String {
    format!(
        "MSH|^~\\&|WARD|HOSP|BEDSIDE|SIDE|20260301080000+0100||{kind}|{control}|P|2.5.1{rest}\r{body}"
    )
}

/// A message about a patient and a visit, in original mode.
pub(crate) fn adt(trigger: &str, control: &str, number: &str, family: &str) -> String {
    with_header(
        &format!("ADT^{trigger}"),
        control,
        "",
        &patient(trigger, number, family),
    )
}

pub(crate) fn patient(trigger: &str, number: &str, family: &str) -> String {
    format!(
        "EVN|{trigger}|20260301080000+0100\rPID|1||{number}^^^HOSP^MR||{family}^Anna||19700101|F\r\
         PV1|1|I|W1^101^1^HOSP||||||||||||||||V{number}^^^HOSP^VN\r"
    )
}

/// A merge: `prior` goes into `number`.
pub(crate) fn merge(control: &str, number: &str, prior: &str) -> String {
    with_header(
        "ADT^A40^ADT_A39",
        control,
        "",
        &format!(
            "EVN|A40|20260301080000+0100\rPID|1||{number}^^^HOSP^MR||Rossi^Anna||19700101|F\rMRG|{prior}^^^HOSP^MR\r"
        ),
    )
}

/// A merge that does not say what goes: it is parked in the lane of the number.
pub(crate) fn bad(control: &str, number: &str) -> String {
    with_header(
        "ADT^A40^ADT_A39",
        control,
        "",
        &format!(
            "EVN|A40|20260301080000+0100\rPID|1||{number}^^^HOSP^MR||Rossi^Anna||19700101|F\r"
        ),
    )
}
