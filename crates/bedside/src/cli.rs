//! The command line (design §4.1).

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

/// Between your application and the hospital's EHR: the right person acts on the right facts in time.
#[derive(Parser)]
#[command(
    name = "bedside",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  bedside demo                               three simulated EHRs, the gateway and the console, on this machine
  bedside init hospital && bedside serve --config hospital/bedside.toml
  bedside ingest export/ --source archive    take in a folder of HL7 v2 and FHIR
  bedside patient find \"green 1986\"        look somebody up
  bedside quarantine list                    what could not be read, and why

Exit status: 0 done; 1 ran and found something wrong; 2 usage; 3 bad input or configuration;
4 environment (port, disk, lock, key); 5 denied."
)]
pub(crate) struct Args {
    /// The configuration. Without one: data in ./bedside-data, the key beside it.
    #[arg(long, global = true, env = "BEDSIDE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The data directory. Overrides the configuration.
    #[arg(long, global = true, env = "BEDSIDE_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print one JSON document (listings: one object a line).
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to log to standard error: error, warn, info, debug, trace, or a filter like `warn,bedside_gateway=debug`.
    #[arg(long, global = true, value_name = "LEVEL", default_value = "warn")]
    pub(crate) log: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Three simulated EHRs, the gateway and the console, all live on loopback.
    #[command(
        after_help = "Examples:\n  bedside demo\n  bedside demo --patients 40 --seed 7\n  bedside demo --once --json     one simulated day, then the summary"
    )]
    Demo(Demo),
    /// Write a configuration with comments, and the key.
    #[command(after_help = "Example:\n  bedside init hospital")]
    Init {
        /// Where to; made when it is not there.
        dir: PathBuf,
    },
    /// Run the gateway and the console until SIGTERM or Ctrl-C.
    #[command(
        after_help = "Prints one JSON line with the bound addresses when it is ready.\n\nExample:\n  bedside serve --config hospital/bedside.toml"
    )]
    Serve,
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Take in files or folders of HL7 v2 (single, batch) and FHIR (resource, Bundle, NDJSON; also .gz).
    #[command(
        after_help = "Content is recognised by its bytes. A unit that was taken in before is a duplicate. Exit status 1 when anything was parked or could not be read.\n\nExamples:\n  bedside ingest adt.hl7 --source ward\n  bedside ingest export/ more.ndjson.gz --source archive --json"
    )]
    Ingest(Ingest),
    /// Look somebody up.
    #[command(subcommand)]
    Patient(PatientCommand),
    /// The raw inputs in order of receipt.
    #[command(subcommand)]
    Journal(JournalCommand),
    /// HL7 v2 bench tools; they need no store.
    #[command(subcommand)]
    Hl7(Hl7Command),
    /// The parked inputs.
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// The connections to EHRs' FHIR APIs.
    #[command(subcommand)]
    Connect(ConnectCommand),
    /// What we owe the outside, and what only a person can settle.
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// Workflow definitions.
    #[command(subcommand)]
    Workflow(WorkflowCommand),
    /// One simulated EHR alone, for any client. All people in it are invented.
    #[command(
        after_help = "Prints one JSON line with its base URL, the id of its Group and of its test patient when it is ready.\n\nExamples:\n  bedside sim epic --client my-app=my-app.jwks.json\n  bedside sim oracle --http 127.0.0.1:9002 --client my-app=http://127.0.0.1:8080/.well-known/jwks.json --faults faults.toml"
    )]
    Sim(Sim),
    /// The log of every access and exchange.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Local accounts of the console.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Show speed on this machine beside what its disk can do.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Print completions for a shell.
    #[command(
        after_help = "Example:\n  bedside completions bash > ~/.local/share/bash-completion/completions/bedside"
    )]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(ClapArgs)]
pub(crate) struct Demo {
    /// Play one simulated day, print the summary and stop.
    #[arg(long)]
    pub(crate) once: bool,
    /// Patients at each EHR.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=2000))]
    pub(crate) patients: u32,
    /// The same seed plays the same day.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where the console listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    pub(crate) http: SocketAddr,
    /// Where the ward's messages arrive; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:2575", value_name = "HOST:PORT")]
    pub(crate) mllp: SocketAddr,
}

#[derive(ClapArgs)]
pub(crate) struct Sim {
    /// Whose EHR: epic, oracle or athena.
    #[arg(value_parser = ["epic", "oracle", "athena"])]
    pub(crate) vendor: String,
    /// Where it listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "HOST:PORT")]
    pub(crate) http: SocketAddr,
    /// A client that may ask, with its public keys: a file, or a URL on this machine. Repeat for several.
    #[arg(long = "client", value_name = "ID=KEYS")]
    pub(crate) clients: Vec<String>,
    /// Where the hospital's HL7 v2 messages go; they are sent by Epic's hospital alone.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) mllp: Option<SocketAddr>,
    /// What goes wrong on purpose: a file of faults.
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Patients.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=2000))]
    pub(crate) patients: u32,
    /// The same seed plays the same region.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Subcommand, Serialize, Deserialize, Clone)]
pub(crate) enum ConnectCommand {
    /// Preflight: can it be reached, does it give a token, what does it say it can do?
    #[command(
        after_help = "Exit status 1 when something is wrong.\n\nExamples:\n  bedside connect check ehr\n  bedside connect check --all --json"
    )]
    Check {
        /// The connection.
        #[arg(required_unless_present = "all")]
        name: Option<String>,
        /// Every connection of the configuration.
        #[arg(long)]
        all: bool,
    },
    /// Print our public keys, which the EHR's people register.
    #[command(after_help = "Example:\n  bedside connect keys > bedside.jwks.json")]
    Keys,
    /// Prove that notes can be written: a test patient gets one, it is read back and compared.
    #[command(
        after_help = "Until a route is proven nothing is written on it.\n\nExample:\n  bedside connect prove ehr"
    )]
    Prove {
        /// The connection.
        name: String,
        /// The configuration's `test_patient`, to be sure of it; a test note goes to no other patient.
        #[arg(long)]
        patient: Option<String>,
    },
    /// Ask no more until it is resumed. The console says so on every page.
    #[command(after_help = "Example:\n  bedside connect pause ehr")]
    Pause {
        /// The connection.
        name: String,
    },
    /// Ask again.
    #[command(after_help = "Example:\n  bedside connect resume ehr")]
    Resume {
        /// The connection.
        name: String,
    },
    /// Ask for everything anew.
    #[command(after_help = "Example:\n  bedside connect resync ehr")]
    Resync {
        /// The connection.
        name: String,
    },
}

#[derive(Subcommand, Serialize, Deserialize, Clone)]
pub(crate) enum OutboxCommand {
    /// What is owed, on which route, and how it stands; no clinical content.
    #[command(after_help = "Examples:\n  bedside outbox list\n  bedside outbox list --all --json")]
    List {
        /// What was confirmed and refused too.
        #[arg(long)]
        all: bool,
    },
    /// One of them with what is written. Shows clinical content: needs --reason.
    #[command(
        after_help = "Example:\n  bedside outbox show 7 --reason \"ticket 4711: write unknown\""
    )]
    Show {
        /// Its number, as `list` prints it.
        id: i64,
        /// Why you need to see it.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Say what became of a write that nobody knows about, after looking for it in the EHR.
    #[command(
        after_help = "Examples:\n  bedside outbox resolve 7 --as there --reason \"seen in the chart, 14:05\"\n  bedside outbox resolve 7 --as not-there --reason \"searched with the ward\"   it is sent again"
    )]
    Resolve {
        /// Its number.
        id: i64,
        /// What was found: there, not-there (it is sent again), or given-up.
        #[arg(long = "as", value_parser = ["there", "not-there", "given-up"])]
        found: String,
        /// How you know.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum WorkflowCommand {
    /// Read definitions and say what is wrong with them, by line and column.
    #[command(
        after_help = "Exit status 1 when something is wrong.\n\nExamples:\n  bedside workflow check workflows/critical-potassium.yaml\n  bedside workflow check workflows/*.yaml --facts facts.yaml --json"
    )]
    Check {
        /// Definitions; a groups.yaml among them is read as the code lists.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// What the names of facts are bound to; the shipped binding when left out.
        #[arg(long, value_name = "FILE")]
        facts: Option<PathBuf>,
    },
    /// Print a shipped definition, to begin with.
    #[command(
        after_help = "Example:\n  bedside workflow print critical-potassium > workflows/critical-potassium.yaml"
    )]
    Print {
        /// Which: critical-potassium, or groups for the code lists that it names.
        #[arg(value_parser = ["critical-potassium", "groups"])]
        name: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read the configuration and say what is wrong with it, by line and column.
    #[command(after_help = "Example:\n  bedside config check --config hospital/bedside.toml")]
    Check,
}

#[derive(ClapArgs, Serialize, Deserialize, Clone)]
pub(crate) struct Ingest {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The source that they come from. An unknown name makes a new source and its system.
    #[arg(long, value_name = "NAME")]
    pub(crate) source: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Format {
    /// A page for people.
    Summary,
    /// A FHIR Bundle.
    Fhir,
}

#[derive(Subcommand, Serialize, Deserialize, Clone)]
pub(crate) enum PatientCommand {
    /// Find people by name, number or birth date.
    #[command(
        after_help = "Examples:\n  bedside patient find green\n  bedside patient find \"smi anna 1980-02-03\"\n  bedside patient find 100234"
    )]
    Find {
        /// Names (their beginnings are enough), numbers, birth dates.
        query: String,
        /// As whom: clinician, engineer, compliance, application.
        #[arg(long, default_value = "clinician")]
        role: String,
        /// Why; an engineer must say.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Show what is known of a person, from where and how old it is.
    #[command(
        after_help = "A bare date means the end of that day.\n\nExamples:\n  bedside patient show ID\n  bedside patient show ID --as-of 2026-11-22T09:00:00-06:00\n  bedside patient show ID --format fhir > chart.json"
    )]
    Show {
        /// The person's or patient's id, as `find` prints it.
        id: String,
        /// What did we know then? RFC 3339, or a date.
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
        /// As whom: clinician, engineer, compliance, application.
        #[arg(long, default_value = "clinician")]
        role: String,
        /// Why; an engineer must say.
        #[arg(long)]
        reason: Option<String>,
        /// How.
        #[arg(long, value_enum, default_value_t = Format::Summary)]
        format: Format,
    },
}

#[derive(Subcommand, Serialize, Deserialize, Clone)]
pub(crate) enum JournalCommand {
    /// List inputs: types, times, states; no clinical content.
    #[command(
        after_help = "Examples:\n  bedside journal list --source ward\n  bedside journal list --since 2026-11-22T08:00:00Z --json"
    )]
    List {
        /// Of this source alone.
        #[arg(long)]
        source: Option<String>,
        /// Received at or after this time. RFC 3339, or a date.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// In this state alone: pending, applied, noop, parked, held.
        #[arg(long)]
        state: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Hl7Command {
    /// Show segments and fields, and what is odd about them.
    #[command(
        after_help = "Examples:\n  bedside hl7 parse message.hl7\n  bedside hl7 parse - < message.hl7"
    )]
    Parse {
        /// A file, or - for standard input.
        file: PathBuf,
    },
    /// Show the FHIR resources that a message becomes.
    #[command(
        name = "to-fhir",
        after_help = "Example:\n  bedside hl7 to-fhir message.hl7 --zone America/Chicago"
    )]
    ToFhir {
        /// A file, or - for standard input.
        file: PathBuf,
        /// The zone of times that carry no offset.
        #[arg(long, default_value = "UTC")]
        zone: String,
    },
}

#[derive(Subcommand, Serialize, Deserialize, Clone)]
pub(crate) enum QuarantineCommand {
    /// What is parked, why, whose it is, and how much waits behind it.
    #[command(
        after_help = "Examples:\n  bedside quarantine list\n  bedside quarantine list --json"
    )]
    List,
    /// One parked input as it was received. Shows clinical content: needs --reason.
    #[command(
        after_help = "Example:\n  bedside quarantine show 42 --reason \"ticket 4711: A40 without MRG\""
    )]
    Show {
        /// Its position, as `list` prints it.
        seq: i64,
        /// Why you need to see it.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Try it again, and what waits behind it.
    #[command(after_help = "Example:\n  bedside quarantine replay 42")]
    Replay {
        /// Its position.
        seq: i64,
    },
    /// Give it up for good; what waits behind it goes on. The bytes stay in the journal.
    #[command(
        after_help = "Example:\n  bedside quarantine discard 42 --reason \"sent by mistake, the ward knows\""
    )]
    Discard {
        /// Its position.
        seq: i64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Subcommand, Serialize, Deserialize, Clone)]
pub(crate) enum AuditCommand {
    /// Recompute everything and name the first bad entry.
    #[command(after_help = "Examples:\n  bedside audit verify\n  bedside audit verify --json")]
    Verify,
    /// Who did what, when, why.
    #[command(
        after_help = "Examples:\n  bedside audit search --action patient.read --since 2026-11-22\n  bedside audit search --patient ID --json"
    )]
    Search {
        /// From this time on.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Up to this time.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Of this account or service.
        #[arg(long)]
        actor: Option<String>,
        /// patient.read, input.receive, session.start and the like.
        #[arg(long)]
        action: Option<String>,
        /// About this patient id.
        #[arg(long)]
        patient: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

#[derive(Subcommand, Serialize, Deserialize, Clone)]
pub(crate) enum AccountCommand {
    /// List them.
    #[command(after_help = "Example:\n  bedside account list")]
    List,
    /// Add one, or change its roles.
    #[command(after_help = "Example:\n  bedside account add dr.lee --role clinician")]
    Add {
        /// Its name.
        name: String,
        /// clinician, engineer or compliance; repeat for several.
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
    },
    /// Set its password and end its sessions. Asked for twice at a terminal, else one line of standard input.
    #[command(
        after_help = "A password has 8 to 1024 characters. It is never an argument: those are visible to everybody on this machine.\n\nExamples:\n  bedside account password dr.lee\n  bedside account password dr.lee < password-file"
    )]
    Password {
        /// The account.
        name: String,
        /// As it was typed.
        #[arg(skip)]
        password: String,
    },
    /// End its sessions and let it sign in no more. `account add` lets it in again.
    #[command(after_help = "Example:\n  bedside account disable dr.lee")]
    Disable {
        /// The account.
        name: String,
    },
    /// Print a one-time sign-in link, good for an hour.
    #[command(after_help = "Example:\n  bedside account link dr.lee")]
    Link {
        /// The account.
        name: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    /// Messages acknowledged, messages applied and resources imported per second, beside raw sync and group commit.
    #[command(
        after_help = "Examples:\n  bedside bench ingest\n  bedside bench ingest --seconds 20 --dir /var/lib/bedside --json"
    )]
    Ingest {
        /// Seconds for each figure.
        #[arg(long, default_value_t = 5)]
        seconds: u32,
        /// Connections that send at once.
        #[arg(long, default_value_t = 16)]
        connections: u32,
        /// Where to put the scratch data: the disk that is measured.
        #[arg(long, value_name = "DIR", default_value = ".")]
        dir: PathBuf,
    },
}
