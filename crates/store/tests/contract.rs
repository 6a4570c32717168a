//! The contract of the store: the same statements about its behaviour hold for SQLite and for PostgreSQL.
//!
//! Each statement is a function that takes a [`support::Place`]: a place for a store on one of the two back ends. [`contract!`] makes
//! two tests of it. PostgreSQL's run against a private server that is started from the installed programs and removed afterwards; where it is not
//! installed they say so and pass, unless `BEDSIDE_TEST_REQUIRE_PG` is set.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of tests may take the shortcuts that tests may take"
)]

mod support;

#[path = "contract/accounts.rs"]
mod accounts;
#[path = "contract/application.rs"]
mod application;
#[path = "contract/audit.rs"]
mod audit;
#[path = "contract/cases.rs"]
mod cases;
#[path = "contract/changes.rs"]
mod changes;
#[path = "contract/connection.rs"]
mod connection;
#[path = "contract/feed.rs"]
mod feed;
#[path = "contract/fhir_api.rs"]
mod fhir_api;
#[path = "contract/gaps.rs"]
mod gaps;
#[path = "contract/journal.rs"]
mod journal;
#[path = "contract/opening.rs"]
mod opening;
#[path = "contract/outage.rs"]
mod outage;
#[path = "contract/outbox.rs"]
mod outbox;
#[path = "contract/persons.rs"]
mod persons;
#[path = "contract/record.rs"]
mod record;
#[path = "contract/undone.rs"]
mod undone;
#[path = "contract/work.rs"]
mod work;
#[path = "contract/worklist.rs"]
mod worklist;

/// Makes one test per back end of each statement.
#[macro_export]
macro_rules! contract {
    ($($statement:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[test]
                fn $statement() {
                    $crate::support::on_sqlite(|place| Box::pin(super::$statement(place)));
                }
            )*
        }
        mod postgres {
            $(
                #[test]
                fn $statement() {
                    $crate::support::on_postgres(|place| Box::pin(super::$statement(place)));
                }
            )*
        }
    };
}
