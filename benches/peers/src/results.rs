//! What a run gave: everything that the report, the plots and the JSON file show.

use serde::Serialize;

use crate::admission::Admission;
use crate::claims::{Judged, divided, rounds_of};
use crate::histogram::Percentiles;
use crate::machine::Machine;
use crate::rounds::Figures;
use crate::scale::Scale;
use crate::stats::Summary;
use crate::works::Work;

/// Everything.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Where it ran.
    pub machine: Machine,
    /// Its sizes.
    pub scale: Scale,
    /// One for each work that ran.
    pub works: Vec<Comparison>,
    /// Percentiles, if they were asked for.
    pub histograms: Vec<Percentiles>,
    /// What was admitted, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
}

impl Results {
    /// Every promise: those of the works, and of what is admitted.
    pub fn claims(&self) -> impl Iterator<Item = &Judged> {
        let works = self.works.iter().flat_map(|work| &work.claims);
        let admission = self.admission.iter().flat_map(|of| &of.claims);
        works.chain(admission)
    }
}

/// One work's figures.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The work.
    pub name: String,
    /// What it does.
    pub title: String,
    /// What the figures are.
    pub unit: &'static str,
    /// The line that the others are divided by.
    pub baseline: &'static str,
    /// Why it did not run, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// A line for each contestant.
    pub lines: Vec<Line>,
    /// What the project promises.
    pub claims: Vec<Judged>,
}

/// One contestant's figures in one work.
#[derive(Debug, Serialize)]
pub struct Line {
    /// The contestant, and how it was called.
    pub name: String,
    /// Of so many calls one was made, because the contestant is slow.
    pub thinning: usize,
    /// One figure for each round.
    pub rounds: Vec<f64>,
    /// Their median and spread.
    pub figure: Summary,
    /// What all keys take together, in bytes, where that is of interest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<Summary>,
    /// Median and spread of the quotients by the baseline's figure of the same round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Summary>,
}

impl Comparison {
    /// Of a work that ran.
    pub fn of(work: &Work, figures: &[Figures]) -> Self {
        let baseline = rounds_of(figures, work.baseline);
        let total = |rounds: &[f64]| {
            let keys = work.unit.keys()? as f64;
            let bytes: Vec<f64> = rounds.iter().map(|a_key| a_key * keys).collect();
            Summary::of(&bytes)
        };
        let line = |figures: &Figures| {
            let quotients = baseline.map(|baseline| divided(&figures.rounds, baseline));
            Some(Line {
                name: figures.name.clone(),
                thinning: figures.thinning,
                figure: Summary::of(&figures.rounds)?,
                total_bytes: total(&figures.rounds),
                rounds: figures.rounds.clone(),
                ratio: quotients.and_then(|quotients| Summary::of(&quotients)),
            })
        };
        Self {
            lines: figures.iter().filter_map(line).collect(),
            claims: work
                .claims
                .iter()
                .map(|claim| claim.judge(figures))
                .collect(),
            ..Self::skipped(work, None)
        }
    }

    /// Of a work that did not.
    pub fn skipped(work: &Work, skipped: Option<String>) -> Self {
        Self {
            name: work.name.clone(),
            title: work.title.clone(),
            unit: work.unit.text(),
            baseline: work.baseline,
            skipped,
            lines: Vec::new(),
            claims: work.claims.iter().map(|claim| claim.judge(&[])).collect(),
        }
    }

    /// A contestant's median.
    pub fn median(&self, name: &str) -> Option<f64> {
        let line = self.lines.iter().find(|line| line.name == name)?;
        Some(line.figure.median)
    }
}
