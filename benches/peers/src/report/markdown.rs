//! The report as Markdown: what is promised first, then every work's table.

use std::fmt::Write;

use super::plots::Plot;
use crate::admission::Admission;
use crate::claims::{Judged, Target};
use crate::histogram::{GROUP, Percentiles};
use crate::results::{Comparison, Results};
use crate::stats::Summary;
use crate::works::SETTLED;

/// The whole report.
pub fn text(results: &Results, plots: &[Plot]) -> String {
    let mut out = String::from("# Slidegate beside its peers\n\n");
    head(&mut out, results);
    claims(&mut out, results);
    for plot in plots {
        let _ = writeln!(out, "![{}](plots/{})\n", plot.title, plot.file);
    }
    for work in &results.works {
        comparison(&mut out, work);
    }
    histograms(&mut out, &results.histograms);
    if let Some(admission) = &results.admission {
        admitted(&mut out, admission);
    }
    out
}

fn head(out: &mut String, results: &Results) {
    let (machine, scale) = (&results.machine, &results.scale);
    let _ = writeln!(
        out,
        "{}, {} hardware threads. Load {:.2} before and {:.2} after, {:.0} s. {} rounds; in each, \
         every contestant ran once, and every round began with another. {} keys, {} calls a pass.\n\n\
         A figure is the median of its rounds, with the quartiles behind it and the least and the \
         largest in brackets. A ratio is the median of the ratios of each round, likewise.\n",
        machine.processor,
        machine.threads,
        machine.load_before,
        machine.load_after,
        machine.seconds,
        scale.rounds,
        scale.keys,
        scale.calls,
    );
    out.push_str(
        "governor is GCRA in a DashMap (keyed by `String`, its own clock) and not exact; limitador \
         counts fixed windows; trypema counts in buckets of 100 ms; the exact log is 64 mutexes over \
         hash tables of stamps.\n\n",
    );
    let _ = writeln!(
        out,
        "A log of Slidegate's moves to a larger plane with its key's 5th and 17th live unit. Where keys \
         are *settled*, each has got {SETTLED} units before anything is timed, with every contestant \
         (limitador's counters at once, the others' by single calls), so that a figure does not depend \
         on how many rounds went before. What growth costs is in the table *growing*.\n"
    );
}

fn claims(out: &mut String, results: &Results) {
    out.push_str("## Targets\n\n| what | target | ratio | met |\n|---|---|---|---|\n");
    for claim in results.claims() {
        let _ = writeln!(out, "{}", claim_row(claim));
    }
    out.push('\n');
}

fn claim_row(claim: &Judged) -> String {
    let target = match claim.target {
        Target::AtMost(most) => format!("at most {most:.2}"),
        Target::AtLeast(least) => format!("at least {least:.2}"),
        Target::Exactly(wanted) => format!("exactly {wanted:.2}"),
    };
    let value = claim.value.as_ref();
    let value = value.map_or("not measured".into(), |value| spread(value, 2));
    let met = match claim.met {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    format!("| {} | {target} | {value} | {met} |", claim.what)
}

fn comparison(out: &mut String, work: &Comparison) {
    let _ = writeln!(out, "## {}: {}\n", work.name, work.title);
    if let Some(why) = &work.skipped {
        let _ = writeln!(out, "Left out: {why}.\n");
        return;
    }
    let totals = work.lines.iter().any(|line| line.total_bytes.is_some());
    let (name, rule) = if totals {
        (" MiB in all |", "---|")
    } else {
        ("", "")
    };
    let _ = writeln!(
        out,
        "| contestant | {} |{name} to {} |\n|---|---|{rule}---|",
        work.unit, work.baseline
    );
    for line in &work.lines {
        let digits = if line.figure.median < 10.0 { 2 } else { 1 };
        let ratio = line.ratio.as_ref().map(|ratio| spread(ratio, 3));
        let (figure, ratio) = (spread(&line.figure, digits), ratio.unwrap_or_default());
        let total = line.total_bytes.as_ref();
        let total = total.map_or(String::new(), |total| {
            format!(" {:.2} |", mebi(total.median))
        });
        let _ = writeln!(out, "| {} | {figure} |{total} {ratio} |", line.name);
    }
    out.push('\n');
    for line in work.lines.iter().filter(|line| line.thinning > 1) {
        let (name, thinning) = (&line.name, line.thinning);
        let _ = writeln!(
            out,
            "{name} is so slow that it makes one of {thinning} of the timed calls; where each is a \
             fresh key's, it has one of {thinning} of the keys.\n"
        );
    }
}

fn mebi(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

fn spread(summary: &Summary, digits: usize) -> String {
    let Summary {
        median,
        min,
        lower,
        upper,
        max,
    } = summary;
    format!("{median:.digits$} {lower:.digits$}–{upper:.digits$} [{min:.digits$}–{max:.digits$}]")
}

fn histograms(out: &mut String, histograms: &[Percentiles]) {
    let Some(first) = histograms.first() else {
        return;
    };
    let _ = writeln!(
        out,
        "## Tails, in ns a call\n\nGroups of {GROUP} calls are timed, less the median cost of reading \
         the clock, and divided by {GROUP}: one slow call shows with an eighth of its length. Keys are \
         settled; every round has calls of its own and begins with another contestant.\n"
    );
    let (mut names, mut rule) = (String::new(), String::new());
    for (percentile, _) in &first.points {
        let _ = write!(names, " p{percentile} |");
        rule.push_str("---|");
    }
    let _ = writeln!(out, "| keys | contestant |{names}\n|---|---|{rule}");
    for Percentiles { keys, name, points } in histograms {
        let points = points.iter().map(|(_, ns)| format!(" {ns:.1} |"));
        let _ = writeln!(out, "| {keys} | {name} |{}", points.collect::<String>());
    }
    out.push('\n');
}

fn admitted(out: &mut String, admission: &Admission) {
    out.push_str(
        "## Admission against an ideal log\n\n\
         *Worst window* is the most admitted in any window, as a multiple of the limit; *admitted* is \
         all that was admitted, as a share of what an ideal log admits; *refused with room* counts \
         refusals although the contestant had admitted less than the limit in the window before. limitador and trypema have no \
         injectable clock and ran in real time, with windows of a second.\n\n\
         | pattern | contestant | time | requests | worst window | admitted | refused with room |\n|---|---|---|---|---|---|---|\n",
    );
    for row in &admission.rows {
        let time = if row.simulated { "simulated" } else { "real" };
        let (pattern, name, requests) = (row.pattern, row.name, row.requests);
        let (over, under, refused) = (row.over, row.under, row.refused_with_room);
        let _ = writeln!(
            out,
            "| {pattern} | {name} | {time} | {requests} | {over:.3} | {under:.3} | {refused} |"
        );
    }
    let race = &admission.race;
    let _ = writeln!(
        out,
        "\nTwo threads on one fresh key of Slidegate, in real time: of {} requests {} were admitted; \
         the worst window held {:.3} limits for sure, {:.3} by the instants after the calls (which a call's \
         length and the tick of a microsecond shift); {:.3} of what the windows had room for was \
         admitted.",
        race.requests, race.admitted, race.over_surely, race.over_as_seen, race.under
    );
}
