//! Facts, rule by rule. The cases that hurt come first.

mod catalogue;
mod lists;
mod none;
mod order;
mod results;
mod situation;
mod specimens;

use bedside_fact::known::{Fact, Need};
use jiff::tz::TimeZone;

use super::{Catalogue, bind};
use crate::chart::tests::fixture::{NOW, Ward, at};

/// Six hours, as for somebody in hospital.
const SIX_HOURS: i64 = 6 * 3_600;

fn need(fact: &str) -> Need {
    Need {
        fact: fact.to_owned(),
        latest: 1,
        skip: 0,
        max_age: Some(SIX_HOURS),
        window: None,
    }
}

fn all(fact: &str) -> Need {
    Need {
        latest: 0,
        ..need(fact)
    }
}

fn bound(ward: &Ward, need: &Need) -> Fact {
    bind(&ward.0, Catalogue::shipped(), need, at(NOW), &TimeZone::UTC)
}
