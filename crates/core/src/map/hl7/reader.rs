//! One message under the mapper: its times in FHIR's form, and what was odd about it.
//!
//! A time keeps the precision it was sent in. Its offset is the value's own, else that of MSH-7, else the source's zone; with
//! none of these the date stands alone, because FHIR demands an offset with a time and UTC would be a guess.

use std::cell::RefCell;

use bedside_fact::id::ResourceId;
use bedside_fact::time::{Span, span};
use bedside_hl7::message::{Message, Presence, Segment};
use bedside_hl7::time::{Hl7Time, parse};
use jiff::civil;
use jiff::tz::{Offset, TimeZone};

use crate::map::MapCtx;
use crate::source::Source;

/// A message that is odd in more places than this is not read place by place.
const MAX_ISSUES: usize = 100;

/// A message, what is known around it, and what was noticed.
pub(super) struct Reader<'a> {
    pub(super) msg: &'a Message,
    pub(super) ctx: &'a MapCtx<'a>,
    zone: Option<TimeZone>,
    header_offset: Option<i16>,
    issues: RefCell<Vec<String>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(msg: &'a Message, ctx: &'a MapCtx<'a>) -> Self {
        let header = msg
            .segment("MSH")
            .and_then(|msh| msh.field(7).component(1).text());
        Self {
            msg,
            ctx,
            zone: TimeZone::get(&ctx.source.zone).ok(),
            header_offset: header
                .and_then(|text| parse(text.trim()).ok())
                .and_then(|time| time.offset_minutes),
            issues: RefCell::new(Vec::new()),
        }
    }

    pub(super) fn source(&self) -> &'a Source {
        self.ctx.source
    }

    /// The public id of one of the source's own resources.
    pub(super) fn public(&self, resource_type: &str, source_id: &str) -> ResourceId {
        self.ctx
            .ids
            .public_id(&self.ctx.source.id, resource_type, source_id)
    }

    /// Writes down what was odd: a place and words, no values.
    pub(super) fn note(&self, segment: &Segment<'_>, field: usize, what: &str) {
        let mut issues = self.issues.borrow_mut();
        if issues.len() == MAX_ISSUES {
            issues.push(String::from("more than this"));
        }
        if issues.len() > MAX_ISSUES {
            return;
        }
        let place = self
            .msg
            .segments()
            .filter(|other| other.id() == segment.id() && other.index() <= segment.index());
        issues.push(format!(
            "{}[{}]-{field}: {what}",
            segment.id(),
            place.count()
        ));
    }

    pub(super) fn into_issues(self) -> Vec<String> {
        self.issues.into_inner()
    }

    /// A field's time as a FHIR date or dateTime.
    pub(super) fn time(&self, segment: &Segment<'_>, field: usize) -> Option<String> {
        self.fhir_time(&self.parsed(segment, field)?)
    }

    /// A field's time as a FHIR date, whatever its precision.
    pub(super) fn date(&self, segment: &Segment<'_>, field: usize) -> Option<String> {
        Some(date(&self.parsed(segment, field)?))
    }

    /// A field's time as a FHIR instant: only what is known to the minute at least.
    pub(super) fn instant(&self, segment: &Segment<'_>, field: usize) -> Option<String> {
        self.time(segment, field).filter(|text| text.contains('T'))
    }

    /// A component's text as a FHIR time, without noting what is wrong.
    pub(super) fn time_of(&self, text: &str) -> Option<String> {
        self.fhir_time(&parse(text.trim()).ok()?)
    }

    /// The instants that a FHIR time covers.
    pub(super) fn span(&self, time: &str) -> Option<Span> {
        span(time, self.zone.as_ref().unwrap_or(&TimeZone::UTC))
    }

    /// When the source knew: the first of these fields that is a time, else MSH-7.
    pub(super) fn source_time(&self, time: Option<&str>) -> Option<i64> {
        let header = || {
            self.msg
                .segment("MSH")
                .and_then(|msh| msh.field(7).component(1).text())
        };
        let time = time
            .map(str::to_owned)
            .or_else(|| header().and_then(|text| self.time_of(&text)));
        time.and_then(|time| self.span(&time)).map(|span| span.lo)
    }

    fn parsed(&self, segment: &Segment<'_>, field: usize) -> Option<Hl7Time> {
        let value = segment.field(field).component(1);
        if value.presence() != Presence::Value {
            return None;
        }
        let text = value.text()?;
        let parsed = parse(text.trim());
        if parsed.is_err() {
            self.note(segment, field, "not a time");
        }
        parsed.ok()
    }

    fn fhir_time(&self, time: &Hl7Time) -> Option<String> {
        let date_text = date(time);
        let (Some(hour), Some(month), Some(day)) = (time.hour, time.month, time.day) else {
            return Some(date_text);
        };
        let (minute, second) = (time.minute.unwrap_or(0), time.second.unwrap_or(0));
        let offset = match time.offset_minutes.or(self.header_offset) {
            Some(minutes) => Some(minutes),
            None => self.zone_offset(time.year, [month, day, hour, minute, second]),
        };
        let Some(offset) = offset else {
            return Some(date_text);
        };
        // FHIR R4 writes seconds whenever there is a time, "may be zero-filled" (§2.24.0.1); so are minutes after a bare hour.
        let fraction = time
            .fraction
            .as_deref()
            .map(|digits| format!(".{digits}"))
            .unwrap_or_default();
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.unsigned_abs() / 60, offset.unsigned_abs() % 60);
        Some(format!(
            "{date_text}T{hour:02}:{minute:02}:{second:02}{fraction}{sign}{hours:02}:{minutes:02}"
        ))
    }

    fn zone_offset(&self, year: i16, [month, day, hour, minute, second]: [u8; 5]) -> Option<i16> {
        let small = |n: u8| i8::try_from(n).ok();
        let date = civil::Date::new(year, small(month)?, small(day)?).ok()?;
        let clock =
            civil::Time::new(small(hour)?, small(minute)?, small(second)?.min(59), 0).ok()?;
        let zone = self.zone.as_ref()?;
        // In the gap or the overlap of a clock change the earlier offset is taken.
        let instant = zone
            .to_ambiguous_timestamp(date.to_datetime(clock))
            .earlier()
            .ok()?;
        let offset: Offset = zone.to_offset(instant);
        i16::try_from(offset.seconds() / 60).ok()
    }
}

fn date(time: &Hl7Time) -> String {
    match (time.month, time.day) {
        (Some(month), Some(day)) => format!("{:04}-{month:02}-{day:02}", time.year),
        (Some(month), None) => format!("{:04}-{month:02}", time.year),
        (None, _) => format!("{:04}", time.year),
    }
}
