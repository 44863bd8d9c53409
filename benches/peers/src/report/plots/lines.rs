//! Curves with a mark at each measured point.

use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::Drawn;
use super::canvas::{canvas, colour};

/// One contestant's points.
pub struct Curve {
    /// The contestant.
    pub name: &'static str,
    /// Where and how much, in the order of where.
    pub points: Vec<(f64, f64)>,
}

/// Draws the curves; `labels` are those of the axes. The height begins at 0.
pub fn draw(
    path: &Path,
    title: &str,
    labels: (&str, &str),
    logarithmic: bool,
    curves: &[Curve],
) -> Drawn {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let right = points().map(|point| point.0).fold(1.0, f64::max);
    let top = points().map(|point| point.1).fold(0.0, f64::max) * 1.15;
    if logarithmic {
        let width = (0.7..right * 1.5).log_scale();
        on_axes(path, title, labels, width, top, curves)
    } else {
        on_axes(path, title, labels, 0.0..right * 1.05, top, curves)
    }
}

fn on_axes<X>(
    path: &Path,
    title: &str,
    (across, up): (&str, &str),
    width: X,
    top: f64,
    curves: &[Curve],
) -> Drawn
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let digits = usize::from(top < 20.0);
    let names: Vec<&str> = curves.iter().map(|curve| curve.name).collect();
    let (area, drawing) = canvas(path, &names)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 22))
        .margin(10)
        .x_label_area_size(45)
        .y_label_area_size(65)
        .build_cartesian_2d(width, 0.0..top)?;
    chart
        .configure_mesh()
        .max_light_lines(0)
        .x_label_formatter(&whole_number)
        .y_label_formatter(&|figure| format!("{figure:.digits$}"))
        .x_desc(across)
        .y_desc(up)
        .draw()?;
    for Curve { name, points } in curves {
        let stroke = colour(name).stroke_width(2);
        let fill = colour(name).filled();
        let line = LineSeries::new(points.iter().copied(), stroke);
        chart.draw_series(line)?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, fill)))?;
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
