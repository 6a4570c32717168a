//! The course of a value on an item's page, large enough to read. Every point of it stands in the table below the drawing.

use bedside_fact::clock::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::when;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 60.0;
/// Room between the scale and the first value, so that their numbers don't meet.
const INSET: f64 = 18.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 30.0;

/// One value: when, how much, and as it was said.
pub(crate) type Point = (Timestamp, f64, String);

/// One place of the drawing.
struct Dot<'a> {
    x: f64,
    y: f64,
    at: Timestamp,
    said: &'a str,
}

/// The drawing and its table. Fewer than two points make no course.
pub(crate) fn plot(title: &str, points: &[Point], now: Timestamp, zone: &TimeZone) -> Markup {
    let mut points: Vec<&Point> = points.iter().filter(|point| point.1.is_finite()).collect();
    points.sort_by_key(|point| point.0);
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return html! {};
    };
    if points.len() < 2 {
        return html! {};
    }
    let span = seconds(first.0, last.0);
    let (low, high) = scale(&points);
    let dots: Vec<Dot<'_>> = points
        .iter()
        .map(|point| Dot {
            x: LEFT
                + INSET
                + (WIDTH - LEFT - INSET - RIGHT)
                    * if span > 0.0 {
                        seconds(first.0, point.0) / span
                    } else {
                        0.5
                    },
            y: height(point.1, low, high),
            at: point.0,
            said: &point.2,
        })
        .collect();
    let line = dots
        .iter()
        .map(|dot| format!("{:.1},{:.1}", dot.x, dot.y))
        .collect::<Vec<_>>()
        .join(" ");
    html! {
        figure.plot {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) aria-hidden="true" focusable="false" {
                @for value in grid(low, high) {
                    @let y = height(value, low, high);
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT + 8.0) y1=(format!("{y:.1}")) y2=(format!("{y:.1}")) {}
                    text.axis x=(LEFT - 8.0) y=(format!("{:.1}", y + 4.0)) text-anchor="end" { (short(value)) }
                }
                polyline points=(line) {}
                @for (n, dot) in dots.iter().enumerate() {
                    @let newest = n + 1 == dots.len();
                    circle.newest[newest] cx=(format!("{:.1}", dot.x)) cy=(format!("{:.1}", dot.y)) r=(if newest { "6" } else { "4" }) {}
                    @if newest || n == 0 {
                        text.said.newest[newest] x=(format!("{:.1}", dot.x)) y=(format!("{:.1}", dot.y - 12.0)) text-anchor="middle" { (number(dot.said)) }
                    }
                }
                @if let (Some(first), Some(last)) = (dots.first(), dots.last()) {
                    text.axis x=(LEFT) y=(HEIGHT - 8.0) { (when::plain_text(first.at, zone)) }
                    text.axis x=(WIDTH - 4.0) y=(HEIGHT - 8.0) text-anchor="end" { (when::plain_text(last.at, zone)) }
                }
            }
            figcaption.unseen { "Course of " (title) ", as in the table that follows" }
        }
        details.course {
            summary { "All " (dots.len()) " values" }
            table {
                caption { "Course of " (title) }
                thead { tr { th scope="col" { "Taken" } th scope="col" { "Value" } } }
                tbody { @for dot in dots.iter().rev() { tr { td { (when::shown(dot.at, now, zone)) } td { (dot.said) } } } }
            }
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// The lowest and the highest value, with air above and below. Values that are all alike lie in the middle.
fn scale(points: &[&Point]) -> (f64, f64) {
    let low = points
        .iter()
        .map(|point| point.1)
        .fold(f64::INFINITY, f64::min);
    let high = points
        .iter()
        .map(|point| point.1)
        .fold(f64::NEG_INFINITY, f64::max);
    let air = ((high - low) * 0.15).max(high.abs() * 0.02).max(0.05);
    (low - air, high + air)
}

fn height(value: f64, low: f64, high: f64) -> f64 {
    HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
}

/// Three or four round values between the two.
fn grid(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 3.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let mut value = (low / step).ceil() * step;
    let mut lines = Vec::new();
    while value <= high && lines.len() < 6 {
        lines.push(value);
        value += step;
    }
    lines
}

/// A number of the scale without the tail that binary fractions have.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The number of `6.7 mmol/L`, for a place where the unit has no room.
fn number(said: &str) -> &str {
    said.split_whitespace().next().unwrap_or(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: i64, value: f64) -> Point {
        let at = Timestamp::from_second(second).unwrap();
        (at, value, format!("{value} mmol/L"))
    }

    fn drawn(points: &[Point]) -> String {
        let now = Timestamp::from_second(90_000).unwrap();
        plot("potassium", points, now, &TimeZone::UTC).into_string()
    }

    #[test]
    fn every_point_stands_in_the_table_and_the_newest_has_its_value_beside_it() {
        let text = drawn(&[point(72_000, 6.7), point(0, 5.2), point(3_600, 5.9)]);
        for words in [
            "5.2 mmol/L",
            "5.9 mmol/L",
            "6.7 mmol/L",
            ">6.7</text>",
            ">5.2</text>",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(text.matches("<circle").count(), 3);
    }

    #[test]
    fn one_point_no_point_and_no_number_draw_nothing() {
        assert!(drawn(&[]).is_empty());
        assert!(drawn(&[point(0, 4.0)]).is_empty());
        assert!(drawn(&[point(0, 4.0), point(1, f64::NAN)]).is_empty());
    }

    #[test]
    fn equal_values_and_equal_times_make_a_drawing_without_a_hole_in_it() {
        for text in [
            drawn(&[point(0, 4.0), point(60, 4.0)]),
            drawn(&[point(0, 4.0), point(0, 5.0)]),
            drawn(&[point(0, 0.0), point(60, 0.0)]),
        ] {
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }

    #[test]
    fn the_lines_of_the_scale_are_round_numbers_within_it() {
        assert_eq!(
            grid(5.0, 7.0).into_iter().map(short).collect::<Vec<_>>(),
            ["5", "6", "7"]
        );
        assert!(grid(0.05, 0.06).len() >= 2);
    }
}
