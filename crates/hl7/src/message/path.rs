//! Reading one value by its path, for tools and tests: `PID[1]-3[2].4.1`.

use super::body::Message;
use super::view::Rep;

/// The decoded value at `SEG[n]-F[rep].C.S`. All numbers count from 1; `[n]` and `[rep]` default to 1. A path that ends at
/// the field gives the whole repetition as text. `None` when absent, null, or when the path is not one.
pub fn get(message: &Message, path: &str) -> Option<String> {
    let (segment, rest) = path.split_once('-')?;
    let (id, nth) = numbered(segment)?;
    let mut parts = rest.split('.');
    let (field, rep) = numbered(parts.next()?)?;
    let field: usize = field.parse().ok()?;
    let segment = message.all(id).nth(nth.checked_sub(1)?)?;
    let rep: Rep<'_> = segment.field(field).rep(rep);
    let component: Option<usize> = parts.next().map(str::parse).transpose().ok()?;
    let sub: Option<usize> = parts.next().map(str::parse).transpose().ok()?;
    match (component, sub) {
        (None, _) => rep.text(),
        (Some(component), None) => rep.component(component).text(),
        (Some(component), Some(sub)) => rep.component(component).sub(sub),
    }
}

/// `PID[2]` as name and number.
fn numbered(text: &str) -> Option<(&str, usize)> {
    match text.split_once('[') {
        None => Some((text, 1)),
        Some((name, number)) => Some((name, number.strip_suffix(']')?.parse().ok()?)),
    }
}
