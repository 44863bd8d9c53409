//! Curves with a mark at each measured point.

use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::Drawn;
use super::canvas::{Mark, canvas};

/// One contestant's points.
pub struct Curve {
    /// The contestant, and how it is drawn.
    pub mark: Mark,
    /// Where and how much, in the order of where.
    pub points: Vec<(f64, f64)>,
}

/// Which axes are logarithmic. A height that is not begins at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logarithmic {
    /// None.
    Neither,
    /// The one across.
    Across,
    /// Both.
    Both,
}

/// What is written beside a plot.
pub struct Text<'t> {
    /// Above it.
    pub title: &'t str,
    /// Below it.
    pub across: &'t str,
    /// At its left.
    pub up: &'t str,
}

/// Draws the curves.
pub fn draw(path: &Path, text: &Text<'_>, logarithmic: Logarithmic, curves: &[Curve]) -> Drawn {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let (across, up) = (points().map(|point| point.0), points().map(|point| point.1));
    let left = across.clone().fold(f64::MAX, f64::min);
    let (right, top) = (across.fold(1.0, f64::max), up.clone().fold(0.0, f64::max));
    let wide = (left * 0.7..right * 1.5).log_scale();
    match logarithmic {
        Logarithmic::Neither => on_axes(path, text, 0.0..right * 1.05, 0.0..top * 1.15, curves),
        Logarithmic::Across => on_axes(path, text, wide, 0.0..top * 1.15, curves),
        Logarithmic::Both => {
            let high = (up.fold(top, f64::min) * 0.7..top * 1.5).log_scale();
            on_axes(path, text, wide, high, curves)
        }
    }
}

fn on_axes<X, Y>(path: &Path, text: &Text<'_>, width: X, height: Y, curves: &[Curve]) -> Drawn
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let (area, drawing) = canvas(path, curves.iter().map(|curve| &curve.mark))?;
    let mut chart = ChartBuilder::on(&area)
        .caption(text.title, ("sans-serif", 22))
        .margin(10)
        .x_label_area_size(45)
        .y_label_area_size(65)
        .build_cartesian_2d(width, height)?;
    let digits = usize::from(chart.y_range().end < 20.0);
    chart
        .configure_mesh()
        .max_light_lines(0)
        .x_label_formatter(&whole_number)
        .y_label_formatter(&|figure| format!("{figure:.digits$}"))
        .x_desc(text.across)
        .y_desc(text.up)
        .draw()?;
    for Curve { mark, points } in curves {
        let line = LineSeries::new(points.iter().copied(), mark.colour.stroke_width(2));
        chart.draw_series(line)?;
        let circle = |point: &(f64, f64)| Circle::new(*point, 3, mark.fill());
        chart.draw_series(points.iter().map(circle))?;
    }
    drawing.present()?;
    Ok(())
}

/// Keys, requests and threads are counted in whole numbers.
fn whole_number(place: &f64) -> String {
    if place.fract() == 0.0 {
        format!("{place:.0}")
    } else {
        String::new()
    }
}
