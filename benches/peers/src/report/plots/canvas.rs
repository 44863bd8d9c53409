//! What the plots share: size, colours, and the legend beside them.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::works::{GOVERNOR, LIMITADOR, LOG, OURS, TRYPEMA, memory};

/// Width and height of every plot, in pixels.
const SIZE: (u32, u32) = (1_040, 540);

/// Where the legend begins: it has a column of its own, so that it hides nothing.
const LEGEND: i32 = 850;

/// The contestants' colours: distinct for colour-blind readers, too (Okabe and Ito).
pub const COLOURS: [(&str, RGBColor); 6] = [
    (OURS, RGBColor(0, 114, 178)),
    (memory::NAMELESS, RGBColor(86, 180, 233)),
    (GOVERNOR, RGBColor(213, 94, 0)),
    (LIMITADOR, RGBColor(204, 121, 167)),
    (TRYPEMA, RGBColor(230, 159, 0)),
    (LOG, RGBColor(0, 158, 115)),
];

/// A contestant's colour.
pub fn colour(name: &str) -> RGBColor {
    let found = COLOURS.iter().find(|(known, _)| *known == name);
    found.map_or(RGBColor(90, 90, 90), |(_, colour)| *colour)
}

/// A part of a drawing.
pub type Area<'p> = DrawingArea<SVGBackend<'p>, Shift>;

/// A row of the legend.
pub struct Mark {
    /// What is drawn in this way.
    pub name: String,
    /// In which colour.
    pub colour: RGBColor,
    /// Whether its marks are filled; else they are outlines.
    pub filled: bool,
}

impl Mark {
    /// A contestant's, in its colour.
    pub fn of(name: &str) -> Self {
        Self {
            name: name.into(),
            colour: colour(name),
            filled: true,
        }
    }

    /// The style of its marks.
    pub fn fill(&self) -> ShapeStyle {
        if self.filled {
            self.colour.filled()
        } else {
            self.colour.stroke_width(2)
        }
    }
}

/// An empty drawing with this legend; the part that is left, and all of it, which is to
/// be presented at the end.
pub fn canvas<'p, 'm>(
    path: &'p Path,
    marks: impl IntoIterator<Item = &'m Mark>,
) -> Result<(Area<'p>, Area<'p>), Box<dyn Error>> {
    let whole = SVGBackend::new(path, SIZE).into_drawing_area();
    whole.fill(&WHITE)?;
    let (left, right) = whole.split_horizontally(LEGEND);
    for (row, mark) in marks.into_iter().enumerate() {
        legend(&right, row, mark)?;
    }
    Ok((left, whole))
}

fn legend(area: &Area<'_>, row: usize, mark: &Mark) -> Result<(), Box<dyn Error>> {
    const ROW: i32 = 22;
    let y = 60 + row as i32 * ROW;
    area.draw(&Rectangle::new([(6, y), (18, y + 12)], mark.fill()))?;
    let name = mark.name.as_str();
    area.draw(&Text::new(name, (24, y), ("sans-serif", 14)))?;
    Ok(())
}
