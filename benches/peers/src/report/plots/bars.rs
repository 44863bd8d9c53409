//! Bars in groups, on a logarithmic axis: a contestant that takes fifty times as long
//! would leave nothing of the others on a linear one. The figure stands over each bar.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Drawn;
use super::canvas::{Mark, canvas};

/// Bars that stand together.
pub struct Group {
    /// What is written under them.
    pub name: String,
    /// Contestants and figures.
    pub bars: Vec<(&'static str, f64)>,
}

/// Where a bar stands. Group n is 1 wide around n, so that its name can stand at n.
struct Bar {
    name: &'static str,
    left: f64,
    right: f64,
    height: f64,
}

/// Draws the groups side by side.
pub fn draw(path: &Path, title: &str, unit: &str, groups: &[Group]) -> Drawn {
    let bars = placed(groups);
    let heights = bars.iter().map(|bar| bar.height);
    let top = heights.clone().fold(1.0, f64::max) * 2.0;
    let floor = heights.fold(top, f64::min) / 2.0;
    let marks = marks(&bars);
    let (area, drawing) = canvas(path, &marks)?;
    let width = -0.5..groups.len() as f64 - 0.5;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 22))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(width, (floor..top).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(groups.len())
        .x_label_formatter(&|place| name_at(groups, *place))
        .y_label_formatter(&|figure| format!("{figure:.0}"))
        .y_desc(format!("{unit} (logarithmic)"))
        .draw()?;
    let above = Pos::new(HPos::Center, VPos::Bottom);
    let small = ("sans-serif", 11).into_font().color(&BLACK).pos(above);
    for mark in &marks {
        let (fill, of_name) = (mark.fill(), bars.iter().filter(|bar| bar.name == mark.name));
        let shape = |bar: &Bar| Rectangle::new([(bar.left, floor), (bar.right, bar.height)], fill);
        chart.draw_series(of_name.clone().map(shape))?;
        chart.draw_series(of_name.map(|bar| {
            let top = ((bar.left + bar.right) / 2.0, bar.height * 1.03);
            Text::new(format!("{:.0}", bar.height), top, small.clone())
        }))?;
    }
    drawing.present()?;
    Ok(())
}

fn placed(groups: &[Group]) -> Vec<Bar> {
    /// Of a group's width, the rest keeps groups apart.
    const USED: f64 = 0.86;
    let place = |(group, Group { bars, .. }): (usize, &Group)| {
        let width = USED / bars.len() as f64;
        let first = group as f64 - USED / 2.0;
        let bars = bars.iter().enumerate().map(move |(n, (name, height))| Bar {
            name,
            left: first + n as f64 * width,
            right: first + (n + 1) as f64 * width,
            height: *height,
        });
        bars.collect::<Vec<_>>()
    };
    groups.iter().enumerate().flat_map(place).collect()
}

/// The contestants, each once, in their order.
fn marks(bars: &[Bar]) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for bar in bars {
        if marks.iter().all(|mark| mark.name != bar.name) {
            marks.push(Mark::of(bar.name));
        }
    }
    marks
}

/// A group's name at its middle, and nothing between groups.
fn name_at(groups: &[Group], place: f64) -> String {
    let nearest = place.round();
    let group = groups.get(nearest as usize);
    let here = (place - nearest).abs() < 0.01 && nearest >= 0.0;
    group
        .filter(|_| here)
        .map_or(String::new(), |group| group.name.clone())
}
