//! From arguments to a running store and lanes, and down again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_fact::clock::SharedClock;
use bedside_fact::id::{ActorId, TenantId};
use bedside_gateway::mllp::ListenerOptions;
use bedside_gateway::{Gateway, Handle};
use bedside_store::{BackendOptions, Options, SessionLimits, Store};

use crate::config::Config;
use crate::fault::Fault;

/// The store and the lanes, up. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) gateway: Handle,
    pub(crate) config: Arc<Config>,
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

    /// Opens the store and starts lanes and `listeners`.
    pub(crate) async fn app(&self, clock: SharedClock, listen: bool) -> Result<App, Fault> {
        let store = self.store(Arc::clone(&clock)).await?;
        let listeners = if listen {
            self.listeners(&store).await?
        } else {
            Vec::new()
        };
        self.start(store, listeners).await
    }

    /// Starts lanes and listeners over an open store.
    pub(crate) async fn start(
        &self,
        store: Store,
        listeners: Vec<ListenerOptions>,
    ) -> Result<App, Fault> {
        let gateway = match Gateway::start(bedside_gateway::Options {
            store: store.clone(),
            listeners,
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
            url,
            own: Arc::new([
                self.data.clone(),
                self.key(),
                self.beside("checkpoints"),
                self.beside("spool"),
            ]),
        })
    }

    async fn listeners(&self, store: &Store) -> Result<Vec<ListenerOptions>, Fault> {
        let ctx = OpCtx::service(store.tenant().clone(), "boot", Arc::clone(store.clock()));
        let mut listeners = Vec::new();
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
                    source: known,
                    address,
                    max_frame: source.max_message,
                });
            }
        }
        Ok(listeners)
    }
}

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
