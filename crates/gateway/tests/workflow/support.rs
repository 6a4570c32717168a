//! A ward with a feed, the shipped workflow, and messages.

use std::sync::Arc;

use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_core::facts::{Catalogue, Kind};
use bedside_fact::clock::{Clock as _, SharedClock, Timestamp, VirtualClock};
use bedside_fact::id::{ActorId, ResourceId, TenantId};
use bedside_gateway::gateway::Workflows;
use bedside_gateway::mllp::ListenerOptions;
use bedside_gateway::normalise::Rules;
use bedside_gateway::workflow::Engine;
use bedside_gateway::{Drive, Gateway, Handle, Options};
use bedside_hl7::ack::{self, Code};
use bedside_hl7::frame::{self, Decoder, Limits};
use bedside_store::{CaseFilter, CaseRow, Store};
use bedside_workflow::case::{Case, CaseState, Input};
use bedside_workflow::{CRITICAL_POTASSIUM, Definition, FactKind, GROUPS, Vocabulary};
use jiff::tz::TimeZone;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A store in a folder of its own.
pub(crate) struct Ward {
    pub(crate) clock: VirtualClock,
    pub(crate) store: Store,
    pub(crate) ctx: OpCtx,
    pub(crate) folder: tempfile::TempDir,
}

impl Ward {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = VirtualClock::new("2026-03-01T08:00:00Z".parse().unwrap());
        Self::over(folder, clock).await
    }

    async fn over(folder: tempfile::TempDir, clock: VirtualClock) -> Self {
        let shared: SharedClock = Arc::new(clock.clone());
        let options =
            bedside_store::Options::beside(&folder.path().join("data"), Arc::clone(&shared));
        let store = Store::open(options).await.unwrap();
        let ctx = OpCtx::service(TenantId::default_tenant(), "test", shared);
        Self {
            clock,
            store,
            ctx,
            folder,
        }
    }

    /// The same data in another process.
    pub(crate) async fn again(self) -> Self {
        self.store.close().await.unwrap();
        Self::over(self.folder, self.clock).await
    }

    /// Everything that runs, with these workflows and looking when it is told.
    pub(crate) async fn run(&self, definitions: Vec<Arc<Definition>>) -> Running {
        self.run_as("node", definitions, Drive::told()).await
    }

    pub(crate) async fn run_as(
        &self,
        owner: &str,
        definitions: Vec<Arc<Definition>>,
        drive: Drive,
    ) -> Running {
        let source = self
            .store
            .ensure_source(&self.ctx, "ward", "generic", Some("hospital"), "UTC")
            .await
            .unwrap();
        let gateway = Gateway::start(Options {
            listeners: vec![ListenerOptions {
                source,
                address: "127.0.0.1:0".parse().unwrap(),
                max_frame: 65_536,
            }],
            rules: Rules {
                catalogue: Arc::new(Catalogue::shipped().clone()),
                ..Rules::default()
            },
            workflows: Some(Workflows {
                definitions,
                groups: Arc::new(bedside_workflow::groups("groups.yaml", GROUPS).unwrap()),
                zone: TimeZone::UTC,
            }),
            owner: owner.to_owned(),
            drive,
            ..Options::lanes(self.store.clone(), Rules::default())
        })
        .await
        .unwrap();
        let stream = TcpStream::connect(gateway.feeds()[0].address)
            .await
            .unwrap();
        Running { gateway, stream }
    }

    /// Somebody who may take items on.
    pub(crate) fn nurse(&self) -> OpCtx {
        self.somebody("nora", Role::Clinician)
    }

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

    pub(crate) fn after_minutes(&self, minutes: i64) {
        self.clock
            .advance_to(self.clock.now() + jiff::SignedDuration::from_mins(minutes));
    }

    /// The worklist as the console reads it.
    pub(crate) async fn rows(&self, open: bool) -> Vec<CaseRow> {
        let filter = CaseFilter {
            open: Some(open),
            limit: 100,
            ..CaseFilter::default()
        };
        self.store.cases(&self.nurse(), &filter).await.unwrap()
    }

    pub(crate) async fn open(&self) -> Vec<Case> {
        cases(&self.rows(true).await)
    }

    pub(crate) async fn closed(&self) -> Vec<Case> {
        cases(&self.rows(false).await)
    }

    /// What the open items say, in order.
    pub(crate) async fn said(&self) -> Vec<String> {
        let mut said: Vec<String> = self
            .open()
            .await
            .into_iter()
            .map(|case| case.finding.said)
            .collect();
        said.sort();
        said
    }

    /// The patient of a number.
    pub(crate) async fn patient(&self, number: &str) -> ResourceId {
        let source = self
            .store
            .source(&self.ctx, &bedside_fact::id::SourceId::new("ward"))
            .await
            .unwrap();
        self.store
            .patient_of(&self.ctx, &source.system, "HOSP", number)
            .await
            .unwrap()
            .unwrap()
    }
}

fn cases(rows: &[CaseRow]) -> Vec<Case> {
    rows.iter()
        .map(|row| serde_json::from_slice(&row.body).unwrap())
        .collect()
}

/// Everything that runs over a ward's store, and a sender.
pub(crate) struct Running {
    pub(crate) gateway: Handle,
    stream: TcpStream,
}

impl Running {
    pub(crate) fn engine(&self) -> &Engine {
        self.gateway.engine().unwrap()
    }

    /// Sends a message, and waits until all that follows from it was done.
    pub(crate) async fn send(&mut self, message: &str) {
        self.take(message).await;
        self.gateway.quiet().await;
    }

    /// Sends a message, and waits until it is safe.
    pub(crate) async fn take(&mut self, message: &str) {
        self.stream
            .write_all(&frame::encode(message.as_bytes()))
            .await
            .unwrap();
        let mut decoder = Decoder::new(Limits::default());
        let mut buffer = [0; 4_096];
        loop {
            if let Some(answer) = decoder.next_frame() {
                assert_eq!(ack::read(&answer.unwrap()).unwrap().0, Code::AA);
                return;
            }
            let count = self.stream.read(&mut buffer).await.unwrap();
            decoder.push(&buffer[..count]);
        }
    }

    pub(crate) async fn done(&self, ward: &Ward, item: &str) {
        let input = Input::Done {
            who: String::from("nora"),
            how: String::from("treated"),
        };
        self.engine().act(&ward.nurse(), item, input).await.unwrap();
        self.gateway.quiet().await;
    }

    pub(crate) async fn stop(self) {
        self.gateway.stop().await;
    }
}

/// The shipped workflow, with `from` replaced by `to`.
pub(crate) fn edited(from: &str, to: &str) -> Vec<Arc<Definition>> {
    assert!(CRITICAL_POTASSIUM.contains(from));
    let catalogue = Catalogue::shipped();
    let vocabulary = Vocabulary {
        facts: catalogue
            .facts()
            .map(|fact| {
                let kind = match fact.kind {
                    Kind::Quantity => FactKind::Quantity,
                    Kind::List => FactKind::List,
                    Kind::Flag => FactKind::Flag,
                    Kind::Statement => FactKind::Statement,
                };
                (fact.name.clone(), kind, fact.unit.clone())
            })
            .collect(),
        connection_words: Vec::new(),
    };
    let groups = bedside_workflow::groups("groups.yaml", GROUPS).unwrap();
    let text = CRITICAL_POTASSIUM.replace(from, to);
    let read = bedside_workflow::load("critical-potassium.yaml", &text, &vocabulary, &groups);
    vec![Arc::new(read.unwrap())]
}

pub(crate) fn shipped() -> Vec<Arc<Definition>> {
    edited("version: 1", "version: 1")
}

/// A message about the patient of a number.
pub(crate) fn message(kind: &str, control: &str, number: &str, rest: &str) -> String {
    format!(
        "MSH|^~\\&|WARD|HOSP|BEDSIDE|SIDE|20260301080000+0000||{kind}|{control}|P|2.5.1\r\
         PID|1||{number}^^^HOSP^MR||Rossi^Anna{number}||19700101|F\r{rest}"
    )
}

pub(crate) fn admit(control: &str, number: &str) -> String {
    let visit = format!("PV1|1|I|W1^101^1^HOSP||||||||||||||||V{number}^^^HOSP^VN\r");
    message("ADT^A01", control, number, &visit)
        .replace("\rPID", "\rEVN|A01|20260301080000+0000\rPID")
}

/// A potassium of a moment such as `0755`.
pub(crate) fn potassium(
    control: &str,
    number: &str,
    at: &str,
    value: &str,
    status: &str,
) -> String {
    numbered(
        control,
        number,
        &format!("F{number}{at}"),
        at,
        value,
        status,
    )
}

/// The same with a filler number of its own.
pub(crate) fn numbered(
    control: &str,
    number: &str,
    filler: &str,
    at: &str,
    value: &str,
    status: &str,
) -> String {
    let at = format!("20260301{at}00+0000");
    let rest = format!(
        "OBR|1||{filler}^LAB|24321-2^Basic metabolic panel^LN|||{at}|||||||||||||||{at}||CH|{status}\r\
         OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L|3.5-5.1|HH|||{status}|||{at}\r"
    );
    message("ORU^R01^ORU_R01", control, number, &rest)
}

/// `prior` goes into `number`.
pub(crate) fn merge(control: &str, number: &str, prior: &str) -> String {
    message(
        "ADT^A40^ADT_A39",
        control,
        number,
        &format!("MRG|{prior}^^^HOSP^MR\r"),
    )
    .replace("\rPID", "\rEVN|A40|20260301080000+0000\rPID")
}

/// A merge that does not say what goes: it is parked in the lane of the number.
pub(crate) fn broken_merge(control: &str, number: &str) -> String {
    message("ADT^A40^ADT_A39", control, number, "")
        .replace("\rPID", "\rEVN|A40|20260301080000+0000\rPID")
}

/// The only one.
pub(crate) fn only<T>(mut list: Vec<T>) -> T {
    assert_eq!(list.len(), 1);
    list.remove(0)
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn is(case: &Case, state: CaseState) -> bool {
    case.state == state
}
