//! The console, health and metrics over HTTP.
//!
//! Pages are made on the server and can be read without a script; a few parts refresh themselves with htmx. Nothing is
//! answered before somebody is signed in, except the sign-in itself, the two health checks and the style sheet. There is no SQL
//! here and no way round the store: a handler makes an operation context of the session and calls the store with it.
//!
//! | Module | What it does |
//! |---|---|
//! | [`app`](App) | what the handlers are given |
//! | [`feeds`](Feeds), [`connections`](Connections), [`desk`](Desk) | what the program joins to it: listeners, EHRs, the engine of the workflows |
//! | `server`, `router` | the listener and the table of routes |
//! | `guard` | who is asking, before anything else of the request is read |
//! | `posted` | forms: 64 KiB at most, with the session's own token |
//! | `headers` | what a browser is told not to do |
//! | `failure` | an error as a page |
//! | `console` | the pages |
//! | `auth`, `fhir` | access tokens and FHIR R4 for the customer's programs |
//! | `health`, `metrics` | for machines |

mod app;
mod assets;
mod auth;
mod connections;
mod console;
mod cookie;
mod desk;
mod error;
mod failure;
mod feeds;
mod fhir;
mod guard;
mod headers;
mod health;
mod keys;
mod metrics;
mod posted;
mod router;
mod server;
mod when;

pub use app::App;
pub use auth::{Application, Jwks};
pub use connections::{ConnectionStatus, Connections, NoConnections};
pub use desk::{Act, Acted, Answers, Desk, Later, NoDesk, Refused};
pub use error::Error;
pub use feeds::{FeedStatus, Feeds, NoFeeds};
pub use fhir::{Api, Fetch, Intake, Taken};
pub use router::router;
pub use server::serve;
