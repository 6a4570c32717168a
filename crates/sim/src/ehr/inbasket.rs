//! The page at the root of a simulated EHR: what reached it, for a person to look at.
//!
//! It is served without signing in, which is right only for invented people on loopback.

use std::fmt::Write as _;

use bedside_fact::clock::Timestamp;
use serde_json::Value;

use super::answer::Answer;
use super::chart::{Chart, Created, Found};
use super::index;
use super::instance::Inner;
use crate::vendor::Vendor;

/// How many are shown.
const SHOWN: usize = 200;

/// The page.
pub(crate) fn page(inner: &Inner, now: Timestamp) -> Answer {
    let name = match inner.vendor {
        Vendor::Epic => "Epic",
        Vendor::Oracle => "Oracle Health",
        Vendor::Athena => "athenahealth",
    };
    let chart = inner.chart(now);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>In-basket: simulated {name}</title><style>{STYLE}</style></head><body><main><h1>In-basket</h1><p>A simulated {name} with the habits of the real one. Its patients are invented. What applications wrote into it is listed here, newest first; it is {} here.</p>\n",
        escape(&now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
    );
    let created = chart.created();
    if created.is_empty() {
        page.push_str("<p>Nothing was written yet.</p>\n");
    }
    for one in created.iter().rev().take(SHOWN) {
        entry(&mut page, &chart, one);
    }
    page.push_str("</main></body></html>\n");
    Answer::html(200, page)
        .with("cache-control", "no-store")
        .with(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'",
        )
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1b1f24}main{max-width:48rem;margin:2rem auto;padding:0 1rem}article{background:#fff;border:1px solid #c9ced6;border-radius:6px;padding:.75rem 1rem;margin:1rem 0}h2{font-size:1.05rem;margin:0}p{margin:.4rem 0}.small{color:#4b5563;font-size:.875rem}.text{white-space:pre-wrap}";

fn entry(page: &mut String, chart: &Chart, created: &Created) {
    let patient = index::patient(&created.body).unwrap_or_default();
    let who = match chart.find("Patient", &patient) {
        Found::Live(row) => display_name(&row.text).unwrap_or_else(|| patient.clone()),
        Found::Deleted | Found::Merged(_) | Found::Nothing => patient.clone(),
    };
    let _ = write!(
        page,
        "<article><h2>{}</h2><p class=\"small\">{} {} · filed {} · by {}</p>",
        escape(&who),
        escape(&created.resource_type),
        escape(&created.id),
        escape(&created.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
        escape(&created.client),
    );
    let recipients: Vec<&str> = list(&created.body, "recipient")
        .filter_map(|recipient| {
            recipient
                .get("display")
                .or_else(|| recipient.get("reference"))
                .and_then(Value::as_str)
        })
        .collect();
    if !recipients.is_empty() {
        let _ = write!(
            page,
            "<p class=\"small\">To {}</p>",
            escape(&recipients.join(", "))
        );
    }
    for payload in list(&created.body, "payload") {
        if let Some(text) = payload.get("contentString").and_then(Value::as_str) {
            let _ = write!(page, "<p class=\"text\">{}</p>", escape(text));
        }
    }
    if created.resource_type != "Communication" {
        let _ = write!(
            page,
            "<p class=\"text\">{}</p>",
            escape(&created.body.to_string())
        );
    }
    page.push_str("</article>\n");
}

fn list<'a>(body: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    body.get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn display_name(text: &str) -> Option<String> {
    let patient: Value = serde_json::from_str(text).ok()?;
    let name = patient.pointer("/name/0")?;
    if let Some(text) = name.get("text").and_then(Value::as_str) {
        return Some(text.to_owned());
    }
    let given: Vec<&str> = list(name, "given").filter_map(Value::as_str).collect();
    let family = name
        .get("family")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Some(format!("{} {family}", given.join(" ")))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
