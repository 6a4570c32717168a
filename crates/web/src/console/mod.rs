//! The pages. One file a page, with its handlers first and its markup below; `page` is the frame, `part` what several share.

pub(crate) mod act;
pub(crate) mod audit;
mod case;
mod context;
pub(crate) mod events;
mod fact;
pub(crate) mod home;
pub(crate) mod item;
pub(crate) mod links;
pub(crate) mod live;
pub(crate) mod news;
pub(crate) mod outage;
pub(crate) mod page;
mod part;
pub(crate) mod patient;
pub(crate) mod patients;
mod person_line;
mod plot;
pub(crate) mod quarantine;
pub(crate) mod reason;
pub(crate) mod signin;
pub(crate) mod source;
pub(crate) mod sources;
mod story;
mod trend;
mod unit;
pub(crate) mod worklist;
