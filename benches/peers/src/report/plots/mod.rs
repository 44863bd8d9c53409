//! The plots, each an SVG file. A plot whose figures were not measured is left out.

mod bars;
mod canvas;
mod lines;

use std::error::Error;
use std::path::Path;

use crate::results::{Comparison, Results};
use crate::works::threads::{THREADS, line};
use crate::works::{GOVERNOR, LIMITADOR, LOG, OURS, SWEEP, TRYPEMA, memory};
use bars::Group;
use canvas::COLOURS;
use lines::Curve;

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
    let mut plots = Vec::new();
    let mut plot = |name: &str, title: &str, draw: &dyn Fn(&Path, &str) -> Drawn| {
        let file = format!("{name}.svg");
        draw(&folder.join(&file), title)?;
        let title = title.into();
        plots.push(Plot { title, file });
        Ok::<(), Box<dyn Error>>(())
    };
    let groups = latencies(results);
    if !groups.is_empty() {
        plot("latency-by-work", "One call, by work", &|path, title| {
            bars::draw(path, title, "ns a call", &groups)
        })?;
    }
    let curves = by_number(results, SWEEP);
    if !curves.is_empty() {
        plot(
            "latency-by-keys",
            "One call, by number of keys",
            &|path, title| lines::draw(path, title, ("keys", "ns a call"), true, &curves),
        )?;
    }
    let curves = by_number(results, memory::NAME);
    if !curves.is_empty() {
        plot(
            "memory",
            "Memory, by live requests of a key",
            &|path, title| {
                lines::draw(
                    path,
                    title,
                    ("live requests", "bytes a key"),
                    false,
                    &curves,
                )
            },
        )?;
    }
    for work in threaded(results) {
        let (curves, title) = (by_threads(work), format!("Throughput, {}", work.name));
        plot(&work.name, &title, &|path, title| {
            lines::draw(path, title, ("threads", work.unit), false, &curves)
        })?;
    }
    for keys in ["hot", "uniform"] {
        let groups = tails(results, keys);
        if !groups.is_empty() {
            plot(
                &format!("tails-{keys}"),
                &format!("Percentiles, {keys} keys"),
                &|path, title| bars::draw(path, title, "ns a call", &groups),
            )?;
        }
    }
    Ok(plots)
}

/// The works of one thread in which all contestants are compared.
fn latencies(results: &Results) -> Vec<Group> {
    let works = ["hot", "uniform", "zipf", "fresh", "windows"];
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
            name,
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
            name,
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
