//! `cargo run -p slidegate-headers` writes `include/slidegate.h` from the exports
//! in `ffi-c/src`; with `-- --check` it only compares, shows the first difference
//! and exits with 1.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

/// In the order in which a reader meets them.
const SOURCES: [&str; 10] = [
    "abi", "policy", "limiter", "check", "receipt", "batch", "key", "windows", "describe", "clock",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => write(),
        ["--check"] => check(),
        _ => Err("usage: slidegate-headers [--check]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("slidegate-headers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), Box<dyn Error>> {
    let (path, header) = (committed_path(), generate()?);
    std::fs::write(&path, header).map_err(|e| format!("{}: {e}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

fn check() -> Result<(), Box<dyn Error>> {
    let (path, expected) = (committed_path(), generate()?);
    let committed =
        std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    if let Some((line, found, wanted)) = first_difference(&committed, &expected) {
        let path = path.display();
        return Err(format!(
            "{path}:{line} differs from ffi-c/src; run `cargo run -p slidegate-headers`\n\
             committed: {found}\nexpected:  {wanted}"
        )
        .into());
    }
    println!("{} is up to date", path.display());
    Ok(())
}

/// The number and both texts of the first line that differs.
fn first_difference(committed: &str, expected: &str) -> Option<(usize, String, String)> {
    if committed == expected {
        return None;
    }
    // split, not lines: a missing newline at the end is a difference too.
    let (mut committed, mut expected) = (committed.split('\n'), expected.split('\n'));
    let mut number = 0;
    loop {
        number += 1;
        let (found, wanted) = (committed.next(), expected.next());
        if found != wanted {
            let shown = |line: Option<&str>| line.unwrap_or("(nothing)").to_owned();
            return Some((number, shown(found), shown(wanted)));
        }
    }
}

fn generate() -> Result<String, Box<dyn Error>> {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(room.join("cbindgen.toml"))?;
    let sources = room.join("../src");
    let builder = SOURCES
        .iter()
        .fold(cbindgen::Builder::new(), |builder, name| {
            builder.with_src(sources.join(name).with_extension("rs"))
        });
    let mut header = Vec::new();
    builder.with_config(config).generate()?.write(&mut header);
    Ok(String::from_utf8(header)?)
}

fn committed_path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include/slidegate.h")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_found() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        let (line, found, wanted) = first_difference("a\nb\n", "a\nc\n").unwrap();
        assert_eq!((line, &*found, &*wanted), (2, "b", "c"));
        let (line, _, wanted) = first_difference("a\nb", "a\nb\n").unwrap();
        assert_eq!((line, &*wanted), (3, ""));
    }
}
