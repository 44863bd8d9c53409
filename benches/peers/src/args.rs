//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::scale::Scale;

/// Slidegate beside other in-process rate limiters, measured round by round.
#[derive(Debug, Parser)]
#[command(name = "slidegate-peers")]
pub struct Args {
    /// Rounds of each work, at least 5 for a figure that is published.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: Option<u32>,
    /// Smaller sizes: a look in some minutes and 2 GB of memory, instead of half an hour
    /// and 13 GB.
    #[arg(long)]
    pub quick: bool,
    /// Tiny sizes: whether everything runs. The figures mean nothing.
    #[arg(long, conflicts_with = "quick")]
    pub smoke: bool,
    /// Run these works alone: hot, uniform, zipf, fresh, growing, windows, threads,
    /// memory, present, flood, routes, swaps, capi, keys, histogram, admission.
    /// "threads" is all of threads-hot, threads-uniform, threads-zipf and
    /// threads-distinct.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// The folder for report.md, results.json and plots/.
    #[arg(long, default_value = "build/peers")]
    pub out: PathBuf,
    /// libslidegate.so, for the works with the C interface.
    #[arg(long)]
    pub capi: Option<PathBuf>,
    /// Measures one contestant's memory in this process, as this work does; for
    /// children of a run.
    #[arg(long, hide = true, requires_all = ["contestant", "sizes"])]
    pub measure: Option<String>,
    /// The contestant.
    #[arg(long, hide = true, default_value = "")]
    pub contestant: String,
    /// The sizes that the work wants.
    #[arg(long, hide = true, value_delimiter = ',')]
    pub sizes: Vec<usize>,
}

impl Args {
    /// The sizes that were asked for.
    pub fn scale(&self) -> Scale {
        let scale = match (self.quick, self.smoke) {
            (true, _) => Scale::QUICK,
            (_, true) => Scale::SMOKE,
            _ => Scale::FULL,
        };
        let rounds = self.rounds.map_or(scale.rounds, |rounds| rounds as usize);
        Scale { rounds, ..scale }
    }

    /// Whether this work is to run: it or its family was named, or nothing was.
    pub fn wants(&self, work: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| is_or_has(only, work))
    }

    /// A name that is none of these works' or their families'.
    pub fn unknown<'a>(&self, works: impl Iterator<Item = &'a str> + Clone) -> Option<&str> {
        let known = |only: &&String| works.clone().any(|work| is_or_has(only, work));
        self.only
            .iter()
            .find(|only| !known(only))
            .map(String::as_str)
    }
}

/// Whether a name is a work's or its family's.
fn is_or_has(only: &str, work: &str) -> bool {
    only == work || work.split('-').next() == Some(only)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::{admission, histogram, works};

    #[test]
    fn the_help_names_every_work_or_its_family() {
        let command = Args::command();
        let only = command.get_arguments().find(|arg| arg.get_id() == "only");
        let help = only.and_then(|only| only.get_help()).unwrap().to_string();
        let (_, listed) = help.split_once(": ").unwrap();
        let listed: Vec<&str> = listed.split(['.', ',']).map(str::trim).collect();
        let works = works::all(&Scale::SMOKE).into_iter().map(|work| work.name);
        for name in works.chain([histogram::NAME.into(), admission::NAME.into()]) {
            assert!(
                listed.iter().any(|listed| is_or_has(listed, &name)),
                "{name}"
            );
        }
    }
}
