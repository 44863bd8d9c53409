//! The curves of memory by keys present: one for each `max_keys`, with names and
//! without, and one for each peer.

use plotters::prelude::RGBColor;

use super::canvas::Mark;
use super::lines::Curve;
use crate::results::{Comparison, Results};
use crate::works::memory::NAMELESS;
use crate::works::present::{NAME, line};
use crate::works::{GOVERNOR, LOG, OURS};

/// For one `max_keys` after the other: no contestant here has them otherwise, and they
/// differ in lightness.
const COLOURS: [RGBColor; 3] = [
    RGBColor(0, 114, 178),
    RGBColor(86, 180, 233),
    RGBColor(60, 60, 60),
];

/// All curves that have points.
pub fn curves(results: &Results) -> Vec<Curve> {
    let curve = |mark: Mark, line: &str| {
        let point = |work: &Comparison| Some((keys(work)?, work.median(line)?));
        let points = results.works.iter().filter_map(point).collect();
        Curve { mark, points }
    };
    let colours = COLOURS.iter().cycle();
    let sized = results.scale.max_keys.iter().zip(colours);
    let ours = sized.flat_map(|(max_keys, colour)| {
        let named = [
            ("slidegate", OURS, true),
            ("names not kept", NAMELESS, false),
        ];
        named.map(|(short, name, filled)| {
            let mark = Mark {
                name: format!("{short}, {max_keys}"),
                colour: *colour,
                filled,
            };
            curve(mark, &line(name, *max_keys))
        })
    });
    let peers = [GOVERNOR, LOG].map(|name| curve(Mark::of(name), name));
    let curves = ours.chain(peers);
    curves.filter(|curve| !curve.points.is_empty()).collect()
}

fn keys(work: &Comparison) -> Option<f64> {
    let keys = work.name.strip_prefix(NAME)?.strip_prefix('-')?;
    keys.parse().ok()
}
