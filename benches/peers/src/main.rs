//! `make bench`: Slidegate beside other in-process rate limiters.
//!
//! A *work* is what is measured, a *contestant* who does it, a *claim* what the project
//! promises of it. Arrows point one way: `main → {works, histogram, admission} →
//! contestants → calls`, and `report` knows results alone.

mod admission;
mod args;
mod calls;
mod claims;
mod contestants;
mod histogram;
mod machine;
mod progress;
mod report;
mod results;
mod rounds;
mod scale;
mod stats;
mod works;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use args::Args;
use machine::Machine;
use progress::Progress;
use results::{Comparison, Results};
use works::{Setup, Work};

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(work) = &args.measure {
        return measure(work, &args);
    }
    let results = match run(&args) {
        Ok(results) => results,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    match report::write(&results, &args.out) {
        Ok(()) => {
            eprintln!("written to {}", args.out.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", args.out.display());
            ExitCode::FAILURE
        }
    }
}

fn measure(work: &str, args: &Args) -> ExitCode {
    match works::resident::answer(work, &args.contestant, &args.sizes) {
        Some(figures) => {
            figures.iter().for_each(|figure| println!("{figure}"));
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("{}: no such contestant or sizes in {work}", args.contestant);
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<Results, String> {
    let (begun, load_before) = (Instant::now(), machine::load());
    // Before anything is measured: what is missing is missed at the end else.
    if let (true, Some(path)) = (args.wants(works::CAPI), &args.capi) {
        contestants::capi::Api::open(path)?;
    }
    let setup = Setup {
        scale: args.scale(),
        capi: args.capi.clone(),
    };
    let mut works = works::all(&setup.scale);
    let names = works.iter().map(|work| work.name.as_str());
    if let Some(name) = args.unknown(names.chain([histogram::NAME, admission::NAME])) {
        return Err(format!("--only {name}: there is no such work; see --help"));
    }
    works.retain(|work| args.wants(&work.name));
    let (tails, admission) = (args.wants(histogram::NAME), args.wants(admission::NAME));
    let steps = works.len() + 2 * usize::from(tails) + admission::STEPS * usize::from(admission);
    let mut progress = Progress::new(steps);

    let works = works
        .iter()
        .map(|work| compared(work, &setup, &mut progress));
    let works = works.collect();
    let histograms = tails.then(|| histogram::run(&setup, &mut progress));
    let admission = admission.then(|| admission::run(&setup, &mut progress));
    Ok(Results {
        machine: Machine {
            processor: machine::processor(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            load_before,
            load_after: machine::load(),
            seconds: begun.elapsed().as_secs_f64(),
        },
        scale: setup.scale,
        works,
        histograms: histograms.unwrap_or_default(),
        admission,
    })
}

fn compared(work: &Work, setup: &Setup, progress: &mut Progress) -> Comparison {
    progress.preparing(&work.name);
    let rounds = setup.scale.rounds.min(work.most_rounds);
    let figures = (work.entries)(setup)
        .and_then(|mut entries| rounds::interleaved(&work.name, &mut entries, rounds, progress));
    let comparison = match figures {
        Ok(figures) => Comparison::of(work, &figures),
        Err(why) => {
            eprintln!("{}: left out: {why}", work.name);
            Comparison::skipped(work, Some(why))
        }
    };
    progress.step();
    comparison
}
