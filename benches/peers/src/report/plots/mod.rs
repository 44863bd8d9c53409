//! The plots, each an SVG file. A plot whose figures were not measured is left out.

mod bars;
mod canvas;
mod lines;
mod present;

use std::error::Error;
use std::path::{Path, PathBuf};

use crate::results::{Comparison, Results};
use crate::works::threads::{THREADS, line};
use crate::works::{GOVERNOR, LIMITADOR, LOG, OURS, SWEEP, TRYPEMA, memory};
use bars::Group;
use canvas::{COLOURS, Mark};
use lines::{Curve, Logarithmic, Text};

/// A file that was drawn.
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// Its name in the folder of the plots.
    pub file: String,
}

type Drawn = Result<(), Box<dyn Error>>;

/// Draws everything that was measured into this folder.
pub fn draw(results: &Results, folder: &Path) -> Result<Vec<Plot>, Box<dyn Error>> {
    let plots = Vec::new();
    let mut plots = Plots { folder, plots };
    plots.latencies(results)?;
    plots.memory(results)?;
    for work in threaded(results) {
        let title = format!("Throughput, {}", work.name);
        let (across, up) = ("threads", work.unit);
        let text = Text {
            title: &title,
            across,
            up,
        };
        plots.lines(&work.name, &text, Logarithmic::Neither, &by_threads(work))?;
    }
    for keys in ["hot", "uniform"] {
        let (name, title) = (format!("tails-{keys}"), format!("Percentiles, {keys} keys"));
        plots.bars(&name, &title, &tails(results, keys))?;
    }
    Ok(plots.plots)
}

/// The plots that were drawn, and where.
struct Plots<'f> {
    folder: &'f Path,
    plots: Vec<Plot>,
}

impl Plots<'_> {
    fn latencies(&mut self, results: &Results) -> Drawn {
        self.bars("latency-by-work", "One call, by work", &latencies(results))?;
        let text = Text {
            title: "One call, by number of keys (settled up to a million)",
            across: "keys",
            up: "ns a call",
        };
        let curves = by_number(results, SWEEP);
        self.lines("latency-by-keys", &text, Logarithmic::Across, &curves)
    }

    fn memory(&mut self, results: &Results) -> Drawn {
        let text = Text {
            title: "Memory, by live requests of a key",
            across: "live requests",
            up: "bytes a key",
        };
        let curves = by_number(results, memory::NAME);
        self.lines("memory", &text, Logarithmic::Neither, &curves)?;
        let text = Text {
            title: "Memory, 1 live request a key, by keys present; numbers are max_keys",
            across: "keys present (logarithmic)",
            up: "resident bytes a key (logarithmic)",
        };
        let curves = present::curves(results);
        self.lines("memory-by-keys", &text, Logarithmic::Both, &curves)
    }

    /// Groups of bars, if there are any, as nanoseconds a call.
    fn bars(&mut self, name: &str, title: &str, groups: &[Group]) -> Drawn {
        if groups.is_empty() {
            return Ok(());
        }
        let path = self.file(name, title);
        bars::draw(&path, title, "ns a call", groups)
    }

    /// Curves, if there are any.
    fn lines(
        &mut self,
        name: &str,
        text: &Text<'_>,
        logarithmic: Logarithmic,
        curves: &[Curve],
    ) -> Drawn {
        if curves.is_empty() {
            return Ok(());
        }
        let path = self.file(name, text.title);
        lines::draw(&path, text, logarithmic, curves)
    }

    /// The path of another file.
    fn file(&mut self, name: &str, title: &str) -> PathBuf {
        let (title, file) = (title.into(), format!("{name}.svg"));
        let path = self.folder.join(&file);
        self.plots.push(Plot { title, file });
        path
    }
}

/// The works of one thread in which all contestants are compared.
fn latencies(results: &Results) -> Vec<Group> {
    let works = ["hot", "uniform", "zipf", "fresh", "growing", "windows"];
    let compared = results.works.iter();
    let compared = compared.filter(|work| works.contains(&work.name.as_str()));
    let group = |work: &Comparison| Group {
        name: work.name.clone(),
        bars: medians(work, &[OURS, GOVERNOR, LIMITADOR, TRYPEMA, LOG]),
    };
    compared.map(group).collect()
}

fn medians(work: &Comparison, names: &[&'static str]) -> Vec<(&'static str, f64)> {
    let median = |name: &&'static str| Some((*name, work.median(name)?));
    names.iter().filter_map(median).collect()
}

/// A curve for each contestant over works named `family-NUMBER`.
fn by_number(results: &Results, family: &str) -> Vec<Curve> {
    let number = |work: &Comparison| {
        work.name
            .strip_prefix(family)?
            .strip_prefix('-')?
            .parse()
            .ok()
    };
    let names = COLOURS.iter().map(|(name, _)| *name);
    let curve = |name: &'static str| {
        let point = |work: &Comparison| Some((number(work)?, work.median(name)?));
        Curve {
            mark: Mark::of(name),
            points: results.works.iter().filter_map(point).collect(),
        }
    };
    let curves = names.map(curve);
    curves.filter(|curve| !curve.points.is_empty()).collect()
}

fn threaded(results: &Results) -> impl Iterator<Item = &Comparison> {
    let works = results.works.iter();
    works.filter(|work| work.name.starts_with("threads-") && !work.lines.is_empty())
}

fn by_threads(work: &Comparison) -> Vec<Curve> {
    let curve = |name: &'static str| {
        let point = |threads| Some((threads as f64, work.median(&line(name, threads))?));
        Curve {
            mark: Mark::of(name),
            points: THREADS.into_iter().filter_map(point).collect(),
        }
    };
    [OURS, GOVERNOR, LOG].map(curve).into()
}

/// p50, p99 and p99.9 of each contestant.
fn tails(results: &Results, keys: &str) -> Vec<Group> {
    let histograms = results.histograms.iter();
    let histograms: Vec<_> = histograms
        .filter(|histogram| histogram.keys == keys)
        .collect();
    if histograms.is_empty() {
        return Vec::new();
    }
    let group = |percentile: f64| {
        let bars = histograms.iter().filter_map(|histogram| {
            let point = histogram
                .points
                .iter()
                .find(|point| point.0 == percentile)?;
            Some((histogram.name, point.1))
        });
        Group {
            name: format!("p{percentile}"),
            bars: bars.collect(),
        }
    };
    [50.0, 99.0, 99.9].map(group).into()
}
