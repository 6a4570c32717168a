//! From arguments to a running store and lanes, and down again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_core::facts::Catalogue;
use bedside_core::profile::Algorithm;
use bedside_fact::clock::SharedClock;
use bedside_fact::id::{ActorId, TenantId};
use bedside_gateway::connection::{ConnectionOptions, SigningKey};
use bedside_gateway::gateway::Workflows;
use bedside_gateway::mllp::ListenerOptions;
use bedside_gateway::normalise::Rules;
use bedside_gateway::{Drive, Gateway, Handle};
use bedside_store::{BackendOptions, Options, SessionLimits, Store};

use crate::config::Config;
use crate::fault::Fault;
use crate::site;

/// The store and the lanes, up. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) gateway: Handle,
    pub(crate) config: Arc<Config>,
    /// What we sign with at EHRs.
    pub(crate) key: Arc<SigningKey>,
    /// What the names of facts are bound to here.
    pub(crate) catalogue: Arc<Catalogue>,
    /// Whether this process serves; else it runs one command.
    pub(crate) serving: bool,
    /// Where people reach the console.
    pub(crate) url: String,
    /// Our own files and folders, which are never taken in.
    pub(crate) own: Arc<[PathBuf]>,
}

/// Where everything is, before anything is opened.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) config: Arc<Config>,
    pub(crate) data: PathBuf,
    pub(crate) sessions: SessionLimits,
}

impl Place {
    /// By `--data`, else by the configuration, else `./bedside-data`.
    pub(crate) fn find(config: Option<&Path>, data: Option<&Path>) -> Result<Self, Fault> {
        let (config, beside) = match config {
            Some(path) => (
                Config::read(path)?,
                path.parent().map(Path::to_path_buf).unwrap_or_default(),
            ),
            None => (Config::default(), PathBuf::new()),
        };
        let data = match (data, &config.store.data) {
            (Some(data), _) => data.to_path_buf(),
            (None, Some(data)) => beside.join(data),
            (None, None) => beside.join("bedside-data"),
        };
        Ok(Self {
            config: Arc::new(config),
            data: std::path::absolute(&data).unwrap_or(data),
            sessions: SessionLimits::default(),
        })
    }

    /// The control socket of a running `serve`.
    pub(crate) fn socket(&self) -> PathBuf {
        self.data.join("control.sock")
    }

    /// The key file.
    pub(crate) fn key(&self) -> PathBuf {
        self.beside("key")
    }

    /// A sibling of the data directory: `<data>.key` and the like.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.data.file_name().unwrap_or_default().to_os_string();
        name.push(".");
        name.push(ending);
        self.data.with_file_name(name)
    }

    /// Opens the store.
    pub(crate) async fn store(&self, clock: SharedClock) -> Result<Store, Fault> {
        let mut options = Options::beside(&self.data, clock);
        options.sessions = self.sessions;
        if let Some(url) = &self.config.store.postgres {
            options.backend = BackendOptions::Postgres {
                url: url.clone(),
                dir: self.data.clone(),
            };
        }
        Ok(Store::open(options).await?)
    }

    /// Opens the store and starts the lanes; everything else too when this process is to `serve`. A command beside it gets the
    /// connections without their polling, so that it can speak to an EHR once.
    pub(crate) async fn app(&self, clock: SharedClock, serve: bool) -> Result<App, Fault> {
        let running = site::running(&self.config)?;
        let store = self.store(Arc::clone(&clock)).await?;
        let (mut listeners, connections) = self.sources(&store).await?;
        if !serve {
            listeners.clear();
        }
        let parts = Parts {
            listeners,
            connections,
            running,
            drive: Drive::by_itself(),
            serve,
        };
        self.start(store, parts).await
    }

    /// Starts everything over an open store.
    pub(crate) async fn start(&self, store: Store, mut parts: Parts) -> Result<App, Fault> {
        let ctx = OpCtx::service(store.tenant().clone(), "boot", Arc::clone(store.clock()));
        // A feed can't be asked; another source of the same EHR answers for it.
        let systems: Vec<(String, String)> = store
            .sources(&ctx)
            .await?
            .into_iter()
            .map(|status| {
                let source = status.source;
                (
                    source.id.as_str().to_owned(),
                    source.system.as_str().to_owned(),
                )
            })
            .collect();
        let catalogue = (*parts.running.catalogue).clone().with_systems(systems);
        parts.running.catalogue = Arc::new(catalogue);
        let catalogue = Arc::clone(&parts.running.catalogue);
        let rules = Rules {
            shared: Arc::new(self.config.identity.shared.iter().cloned().collect()),
            catalogue: Arc::clone(&parts.running.catalogue),
        };
        let key = Arc::new(signing_key(&store, &ctx, &parts.connections).await?);
        let gateway = match Gateway::start(bedside_gateway::Options {
            listeners: parts.listeners,
            rules,
            connections: Some((Arc::clone(&key), parts.connections)),
            polling: parts.serve,
            workflows: parts.serve.then(|| Workflows {
                definitions: parts.running.definitions,
                groups: parts.running.groups,
                zone: self.config.zone(),
            }),
            owner: owner(&self.data)?,
            drive: parts.drive,
            store: store.clone(),
        })
        .await
        {
            Ok(gateway) => gateway,
            Err(error) => {
                store.close().await?;
                return Err(error.into());
            }
        };
        let url = self.config.http.url(self.config.http.address);
        Ok(App {
            store,
            gateway,
            config: Arc::clone(&self.config),
            key,
            catalogue,
            serving: parts.serve,
            url,
            own: Arc::new([
                self.data.clone(),
                self.key(),
                self.beside("checkpoints"),
                self.beside("spool"),
            ]),
        })
    }

    /// Every source of the configuration: feeds and APIs.
    async fn sources(
        &self,
        store: &Store,
    ) -> Result<(Vec<ListenerOptions>, Vec<ConnectionOptions>), Fault> {
        let ctx = OpCtx::service(store.tenant().clone(), "boot", Arc::clone(store.clock()));
        let (mut listeners, mut connections) = (Vec::new(), Vec::new());
        for source in &self.config.source {
            let zone = source.zone.as_deref().unwrap_or(&self.config.zone);
            let known = store
                .ensure_source(
                    &ctx,
                    &source.name,
                    &source.vendor,
                    source.system.as_deref(),
                    zone,
                )
                .await?;
            if let Some(address) = source.mllp {
                listeners.push(ListenerOptions {
                    source: known.clone(),
                    address,
                    max_frame: source.max_message,
                });
            }
            if let Some(fhir) = &source.fhir {
                connections.push(site::connection(&self.config, known, fhir, None)?);
            }
        }
        for application in &self.config.application {
            store
                .ensure_source(&ctx, &application.id, APPLICATION, None, &self.config.zone)
                .await?;
        }
        Ok((listeners, connections))
    }
}

/// Who holds our leases: the same name each time this data directory is served, so that what a killed process held is ours again at once.
/// Only the process that has the directory's lock gets here.
fn owner(data: &Path) -> Result<String, Fault> {
    let path = data.join("node");
    let fault = |error: std::io::Error| {
        Fault::environment(format!("can't use {}: {error}", path.display()))
    };
    match std::fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => return Ok(format!("bedside/{}", name.trim())),
        // An empty one was being written when the process was killed.
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(fault(error)),
    }
    let mut drawn = [0; 8];
    aws_lc_rs::rand::fill(&mut drawn)
        .map_err(|_| Fault::environment("the system gives no random numbers"))?;
    let name = format!("{:016x}", u64::from_be_bytes(drawn));
    std::fs::write(&path, &name).map_err(fault)?;
    Ok(format!("bedside/{name}"))
}

/// What we sign with at EHRs: made once and sealed in the store. An RSA key only where somebody wants it.
async fn signing_key(
    store: &Store,
    ctx: &OpCtx,
    connections: &[ConnectionOptions],
) -> Result<SigningKey, Fault> {
    let ec = store
        .secret(ctx, "client-key/ES384", || {
            SigningKey::generate_ec().map_err(|_| bedside_store::Error::Unavailable)
        })
        .await?;
    let wants_rsa = connections
        .iter()
        .any(|one| one.profile.auth.algorithm == Algorithm::RS384);
    let rsa = if wants_rsa {
        let made = store
            .secret(ctx, "client-key/RS384", || {
                SigningKey::generate_rsa().map_err(|_| bedside_store::Error::Unavailable)
            })
            .await?;
        Some(made)
    } else {
        None
    };
    SigningKey::new(&ec, rsa.as_ref().map(|key| key.as_slice()))
        .map_err(|error| Fault::environment(error.to_string()))
}

/// What is started over a store.
pub(crate) struct Parts {
    pub(crate) listeners: Vec<ListenerOptions>,
    pub(crate) connections: Vec<ConnectionOptions>,
    pub(crate) running: site::Running,
    pub(crate) drive: Drive,
    /// Whether this process serves: polls, runs workflows and sends what is owed.
    pub(crate) serve: bool,
}

/// The vendor of a source that is a program of the customer's: its references are public ids already.
pub(crate) const APPLICATION: &str = "application";

impl App {
    /// Stops lanes and listeners, then the store.
    pub(crate) async fn stop(self) -> Result<(), Fault> {
        self.gateway.stop().await;
        Ok(self.store.close().await?)
    }

    /// The context of an operator's command: the local account of the operating system's user, in a role that it has.
    pub(crate) async fn operator(
        &self,
        user: &str,
        role: Role,
        reason: Option<String>,
    ) -> Result<OpCtx, Fault> {
        let account = self.store.operator_account(user).await?;
        if account.disabled || !account.roles.contains(&role) {
            let denied = OpCtx {
                role: Role::Anonymous,
                ..self.ctx(user, Role::Anonymous, None)
            };
            let entry = bedside_core::audit::Entry::new(
                &denied,
                "command.role",
                bedside_core::audit::AuditOutcome::Denied,
            )
            .detail(format!("asked for {}", role.as_str()));
            self.store.audit(&denied, entry).await?;
            return Err(Fault::denied(format!(
                "the account `{user}` does not have the role {}; `bedside account list` shows what it has",
                role.as_str()
            )));
        }
        Ok(self.ctx(user, role, reason))
    }

    fn ctx(&self, user: &str, role: Role, reason: Option<String>) -> OpCtx {
        let purpose = match role {
            Role::Clinician => Purpose::Treatment,
            Role::Compliance => Purpose::Compliance,
            Role::Engineer | Role::Application | Role::Service | Role::Anonymous => {
                Purpose::Operations
            }
        };
        OpCtx {
            tenant: TenantId::clone(self.store.tenant()),
            actor: ActorId::new(user),
            role,
            purpose,
            reason,
            via: Via::Command,
            grant: None,
            clock: Arc::clone(self.store.clock()),
        }
    }
}
