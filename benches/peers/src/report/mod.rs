//! The files of a run: report.md, results.json, plots/*.svg.

mod markdown;
mod plots;

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::results::Results;

/// Writes all files into this folder, which is made.
pub fn write(results: &Results, out: &Path) -> Result<(), Box<dyn Error>> {
    let plots = out.join("plots");
    fs::create_dir_all(&plots)?;
    fs::write(
        out.join("results.json"),
        serde_json::to_vec_pretty(results)?,
    )?;
    let drawn = plots::draw(results, &plots)?;
    fs::write(out.join("report.md"), markdown::text(results, &drawn))?;
    Ok(())
}
