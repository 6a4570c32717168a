//! The pages. One file a page, with its handlers first and its markup below; `page` is the frame, `part` what several share.

pub(crate) mod audit;
mod fact;
pub(crate) mod home;
pub(crate) mod links;
pub(crate) mod live;
pub(crate) mod page;
mod part;
pub(crate) mod patient;
pub(crate) mod patients;
mod person_line;
pub(crate) mod quarantine;
pub(crate) mod reason;
pub(crate) mod signin;
mod trend;
