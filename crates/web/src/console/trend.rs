//! A course of values as a small drawing beside its table. The drawing is decoration: every number of it stands in the table.

use bedside_core::chart::Point;
use maud::{Markup, html};

const WIDTH: f64 = 132.0;
const HEIGHT: f64 = 30.0;
const MARGIN: f64 = 3.5;

/// The line and its points, oldest on the left. Fewer than two points make no course.
pub(crate) fn sparkline(points: &[Point]) -> Markup {
    let places = places(points);
    if places.len() < 2 {
        return html! {};
    }
    let line = places
        .iter()
        .map(|(x, y, _)| format!("{x:.1},{y:.1}"))
        .collect::<Vec<_>>()
        .join(" ");
    let last = places.len() - 1;
    html! {
        svg.trend viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) width=(WIDTH) height=(HEIGHT) aria-hidden="true" focusable="false" {
            polyline points=(line) {}
            @for (n, (x, y, abnormal)) in places.iter().enumerate() {
                // Abnormal values are squares, so that colour is not what tells them.
                @if *abnormal {
                    rect.abnormal x=(format!("{:.1}", x - 2.2)) y=(format!("{:.1}", y - 2.2)) width="4.4" height="4.4" {}
                } @else if n == last {
                    circle cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="2.2" {}
                }
            }
        }
    }
}

fn places(points: &[Point]) -> Vec<(f64, f64, bool)> {
    let mut points: Vec<&Point> = points
        .iter()
        .filter(|point| point.value.is_finite())
        .collect();
    points.sort_by_key(|point| point.at);
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Vec::new();
    };
    let seconds = |point: &Point| point.at.duration_since(first.at).as_secs_f64();
    let span = seconds(last);
    let low = points
        .iter()
        .map(|point| point.value)
        .fold(f64::INFINITY, f64::min);
    let high = points
        .iter()
        .map(|point| point.value)
        .fold(f64::NEG_INFINITY, f64::max);
    points
        .iter()
        .map(|point| {
            let x = if span > 0.0 {
                seconds(point) / span
            } else {
                0.5
            };
            let y = if high > low {
                (point.value - low) / (high - low)
            } else {
                0.5
            };
            (
                MARGIN + x * (WIDTH - 2.0 * MARGIN),
                HEIGHT - MARGIN - y * (HEIGHT - 2.0 * MARGIN),
                point.abnormal.is_some(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: i64, value: f64) -> Point {
        Point {
            at: bedside_fact::clock::Timestamp::from_second(second).unwrap(),
            value,
            text: value.to_string(),
            abnormal: None,
        }
    }

    #[test]
    fn time_runs_from_left_to_right_whatever_the_order_of_the_points() {
        let places = places(&[point(100, 5.0), point(0, 1.0)]);
        assert!(places[0].0 < places[1].0);
        assert!(places[0].1 > places[1].1, "a higher value is drawn higher");
    }

    #[test]
    fn equal_values_make_a_level_line_and_one_value_none() {
        let flat = places(&[point(0, 4.0), point(9, 4.0)]);
        assert!((flat[0].1 - flat[1].1).abs() < f64::EPSILON);
        assert!(sparkline(&[point(0, 4.0)]).into_string().is_empty());
        assert!(
            sparkline(&[point(0, f64::NAN), point(1, 2.0)])
                .into_string()
                .is_empty()
        );
    }
}
